"""Critique: annotators say what is wrong with a draft, and refine that until its revision is right."""

import dagster as dg

from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.asset_metadata import PREVIEW_ROWS, preview, table_result
from chai_assets.core.partitions import batches
from chai_assets.critique.polish import finish_polish, plan_polish
from chai_assets.critique.tasks import critique_reader
from chai_assets.critique.tasks import critique_tasks as builder
from chai_assets.inference.generate import ask, given_up
from chai_assets.spec.resource import SpecRelease
from chai_resources.captioner import CaptionerChoice
from chai_resources.media import Media
from chai_resources.tables import Tables


class Polishing(dg.ConfigurableResource):
    """Whether this deployment has critiques polished."""

    on: bool = False


@dg.asset(
    partitions_def=batches,
    group_name="critique",
    deps=["drafts", "revisions", "reviews", "feedback"],
    pool="label_studio",
)
def critique_tasks(context: dg.AssetExecutionContext, annotation_tasks: AnnotationTasks) -> dg.MaterializeResult:
    """Critique tasks: the draft in round 1, then the revision each critique led to, until it is right."""
    return annotation_tasks.push(context, "critique", builder)


@dg.asset(partitions_def=batches, group_name="critique", deps=["label_studio_annotations"])
def critiques(
    context: dg.AssetExecutionContext, annotation_tasks: AnnotationTasks, tables: Tables
) -> dg.MaterializeResult:
    """Critiques collected from annotators: a rating, and atomic findings located in the draft."""
    drafts = tables.read("drafts", context.partition_key, columns=["draft_id", "text"])
    return annotation_tasks.collect(context, "critique", "critiques", critique_reader(dict(drafts.iter_rows())))


@dg.asset(partitions_def=batches, group_name="critique", deps=[critiques], pool="model")
def polished_critiques(
    context: dg.AssetExecutionContext,
    tables: Tables,
    media: Media,
    release: SpecRelease,
    captioner: CaptionerChoice,
    polishing: Polishing,
) -> dg.MaterializeResult:
    """Critiques in a model's better words, checked by rule; the written ones stay, and revisions go by them."""
    # What was handed in as a batch before it was turned off is fetched all the same: it is paid.
    if not polishing.on and not captioner.model.batches:
        return dg.MaterializeResult(metadata={"note": "critiques are not polished: set CHAI_POLISH=yes to have them"})
    batch = context.partition_key
    engine = captioner.open(media, context)
    written = tables.rows("critiques", batch) if polishing.on else []
    known = tables.rows("polished_critiques", batch, columns=["polished_id", "critique_id", "template_hash"])
    newest = {row["critique_id"]: row for row in known}
    wanted = plan_polish(written, newest, release.templates, engine, given_up(tables, batch))
    finish = finish_polish({row["critique_id"]: row for row in written}, newest)
    model = {"choice": captioner, "captioner": engine, "run": context.run.run_id}
    outcome = ask("polish", "polished_critiques", batch, wanted, finish, **model, tables=tables, log=context.log.info)
    faulty = tables.read("polished_critiques", batch, columns=["critique_id", "fault", "written", "text"])
    faulty = faulty.unique("critique_id", keep="last", maintain_order=True).drop_nulls("fault")
    return table_result(
        tables,
        "polished_critiques",
        batch,
        outcome.made,
        written_counts_instead=faulty.height,
        first_of_those=preview(faulty.head(PREVIEW_ROWS).to_dicts()),
        **outcome.metadata(),
    )
