"""The sensors: they watch Label Studio, releases of the specification, and batches at a model's provider.

Those of the inbox and of leads' decisions are in `inbox_watch.py` and `decisions_watch.py`.

Each is a thin shell around pure functions (read the cursor, plan runs, next cursor). An outage is an error of the tick,
never a skip; the next tick tries again from the same cursor. The one that watches runs is in `retries.py`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from chai_assets.annotation.collect import OVERLAP
from chai_assets.core.partitions import batches
from chai_assets.orchestration.backfill import backfill_request
from chai_assets.orchestration.decisions_watch import build_decisions_watch
from chai_assets.orchestration.inbox_watch import build_inbox_watch
from chai_assets.orchestration.jobs import ADOPT, advance
from chai_assets.orchestration.people_watch import build_people_watch
from chai_assets.orchestration.retries import build_retry_watch
from chai_assets.planning.load import make_plan
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import settle
from chai_assets.workflow.records import TaskKind
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.batch_api.pending_batches import PendingBatch
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.tables import Tables

KINDS: tuple[TaskKind, ...] = ("primitives", "critique", "review", "feedback")

FETCH_SECONDS = 300
"""A provider's batch takes minutes to hours, and a look at one is a call."""


@dataclass(frozen=True)
class LabelStudioCursor:
    """Cursor of the Label Studio sensor: everything up to `since` (the server's time) has been seen."""

    since: datetime


def read_cursor(text: str | None) -> LabelStudioCursor:
    """The cursor as stored; an unreadable one starts over, which asks for runs that find nothing to do."""
    try:
        return LabelStudioCursor(datetime.fromisoformat(json.loads(text or "")["since"]))
    except (ValueError, KeyError, TypeError):
        return LabelStudioCursor(datetime(2000, 1, 1, tzinfo=UTC))


def next_cursor(looked_at: datetime) -> str:
    """The cursor after a look that began at the server's time `looked_at`, less what may commit late."""
    return json.dumps({"since": (looked_at - OVERLAP).isoformat()})


def plan_runs(touched: Iterable[tuple[str, int, datetime]]) -> list[dg.RunRequest]:
    """One run for each touched batch; its key names the newest change, so that the same change asks once.

    `touched` are (batch, task id, time of change).
    """
    newest: dict[str, tuple[datetime, int]] = {}
    for batch, task_id, changed_at in touched:
        newest[batch] = max(newest.get(batch, (changed_at, task_id)), (changed_at, task_id))
    return [
        dg.RunRequest(
            run_key=f"work:{batch}:{task_id}:{changed_at.isoformat()}",
            partition_key=batch,
            tags={"dagster/priority": "10"},
        )
        for batch, (changed_at, task_id) in sorted(newest.items())
    ]


def plan_fetches(pending: Iterable[PendingBatch], batch_of: Mapping[str, str], now: datetime) -> list[dg.RunRequest]:
    """A run for each batch of clips that a provider's ended batch is about.

    Asked for again every hour until it is fetched: a run may fail for reasons of its own.
    """
    wanted = {(batch_of[clip], batch.id) for batch in pending for clip in batch.clips if clip in batch_of}
    return [
        dg.RunRequest(run_key=f"answers:{batch}:{name}:{now:%Y-%m-%dT%H}", partition_key=batch)
        for batch, name in sorted(wanted)
    ]


def build_sensors(inbox: str, poll_seconds: int) -> list[dg.SensorDefinition]:
    """All sensors, for this deployment's inbox and polling interval in seconds."""

    @dg.sensor(
        name="label_studio_watch",
        job=advance,
        minimum_interval_seconds=poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="What people submitted in Label Studio moves its batches on.",
    )
    def label_studio_watch(
        context: dg.SensorEvaluationContext, label_studio: LabelStudio
    ) -> dg.SensorResult | dg.SkipReason:
        since = read_cursor(context.cursor).since
        looked_at = label_studio.server_time()
        projects = {kind: label_studio.project(kind) for kind in KINDS}
        touched = [t for p in projects.values() if p is not None for t in label_studio.touched(p, since)]
        planned, known = plan_runs(touched), set(context.instance.get_dynamic_partitions(batches.name or ""))
        strange = [str(run.partition_key) for run in planned if run.partition_key not in known]
        if strange:  # one such request would fail the whole tick, and every tick after it
            context.log.warning(
                f"people work on batches that this Dagster does not know: {', '.join(strange)}. Ingest them here, "
                "or give each deployment a Label Studio of its own"
            )
        queued = _queued(context.instance)
        runs = [run for run in planned if run.partition_key in known and run.partition_key not in queued]
        if not runs:
            context.update_cursor(next_cursor(looked_at))
            return dg.SkipReason(f"nothing since {since:%Y-%m-%d %H:%M:%S} UTC that no queued run will see")
        observed = dg.AssetObservation(
            "label_studio_annotations",
            metadata={
                "tasks_touched": len(touched),
                "batches": ", ".join(str(r.partition_key) for r in runs),
            },
        )
        return dg.SensorResult(run_requests=runs, cursor=next_cursor(looked_at), asset_events=[observed])

    @dg.sensor(
        name="release_watch",
        asset_selection=dg.AssetSelection.assets(*ADOPT),
        minimum_interval_seconds=poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A new release of the specification asks for one backfill of the batches that it changes.",
    )
    def release_watch(
        context: dg.SensorEvaluationContext, tables: Tables, release: SpecRelease
    ) -> dg.SensorResult | dg.SkipReason:
        version = release.in_force
        if context.cursor == version:
            return dg.SkipReason(
                f"specification {version} was dealt with; to go on with a canceled backfill: "
                "`chai backfill`, or launch the job `adopt` for the batches that are left"
            )
        made = make_plan(tables, release, version)
        # Nothing in these changes: a run for each would cost seconds and find nothing, so they are only recorded.
        settle(tables, made.untouched, release.load())
        known = set(context.instance.get_dynamic_partitions(batches.name or ""))
        affected = [batch for batch in made.affected if batch in known]
        if strange := sorted(set(made.affected) - known):
            context.log.warning(f"{', '.join(strange)}: batches this Dagster does not know; run `chai backfill` there")
        if not affected:
            context.update_cursor(version)
            return dg.SkipReason(f"specification {version} changes no row of any batch that this Dagster knows")
        return dg.SensorResult(run_requests=[backfill_request(context, affected, version)], cursor=version)

    @dg.sensor(
        name="answers_watch",
        job=advance,
        minimum_interval_seconds=FETCH_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Where models are asked in batches (CHAI_MODEL_MODE=batch): one that has ended is fetched.",
    )
    def answers_watch(
        context: dg.SensorEvaluationContext, tables: Tables, media: Media, captioner: CaptionerChoice
    ) -> dg.SensorResult | dg.SkipReason:
        ended = captioner.ended_batches(media)
        if not ended:
            return dg.SkipReason("no batch at a model's provider has ended that was not fetched")
        clips = tables.read("clips", columns=["clip_id", "batch"], where=pl.col("clip_id").is_in(_clips(ended)))
        known = set(context.instance.get_dynamic_partitions(batches.name or ""))
        runs = plan_fetches(ended, dict(clips.select("clip_id", "batch").iter_rows()), datetime.now(UTC))
        return dg.SensorResult(run_requests=[run for run in runs if run.partition_key in known])

    built = [build_inbox_watch(inbox, poll_seconds), build_people_watch(poll_seconds), build_retry_watch(poll_seconds)]
    built.append(build_decisions_watch(poll_seconds))
    return [*built, label_studio_watch, release_watch, answers_watch]


def _clips(pending: Iterable[PendingBatch]) -> list[str]:
    return sorted({clip for batch in pending for clip in batch.clips})


def _queued(instance: dg.DagsterInstance) -> set[str]:
    """Batches for which a run of `advance` waits to start: it will see all that was submitted until now."""
    waiting = dg.RunsFilter(job_name=advance.name, statuses=[dg.DagsterRunStatus.QUEUED])
    return {run.tags.get("dagster/partition", "") for run in instance.get_runs(waiting)}
