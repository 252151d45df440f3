"""What a dataset says of itself: its manifest, the id that follows from it, and the card people read.

Nothing here holds a time or a place, so equal inputs give an equal manifest and an equal id.
"""

import json
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from chai_assets.datasets.rows import UNKNOWN_LICENCE, LeftOut
from chai_assets.datasets.splits import SPLITS
from chai_assets.records import record_id

FORMAT = 1
MANIFEST = "manifest.json"
CARD = "README.md"


class FileEntry(BaseModel):
    """One file of a dataset; `rows` is null for a file that holds none."""

    model_config = ConfigDict(frozen=True)
    path: str
    rows: int | None
    bytes: int
    sha256: str


class Counts(BaseModel):
    """How many triples, clips and sources, and the triples by split, aspect and rating."""

    model_config = ConfigDict(frozen=True)
    triples: int
    clips: int
    sources: int
    by_split: dict[str, int]
    by_aspect: dict[str, int]
    by_rating: dict[str, int]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "Counts":
        """Counts of canonical rows; a split without rows counts 0."""
        return cls(
            triples=len(rows),
            clips=rows["clip_id"].n_unique(),
            sources=rows["source_id"].n_unique(),
            by_split=dict.fromkeys(SPLITS, 0) | _tally(rows["split"]),
            by_aspect=_tally(rows["aspect"]),
            by_rating=_tally(rows["rating"]),
        )


class Content(BaseModel):
    """Everything that makes a dataset what it is: its id is a hash of this."""

    model_config = ConfigDict(frozen=True)
    format: int = FORMAT
    counts: Counts
    files: list[FileEntry]
    spec_version: str
    spec_hash: str
    specs: dict[str, int]
    """Triples by the version they count for: another than `spec_version` where the aspect means the same in both."""
    table_versions: dict[str, int]
    code_version: str
    eval_share: float
    models: dict[str, int]
    """Triples by the model that wrote the draft."""
    licences: dict[str, int]
    """Clips by licence."""
    prompts: dict[str, str]
    """The user turn of each task file; {instruction} and {caption} stand for a row's own."""
    left_out: list[LeftOut]
    leak_check: dict[str, int]
    """Sources and clips found on both sides of the split: always 0, or there is no dataset."""
    notes: list[str]


class Manifest(Content):
    """A dataset's content with its id."""

    dataset_id: str

    @classmethod
    def of(cls, content: Content) -> "Manifest":
        return cls(dataset_id=dataset_id(content), **content.model_dump())

    def text(self) -> str:
        """The bytes of manifest.json."""
        first = {"dataset_id": self.dataset_id}
        return json.dumps(first | self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def dataset_id(content: Content) -> str:
    """The id that a dataset of this content has; a `Manifest` is hashed without the id it claims."""
    return record_id("dataset", manifest=content.model_dump(mode="json", exclude={"dataset_id"}))


def licences(rows: pl.DataFrame) -> dict[str, int]:
    """Clips by licence; a clip without one counts as unknown."""
    return _tally(rows.unique("clip_id")["licence"].fill_null(UNKNOWN_LICENCE))


def models(rows: pl.DataFrame) -> dict[str, int]:
    """Triples by the model that wrote the draft."""
    return _tally(rows["model"])


def specs(rows: pl.DataFrame) -> dict[str, int]:
    """Triples by the version of the specification they count for."""
    return _tally(rows["spec_version"])


def notes(counts: Counts) -> list[str]:
    """What a user of the dataset has to know and might not expect."""
    return [
        f"{split} is empty: of {counts.sources} source(s) none fell on this side; "
        "the split goes by a hash of the source and is not reshuffled"
        for split, count in counts.by_split.items()
        if not count
    ]


def card(counts: Counts, spec_version: str, licence_counts: dict[str, int], out: list[LeftOut]) -> str:
    """README.md of a dataset: what it holds, how to read it, what to mind."""
    lines = [
        "# Video captions with their critiques",
        "",
        f"{counts.triples} reviewed (draft, critique, caption) triples of {counts.clips} clips from "
        f"{counts.sources} sources, made after caption specification {spec_version}. To cite it, give the "
        f"`dataset_id` in `{MANIFEST}`; that file also holds counts, hashes, prompts and table versions.",
        "",
        "| file | one row is |",
        "|---|---|",
        "| `triples.parquet`, `triples.jsonl` | a triple with all its ids, people and rights |",
        "| `<split>/caption_generation.jsonl` | the task instruction, answered by the approved caption |",
        '| `<split>/critique_generation.jsonl` | a caption, answered by its critique or "no change" |',
        "| `<split>/reward.jsonl` | a caption, answered Yes (approved) or No (draft that needed a change) |",
        "| `<split>/merged_captions.jsonl` | a clip's whole caption, merged from its approved ones |",
        "",
        "Splits: " + _listed(counts.by_split) + ". A source is on one side only.",
        "Aspects: " + _listed(counts.by_aspect) + ". Ratings of the drafts: " + _listed(counts.by_rating) + ".",
        "Clips by licence: " + _listed(licence_counts) + ". Each row names its licence and rights holder.",
        "Videos are keys of the media store: put its root before them.",
        "To check what you received, run `python verify.py` in this folder: it needs nothing but Python.",
    ]
    lines += [f"Note: {note}." for note in notes(counts)]
    lines += [f"Left out: {entry.count} {entry.what}(s): {entry.reason}." for entry in out]
    return "\n".join(lines) + "\n"


def _tally(values: pl.Series) -> dict[str, int]:
    counted = values.cast(pl.String).rename("value").value_counts().sort("value")
    return dict(counted.iter_rows())


def _listed(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"
