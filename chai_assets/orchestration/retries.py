"""Runs that failed are asked for again, with growing pauses; what keeps failing is told, with what to do.

A sensor's request is used up by the run it led to, however that run ended, so the other sensors ask only for what is
new. Here each job and batch is looked at by how its last run ended. What a person canceled is not asked for again.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG, PRIORITY_TAG

from chai_assets.core.partitions import batches
from chai_assets.orchestration.backfill import SPEC_TAG
from chai_assets.orchestration.dead_runs import PROCESS_TAG, bury_dead_runs
from chai_assets.orchestration.jobs import JOBS, STUCK_CHECK, adopt

PAUSES = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800, 3600, 7200, 14400, 86400))
"""After the first failure in a row, the second, ...; the last one holds from then on. A passing outage costs a minute
and a long one an hour; what fails for good costs a run a day."""
STUCK_AFTER = 4
"""Failures in a row after which somebody should look: after 43 minutes no passing fault is left to hope for."""

_LOOK_BACK = PAUSES[-1] + timedelta(days=2)
_BACKFILL_JOB = "__ASSET_JOB"
_UNDER_WAY = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dataclass(frozen=True)
class Work:
    """What a run is for: a job, and the batch it works on; none for jobs that belong to no batch."""

    job: str
    batch: str | None

    def __str__(self) -> str:
        return f"`{self.job}` of {self.batch}" if self.batch else f"`{self.job}`"


@dataclass(frozen=True)
class Failing:
    """Work whose last run failed, and how often in a row; nothing of it is under way."""

    work: Work
    last: dg.DagsterRun
    ended: datetime
    failures: int

    @property
    def stuck(self) -> bool:
        return self.failures >= STUCK_AFTER

    @property
    def due(self) -> datetime:
        """When it is asked for again."""
        return self.ended + PAUSES[min(self.failures, len(PAUSES)) - 1]

    def request(self) -> dg.RunRequest:
        """The next run of it, as the last one was asked for."""
        kept = {name: value for name, value in self.last.tags.items() if name.startswith("chai/")}
        if PRIORITY_TAG in self.last.tags:
            kept[PRIORITY_TAG] = self.last.tags[PRIORITY_TAG]
        kept.pop(PROCESS_TAG, None)
        return dg.RunRequest(
            run_key=f"retry:{self.last.run_id}",
            job_name=self.work.job,
            partition_key=self.work.batch,
            run_config=self.last.run_config,
            tags=kept,
        )

    def advice(self) -> str:
        """One line for who looks after it."""
        failed = f"{self.work} failed {self.ended:%Y-%m-%d %H:%M} UTC and is asked for again {self.due:%H:%M}"
        if not self.stuck:
            return failed
        return (
            f"{self.work} failed {self.failures} times in a row, last {self.ended:%Y-%m-%d %H:%M} UTC: see its run "
            f"{self.last.run_id[:8]} in Dagster for the reason, mend that, and re-execute it there (it is asked for "
            f"again {self.due:%Y-%m-%d %H:%M})"
        )


def failing(instance: dg.DagsterInstance) -> list[Failing]:
    """All work whose last run failed, those that failed most often first."""
    since = datetime.now(UTC) - _LOOK_BACK
    failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since))
    works = dict.fromkeys(work for run in failed if (work := work_of(run)))
    found = [one for work in works if (one := _how_it_stands(instance, work))]
    return sorted(found, key=lambda one: (-one.failures, str(one.work)))


def work_of(run: dg.DagsterRun) -> Work | None:
    """What a run was for; None for one that a person put together by hand."""
    batch = run.tags.get(PARTITION_NAME_TAG)
    if run.job_name == _BACKFILL_JOB and SPEC_TAG in run.tags and batch:
        return Work(adopt.name, batch)
    return Work(run.job_name, batch) if run.job_name in {job.name for job in JOBS} else None


def _how_it_stands(instance: dg.DagsterInstance, work: Work) -> Failing | None:
    """The work, if its last run failed and none of it is under way."""
    records = sorted(_records(instance, work), key=lambda record: record.create_timestamp, reverse=True)
    failed = list(takewhile(lambda record: record.dagster_run.status == dg.DagsterRunStatus.FAILURE, records))
    if not failed or any(record.dagster_run.status in _UNDER_WAY for record in records):
        return None
    last = failed[0]
    ended = datetime.fromtimestamp(last.end_time, UTC) if last.end_time else _aware(last.update_timestamp)
    return Failing(work, last.dagster_run, ended, len(failed))


def _records(instance: dg.DagsterInstance, work: Work) -> Iterator[dg.RunRecord]:
    """The last runs of this work, more than there are pauses."""
    tags = {PARTITION_NAME_TAG: work.batch} if work.batch else {}
    names = (work.job, _BACKFILL_JOB) if work.job == adopt.name else (work.job,)
    for name in names:
        records = instance.get_run_records(dg.RunsFilter(job_name=name, tags=tags), limit=2 * len(PAUSES))
        yield from (record for record in records if work_of(record.dagster_run) == work)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def due_requests(found: Iterable[Failing], known: set[str], now: datetime) -> list[dg.RunRequest]:
    """The runs to ask for by now, of batches that this Dagster knows."""
    return [one.request() for one in found if one.due <= now and (one.work.batch is None or one.work.batch in known)]


def verdict(found: Sequence[Failing]) -> dg.AssetCheckResult:
    """Whether somebody should look, and at what."""
    stuck = [one.advice() for one in found if one.stuck]
    return dg.AssetCheckResult(
        passed=not stuck,
        check_name=STUCK_CHECK.name,
        asset_key=STUCK_CHECK.asset_key,
        description="\n".join(stuck) or "no job fails again and again",
        metadata={"stuck": len(stuck), "what_to_do": dg.MetadataValue.md("\n".join(f"- {line}" for line in stuck))},
    )


@dg.asset_check(
    asset=STUCK_CHECK.asset_key, name=STUCK_CHECK.name, description="No job of any batch fails again and again."
)
def no_batch_is_stuck(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    return verdict(failing(context.instance))


def build_retry_watch(poll_seconds: int) -> dg.SensorDefinition:
    """The sensor that asks again for what failed, and whose check says what keeps failing."""

    @dg.sensor(
        name="retry_watch",
        jobs=JOBS,
        minimum_interval_seconds=poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs that failed, or whose process was killed, are asked for again with growing pauses.",
    )
    def retry_watch(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        for run_id in bury_dead_runs(context.instance, in_code_server=True):
            context.log.warning(f"run {run_id} was killed")
        found = failing(context.instance)
        runs = due_requests(found, set(context.instance.get_dynamic_partitions(batches.name or "")), datetime.now(UTC))
        waiting = [f"{one.work} at {one.due:%H:%M:%S} UTC" for one in found]
        stuck = json.dumps([str(one.work) for one in found if one.stuck])
        result = verdict(found)
        told = dg.AssetCheckEvaluation(
            asset_key=STUCK_CHECK.asset_key,
            check_name=STUCK_CHECK.name,
            passed=result.passed,
            description=result.description,
            metadata=result.metadata,
        )
        return dg.SensorResult(
            run_requests=runs,
            skip_reason=None if runs else dg.SkipReason("; ".join(waiting) or "no run failed that was not made good"),
            cursor=stuck,
            # Told when it changes: once a tick would bury the asset's history.
            asset_events=[told] if stuck != (context.cursor or "[]") else [],
        )

    return retry_watch
