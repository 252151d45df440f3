"""Critique: annotators say what is wrong with a draft, and refine that until its revision is right."""

import dagster as dg
import polars as pl

from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.asset_metadata import PREVIEW_ROWS, preview, table_result
from chai_assets.core.partitions import batches
from chai_assets.core.rows import CritiqueRow, PolishedCritiqueRow, read_rows
from chai_assets.critique.polish import complete_polish, pending_polishes
from chai_assets.critique.tasks import CORRECTING, correction_rows, critique_reader, critique_task_builder
from chai_assets.inference.generate import Generator
from chai_assets.workflow.item_state import CritiqueTurn
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice
from chai_resources.tables import as_rows


class Polishing(dg.ConfigurableResource):
    """Whether this deployment has critiques polished."""

    on: bool = False


@dg.asset(
    partitions_def=batches,
    group_name="critique",
    deps=["drafts", "revisions", "reviews", "feedback"],
    pool="label_studio",
)
def critique_tasks(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Critique tasks: the draft in round 1, then the revision each critique led to, until it is right."""
    return annotation_tasks.push(context, workflow, CritiqueTurn, critique_task_builder)


@dg.asset(partitions_def=batches, group_name="critique", deps=["label_studio_annotations"])
def critiques(
    context: dg.AssetExecutionContext, workflow: Workflow, annotation_tasks: AnnotationTasks
) -> dg.MaterializeResult:
    """Critiques collected from annotators: a rating, atomic findings located in the draft, and corrected labels."""
    tables, batch = workflow.tables, context.partition_key
    drafts = tables.read("drafts", batch, columns=["draft_id", "text"])
    read = critique_reader(dict(drafts.iter_rows()), workflow.release.releases)
    result = annotation_tasks.collect(context, workflow, "critique", "critiques", read)
    # Of all critiques: a run may have ended between the two tables.
    rows = tables.read("critiques", batch, columns=CORRECTING)
    correcting = rows.filter(pl.col("corrections").list.len() > 0)
    tables.append_new("label_corrections", correction_rows(as_rows(correcting)), batch)
    return result


@dg.asset(partitions_def=batches, group_name="critique", deps=[critiques], pool="model")
def polished_critiques(
    context: dg.AssetExecutionContext, workflow: Workflow, captioner: CaptionerChoice, polishing: Polishing
) -> dg.MaterializeResult:
    """Critiques in a model's better words, checked by rule; the written ones stay, and revisions go by them."""
    # What was handed in as a batch before it was turned off is fetched all the same: it is paid.
    if not polishing.on and not captioner.model.batches:
        return dg.MaterializeResult(metadata={"note": "critiques are not polished: set CHAI_POLISH=yes to have them"})
    batch, tables = context.partition_key, workflow.tables
    generator = Generator.in_run(context, "polish", captioner, tables, workflow.media)
    written = read_rows(tables, CritiqueRow, batch) if polishing.on else []
    known = read_rows(tables, PolishedCritiqueRow, batch, ["polished_id", "critique_id", "template_hash"])
    newest = {row["critique_id"]: row for row in known}
    pending = pending_polishes(written, newest, workflow.release.templates, generator.captioner, generator.given_up())
    report = generator.run(pending, complete_polish({row["critique_id"]: row for row in written}, newest))
    faulty = tables.read("polished_critiques", batch, columns=["critique_id", "fault", "written", "text"])
    faulty = faulty.unique("critique_id", keep="last", maintain_order=True).drop_nulls("fault")
    return table_result(
        tables,
        "polished_critiques",
        batch,
        report.written,
        written_counts_instead=faulty.height,
        first_of_those=preview(faulty.head(PREVIEW_ROWS).to_dicts()),
        **report.metadata(),
    )
