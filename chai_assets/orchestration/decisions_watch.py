"""The sensor that watches what leads decide: what follows is handed out by a run within one poll."""

from collections.abc import Iterable
from datetime import datetime

import dagster as dg
import polars as pl

from chai_assets.annotation.collect import OVERLAP
from chai_assets.core.partitions import batches
from chai_assets.orchestration.jobs import advance
from chai_resources.tables import Tables


def plan_runs(decided: Iterable[tuple[str, str]]) -> list[dg.RunRequest]:
    """One run for each batch of these (batch, decision id) in order; its key names the last, so that it asks once."""
    return [
        dg.RunRequest(run_key=f"decided:{batch}:{last}", partition_key=batch, tags={"dagster/priority": "10"})
        for batch, last in sorted(dict(decided).items())
    ]


def build_decisions_watch(poll_seconds: int) -> dg.SensorDefinition:
    """The sensor, for this deployment's polling interval in seconds."""

    @dg.sensor(
        name="decisions_watch",
        job=advance,
        minimum_interval_seconds=poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="What a lead decided (`chai recall`, `chai lead`) moves its batch on.",
    )
    def decisions_watch(context: dg.SensorEvaluationContext, tables: Tables) -> dg.SensorResult | dg.SkipReason:
        since = pl.lit(True)
        if context.cursor:
            # Written on several machines, whose clocks differ; a decision that is seen twice asks for one run.
            since = pl.col("recorded_at") > datetime.fromisoformat(context.cursor) - OVERLAP
        columns = ["batch", "decision_id", "recorded_at"]
        decided = tables.read("lead_decisions", columns=columns, where=since).sort("recorded_at", "decision_id")
        known = set(context.instance.get_dynamic_partitions(batches.name or ""))
        decided = decided.filter(pl.col("batch").is_in(list(known)))
        if decided.is_empty():
            return dg.SkipReason("no lead has decided anything since the last look")
        runs = plan_runs(decided.select("batch", "decision_id").iter_rows())
        return dg.SensorResult(run_requests=runs, cursor=decided["recorded_at"][-1].isoformat())

    return decisions_watch
