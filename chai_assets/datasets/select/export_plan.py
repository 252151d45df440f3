"""The plan of an export: which captions the dataset holds, and in which split each goes. Pure.

It is made from ids and hashes, before any text is kept. What may not be exported at all is refused here, and what is
left out is counted here.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl

from chai_assets.datasets.select.canonical_rows import ExportRefused, LeftOut, left_out, merge_left_out
from chai_assets.datasets.select.corrected_upstream import without_corrected
from chai_assets.datasets.select.export_inputs import (
    Chunk,
    ExportInputs,
    chunk_captions,
    chunks,
    collect_captions,
    with_record_ids,
)
from chai_assets.datasets.select.purposes import with_obstacles, without_forbidden
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.select.spec_compatibility import describe_other_specs, triples_of_other_specs
from chai_assets.datasets.select.splits import InvalidPins, SplitAssignment, assign_splits
from chai_assets.datasets.select.unapproved import WHY_INELIGIBLE
from chai_assets.ingestion.rights import PURPOSES
from chai_assets.triples.chain_hash import chain_hashes

Log = Callable[[str], None]

_ID_COLUMNS = ["id", "batch", "clip_id", "source_id", "aspect", "review", "human_edited", "spec_version", "spec_hash"]
_ID_COLUMNS += ["draft_id", "critique_id", "revision_id"]
_TEXTS = ("final", "was_final")
_SELECTED_COLUMNS = ["id", "batch", "clip_id", "source_id", "caption", "was_caption", "variant_differs"]
_SELECTED_COLUMNS += ["corrected_upstream"]
_CLIP_COLUMNS = ["clip_id", "batch", "source_id", "media_key", "licence", "rights", "same_as", "phash", "duration_s"]
_AGREED = {"rights_until": pl.String, "rights_purposes": pl.List(pl.String)}
"""Columns that clips have once rights were changed."""


@dataclass(frozen=True)
class ExportPlan:
    """What goes into a dataset: its chunks, the ids of its rows, and what stays out."""

    chunks: list[Chunk]
    rows: pl.DataFrame
    """id, batch, clip_id, source_id, split, split_by, video, variant_differs, corrected_upstream, and what holds of the
    rights: licence, rights, rights_until, purposes, and for each purpose why it is not allowed; in no order."""
    clips: pl.DataFrame
    """Every clip once."""
    left_out: list[LeftOut]
    near_duplicate_groups: int
    """Groups of sources that show the same shots."""


_NO_WORDS = pl.Series([""]).hash(0)[0]


def caption_hash(caption: pl.Expr) -> pl.Expr:
    """A hash of a caption's words, case and punctuation aside; null where it has none."""
    words = caption.str.to_lowercase().str.replace_all(r"[\W_]+", " ").str.strip_chars(" ")
    return pl.when(caption.is_not_null()).then(words.hash(0).replace(_NO_WORDS, None))


def plan_export(inputs: ExportInputs, log: Log) -> ExportPlan:
    """Raises ExportRefused where the captions may not be exported."""
    known = set(inputs.clips.lazy().collect_schema().names())
    agreed = [pl.col(name) if name in known else pl.lit(None, kind).alias(name) for name, kind in _AGREED.items()]
    clips = inputs.clips.lazy().select(*_CLIP_COLUMNS, *agreed, "features", "recorded_at").collect()
    clips = clips.sort("recorded_at", *_CLIP_COLUMNS).unique("clip_id", keep="first", maintain_order=True)
    clips = with_obstacles(clips, inputs.today)
    found: list[pl.DataFrame] = []
    out: list[LeftOut] = []
    violations = _Violations()
    every = chunks(inputs)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda chunk: _select_chunk(inputs, chunk, clips, violations), every)
        for number, (rows, left) in enumerate(parts, 1):
            found.append(rows)
            out += left
            log(f"deciding: part {number} of {len(every)}, {sum(map(len, found)):,} captions")
    violations.raise_if_any(inputs)
    schema = dict.fromkeys(_SELECTED_COLUMNS, pl.String)
    schema |= {"variant_differs": pl.Boolean, "corrected_upstream": pl.List(pl.String)}
    rows = pl.concat(found) if found else pl.DataFrame(schema=schema)
    if rows.is_empty() and not out:
        if inputs.selection.imported:
            raise ExportRefused(f"no caption was imported as {inputs.selection.imported}: check the name, or import it")
        raise ExportRefused("there is no verified triple to export: wait for the first approving review")
    try:
        where = assign_splits(clips, inputs.eval_share, inputs.selection.pins)
        clips = clips.drop("features")
    except InvalidPins as error:
        raise ExportRefused(str(error)) from error
    rows, left = _assign_to_splits(rows, clips, where, inputs.selection)
    out = merge_left_out([*out, *left])
    if rows.is_empty():
        why = "; ".join(f"{entry.count}: {entry.reason}" for entry in out)
        raise ExportRefused(f"no triple is left to export ({why}): give the clips of the triples, or select others")
    return ExportPlan(every, rows, clips, out, where.near_duplicate_groups)


def _select_chunk(
    inputs: ExportInputs, chunk: Chunk, clips: pl.DataFrame, violations: "_Violations"
) -> tuple[pl.DataFrame, list[LeftOut]]:
    """The captions of a chunk that the selection takes, with _SELECTED_COLUMNS, and what it leaves out."""
    found = chunk_captions(inputs, chunk, clips)
    corrected = found.corrected.collect()
    approved = collect_captions(
        found.approved, found.rejected, [*_ID_COLUMNS, "review_id", "chain_hash", "variant_differs", *_TEXTS]
    )
    approved = _with_corrected_upstream(_with_hashes(approved), corrected)
    violations.check(approved.filter(inputs.selection.aspect_filter()), inputs)
    approved, out = _apply_selection(inputs, approved)
    # Most chunks hold approved captions only, and finding the level of the others takes as long as all the rest.
    without = found.critiqued.collect().join(approved, on=["clip_id", "aspect"], how="anti")
    if without.is_empty():
        return approved.select(_SELECTED_COLUMNS), out
    wanted = [*(name for name in _ID_COLUMNS if name != "id"), "variant_differs", *_TEXTS]
    others = _with_hashes(collect_captions(found.unapproved, found.rejected, wanted))
    others, left = _select_unapproved(inputs, _with_corrected_upstream(others, corrected))
    violations.aspects |= set(others["aspect"])
    return pl.concat([approved.select(_SELECTED_COLUMNS), others.select(_SELECTED_COLUMNS)]), [*out, *left]


def _with_hashes(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with hashes in place of their _TEXTS."""
    was_final = pl.when("variant_differs").then("was_final")
    return rows.with_columns(caption=caption_hash(pl.col("final")), was_caption=caption_hash(was_final)).drop(_TEXTS)


def _with_corrected_upstream(rows: pl.DataFrame, corrected: pl.DataFrame) -> pl.DataFrame:
    rows = rows.join(corrected, on="draft_id", how="left", maintain_order="left")
    return rows.with_columns(pl.col("corrected_upstream").fill_null([]))


def _select_unapproved(inputs: ExportInputs, others: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
    """Of the captions without a triple, those that the selection takes, and what it leaves out."""
    selection, out = inputs.selection, []
    for review, reason in WHY_INELIGIBLE.items():
        out += _left_out_items("caption", reason, others.filter(pl.col("review") == review))
    levels = set(others["review"]) - set(selection.levels) - set(WHY_INELIGIBLE)
    for level in sorted(levels):
        reason = f"it is {level}, and the selection asks for {selection.review}"
        out += _left_out_items("caption", reason, others.filter(pl.col("review") == level))
    others = others.filter(pl.col("review").is_in(selection.levels))
    other_spec = ~inputs.dataset_spec.covers()
    out += _left_out_items("caption", "made under another specification, and not approved", others.filter(other_spec))
    taken, left = _apply_selection(inputs, with_record_ids(others.filter(~other_spec)))
    return taken, [*out, *left]


def _apply_selection(inputs: ExportInputs, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
    aspect = inputs.selection.aspect_filter()
    # By the later version: the earlier one may be edited all the same, which its row says.
    edited = pl.col("human_edited") & (not inputs.selection.edited)
    out = left_out("triple", "its aspect is not selected", rows.filter(~aspect)["id"])
    rows = rows.filter(aspect)
    out += left_out("triple", "a person wrote over the model's revision", rows.filter(edited)["id"])
    return rows.filter(~edited), out


def _left_out_items(what: str, reason: str, rows: pl.DataFrame) -> list[LeftOut]:
    return left_out(what, reason, (f"{clip} {aspect}" for clip, aspect in rows.select("clip_id", "aspect").iter_rows()))


def _assign_to_splits(
    rows: pl.DataFrame, clips: pl.DataFrame, where: SplitAssignment, selection: Selection
) -> tuple[pl.DataFrame, list[LeftOut]]:
    """The rows with split, video and rights; left out are those that would leak in either split, that the rights do
    not allow, and that rest on a corrected caption where such are dropped."""
    rights = ["licence", "rights", "rights_until", "purposes", *(f"no_{purpose}" for purpose in PURPOSES)]
    facts = clips.select("clip_id", *rights, video="media_key", cut_from="source_id")
    rows = rows.join(facts, on="clip_id", how="left").join(where.sources, on="source_id", how="left")
    homeless = pl.col("cut_from").is_null()
    out = left_out("triple", "its clip is not in the clips table", rows.filter(homeless)["id"])
    rows = rows.filter(~homeless)
    if not (unknown := rows.filter(pl.col("split").is_null())).is_empty():
        first, source = min(unknown.select("id", "source_id").iter_rows())
        raise ExportRefused(f"triple {first} names source {source}, which no clip is cut from: correct its source_id")
    repeated = pl.col("clip_id").is_in(where.cross_split_repeats)
    out += left_out("triple", "its clip shows the same shot as a clip of the other split", rows.filter(repeated)["id"])
    rows = rows.filter(~repeated)
    rows, left = without_forbidden(rows, selection.purposes)
    out += left
    if selection.stale == "drop":
        rows, left = without_corrected(rows)
        out += left
    train = rows.filter(pl.col("split") == "train")
    in_train = pl.concat([train["caption"], train["was_caption"]]).drop_nulls().unique().implode()
    # Both variants count in both exports, so that they hold the same rows.
    echo = (pl.col("split") == "eval") & (pl.col("caption").is_in(in_train) | pl.col("was_caption").is_in(in_train))
    echo = echo.fill_null(False)
    reason = "eval only: its caption stands word for word in train, for another source"
    out += left_out("triple", reason, rows.filter(echo)["id"])
    return rows.filter(~echo).drop("caption", "was_caption", "cut_from"), out


@dataclass
class _Violations:
    """What forbids an export, gathered over all its chunks. It only grows: some of them are judged side by side."""

    other_specs: list[pl.DataFrame] = field(default_factory=list)
    aspects: set[str] = field(default_factory=set)
    broken_chains: list[str] = field(default_factory=list)

    def check(self, triples: pl.DataFrame, inputs: ExportInputs) -> None:
        mixed = triples.filter(~inputs.dataset_spec.covers())
        self.other_specs.append(mixed.select("aspect", "spec_version", "spec_hash"))
        self.aspects |= set(triples["aspect"].unique())
        follows = chain_hashes(triples.select("draft_id", "critique_id", "revision_id", "review_id"))
        self.broken_chains += triples.filter(follows.ne_missing(triples["chain_hash"]))["id"].to_list()

    def raise_if_any(self, inputs: ExportInputs) -> None:
        spec = inputs.dataset_spec
        if self.other_specs and (mixed := triples_of_other_specs(pl.concat(self.other_specs), spec)):
            raise ExportRefused(
                f"the triples follow more than specification {spec.version}: {describe_other_specs(mixed)}; move their "
                "batches to it (`chai plan`, `chai backfill`) and let people answer what it asks, or declare the "
                "range with CHAI_DATASET_SPECS"
            )
        instructed = {aspect for aspect, text in inputs.instructions.items() if text.strip()}
        if missing := sorted(self.aspects - instructed):
            raise ExportRefused(f"no task instruction for {', '.join(missing)}: add it to the specification")
        if self.broken_chains:
            raise ExportRefused(
                f"the chain hash of {len(self.broken_chains)} triple(s) does not match its records, first "
                f"{min(self.broken_chains)}: withdraw them and join them again from their records"
            )
