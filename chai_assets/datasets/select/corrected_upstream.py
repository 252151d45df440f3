"""Rows that rest on an upstream caption which was corrected later. Pure Polars and lazy.

A draft is written with the approved captions of other aspects in view. Where one of those is no longer the approved
one, the row may repeat what was corrected, and says so.
"""

import polars as pl

from chai_assets.datasets.select.canonical_rows import LeftOut, left_out
from chai_assets.datasets.select.unapproved import LoopRecords


def corrected_upstream(records: LoopRecords, triples: pl.LazyFrame) -> pl.LazyFrame:
    """draft_id and `corrected_upstream`: the aspects whose approved caption is another than the draft rests on.

    A caption that was withdrawn and has no successor counts, too. Drafts that rest on what still stands have no row.
    `triples` are those in force of the same clips as `records`.
    """
    drafts = records.drafts.unique("draft_id", keep="any")
    used = drafts.select("draft_id", "clip_id", caption_id="upstream").explode("caption_id").drop_nulls("caption_id")
    captions = [
        records.revisions.select("clip_id", "aspect", caption_id="revision_id"),
        drafts.select("clip_id", "aspect", caption_id="draft_id"),
    ]
    made = pl.concat(captions).unique(["clip_id", "caption_id"], keep="any")
    in_force = triples.select("clip_id", "aspect", caption_id=pl.coalesce("revision_id", "draft_id"))
    keys = ["clip_id", "aspect", "caption_id"]
    moved = used.join(made, on=["clip_id", "caption_id"]).join(in_force, on=keys, how="anti")
    return moved.group_by("draft_id").agg(corrected_upstream=pl.col("aspect").unique().sort())


def without_corrected(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
    """The rows that rest on nothing that was corrected, and the others as left out."""
    rests = pl.col("corrected_upstream").list.len() > 0
    reason = "it rests on an upstream caption that was corrected or withdrawn later"
    return rows.filter(~rests), left_out("triple", reason, rows.filter(rests)["id"])
