"""Which clips get a merged caption, and what its row holds. Pure; the request is built in `merge.py`."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.prompts import Templates
from chai_assets.core.rows import NewRow
from chai_assets.inference.pending import PendingRequest
from chai_assets.spec.models import Spec
from chai_assets.triples.limit import MergeLimit
from chai_assets.triples.merge import merge_request
from chai_resources.captioners.protocol import Captioner

TRIPLE_COLUMNS = ["triple_id", "standing", "batch", "clip_id", "source_id", "aspect"]
MERGED_COLUMNS = ["merged_id", "clip_id", "triple_ids", "template_hash", "tokens", "over_limit", "shortens"]
"""The columns of triples and of merged captions that `clips_to_merge` needs."""


def clips_to_merge(
    triples: pl.DataFrame, merged: pl.DataFrame, aspects: Sequence[str], templates: Templates
) -> pl.DataFrame:
    """The clips to merge: batch, clip_id, source_id, triple_ids (in order of aspects), `why`, `replaces`, `shortens`.

    `triples` are those in force, `merged` all merged captions in order of writing. A clip is merged when all its
    aspects are approved and its newest caption, which is the one that is exported, is none of just those triples
    (`why` is new), was written with another template (template), or came out over the limit and was not shortened
    yet (long). The newest one's id is then `replaces`; `shortens` is the id of the caption to make a shorter one of.
    """
    gone = {
        task: [each for each in merged["template_hash"].unique() if templates.replaced(task, each)]
        for task in ("merge", "shorten")
    }
    parts = pl.col("triple_ids").list.join(" ").alias("parts")
    newest = merged.with_columns(parts).unique("parts", keep="last", maintain_order=True)
    whole = merged.select(whole="merged_id", whole_template="template_hash")
    newest = newest.with_columns(whole=pl.coalesce("shortens", "merged_id")).join(
        whole, on="whole", how="left", maintain_order="left"
    )
    reworded = pl.col("shortens").is_not_null() & pl.col("template_hash").is_in(gone["shorten"])
    again = pl.col("whole_template").is_in(gone["merge"])
    long = pl.col("shortens").is_null() & pl.col("over_limit").fill_null(False)
    newest = newest.with_columns(
        why=pl.when(again | reworded).then(pl.lit("template")).when(long).then(pl.lit("long")),
        shortens=pl.when(~again & (reworded | long)).then("whole"),
    )
    found = _fully_approved(triples, aspects).with_columns(parts)
    found = found.join(
        newest.select("parts", "why", "shortens", replaces="merged_id"), on="parts", how="left", maintain_order="left"
    ).with_columns(why=pl.when(pl.col("replaces").is_null()).then(pl.lit("new")).otherwise("why"))
    due = found.filter(pl.col("why").is_not_null())
    return due.select("batch", "clip_id", "source_id", "triple_ids", "why", "replaces", "shortens")


def _fully_approved(triples: pl.DataFrame, aspects: Sequence[str]) -> pl.DataFrame:
    """The clips all of whose aspects are approved, with the triples in order of aspects."""
    ranks = pl.DataFrame({"aspect": list(aspects), "rank": range(len(aspects))}, schema_overrides={"aspect": pl.String})
    ordered = triples.join(ranks, on="aspect", how="left", maintain_order="left")
    ordered = ordered.unique(["clip_id", "aspect"], keep="last", maintain_order=True)
    return (
        ordered.sort("rank", maintain_order=True)
        .group_by("clip_id", maintain_order=True)
        .agg(pl.col("batch", "source_id").first(), pl.col("rank").is_null().any(), triple_ids="triple_id")
        .filter((pl.col("triple_ids").list.len() == len(aspects)) & ~pl.col("rank"))
    )


def pending_merges(
    due: pl.DataFrame,
    texts: Mapping[str, str],
    spec: Spec,
    captioner: Captioner,
    given_up: set[str],
    limit: MergeLimit,
) -> list[PendingRequest]:
    """Requests for the clips to merge; `texts` holds the captions by id of the triple, and of the merged caption."""
    wanted = []
    for clip in due.drop("why", "replaces").iter_rows(named=True):
        parts = zip(spec.aspects, clip["triple_ids"], strict=True)
        captions = [{"aspect": aspect, "text": texts[triple]} for aspect, triple in parts]
        too_long = texts[clip["shortens"]] if clip["shortens"] else None
        request = merge_request(clip["clip_id"], captions, captioner, limit, too_long)
        if request.hash not in given_up:
            wanted.append(PendingRequest(request, {**clip, "spec_version": spec.version}))
    return wanted


def complete_merge(due: pl.DataFrame, limit: MergeLimit) -> Callable[[NewRow], NewRow]:
    """Completes merged captions: the id, the length in words and in tokens, and whether that is too long.

    The caption it replaces is part of the id, so that an earlier template that comes back makes a newest caption again.
    """
    replaced = {tuple(ids): old for ids, old in due.select("triple_ids", "replaces").iter_rows() if old}

    def finish(row: NewRow) -> NewRow:
        parts = {"triples": row["triple_ids"], "request": row["request_hash"], "text": row["text"]}
        if old := replaced.get(tuple(row["triple_ids"])):
            parts["replaces"] = old
        tokens = limit.count(row["text"])
        sized = {"words": len(row["text"].split()), "tokens": tokens, "over_limit": tokens > limit.tokens}
        return {**row, **sized, "merged_id": record_id("merged", **parts)}

    return finish


def still_too_long(merged: pl.DataFrame) -> pl.DataFrame:
    """Of merged captions in order of writing, the clips whose newest one is over the limit: clip_id and tokens."""
    newest = merged.unique("clip_id", keep="last", maintain_order=True)
    return newest.filter(pl.col("over_limit").fill_null(False)).select("clip_id", "tokens")
