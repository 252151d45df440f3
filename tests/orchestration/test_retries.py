"""What failed is asked for again in bounds, and a run whose process is gone is found, whatever took it away."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.annotation.resource import FULL_LOOK_TAG
from chai_assets.orchestration.backfill import SPEC_TAG
from chai_assets.orchestration.dead_runs import PROCESS_TAG, bury_dead_runs, process_tag
from chai_assets.orchestration.jobs import JOBS, STUCK_CHECK
from chai_assets.orchestration.retries import (
    PAUSES,
    STUCK_AFTER,
    Failing,
    Work,
    build_retry_watch,
    due_requests,
    failing,
)

S = dg.DagsterRunStatus
GRPC = {".dagster/grpc_info": '{"host": "127.0.0.1", "port": 3030}'}
LATER = datetime.now(UTC) + timedelta(days=3)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions("batches", ["may", "june"])
        yield made


def add_run(
    instance: dg.DagsterInstance, status: S, job: str = "ingest", batch: str | None = "may", **tags: str
) -> dg.DagsterRun:
    """A run in this state, as the platform's jobs leave it."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("chai"), "__repository__")
    kept = ({"dagster/partition": batch} if batch else {}) | {name.replace("__", "/"): tags[name] for name in tags}
    begun = S.STARTED if status in (S.FAILURE, S.SUCCESS, S.CANCELED) else status
    run = dg.DagsterRun(job, status=begun, tags=kept, remote_job_origin=RemoteJobOrigin(repository, job))
    instance.add_run(run)
    if status == S.FAILURE:
        instance.report_run_failed(run, "it failed")
    elif status == S.CANCELED:
        instance.report_run_canceled(run, "canceled")
    elif status == S.SUCCESS:
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, job)
        instance.report_dagster_event(event, run.run_id)
    return run


@pytest.mark.parametrize(
    ("statuses", "failures"),
    [
        ([S.FAILURE], 1),
        ([S.SUCCESS, S.FAILURE, S.FAILURE], 2),
        ([S.CANCELED, S.FAILURE], 1),
        ([S.FAILURE] * (STUCK_AFTER + 1), STUCK_AFTER + 1),
        ([S.FAILURE, S.SUCCESS], 0),
        ([S.FAILURE, S.CANCELED], 0),
        *(([S.FAILURE, busy], 0) for busy in (S.QUEUED, S.NOT_STARTED, S.STARTING, S.STARTED, S.CANCELING)),
        ([S.STARTED, S.FAILURE], 0),
        ([S.SUCCESS], 0),
    ],
)
def test_a_batch_is_asked_for_again_if_its_last_run_failed_and_none_is_under_way(
    instance: dg.DagsterInstance, statuses: list[S], failures: int
) -> None:
    for status in statuses:
        add_run(instance, status)
    add_run(instance, S.SUCCESS, batch="june")
    add_run(instance, S.SUCCESS, job="advance")
    found = failing(instance)
    assert [(one.work, one.failures) for one in found] == ([(Work("ingest", "may"), failures)] if failures else [])
    assert len(due_requests(found, {"may"}, LATER)) == bool(failures)
    assert due_requests(found, {"june"}, LATER) == [], "a batch that was taken out would fail the whole tick"


@pytest.mark.parametrize("job", [job.name for job in JOBS])
def test_every_job_is_asked_for_again_and_only_once_for_each_failure(instance: dg.DagsterInstance, job: str) -> None:
    batch = None if job in {"export", "maintenance", "publish_spec"} else "may"
    add_run(instance, S.FAILURE, job, batch)
    [first] = due_requests(failing(instance), {"may"}, LATER)
    assert (first.job_name, first.partition_key) == (job, batch)
    assert due_requests(failing(instance), {"may"}, LATER) == [first]
    add_run(instance, S.FAILURE, job, batch)
    [second] = due_requests(failing(instance), {"may"}, LATER)
    assert second.run_key != first.run_key


def test_a_run_is_asked_for_as_it_was(instance: dg.DagsterInstance) -> None:
    told = {FULL_LOOK_TAG: "true", "dagster/priority": "-5", PROCESS_TAG: "host 1 2", "dagster/run_key": "work:may:1"}
    add_run(instance, S.FAILURE, "advance", **{name.replace("/", "__"): told[name] for name in told})
    [request] = due_requests(failing(instance), {"may"}, LATER)
    assert request.tags == {FULL_LOOK_TAG: "true", "dagster/priority": "-5"}


def test_a_failed_part_of_a_backfill_is_made_up_for_by_adopting_that_batch(instance: dg.DagsterInstance) -> None:
    add_run(instance, S.FAILURE, "__ASSET_JOB", **{SPEC_TAG.replace("/", "__"): "1.1.0"})
    add_run(instance, S.FAILURE, "__ASSET_JOB", "june")  # by hand, in the UI: whoever did it sees it
    assert [one.work for one in failing(instance)] == [Work("adopt", "may")]
    add_run(instance, S.SUCCESS, "adopt")
    assert failing(instance) == []


@given(st.integers(1, 40))
def test_pauses_grow_to_a_day_and_nothing_is_asked_for_before_they_are_over(failures: int) -> None:
    ended = datetime(2026, 5, 1, tzinfo=UTC)
    one, next_one = (
        Failing(Work("ingest", "may"), dg.DagsterRun("ingest"), ended, n) for n in (failures, failures + 1)
    )
    assert timedelta(seconds=30) <= one.due - ended <= next_one.due - ended <= timedelta(days=1)
    assert due_requests([one], {"may"}, one.due - timedelta(seconds=1)) == []
    assert len(due_requests([one], {"may"}, one.due)) == 1
    assert sum(PAUSES[:3], timedelta()) < timedelta(minutes=15)


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    with dg.build_sensor_context(instance, cursor) as context:
        result = build_retry_watch(30)(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_what_keeps_failing_turns_a_check_red_once_with_what_to_do_and_green_when_it_is_mended(
    instance: dg.DagsterInstance,
) -> None:
    add_run(instance, S.FAILURE)
    first = tick(instance)
    assert (first.asset_events, first.run_requests) == ([], [])
    assert "`ingest` of may at " in (first.skip_reason.skip_message or "") if first.skip_reason else False
    for _ in range(STUCK_AFTER - 1):
        add_run(instance, S.FAILURE)
    red = tick(instance, first.cursor)
    [told] = red.asset_events
    assert isinstance(told, dg.AssetCheckEvaluation)
    assert (told.asset_key, told.check_name, told.passed) == (STUCK_CHECK.asset_key, STUCK_CHECK.name, False)
    assert f"`ingest` of may failed {STUCK_AFTER} times in a row" in (told.description or "")
    assert "mend that, and re-execute it" in (told.description or "")
    assert tick(instance, red.cursor).asset_events == []
    add_run(instance, S.SUCCESS)
    [green] = tick(instance, red.cursor).asset_events
    assert isinstance(green, dg.AssetCheckEvaluation)
    assert green.passed


def say_pid(instance: dg.DagsterInstance, run: dg.DagsterRun, pid: int) -> None:
    """What Dagster's worker says when it begins."""
    instance.report_engine_event(f"Started process for run (pid: {pid}).", run)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as running:
        yield running
        running.kill()


@pytest.mark.parametrize(
    ("begun", "ended"), [(S.STARTED, S.FAILURE), (S.STARTING, S.FAILURE), (S.CANCELING, S.CANCELED)]
)
def test_a_run_whose_worker_was_killed_is_ended_and_one_whose_worker_lives_is_not(
    instance: dg.DagsterInstance, process: subprocess.Popen[bytes], begun: S, ended: S
) -> None:
    run = add_run(instance, begun, **{name.replace("/", "__"): GRPC[name] for name in GRPC})
    assert bury_dead_runs(instance, in_code_server=True) == [], "it has not said its process yet"
    say_pid(instance, run, process.pid)
    assert bury_dead_runs(instance, in_code_server=True) == []
    process.kill()
    process.wait()
    assert bury_dead_runs(instance) == [], "a command may not see the processes of a code server"
    assert bury_dead_runs(instance, in_code_server=True) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == ended  # type: ignore[union-attr]
    assert bury_dead_runs(instance) == []


def test_a_pid_that_is_another_process_by_now_is_a_worker_that_is_gone(
    instance: dg.DagsterInstance, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add_run(instance, S.STARTED, **{name.replace("/", "__"): GRPC[name] for name in GRPC})
    with monkeypatch.context() as earlier:
        earlier.setattr("time.time", lambda: 1_700_000_000.0)
        say_pid(instance, run, process.pid)
    assert bury_dead_runs(instance, in_code_server=True) == [run.run_id]


def test_runs_of_other_launchers_and_of_other_machines_are_left_alone(instance: dg.DagsterInstance) -> None:
    say_pid(instance, add_run(instance, S.STARTED), 2**22 + 1)
    add_run(instance, S.STARTED, **{PROCESS_TAG.replace("/", "__"): "elsewhere 1 2"})
    assert bury_dead_runs(instance, in_code_server=True) == []


def test_a_run_of_a_command_that_was_killed_is_found(
    instance: dg.DagsterInstance, process: subprocess.Popen[bytes]
) -> None:
    run = add_run(instance, S.STARTED, "advance", **{PROCESS_TAG.replace("/", "__"): process_tag(process.pid)})
    assert bury_dead_runs(instance) == []
    process.kill()
    process.wait()
    assert bury_dead_runs(instance) == [run.run_id]
    assert [one.work for one in failing(instance)] == [Work("advance", "may")]
