"""The schedules: when each is due, in which time zone, and what a tick of it asks for."""

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from chai_assets.annotation.resource import FULL_LOOK_TAG
from chai_assets.core.partitions import batches
from chai_assets.definitions import build_defs
from chai_assets.orchestration.schedules import build_schedules

NIGHT = datetime(2026, 5, 1, tzinfo=UTC)


def schedule(name: str, timezone: str = "UTC") -> dg.ScheduleDefinition:
    return next(each for each in build_schedules(timezone) if each.name == name)


def next_due(given: dg.ScheduleDefinition) -> datetime:
    """The first time after NIGHT, in the schedule's own time zone."""
    return next(schedule_execution_time_iterator(NIGHT.timestamp(), given.cron_schedule, given.execution_timezone))


def tick(name: str, *known: str, at: datetime = NIGHT) -> list[dg.RunRequest]:
    """What a tick of a schedule of the definitions asks for where Dagster knows these batches."""
    repository = build_defs().get_repository_def()
    with dg.instance_for_test() as instance:  # a tick opens the instance anew, which an ephemeral one does not allow
        instance.add_dynamic_partitions(batches.name or "", list(known))
        with dg.build_schedule_context(instance, scheduled_execution_time=at, repository_def=repository) as context:
            return list(repository.get_schedule_def(name).evaluate_tick(context).run_requests or [])


def test_every_schedule_runs_by_itself_from_the_first_start() -> None:
    assert [each.name for each in build_schedules()] == ["nightly_export", "nightly_reconcile", "nightly_maintenance"]
    for each in build_schedules():
        assert each.default_status == dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize(
    ("name", "job", "hour"),
    [("nightly_export", "export", 2), ("nightly_reconcile", "advance", 3), ("nightly_maintenance", "maintenance", 4)],
)
def test_each_schedule_is_due_at_its_hour_of_the_time_zone(name: str, job: str, hour: int) -> None:
    assert schedule(name).job_name == job
    due = next_due(schedule(name))
    assert due == NIGHT.replace(hour=hour)
    # In May Berlin is two hours ahead: there it was one of these hours already when UTC had midnight.
    berlin = next_due(schedule(name, "Europe/Berlin"))
    assert (berlin.hour, (berlin - NIGHT).total_seconds() / 3600) == (hour, (hour - 2) % 24)


@pytest.mark.parametrize("name", ["nightly_export", "nightly_maintenance"])
@pytest.mark.parametrize("known", [(), ("may-1", "may-2")])
def test_export_and_maintenance_ask_for_one_run_whatever_batches_there_are(name: str, known: tuple[str, ...]) -> None:
    [run] = tick(name, *known)
    assert run.partition_key is None


def test_the_reconcile_asks_for_a_full_look_at_every_batch_behind_live_work() -> None:
    runs = tick("nightly_reconcile", "may-1", "may-2", at=NIGHT.replace(hour=3))
    assert [(run.partition_key, run.run_key) for run in runs] == [
        ("may-1", "reconcile:2026-05-01:may-1"),
        ("may-2", "reconcile:2026-05-01:may-2"),
    ]
    for run in runs:
        assert run.tags[FULL_LOOK_TAG] == "true"
        assert int(run.tags["dagster/priority"]) < 0
    assert tick("nightly_reconcile") == []


def test_a_reconcile_that_is_asked_for_twice_runs_once_a_day() -> None:
    first, again = (tick("nightly_reconcile", "may-1", at=NIGHT.replace(hour=3)) for _ in range(2))
    assert [run.run_key for run in first] == [run.run_key for run in again]
    tomorrow = tick("nightly_reconcile", "may-1", at=NIGHT.replace(day=2, hour=3))
    assert tomorrow[0].run_key != first[0].run_key
