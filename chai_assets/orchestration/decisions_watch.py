"""The sensor that watches what leads decide: what follows is handed out by a run within one poll."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl

from chai_assets.core.partitions import batches
from chai_assets.orchestration.jobs import advance
from chai_resources.tables import Tables

CLOCKS_DIFFER = timedelta(hours=1)
"""How far apart the clocks of machines on which leads decide may be; what comes later is found by the next run."""


def plan_runs(decided: Iterable[str]) -> list[dg.RunRequest]:
    """One run for each of these batches, which stand here once a decision; its key names how many, so it asks once.

    It does not name the last of them: what a clock that is behind writes last is not the last by its time.
    """
    return [
        dg.RunRequest(run_key=f"decided:{batch}:{count}", partition_key=batch, tags={"dagster/priority": "10"})
        for batch, count in sorted(Counter(decided).items())
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
            since = pl.col("recorded_at") > datetime.fromisoformat(context.cursor) - CLOCKS_DIFFER
        news = tables.read("lead_decisions", columns=["batch", "recorded_at"], where=since)
        known = context.instance.get_dynamic_partitions(batches.name or "")
        news = news.filter(pl.col("batch").is_in(known))
        if news.is_empty():
            return dg.SkipReason("no lead has decided anything since the last look")
        of_these = pl.col("batch").is_in(news["batch"].unique().to_list())
        runs = plan_runs(tables.read("lead_decisions", columns=["batch"], where=of_these)["batch"])
        # A clock that is ahead must not hide what others decide until then.
        seen = min(max(news["recorded_at"]), datetime.now(UTC))
        return dg.SensorResult(run_requests=runs, cursor=seen.isoformat())

    return decisions_watch
