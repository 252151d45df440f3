"""Captions that no triple holds, with their level of review, and what a reviewer first rejected of a draft.

They are put together from the records of the loop. Pure Polars and lazy: only the columns that are asked of the result
are read. `selection.py` says what the levels mean; approved captions are the rows of the table triples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from chai_assets.annotation.events import deleted_events
from chai_assets.core.imported import imported_work

PERSON = "person"
"""The value of `revisions.model` where a person wrote the caption."""

WHY_INELIGIBLE = {
    "unfinished": "its latest critique has no revision that was called right",
    "rejected": "its last review is a rejection, and it was not changed since",
    "without_triple": "it was approved, yet no triple of it is in force",
}
"""Why a caption has no level of review, so that no selection takes it."""


@dataclass(frozen=True)
class LoopRecords:
    """Rows of the record tables, all of the same clips."""

    drafts: pl.LazyFrame
    critiques: pl.LazyFrame
    revisions: pl.LazyFrame
    reviews: pl.LazyFrame

    def filtered(self, keep: Callable[[pl.LazyFrame], pl.LazyFrame]) -> "LoopRecords":
        """The records that `keep` keeps of each table."""
        return LoopRecords(keep(self.drafts), keep(self.critiques), keep(self.revisions), keep(self.reviews))

    def without_deleted(self, events: pl.LazyFrame) -> "LoopRecords":
        """The records but for those read from annotations that `annotation_events` calls deleted."""
        gone = deleted_events(events)
        return LoopRecords(
            self.drafts,
            self.critiques.join(gone, on="event_id", how="anti"),
            self.revisions,
            self.reviews.join(gone, on="event_id", how="anti"),
        )


def triples_in_force(entries: pl.LazyFrame) -> pl.LazyFrame:
    """Triples whose latest entry says `verified`; of an entry that was appended twice the first counts."""
    written = entries.sort("recorded_at", maintain_order=True).unique("entry_id", keep="first", maintain_order=True)
    last = written.unique("triple_id", keep="last", maintain_order=True)
    return last.filter(pl.col("standing") == "verified")


def unapproved_captions(records: LoopRecords, triples: pl.LazyFrame) -> pl.LazyFrame:
    """The latest caption of each (clip, aspect) that has no triple in force.

    `level` is corrected, unreviewed or a key of WHY_INELIGIBLE. Columns as the rows of `triples`, which is the triples
    in force, but for what only an approved one has (triple_id, review_id, reviewer, chain_hash).
    """
    # Nearly all captions of a grown project are approved: what is about those goes first.
    records = records.filtered(lambda rows: rows.join(triples, on=["clip_id", "aspect"], how="anti"))
    latest = _latest_critiques(records)
    critiques = _rated_critiques(records).drop("draft_id", "verdict", "clip_id", "aspect", "batch")
    drafts = records.drafts.unique("draft_id", keep="any").select(
        "draft_id", "model", "spec_version", "spec_hash", draft="text"
    )
    revisions = _revision_of_critique(records)
    found = (
        latest.join(critiques, left_on="shaping", right_on="critique_id", how="left", maintain_order="left")
        .rename({"shaping": "critique_id"})
        .join(revisions, on="critique_id", how="left", maintain_order="left")
        .with_columns(revision_id=pl.when(pl.col("verdict") != "perfect").then("revision_id"))
        .join(drafts, on="draft_id", how="left", maintain_order="left")
    )
    found = _with_review_level(found, records)
    draft_kept = pl.col("revision_id").is_null()
    return found.with_columns(
        final=pl.when(draft_kept).then("draft").otherwise("revised"),
        findings=pl.when(draft_kept).then(pl.lit([], found.collect_schema()["findings"])).otherwise("findings"),
        human_edited=~draft_kept & (pl.col("written_by") == PERSON).fill_null(False),
    )


def first_rejections(records: LoopRecords) -> pl.LazyFrame:
    """What a reviewer first rejected of each draft: `draft_id`, and columns named `was_...`.

    `was_revised` is null where the draft itself was rejected.
    """
    rejections = records.reviews.filter(pl.col("verdict") == "reject").sort("submitted_at", "event_id")
    first = rejections.unique("draft_id", keep="first", maintain_order=True)
    first = first.select("draft_id", "critique_id", "revision_id", "review_id", reviewer="author")
    records = records.filtered(lambda rows: rows.join(rejections, on="draft_id", how="semi"))
    critiques = _rated_critiques(records).select("critique_id", "critique", "findings", "rating", "rounds", "annotator")
    revisions = records.revisions.unique("revision_id", keep="any").select(
        "revision_id", revised="text", human_edited=(pl.col("model") == PERSON).fill_null(False)
    )
    whole = first.join(critiques, on="critique_id").join(revisions, on="revision_id", how="left")
    return whole.rename({name: f"was_{name}" for name in whole.collect_schema().names() if name != "draft_id"})


def _rated_critiques(records: LoopRecords) -> pl.LazyFrame:
    """Critiques with the rating that was last given to the draft itself: later rounds rate a revision."""
    drafts_rejected = records.reviews.filter(pl.col("revision_id").is_null()).select(cause="review_id").unique()
    critiques = records.critiques.join(
        drafts_rejected.with_columns(of_draft=pl.lit(True)), on="cause", how="left", maintain_order="left"
    ).sort("draft_id", "round", "submitted_at", "event_id")
    on_draft = (pl.col("cause") == pl.col("draft_id")) | pl.col("of_draft").fill_null(False)
    on_draft |= imported_work()
    # The last rating given so far, unless it was given to the draft before in this order.
    given = pl.when(on_draft).then("rating").forward_fill()
    to_this = pl.when(on_draft).then("draft_id").forward_fill() == pl.col("draft_id")
    return critiques.select(
        "batch",
        "clip_id",
        "aspect",
        "draft_id",
        "critique_id",
        "verdict",
        "findings",
        critique="text",
        rating=pl.when(to_this).then(given).otherwise("rating"),
        rounds=pl.col("round"),
        annotator="author",
    ).unique("critique_id", keep="last", maintain_order=True)


def _latest_critiques(records: LoopRecords) -> pl.LazyFrame:
    """The latest critique of the latest critiqued draft of each (clip, aspect), and the one that shaped its caption."""
    made = _drafts_in_order(records)
    ordered = records.critiques.sort("round", "submitted_at", "event_id")
    of_draft = ordered.select("batch", "clip_id", "aspect", "draft_id", "critique_id", "verdict").unique(
        "draft_id", keep="last", maintain_order=True
    )
    changes = ordered.filter(pl.col("verdict") == "change").select("draft_id", change="critique_id")
    changes = changes.unique("draft_id", keep="last", maintain_order=True)
    latest = of_draft.join(made.select("draft_id", "made"), on="draft_id").sort("made")
    latest = latest.unique(["clip_id", "aspect"], keep="last", maintain_order=True)
    shaping = pl.when(pl.col("verdict") == "accept").then("change").otherwise("critique_id")
    return latest.join(changes, on="draft_id", how="left").select(
        "batch", "clip_id", "aspect", "draft_id", "verdict", shaping=shaping
    )


def _drafts_in_order(records: LoopRecords) -> pl.LazyFrame:
    """Drafts in the order in which they were made, each once: draft_id, made.

    An import records all drafts of an item at once: there the one that was critiqued last is the latest, and where that
    does not decide, one that no reviewer rejected.
    """
    critiqued = records.critiques.group_by("draft_id").agg(critiqued_at=pl.col("submitted_at").max())
    rejected = records.reviews.filter(pl.col("verdict") == "reject").select("draft_id", rejected=pl.lit(True)).unique()
    found = records.drafts.select("draft_id", "batch", "recorded_at").join(critiqued, on="draft_id", how="left")
    found = found.join(rejected, on="draft_id", how="left").with_columns(
        recorded_at=pl.when(~imported_work()).then("recorded_at"), stands=pl.col("rejected").is_null()
    )
    ordered = found.sort("recorded_at", "critiqued_at", "stands", "draft_id")
    first = ordered.unique("draft_id", keep="first", maintain_order=True)
    return first.with_row_index("made").select("draft_id", "made")


def _revision_of_critique(records: LoopRecords) -> pl.LazyFrame:
    """One revision a critique: what a person wrote, else what a person answered, else what the model wrote first."""
    answered = records.critiques.select(revision_id="cause", answered=pl.lit(True)).unique("revision_id")
    ordered = records.revisions.join(answered, on="revision_id", how="left", maintain_order="left").sort(
        pl.col("model") != PERSON, pl.col("answered").is_null(), "recorded_at", "revision_id"
    )
    ordered = ordered.select("critique_id", "revision_id", written_by="model", revised="text")
    return ordered.unique("critique_id", keep="first", maintain_order=True)


def _with_review_level(found: pl.LazyFrame, records: LoopRecords) -> pl.LazyFrame:
    """The captions with their level of review."""
    key = ["draft_id", "critique_id", "revision_id"]
    reviews = records.reviews.sort("submitted_at", "event_id")
    own = reviews.select(*key, own="verdict").unique(key, keep="last", maintain_order=True)
    rejections = reviews.filter(pl.col("verdict") == "reject")
    of_draft = rejections.select("draft_id", of_draft="author").unique("draft_id", keep="last", maintain_order=True)
    imported = imported_work()
    # In a corpus, a draft that was written anew after a rejection stands for the one that was rejected.
    of_item = rejections.filter(imported).select("clip_id", "aspect", of_item="author")
    of_item = of_item.unique(["clip_id", "aspect"], keep="last", maintain_order=True)
    # What an import brings is finished as it is; in the loop a person still says whether the revision is right.
    called_right = (pl.col("verdict") == "accept") | ((pl.col("verdict") == "change") & imported)
    finished = (pl.col("verdict") == "perfect") | (called_right & pl.col("revision_id").is_not_null())
    level = (
        pl.when(~finished | pl.col("draft").is_null())
        .then(pl.lit("unfinished"))
        .when(pl.col("own") == "reject")
        .then(pl.lit("rejected"))
        .when(pl.col("own") == "approve")
        .then(pl.lit("without_triple"))
        .when(pl.coalesce("of_draft", "of_item") == pl.col("annotator"))
        .then(pl.lit("corrected"))
        .otherwise(pl.lit("unreviewed"))
    )
    return (
        found.join(own, on=key, how="left", nulls_equal=True, maintain_order="left")
        .join(of_draft, on="draft_id", how="left", maintain_order="left")
        .join(of_item, on=["clip_id", "aspect"], how="left", maintain_order="left")
        .with_columns(level=level)
    )
