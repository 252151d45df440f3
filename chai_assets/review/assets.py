"""Review: a second person checks critique and revision; the annotator hears of a rejection and may appeal."""

from collections import Counter

import dagster as dg

from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.asset_metadata import preview
from chai_assets.core.partitions import batches
from chai_assets.review.label_doubts import DOUBT_KINDS, batch_doubts
from chai_assets.review.tasks import feedback_reader, feedback_task_builder, review_reader, review_task_builder
from chai_assets.workflow.item_state import FeedbackTurn, ReviewTurn
from chai_assets.workflow.resource import Workflow


@dg.asset(
    partitions_def=batches,
    group_name="review",
    deps=["revisions", "critiques", "reviews", "feedback"],
    pool="label_studio",
)
def review_tasks(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Review tasks: each candidate goes to a reviewer who never labeled or critiqued the item."""
    return annotation_tasks.push(context, workflow, ReviewTurn, review_task_builder)


@dg.asset(partitions_def=batches, group_name="review", deps=["label_studio_annotations"])
def reviews(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Verdicts collected from reviewers: every finding ticked right or wrong, misses added, approve or reject."""
    return annotation_tasks.collect(context, workflow, "review", "reviews", review_reader())


@dg.asset(partitions_def=batches, group_name="review", deps=["reviews"], pool="label_studio")
def feedback_tasks(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Feedback tasks: what the reviewer rejected and why, told to the author of the critique."""
    return annotation_tasks.push(context, workflow, FeedbackTurn, feedback_task_builder)


@dg.asset(partitions_def=batches, group_name="review", deps=["label_studio_annotations"])
def feedback(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Annotators' answers to a rejection: understood, or a request for a regrade by somebody else."""
    return annotation_tasks.collect(context, workflow, "feedback", "feedback", feedback_reader())


@dg.asset(
    partitions_def=batches,
    group_name="review",
    deps=["primitive_tasks", "critique_tasks", "review_tasks", "feedback_tasks"],
    pool="label_studio",
    check_specs=[
        dg.AssetCheckSpec(
            "labels_and_captions_agree",
            asset="task_states",
            description="No approved caption says what a corrected label denies, and every correction took force.",
        )
    ],
)
def task_states(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Tasks given back to their author for correction, and tasks closed since somebody has built on them."""
    result, batch = annotation_tasks.close(context, workflow), context.partition_key
    doubts = batch_doubts(workflow.tables, batch, workflow.standings(batch), workflow.lineage(batch).spec)
    counts = Counter(doubt["kind"] for doubt in doubts)
    check = dg.AssetCheckResult(
        passed=not counts["contradicted"] and not counts["not_applied"],
        check_name="labels_and_captions_agree",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**{kind: counts[kind] for kind in DOUBT_KINDS}, "doubts": preview([*doubts])},
    )
    return dg.MaterializeResult(metadata=result.metadata, check_results=[check])
