"""Critique: annotators say what is wrong with a draft, and refine that until its revision is right."""

import dagster as dg

from chai_assets.critique.tasks import critique_reader
from chai_assets.critique.tasks import critique_tasks as builder
from chai_assets.desk import Desk
from chai_assets.partitions import batches


@dg.asset(
    partitions_def=batches,
    group_name="critique",
    deps=["drafts", "revisions", "reviews", "feedback"],
    pool="label_studio",
)
def critique_tasks(context: dg.AssetExecutionContext, desk: Desk) -> dg.MaterializeResult:
    """Critique tasks: the draft in round 1, then the revision each critique led to, until it is right."""
    return desk.push(context, "critique", builder)


@dg.asset(partitions_def=batches, group_name="critique", deps=["label_studio_annotations"])
def critiques(context: dg.AssetExecutionContext, desk: Desk) -> dg.MaterializeResult:
    """Critiques collected from annotators: a rating, and atomic findings located in the draft."""
    drafts = desk.tables.read("drafts", context.partition_key, columns=["draft_id", "text"])
    return desk.collect(context, "critique", "critiques", critique_reader(dict(drafts.iter_rows())))
