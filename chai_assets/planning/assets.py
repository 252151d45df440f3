"""The assets `standings`, the log of where every item stands, and `spec_plan`, what the version in force changes."""

import dagster as dg

from chai_assets.core.asset_metadata import preview, table_result
from chai_assets.core.partitions import batches
from chai_assets.critique.assets import Polishing
from chai_assets.planning.effort import summary
from chai_assets.planning.load import make_plan, rows_now
from chai_assets.planning.prompt_impact import by_task, in_money, prompt_changes
from chai_assets.planning.standings_log import new_entries
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import settle
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice
from chai_resources.tables import Tables


@dg.asset(partitions_def=batches, group_name="planning", deps=["triples", "task_states"])
def standings(context: dg.AssetExecutionContext, workflow: Workflow) -> dg.MaterializeResult:
    """Where each item stands at the end of a run, written where that changed: what plans are made from."""
    batch, tables = context.partition_key, workflow.tables
    rows = rows_now(tables, batch, workflow.standings(batch))
    entries = new_entries(rows, tables.rows("standings", batch))
    added = tables.append("standings", entries)
    # This is the last step of a run: what the version in use asks for is done. No later asset could record it.
    settle(tables, [batch], workflow.lineage(batch).spec)
    return table_result(tables, "standings", batch, added)


class PlanConfig(dg.Config):
    """Which version to plan for: released or still being written; empty for the one in force."""

    to: str = ""


@dg.asset(group_name="planning", deps=["spec", standings])
def spec_plan(
    config: PlanConfig, tables: Tables, release: SpecRelease, captioner: CaptionerChoice, polishing: Polishing
) -> dg.MaterializeResult:
    """What moving all batches to a version of the specification means, and what the prompts on disk change.

    Rows, minutes of people, model requests and US dollars.
    """
    made = make_plan(tables, release, config.to or release.in_force).in_money(tables, captioner)
    changes = prompt_changes(tables, release, release.templates, polishing.on)
    changes = in_money(changes, tables, captioner)
    return dg.MaterializeResult(
        metadata={
            "target": made.target,
            "dagster/row_count": made.rows.height,
            "affected_batches": ", ".join(made.affected) or "none",
            "untouched_batches": ", ".join(made.untouched) or "none",
            "human_minutes": made.total("minutes"),
            "human_minutes_that_may_follow": made.total("may_minutes"),
            "model_requests": made.total("requests"),
            "planned_cost_usd": made.total("usd", 4),
            "planned_cost_usd_that_may_follow": made.total("may_usd", 4),
            "by_aspect_and_batch": preview(summary(made.rows, "aspect", "batch").to_dicts(), at_most=200),
            "rows": preview(made.rows.select("batch", "clip_id", "aspect", "action", "questions", "why").to_dicts()),
            "prompt_changes": preview(by_task(changes).to_dicts(), at_most=200),
            "prompt_changes_requests": int(changes["requests"].sum()),
            "prompt_changes_planned_cost_usd": round(float(changes["usd"].sum()), 4),
        }
    )
