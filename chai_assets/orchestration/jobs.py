"""Jobs and schedules: what runs together, and when. Sensors stand in `sensors.py`."""

import dagster as dg

from chai_assets.annotation.resource import FULL_LOOK_TAG
from chai_assets.core.partitions import batches
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

_INGEST = ("clips", "spec_adoptions", "primitive_tasks", "standings")
_COLLECT = ("primitives", "critiques", "reviews", "feedback")
_WORK = ("drafts", "polished_critiques", "revisions", "triples", "merged_captions")
_PUSH = ("primitive_tasks", "critique_tasks", "review_tasks", "feedback_tasks", "task_states", "standings")

ADVANCE = (*_COLLECT, *_WORK, *_PUSH)
"""What one step on of a batch consists of."""
ADOPT = ("spec_adoptions", *ADVANCE)
"""What a batch goes through when it adopts a version of the specification."""

ingest = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.assets(*_INGEST),
    description="A new batch: its videos become clips, and its labelling tasks are handed out.",
)
advance = dg.define_asset_job(
    "advance",
    selection=dg.AssetSelection.assets(*ADVANCE),
    description="One batch, one step on: collect what people did, draft and revise, join, hand out what is next.",
)
adopt = dg.define_asset_job(
    "adopt",
    selection=dg.AssetSelection.assets(*ADOPT),
    description="One batch moves to the specification in force, and one step on under it.",
)
publish_spec = dg.define_asset_job(
    "publish_spec",
    selection=dg.AssetSelection.assets("spec", "spec_plan"),
    description="Compiles the specification in force, publishes its handbook, and plans what it changes.",
)
export = dg.define_asset_job(
    "export",
    selection=dg.AssetSelection.assets("dataset_candidate", "dataset", "scorecards"),
    description="Checks the triples in force and publishes them as a dataset; brings the scorecards up to date.",
)


@dg.op
def compact_tables(context: dg.OpExecutionContext, tables: Tables) -> None:
    """Compacts every table's small files and drops those that no version of the last 30 days needs."""
    for name in TABLES:
        context.log.info(f"{tables.maintain(name)}")


@dg.job(description="Table maintenance: compacts small files.")
def maintenance() -> None:
    compact_tables()


def build_schedules(timezone: str) -> list[dg.ScheduleDefinition]:
    """The three schedules of every night, at hours of this time zone."""
    every_night = dg.DefaultScheduleStatus.RUNNING
    export_schedule = dg.ScheduleDefinition(
        name="nightly_export",
        job=export,
        cron_schedule="0 2 * * *",
        description="The dataset, every night at two.",
        default_status=every_night,
        execution_timezone=timezone,
    )
    maintenance_schedule = dg.ScheduleDefinition(
        name="nightly_maintenance",
        job=maintenance,
        cron_schedule="0 4 * * *",
        description="Table maintenance, every night at four.",
        default_status=every_night,
        execution_timezone=timezone,
    )

    @dg.schedule(
        job=advance,
        cron_schedule="0 3 * * *",
        default_status=every_night,
        description="Every night at three: each batch looks at all its tasks, which finds what polling cannot see.",
        execution_timezone=timezone,
    )
    def nightly_reconcile(context: dg.ScheduleEvaluationContext):
        """One `advance` with a full look for every batch, behind live work in the queue."""
        day = context.scheduled_execution_time.date().isoformat()
        for batch in context.instance.get_dynamic_partitions(batches.name or ""):
            yield dg.RunRequest(
                run_key=f"reconcile:{day}:{batch}",
                partition_key=batch,
                tags={FULL_LOOK_TAG: "true", "dagster/priority": "-5"},
            )

    return [export_schedule, nightly_reconcile, maintenance_schedule]
