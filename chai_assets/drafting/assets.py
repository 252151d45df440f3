"""Drafting: a model writes each aspect's caption from the labeled primitives."""

import dagster as dg

from chai_assets.core.asset_metadata import table_result
from chai_assets.core.partitions import batches
from chai_assets.drafting.draft import complete_draft, pending_drafts
from chai_assets.inference.generate import Generator
from chai_assets.linting.lint_report import find_flags, flags_metadata
from chai_assets.workflow.load import states_in_force
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice


@dg.asset(
    partitions_def=batches,
    group_name="drafting",
    deps=["clips", "spec_adoptions", "primitives", "reviews"],
    pool="model",
)
def drafts(context: dg.AssetExecutionContext, workflow: Workflow, captioner: CaptionerChoice) -> dg.MaterializeResult:
    """Pre-captions: written once an item is labeled and the aspects it rests on are approved."""
    batch, tables = context.partition_key, workflow.tables
    items, spec = workflow.standings(batch), workflow.lineage(batch).spec
    generator = Generator.in_run(context, "draft", captioner, tables, workflow.media)
    pending = pending_drafts(items, spec, workflow.clips(batch), generator.captioner, generator.given_up())
    report = generator.run(pending, complete_draft)
    columns = ["clip_id", "aspect", "label_id", "text"]
    written = tables.read("drafts", batch, columns=columns).tail(report.written).to_dicts()
    states = states_in_force(tables, workflow.release.releases, batch) if written else {}
    doubts = find_flags(written, states, spec)
    return table_result(
        tables,
        "drafts",
        batch,
        report.written,
        wait_for_upstream=sum(item.stage == "upstream" for item in items),
        set_aside=sum(item.stage == "set_aside" for item in items),
        **report.metadata(),
        **flags_metadata(doubts),
    )
