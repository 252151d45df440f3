"""Labelling: questions about each clip's aspects go to annotators; their answers come back as primitives."""

import dagster as dg

from chai_assets.annotation.desk import Desk
from chai_assets.core.partitions import batches
from chai_assets.labeling.tasks import EARLIER, label_reader, label_tasks
from chai_assets.workflow.item_state import Row

label_studio_annotations = dg.AssetSpec(
    "label_studio_annotations",
    group_name="label_studio",
    description="What people submit in Label Studio. It lives outside; a sensor watches it and asks for `advance`.",
)


@dg.asset(
    partitions_def=batches, group_name="labeling", deps=["clips", "spec_adoptions", "primitives"], pool="label_studio"
)
def primitive_tasks(context: dg.AssetExecutionContext, desk: Desk) -> dg.MaterializeResult:
    """Labelling tasks: the attributes of each aspect, asked once of one annotator for each clip."""
    return desk.push(context, "primitives", label_tasks)


@dg.asset(partitions_def=batches, group_name="labeling", deps=[label_studio_annotations, "spec_adoptions"])
def primitives(context: dg.AssetExecutionContext, desk: Desk) -> dg.MaterializeResult:
    """Answers collected from annotators, checked against the spec, and the primitives that follow from them."""

    def earlier() -> list[Row]:
        return desk.tables.rows("primitives", context.partition_key, columns=EARLIER)

    return desk.collect(context, "primitives", "primitives", label_reader(desk.release.releases, earlier))
