"""Revision: the model applies each critique to its draft, and what it did is checked finding by finding."""

import dagster as dg

from chai_assets.core.asset_metadata import table_result
from chai_assets.core.partitions import batches
from chai_assets.inference.generate import Generator
from chai_assets.linting.lint_report import find_flags, flags_metadata
from chai_assets.revision.revise import complete_revision, pending_revisions
from chai_assets.workflow.load import states_in_force
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice


@dg.asset(partitions_def=batches, group_name="revision", deps=["drafts", "critiques"], pool="model")
def revisions(
    context: dg.AssetExecutionContext, workflow: Workflow, captioner: CaptionerChoice
) -> dg.MaterializeResult:
    """Post-captions: each critique that asks for a change, applied to its draft by the model."""
    batch, tables = context.partition_key, workflow.tables
    items, spec = workflow.standings(batch), workflow.lineage(batch).spec
    generator = Generator.in_run(context, "revise", captioner, tables, workflow.media)
    pending = pending_revisions(items, spec, workflow.clips(batch), generator.captioner, generator.given_up())
    report = generator.run(pending, complete_revision(items))
    columns = ["clip_id", "aspect", "draft_id", "text", "effects", "other_changes"]
    rows = tables.rows("revisions", batch, columns=columns)
    labels = {item.draft["draft_id"]: item.draft["label_id"] for item in items if item.draft}
    written = [{**row, "label_id": labels.get(row["draft_id"])} for row in rows[len(rows) - report.written :]]
    states = states_in_force(tables, workflow.release.releases, batch) if written else {}
    doubts = find_flags(written, states, spec)
    return table_result(
        tables,
        "revisions",
        batch,
        report.written,
        findings_that_did_not_take=sum(not e["took"] for row in rows for e in row["effects"]),
        unasked_changes=sum(len(row["other_changes"]) for row in rows),
        **report.metadata(),
        **flags_metadata(doubts),
    )
