"""The canonical rows of a dataset: one per verified triple, with all a trainer or an auditor may ask of it.

What may not be exported at all is refused here, and what is left out is counted here. How rows become task
files is in `formats.py`; writing files is in `publish.py`.
"""

from collections.abc import Iterable

import polars as pl
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from chai_assets.datasets.splits import on_both_sides, split_of
from chai_assets.triples.chain_hash import chain_hash
from chai_resources.schemas import TABLES

UNKNOWN_LICENCE = "unknown"
_OWN_COLUMNS = {
    "id": "id of the triple",
    "video": "key of the clip in the media store",
    "split": "train or eval, by source",
    "instruction": "the aspect's plain task instruction",
    "licence": "licence of the source",
    "rights": "rights holder of the source",
}
_ORDER = ["id", "video", "clip_id", "source_id", "split", "aspect", "instruction", "draft", "critique"]
_ORDER += ["final", "rating", "rounds", "findings", "annotator", "reviewer", "model", "spec_version"]
_ORDER += ["spec_hash", "draft_id", "critique_id", "revision_id", "review_id", "chain_hash"]
_ORDER += ["licence", "rights"]


def _field(name: str) -> pa.Field:
    if name in _OWN_COLUMNS:
        return pa.field(name, pa.string(), metadata={"comment": _OWN_COLUMNS[name]})
    return TABLES["triples"].schema.field(name)


CANONICAL = pa.schema([_field(name) for name in _ORDER])


class ExportRefused(ValueError):
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


def canonical_rows(
    triples: pl.DataFrame,
    clips: pl.DataFrame,
    instructions: dict[str, str],
    eval_share: float,
) -> tuple[pl.DataFrame, list[LeftOut]]:
    """Rows with the columns of CANONICAL in one fixed order, and what had to stay out.

    `triples` and `clips` are rows of those tables, the triples current and verified;
    `instructions` holds the plain task instruction of every aspect. Raises ExportRefused where the triples
    are not fit for export.
    """
    _refuse_unfit(triples, instructions)
    triples = triples.unique("triple_id", keep="first", maintain_order=True)
    placed = _placed(clips, eval_share)
    whole = triples.join(placed, on="clip_id", how="left")
    homeless = whole.filter(pl.col("video").is_null())["triple_id"]
    twins = whole.filter(pl.col("twin_on_other_side"))["triple_id"]
    kept = whole.filter(pl.col("video").is_not_null() & ~pl.col("twin_on_other_side"))
    rows = (
        kept.with_columns(
            split=_split(pl.col("source_id"), eval_share),
            instruction=pl.col("aspect").replace_strict(instructions, return_dtype=pl.String),
        )
        .rename({"triple_id": "id"})
        .select(_ORDER)
        .sort("source_id", "clip_id", "aspect", "id")
    )
    out = left_out("triple", "its clip is not in the clips table", homeless)
    out += left_out("triple", "its clip shows the same shot as a clip of the other split", twins)
    if rows.is_empty():
        why = "; ".join(f"{entry.count}: {entry.reason}" for entry in out)
        raise ExportRefused(f"no triple is left to export ({why}): give the clips of the triples")
    refuse_leaks(rows)
    return rows, out


def _split(source_id: pl.Expr, eval_share: float) -> pl.Expr:
    return source_id.map_elements(lambda source: split_of(source, eval_share), return_dtype=pl.String)


def _placed(clips: pl.DataFrame, eval_share: float) -> pl.DataFrame:
    """Clips with video, rights, and whether the clip they repeat (`same_as`) lies in the other split."""
    columns = ["clip_id", "media_key", "source_id", "same_as", "licence", "rights"]
    clips = clips.select(columns).sort(columns).unique("clip_id", keep="first", maintain_order=True)
    clips = clips.with_columns(split=_split(pl.col("source_id"), eval_share))
    split = dict(clips.select("clip_id", "split").iter_rows())
    earlier = dict(clips.filter(pl.col("same_as").is_not_null()).select("clip_id", "same_as").iter_rows())
    twins = [clip for clip in earlier if split.get(_first_showing(clip, earlier), split[clip]) != split[clip]]
    return clips.select(
        "clip_id", "licence", "rights", video="media_key", twin_on_other_side=pl.col("clip_id").is_in(twins)
    )


def _first_showing(clip: str, earlier: dict[str, str]) -> str:
    seen = {clip}
    while (before := earlier.get(clip)) and before not in seen:
        seen.add(before)
        clip = before
    return clip


def _refuse_unfit(triples: pl.DataFrame, instructions: dict[str, str]) -> None:
    if triples.is_empty():
        raise ExportRefused("there is no verified triple to export: wait for the first approving review")
    standing = triples.filter(pl.col("standing") != "verified")
    if len(standing):
        raise ExportRefused(
            f"{len(standing)} triple(s) are not verified, first {standing['triple_id'][0]}: "
            "export the current entries of standing 'verified' only"
        )
    instructed = {aspect for aspect, text in instructions.items() if text.strip()}
    if missing := sorted(set(triples["aspect"]) - instructed):
        raise ExportRefused(f"no task instruction for {', '.join(missing)}: add it to the specification")
    ids = triples.select("triple_id", "chain_hash", "draft_id", "critique_id", "revision_id", "review_id")
    broken = [triple for triple, claimed, *chain in ids.iter_rows() if claimed != chain_hash(*chain)]
    if broken:
        raise ExportRefused(
            f"the chain hash of {len(broken)} triple(s) does not match its records, first {broken[0]}: "
            "withdraw them and join them again from their records"
        )


def refuse_leaks(rows: pl.DataFrame) -> None:
    """Raises ExportRefused naming a source or clip that lies on both sides of the split."""
    for kind in ("source", "clip"):
        if leaked := on_both_sides(rows, f"{kind}_id"):
            raise ExportRefused(
                f"{kind} {leaked[0]} lies on both sides of the split ({len(leaked)} such): "
                "give all its triples the id of the one source it was cut from"
            )
