"""The manifest of a dataset, and the id that follows from it.

Nothing in it is a time or a place, so equal inputs give an equal manifest and an equal id. How readers see the
manifests of other versions is in `read/manifest_data.py`.
"""

import json
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from chai_assets.core.ids import record_id, sha256_text
from chai_assets.core.pseudonyms import key_fingerprint
from chai_assets.datasets.contamination.check import ContaminationCertificate
from chai_assets.datasets.select.canonical_rows import UNKNOWN_LICENSE, LeftOut
from chai_assets.datasets.select.leaks import LeakCertificate
from chai_assets.datasets.select.recalled import Recalled
from chai_assets.datasets.select.selection import Selection, SelectionFields
from chai_assets.datasets.select.splits import SPLITS

MANIFEST_FORMAT = 2
_LATER_FIELDS = {"recalled", "contamination"}


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
        """The counts of canonical rows; a split without rows counts 0."""
        return cls(
            triples=len(rows),
            clips=rows["clip_id"].n_unique(),
            sources=rows["source_id"].n_unique(),
            by_split=dict.fromkeys(SPLITS, 0) | count_values(rows["split"]),
            by_aspect=count_values(rows["aspect"]),
            by_rating=count_values(rows["rating"]),
        )


class DraftPrompts(BaseModel):
    """The prompts that made the drafts: each row names the hash of its own."""

    model_config = ConfigDict(frozen=True)
    distinct: int
    sha256: str
    """Over the distinct hashes, sorted, one a line."""

    @classmethod
    def of(cls, hashes: pl.Series) -> "DraftPrompts":
        distinct = hashes.drop_nulls().unique().sort()
        return cls(distinct=len(distinct), sha256=sha256_text("".join(f"{one}\n" for one in distinct)))


class ManifestContent(BaseModel):
    """Everything that makes a dataset what it is: its id is a hash of this."""

    model_config = ConfigDict(frozen=True)
    format: int = MANIFEST_FORMAT
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
    instructions_from: dict[str, str]
    """Version and hash of the specification that the instructions stand in."""
    draft_prompts: DraftPrompts
    selection: SelectionFields
    """What was taken of all that could be exported."""
    by_review: dict[str, int]
    """Rows by how far they were reviewed."""
    human_edited: int
    """Rows whose caption a person wrote over."""
    variant_differs: int
    """Rows that are another one before and after review."""
    near_duplicate_groups: int
    """Groups of sources that show the same shots, among all clips that the platform knows."""
    left_out: list[LeftOut]
    leak_certificate: LeakCertificate
    rights: dict[str, dict[str, int]] = {}
    """For each purpose, how many rows it is allowed for, and how many not, by reason."""
    corrected_upstream: int = 0
    """Rows that rest on an upstream caption which was corrected or withdrawn later."""
    people: str = ""
    """How annotators and reviewers are named."""
    notes: list[str]
    recalled: list[Recalled] = []
    """Triples that a lead took back at any time, so that earlier datasets may hold them; left out where empty."""

    contamination: list[ContaminationCertificate] = []
    """What was found of it in public benchmarks, of each a certificate; left out where none was compared."""

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Fields that came later are left out where they are empty: the same rows stay the same dataset."""
        content = dump(self)
        return {name: value for name, value in content.items() if value or name not in _LATER_FIELDS}


class Manifest(ManifestContent):
    """A dataset's content with its id."""

    dataset_id: str

    @classmethod
    def of(cls, content: ManifestContent) -> "Manifest":
        return cls(dataset_id=dataset_id(content), **content.model_dump())

    def text(self) -> str:
        """The bytes of manifest.json."""
        first = {"dataset_id": self.dataset_id}
        return json.dumps(first | self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def dataset_id(content: ManifestContent) -> str:
    """The id that a dataset of this content has; a `Manifest` is hashed without the id it claims.

    Nor do the tables' versions count: they move when tables are merely compacted, and the rows stay the same.
    """
    return record_id("dataset", manifest=content.model_dump(mode="json", exclude={"dataset_id", "table_versions"}))


def clips_by_license(rows: pl.DataFrame) -> dict[str, int]:
    """Clips by licence; a clip without one counts as unknown."""
    return count_values(rows.unique("clip_id")["licence"].fill_null(UNKNOWN_LICENSE))


def triples_by_model(rows: pl.DataFrame) -> dict[str, int]:
    """Triples by the model that wrote the draft."""
    return count_values(rows["model"])


def triples_by_spec(rows: pl.DataFrame) -> dict[str, int]:
    """Triples by the version of the specification they count for."""
    return count_values(rows["spec_version"])


def empty_split_notes(counts: Counts) -> list[str]:
    """What a user of the dataset has to know and might not expect."""
    return [
        f"{split} is empty: of {counts.sources} source(s) none fell on this side; "
        "the split goes by a hash of the source and is not reshuffled"
        for split, count in counts.by_split.items()
        if not count
    ]


def wording_notes(selection: Selection, rows: pl.DataFrame) -> list[str]:
    """How many critiques are in a model's words, where those were asked for."""
    if selection.critiques == "written":
        return []
    polished = int((rows["wording"] == "polished").sum())
    return [
        f"{polished} critique(s) are in a model's words, which `wording` marks; the others are as they were written: "
        "nobody polished them, or the polished words did not pass the check"
    ]


def corrected_notes(rows: pl.DataFrame) -> list[str]:
    """How many rows rest on a caption that was corrected later, where any does."""
    resting = rows.filter(pl.col("corrected_upstream").list.len() > 0).height
    if not resting:
        return []
    return [
        f"{resting} row(s) rest on an upstream caption that was corrected or withdrawn later, and may repeat what was "
        "wrong in it: `corrected_upstream` names its aspects"
    ]


def people_text(people_key: str, imported: str) -> str:
    """How people are named: the fingerprint tells whether two datasets call one person the same."""
    if people_key:
        return f"pseudonyms by key {key_fingerprint(people_key)}"
    return "as the import named them" if imported else "as they are in the people file"


def count_values(values: pl.Series) -> dict[str, int]:
    """How often each value occurs, by value."""
    counted = values.cast(pl.String).rename("value").value_counts().sort("value")
    return dict(counted.iter_rows())
