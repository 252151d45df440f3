"""The viewer of a dataset: one HTML page with a sample, to leaf through in any browser.

Texts of a dataset are untrusted. They go into the page as JSON in which no "<" is left, and the page's script
puts them on the screen as text, never as HTML; a content security policy allows that one script and nothing else.
"""

import base64
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TypedDict, cast
from urllib.parse import quote

import polars as pl

from chai_assets.core.word_diff import word_changes
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.select.canonical_rows import CanonicalRow, FindingRow
from chai_assets.datasets.write.new_folder import check_results_folder, disk_errors
from chai_resources.media_store import MediaStore

_PAGE = Path(__file__).with_name("viewer_page")
_TEXTS = ("draft", "critique", "final", "instruction")
_SHOWN = {*_TEXTS, "id", "aspect", "rating", "split", "video", "findings", "review", "human_edited"}


class PageFinding(TypedDict):
    """A finding on the page; `placed`: whether its quoted words stand in the draft where it says."""

    kind: str
    quote: str
    fix: str
    placed: bool


class PageEntry(TypedDict):
    """A triple as the page's script reads it."""

    id: str
    aspect: str
    rating: int
    split: str
    review: str
    edited: bool
    instruction: str
    draft: list[tuple[str, list[int]]]
    findings: list[PageFinding]
    critique: str
    changes: list[list[str]]
    final: str
    more: dict[str, object]


def write_viewer(dataset: PublishedDataset, folder: Path, size: int, media: str) -> int:
    """Writes index.html into `folder` and returns how many triples it shows.

    Raises DatasetNotFound, FolderTaken, NoRoom, NotWritten.

    `media` is the root of the media store: a folder, or an http(s):// address that serves it.
    """
    check_results_folder(folder)
    with dataset.rows() as rows:
        keys = rows.select("id", "aspect", "rating").collect()
        wanted = stratified_sample(keys, dataset.id, size)
        sampled = rows.filter(pl.col("id").is_in(wanted)).collect().to_dicts()
    found = {row["id"]: row for row in cast(list[CanonicalRow], sampled)}
    triples = [
        {**page_entry(found[triple]), **clip_address(found[triple]["video"], media, folder)} for triple in wanted
    ]
    about = {"id": dataset.id, "spec": dataset.manifest.get("spec_version"), "triples": keys.height}
    page = render_page({"dataset": about, "triples": triples}).encode()
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        MediaStore(root=str(folder)).put_bytes("index.html", page)
    return len(triples)


def stratified_sample(keys: pl.DataFrame, seed: str, size: int) -> list[str]:
    """Ids of `size` rows, as equal a share of each (aspect, rating) as there are; the seed alone decides which.

    `keys` has the columns id, aspect and rating. They come in the order to leaf through: by aspect, then rating.
    """
    strata: dict[tuple[str, int], list[str]] = defaultdict(list)
    for triple, aspect, rating in keys.iter_rows():
        strata[aspect, rating].append(triple)
    left = min(size, keys.height)
    shares = dict.fromkeys(strata, 0)
    # The smallest first: what they cannot fill goes to the others.
    for number, stratum in enumerate(sorted(strata, key=lambda key: (len(strata[key]), key))):
        shares[stratum] = min(len(strata[stratum]), left // (len(strata) - number))
        left -= shares[stratum]
    chosen = []
    for stratum in sorted(strata):
        chosen += sorted(strata[stratum], key=lambda triple: _draw(seed, triple))[: shares[stratum]]
    return chosen


def page_entry(row: CanonicalRow) -> PageEntry:
    """What the page shows of a triple; offsets are resolved here, where characters are code points.

    Datasets of earlier versions lack some columns.
    """
    draft, final, findings = row["draft"], row["final"], row["findings"] or []
    placed = [number for number, finding in enumerate(findings) if quotes_draft(finding, draft)]
    return {
        "id": row["id"],
        "aspect": row["aspect"],
        "rating": row["rating"],
        "split": row["split"],
        "review": row.get("review") or "",
        "edited": bool(row.get("human_edited")),
        "instruction": row.get("instruction") or "",
        "draft": cut_at_findings(draft, [findings[number] for number in placed], placed),
        "findings": [
            {"kind": f["kind"], "quote": f["quote"], "fix": f["fix"], "placed": number in placed}
            for number, f in enumerate(findings)
        ],
        "critique": row["critique"] or "",
        "changes": [list(change) for change in word_changes(draft, final)] if draft != final else [],
        "final": final,
        "more": {name: value for name, value in row.items() if name not in _SHOWN and value is not None},
    }


def quotes_draft(finding: FindingRow, draft: str) -> bool:
    """Whether the draft has the quoted words at the finding's offsets; a finding of something missing has none."""
    start, end = finding["start"], finding["end"]
    return start is not None and end is not None and 0 <= start < end and draft[start:end] == finding["quote"]


def cut_at_findings(draft: str, findings: Iterable[FindingRow], numbers: Iterable[int]) -> list[tuple[str, list[int]]]:
    """The draft cut where a finding begins or ends, each piece with the numbers of the findings that cover it."""
    spans = [
        (start, end, number)
        for finding, number in zip(findings, numbers, strict=True)
        if (start := finding["start"]) is not None and (end := finding["end"]) is not None
    ]
    cuts = sorted({0, len(draft), *(at for start, end, _ in spans for at in (start, end))})
    return [
        (draft[low:high], [number for start, end, number in spans if start <= low and high <= end])
        for low, high in pairwise(cuts)
    ]


def clip_address(key: str, media: str, folder: Path) -> dict[str, str]:
    """Where the page finds a clip: `src`, empty if it is not there, and `expected`, where it should be."""
    expected = f"{media.rstrip('/')}/{key}"
    if media.startswith(("http://", "https://")):
        return {"src": f"{media.rstrip('/')}/{quote(key)}", "expected": expected}
    path = Path(media, key)
    if media.startswith("s3://") or not path.is_file():
        return {"src": "", "expected": expected}
    # Relative, so that pages and clips can be moved or mounted together.
    return {"src": quote(os.path.relpath(path.resolve(), folder.resolve())), "expected": expected}


def render_page(data: Mapping[str, object]) -> str:
    """index.html with this data in it."""
    shell, style, code = ((_PAGE / f"viewer.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    # "<" could end the element, "&" and line separators are escaped for whoever reads the page as something else.
    text = json.dumps(data, ensure_ascii=False, default=str)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    filled = {"style_hash": _hash(style), "script_hash": _hash(code), "style": style, "script": code, "data": text}
    for name, value in filled.items():
        # Data is last: what a caption says is never taken for a slot.
        shell = shell.replace(f"{{{{{name}}}}}", value)
    return shell


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _draw(seed: str, triple: str) -> bytes:
    return hashlib.sha256(f"{seed}:{triple}".encode()).digest()
