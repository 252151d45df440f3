"""Labeling: questions about each clip's aspects go to annotators; their answers come back as primitives."""

import dagster as dg

from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.partitions import batches
from chai_assets.labeling.tasks import label_reader, label_task_builder
from chai_assets.workflow.item_state import LabelTurn
from chai_assets.workflow.labels_in_force import LabelsInForce, labels_in_force
from chai_assets.workflow.load import load_records
from chai_assets.workflow.resource import Workflow

label_studio_annotations = dg.AssetSpec(
    "label_studio_annotations",
    group_name="label_studio",
    description="What people submit in Label Studio. It lives outside; a sensor watches it and asks for `advance`.",
)


@dg.asset(
    partitions_def=batches, group_name="labeling", deps=["clips", "spec_adoptions", "primitives"], pool="label_studio"
)
def primitive_tasks(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Labeling tasks: the attributes of each aspect, asked once of one annotator for each clip."""
    return annotation_tasks.push(context, workflow, LabelTurn, label_task_builder)


@dg.asset(partitions_def=batches, group_name="labeling", deps=[label_studio_annotations, "spec_adoptions"])
def primitives(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Answers collected from annotators, checked against the spec, and the primitives that follow from them."""

    def earlier() -> LabelsInForce:
        return labels_in_force(load_records(workflow.tables, context.partition_key))

    return annotation_tasks.collect(
        context, workflow, "primitives", "primitives", label_reader(workflow.release.releases, earlier)
    )
