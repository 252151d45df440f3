"""The canonical rows of a dataset: one for each caption, with everything a trainer or an auditor may ask of it.

Which captions those are is decided in `export_plan.py`; how rows become task files is in `write/formats.py`.
"""

from collections.abc import Iterable
from typing import TypedDict

import polars as pl
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from chai_assets.core.pseudonyms import pseudonyms
from chai_assets.datasets.select.selection import Variant
from chai_assets.triples.chain_hash import chain_hashes
from chai_resources.errors import NotAllowed
from chai_resources.schemas import TABLES

UNKNOWN_LICENSE = "unknown"
SORT_KEYS = ["batch", "source_id", "clip_id", "aspect", "id"]
"""The order of rows in every file, however an export is read: chunks are ranges of the first two."""

_ADDED_COLUMNS = {
    "id": "id of the triple; of a caption nobody approved, made in the same way without a review",
    "video": "key of the clip in the media store",
    "split": "train or eval, by source",
    "split_by": "id of the source whose hash decided the split, or `pinned`",
    "instruction": "the aspect's plain task instruction",
    "review": "how far the row was reviewed: approved, corrected by a reviewer, or unreviewed",
    "wording": "whose words `critique` has: written by its author, or polished by a model",
    "prompt_hash": "sha256 of the prompt that made the draft",
    "licence": "licence of the source",
    "rights": "rights holder of the source",
    "rights_until": "last day on which the source may be used, or null: no end was said",
}
_ADDED_LISTS = {
    "purposes": "what the rights allow: train, evaluate, publish, commercial",
    "corrected_upstream": "aspects whose caption the draft rests on and that was corrected or withdrawn later",
}
_ADDED_FLAGS = {
    "human_edited": "whether a person wrote over the model's revision",
    "variant_differs": "whether the row is another one before and after review",
}
_COLUMNS = ["id", "video", "clip_id", "source_id", "split", "split_by", "aspect", "instruction", "draft", "critique"]
_COLUMNS += ["wording"]
_COLUMNS += ["final", "rating", "rounds", "findings", "annotator", "reviewer", "review", "human_edited"]
_COLUMNS += ["variant_differs", "model", "prompt_hash", "spec_version", "spec_hash", "draft_id", "critique_id"]
_COLUMNS += ["revision_id", "review_id", "chain_hash", "licence", "rights"]
_COLUMNS += ["rights_until", "purposes", "corrected_upstream"]

_VARIANT_COLUMNS = ["review_id", "critique_id", "revision_id", "critique", "final", "findings", "rating", "rounds"]
_VARIANT_COLUMNS += ["annotator", "reviewer", "human_edited"]
"""Columns whose value before review may differ from the one after it; `was_...` holds the former."""


def _field(name: str) -> pa.Field:
    if name in _ADDED_COLUMNS:
        return pa.field(name, pa.string(), metadata={"comment": _ADDED_COLUMNS[name]})
    if name in _ADDED_LISTS:
        return pa.field(name, pa.list_(pa.string()), nullable=False, metadata={"comment": _ADDED_LISTS[name]})
    if name in _ADDED_FLAGS:
        return pa.field(name, pa.bool_(), nullable=False, metadata={"comment": _ADDED_FLAGS[name]})
    return TABLES["triples"].schema.field(name)


CANONICAL = pa.schema([_field(name) for name in _COLUMNS])


class FindingRow(TypedDict):
    """One finding of a critique: `start` and `end` are offsets in the draft, None where something is missing."""

    finding_id: str
    kind: str
    quote: str
    start: int | None
    end: int | None
    fix: str


class CanonicalRow(TypedDict):
    """A row of CANONICAL as code handles it one by one; the columns are described there."""

    id: str
    video: str
    clip_id: str
    source_id: str
    split: str
    split_by: str
    aspect: str
    instruction: str
    draft: str
    critique: str
    wording: str
    final: str
    rating: int
    rounds: int
    findings: list[FindingRow]
    annotator: str | None
    reviewer: str | None
    review: str
    human_edited: bool
    variant_differs: bool
    model: str
    prompt_hash: str | None
    spec_version: str
    spec_hash: str
    draft_id: str
    critique_id: str
    revision_id: str | None
    review_id: str | None
    chain_hash: str
    licence: str | None
    rights: str | None
    rights_until: str | None
    purposes: list[str]
    corrected_upstream: list[str]


class ExportRefused(NotAllowed):
    """The rows may not be exported; the text names them and the remedy."""


class LeftOut(BaseModel):
    """Rows that stay out of a dataset: what they are, why, how many, and the first five of them."""

    model_config = ConfigDict(frozen=True)
    what: str
    reason: str
    count: int
    examples: list[str]


def left_out(what: str, reason: str, ids: Iterable[str]) -> list[LeftOut]:
    """One entry for these ids; none if there are none."""
    found = sorted(ids)
    return [LeftOut(what=what, reason=reason, count=len(found), examples=found[:5])] if found else []


def merge_left_out(entries: Iterable[LeftOut]) -> list[LeftOut]:
    """One entry for each kind and reason, in the order they first come up."""
    found: dict[tuple[str, str], LeftOut] = {}
    for entry in entries:
        key = (entry.what, entry.reason)
        before = found.get(key)
        if before is not None:
            count, examples = before.count + entry.count, sorted(before.examples + entry.examples)[:5]
            entry = entry.model_copy(update={"count": count, "examples": examples})
        found[key] = entry
    return list(found.values())


def columns_to_read(variant: Variant) -> list[str]:
    """The columns that `to_canonical` needs of rows for this variant, except prompt_hash."""
    made = {*_ADDED_COLUMNS, *_ADDED_LISTS, "source_id", "variant_differs"} - {"id", "review"}
    asked = [name for name in _COLUMNS if name not in made]
    return asked + ([f"was_{name}" for name in _VARIANT_COLUMNS] if variant == "pre_review" else [])


def to_canonical(
    rows: pl.DataFrame,
    placed: pl.DataFrame,
    instructions: dict[str, str],
    variant: Variant,
    polished: pl.DataFrame,
    people_key: str = "",
) -> pl.DataFrame:
    """Rows with the columns of CANONICAL in its order, sorted by SORT_KEYS: those of `rows` that `placed` holds.

    `rows` come from `export_inputs.py`; `placed` has their id, batch, split, split_by, video, what holds of their
    rights, variant_differs and corrected_upstream; `polished` has critique_id and the polished words of critiques that
    are to stand in place of the written ones. People get pseudonyms by `people_key`; without one their ids stay as
    they are.
    """
    rows = rows.join(placed, on="id")
    rows = rows.with_columns(
        pl.col("findings").fill_null([]),
        instruction=pl.col("aspect").replace_strict(instructions, return_dtype=pl.String),
    )
    if variant == "pre_review":
        rows = _before_review(rows)
    # After the variant is settled: it decides which critique a row has.
    rows = rows.join(polished, on="critique_id", how="left").with_columns(
        critique=pl.coalesce("polished", "critique"),
        wording=pl.when(pl.col("polished").is_null()).then(pl.lit("written")).otherwise(pl.lit("polished")),
    )
    rows = rows.with_columns(pseudonyms(rows[name], people_key) for name in ("annotator", "reviewer"))
    return rows.sort(SORT_KEYS).select(_COLUMNS)


def _before_review(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with what a reviewer first rejected in place of what was approved in the end."""
    stood = pl.col("was_revision_id").is_null()
    was = rows.filter("variant_differs").with_columns(
        was_findings=pl.when(stood).then(pl.lit([], rows.schema["findings"])).otherwise("was_findings"),
        was_human_edited=pl.col("was_human_edited").fill_null(False),
    )
    was = was.with_columns(pl.col(f"was_{name}").alias(name) for name in _VARIANT_COLUMNS)
    was = was.with_columns(chain_hashes(was))
    return pl.concat([rows.filter(~pl.col("variant_differs")), was])
