"""Drafting: a model writes each aspect's caption from the labelled primitives."""

import dagster as dg

from chai_assets.core.asset_metadata import table_result
from chai_assets.core.partitions import batches
from chai_assets.drafting.draft import finish_draft, wanted_drafts
from chai_assets.inference.generate import ask, given_up
from chai_assets.linting.lint_report import find_flags, flags_metadata, label_states
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice


@dg.asset(
    partitions_def=batches,
    group_name="drafting",
    deps=["clips", "spec_adoptions", "primitives", "reviews"],
    pool="model",
)
def drafts(context: dg.AssetExecutionContext, workflow: Workflow, captioner: CaptionerChoice) -> dg.MaterializeResult:
    """Pre-captions: written once an item is labelled and the aspects it rests on are approved."""
    batch, tables = context.partition_key, workflow.tables
    engine = captioner.open(workflow.media, context)
    items = workflow.standings(batch)
    spec, clips = workflow.lineage(batch).spec, workflow.clips(batch)
    wanted = wanted_drafts(items, spec, clips, engine, given_up(tables, batch))
    model = {"choice": captioner, "captioner": engine, "run": context.run.run_id}
    outcome = ask("draft", "drafts", batch, wanted, finish_draft, **model, tables=tables, log=context.log.info)
    columns = ["clip_id", "aspect", "label_id", "text"]
    written = tables.read("drafts", batch, columns=columns).tail(outcome.made).to_dicts()
    doubts = find_flags(written, label_states(tables, batch) if written else {}, spec)
    return table_result(
        tables,
        "drafts",
        batch,
        outcome.made,
        wait_for_upstream=sum(item.stage == "upstream" for item in items),
        set_aside=sum(item.stage == "set_aside" for item in items),
        **outcome.metadata(),
        **flags_metadata(doubts),
    )
