"""Publishes a dataset: builds its files, names it by their content, and makes it current in one step.

A dataset is a folder `<root>/<dataset_id>/` that holds a manifest, which is written last: without one it does
not exist. `<root>/latest.json` names the current one. Being stopped at any point leaves the former current.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from chai_assets.datasets.formats import PROMPTS, VIEWS, merged_rows, unpaired
from chai_assets.datasets.manifest import (
    CARD,
    MANIFEST,
    Content,
    Counts,
    FileEntry,
    Manifest,
    card,
    licences,
    models,
    notes,
    specs,
)
from chai_assets.datasets.one_spec import Counted, mixed_in, told
from chai_assets.datasets.rows import CANONICAL, ExportRefused, LeftOut, canonical_rows
from chai_assets.datasets.splits import EVAL_SHARE, SPLITS, on_both_sides
from chai_assets.datasets.verify import NAME as VERIFY
from chai_assets.datasets.verify import script
from chai_resources.media import Media

LATEST = "latest.json"
MERGED = "merged_captions.jsonl"


@dataclass(frozen=True)
class Export:
    """What a dataset is made from: rows of the tables, the specification's instructions, and the versions."""

    triples: pl.DataFrame
    """Current verified rows of the table triples."""
    clips: pl.DataFrame
    """Rows of the table clips."""
    merged_captions: pl.DataFrame
    """Rows of the table merged_captions; may be empty."""
    instructions: dict[str, str]
    """The plain task instruction of each aspect; never a draft prompt, which holds the human labels."""
    table_versions: dict[str, int]
    counted: Counted
    """The specification the dataset is made under, and what counts as made under it."""
    code_version: str
    eval_share: float = EVAL_SHARE


@dataclass(frozen=True)
class Published:
    """A published dataset: its manifest, the folder or prefix it is, and whether this call wrote it."""

    manifest: Manifest
    uri: str
    new: bool


def publish(export: Export, root: str) -> Published:
    """Publishes under `root` (a folder or an s3:// prefix) and makes the dataset current.

    Equal inputs give the same dataset: it is found there and nothing is written. Raises ExportRefused where
    the rows may not be exported; nothing is written then either.
    """
    store = Media(root=root)
    with tempfile.TemporaryDirectory(prefix="chai-dataset-") as scratch:
        manifest = build(export, Path(scratch))
        prefix = manifest.dataset_id
        new = not store.exists(f"{prefix}/{MANIFEST}")
        if new:
            for entry in manifest.files:
                store.put_file(f"{prefix}/{entry.path}", Path(scratch) / entry.path)
            store.put_bytes(f"{prefix}/{MANIFEST}", manifest.text().encode())
    latest = (json.dumps({"dataset_id": prefix, "manifest": f"{prefix}/{MANIFEST}"}) + "\n").encode()
    if not store.exists(LATEST) or store.get_bytes(LATEST) != latest:
        store.put_bytes(LATEST, latest)
    return Published(manifest, f"{root.rstrip('/')}/{prefix}", new)


def build(export: Export, folder: Path) -> Manifest:
    """Writes the files of a dataset, but for its manifest, into `folder` and returns the manifest."""
    _refuse_other_specs(export)
    rows, out = canonical_rows(export.triples, export.clips, export.instructions, export.eval_share)
    merged, stale = merged_rows(export.merged_captions, rows)
    out = [*out, *unpaired(rows), *stale]
    counts = Counts.of(rows)
    files = [
        _file(folder, "triples.parquet", len(rows), lambda path: _write_parquet(rows, path)),
        _file(folder, "triples.jsonl", len(rows), rows.write_ndjson),
        *_split_files(folder, {**{view.path: view.rows(rows) for view in VIEWS}, MERGED: merged}),
        _card_file(folder, counts, export, rows, out),
        _file(folder, VERIFY, None, lambda path: path.write_bytes(script())),
    ]
    content = Content(
        counts=counts,
        files=sorted(files, key=lambda entry: entry.path),
        spec_version=export.counted.version,
        spec_hash=export.counted.hash,
        specs=specs(rows),
        table_versions=dict(sorted(export.table_versions.items())),
        code_version=export.code_version,
        eval_share=export.eval_share,
        models=models(rows),
        licences=licences(rows),
        prompts=PROMPTS,
        left_out=out,
        leak_check={f"{kind}s_on_both_sides": len(on_both_sides(rows, f"{kind}_id")) for kind in ("source", "clip")},
        notes=notes(counts),
    )
    return Manifest.of(content)


def latest(root: str) -> Manifest | None:
    """The manifest of the current dataset under `root`, or None where nothing was published yet."""
    store = Media(root=root)
    if not store.exists(LATEST):
        return None
    return Manifest.model_validate_json(store.get_bytes(json.loads(store.get_bytes(LATEST))["manifest"]))


def _refuse_other_specs(export: Export) -> None:
    if mixed := mixed_in(export.triples, export.counted):
        raise ExportRefused(
            f"the triples follow more than specification {export.counted.version}: {told(mixed)}; move their batches "
            "to it (`chai plan`, `chai backfill`) and let people answer what it asks, or declare the range with "
            "CHAI_DATASET_SPECS"
        )


def _split_files(folder: Path, tables: dict[str, pl.DataFrame]) -> list[FileEntry]:
    # A folder a split, so that nobody trains on eval by reading a whole file; empty files keep paths stable.
    entries = []
    for split in SPLITS:
        for name, table in tables.items():
            part = table.filter(pl.col("split") == split)
            entries.append(_file(folder, f"{split}/{name}", len(part), part.write_ndjson))
    return entries


def _card_file(folder: Path, counts: Counts, export: Export, rows: pl.DataFrame, out: list[LeftOut]) -> FileEntry:
    text = card(counts, export.counted.version, licences(rows), out)
    return _file(folder, CARD, None, lambda path: path.write_text(text, encoding="utf-8"))


def _write_parquet(rows: pl.DataFrame, path: Path) -> None:
    table = rows.to_arrow().cast(CANONICAL)
    pq.write_table(table, path, compression="zstd", row_group_size=50_000, store_schema=True)


def _file(folder: Path, name: str, rows: int | None, write: Callable[[Path], object]) -> FileEntry:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return FileEntry(path=name, rows=rows, bytes=path.stat().st_size, sha256=digest)
