"""Which clips can have a merged caption, and what its row holds. Pure; the request is built in `merge.py`."""

from collections.abc import Callable, Sequence

import polars as pl

from chai_assets.asking import Wanted
from chai_assets.chain import Row
from chai_assets.prompting import Templates
from chai_assets.records import record_id
from chai_assets.spec.models import Spec
from chai_assets.triples.merge import merge_request
from chai_resources.captioners import Captioner

TRIPLE = ["triple_id", "standing", "batch", "clip_id", "source_id", "aspect"]
MERGED = ["merged_id", "triple_ids", "template_hash"]
"""What is needed of triples and of merged captions to say what is to be merged."""


def to_merge(triples: pl.DataFrame, merged: pl.DataFrame, aspects: Sequence[str], templates: Templates) -> pl.DataFrame:
    """The clips to merge: batch, clip_id, source_id, triple_ids (in order of aspects), and `replaces`.

    `triples` are those in force, `merged` all merged captions in order of writing. A clip is merged when all its
    aspects are approved and its newest caption, which is the one that is exported, is none of just those triples
    or was written with another template; that one's id is then `replaces`.
    """
    ordered = triples.join(
        pl.DataFrame({"aspect": list(aspects), "rank": range(len(aspects))}, schema_overrides={"aspect": pl.String}),
        on="aspect",
        how="left",
        maintain_order="left",
    ).unique(["clip_id", "aspect"], keep="last", maintain_order=True)
    whole = (
        ordered.sort("rank", maintain_order=True)
        .group_by("clip_id", maintain_order=True)
        .agg(pl.col("batch", "source_id").first(), pl.col("rank").is_null().any(), triple_ids="triple_id")
        .filter((pl.col("triple_ids").list.len() == len(aspects)) & ~pl.col("rank"))
    )
    gone = [each for each in merged["template_hash"].unique() if templates.replaced("merge", each)]
    parts = pl.col("triple_ids").list.join(" ").alias("parts")
    newest = merged.with_columns(parts).unique("parts", keep="last", maintain_order=True)
    found = whole.with_columns(parts).join(
        newest.select("parts", "template_hash", replaces="merged_id"), on="parts", how="left", maintain_order="left"
    )
    due = found.filter(pl.col("replaces").is_null() | pl.col("template_hash").is_in(gone))
    return due.select("batch", "clip_id", "source_id", "triple_ids", "replaces")


def wanted_merges(
    due: pl.DataFrame, texts: dict[str, str], spec: Spec, captioner: Captioner, given_up: set[str]
) -> list[Wanted]:
    """Requests for the clips to merge; `texts` holds the approved captions by triple."""
    wanted = []
    for clip in due.drop("replaces").iter_rows(named=True):
        parts = zip(spec.aspects, clip["triple_ids"], strict=True)
        captions = [{"aspect": aspect, "text": texts[triple]} for aspect, triple in parts]
        request = merge_request(clip_id=clip["clip_id"], captions=captions, captioner=captioner)
        if request.hash not in given_up:
            wanted.append(Wanted(request, {**clip, "spec_version": spec.version}))
    return wanted


def finish_merge(due: pl.DataFrame) -> Callable[[Row], Row]:
    """Completes merged captions: the id, and the length in words.

    The caption it replaces is part of the id: a template may come back, and its caption shall be the newest again.
    """
    replaced = {tuple(ids): old for ids, old in due.select("triple_ids", "replaces").iter_rows() if old}

    def finish(row: Row) -> Row:
        parts = {"triples": row["triple_ids"], "request": row["request_hash"], "text": row["text"]}
        if old := replaced.get(tuple(row["triple_ids"])):
            parts["replaces"] = old
        return {**row, "merged_id": record_id("merged", **parts), "words": len(row["text"].split())}

    return finish
