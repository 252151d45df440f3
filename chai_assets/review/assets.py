"""Review: a second person checks critique and revision; the annotator hears of a rejection and may appeal."""

import dagster as dg

from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.partitions import batches
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
)
def task_states(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Tasks given back to their author for correction, and tasks closed since somebody has built on them."""
    return annotation_tasks.close(context, workflow)
