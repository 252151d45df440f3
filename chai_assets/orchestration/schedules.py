"""The schedules: what runs every night. The jobs themselves are in `jobs.py`."""

from collections.abc import Iterator

import dagster as dg

from chai_assets.annotation.resource import FULL_LOOK_TAG
from chai_assets.core.partitions import batches
from chai_assets.orchestration.jobs import advance, export, maintenance


def build_schedules(timezone: str = "UTC") -> list[dg.ScheduleDefinition]:
    """All schedules, at hours of this time zone (a name of the IANA database, such as `Europe/Berlin`)."""

    @dg.schedule(
        job=advance,
        cron_schedule="0 3 * * *",
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every night at three: each batch looks at all its tasks, which finds what polling cannot see.",
    )
    def nightly_reconcile(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        """One `advance` with a full look for every batch, behind live work in the queue."""
        day = context.scheduled_execution_time.date().isoformat()
        for batch in context.instance.get_dynamic_partitions(batches.name or ""):
            yield dg.RunRequest(
                run_key=f"reconcile:{day}:{batch}",
                partition_key=batch,
                tags={FULL_LOOK_TAG: "true", "dagster/priority": "-5"},
            )

    nightly_export = dg.ScheduleDefinition(
        name="nightly_export",
        job=export,
        cron_schedule="0 2 * * *",
        execution_timezone=timezone,
        description="The dataset, every night at two.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    nightly_maintenance = dg.ScheduleDefinition(
        name="nightly_maintenance",
        job=maintenance,
        cron_schedule="0 4 * * *",
        execution_timezone=timezone,
        description="Table maintenance, every night at four.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return [nightly_export, nightly_reconcile, nightly_maintenance]
