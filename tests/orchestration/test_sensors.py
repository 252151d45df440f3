"""The sensors: their pure pieces alone, and their ticks against a real Label Studio and a real folder."""

import logging
import logging.handlers
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.annotation.collect import OVERLAP
from chai_assets.labeling import page as labeling_page
from chai_assets.orchestration.sensors import (
    build_sensors,
    next_cursor,
    plan_fetches,
    plan_runs,
    read_cursor,
)
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.batch_api.pending_batches import PendingBatch
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.calls.network_captioner import CallFailed
from chai_resources.captioners.protocol import Request
from chai_resources.label_studio import LabelStudio, LabelStudioDown
from chai_resources.media import Media
from chai_resources.tables import Tables
from tests.captioners.model_server import model_server
from tests.services.label_studio import LabelStudioHandle
from tests.services.local import free_ports
from tests.world import World, plain_answers

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
CHANGES = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 99), TIMES))


@given(at=TIMES)
def test_a_cursor_is_read_back_with_the_overlap_taken_off(at: datetime) -> None:
    assert read_cursor(next_cursor(at)).since == at - OVERLAP


@given(text=st.none() | st.text() | st.from_regex(r'\{"since": .{0,30}\}'))
def test_a_cursor_that_cannot_be_read_starts_over_and_loses_nothing(text: str | None) -> None:
    assert read_cursor(text).since <= datetime(2000, 1, 1, tzinfo=UTC)


@given(touched=CHANGES, later=st.integers(1, 10**6))
def test_each_touched_batch_is_asked_for_once_by_its_newest_change(touched: list[Any], later: int) -> None:
    runs = plan_runs(touched)
    assert [run.partition_key for run in runs] == sorted({batch for batch, _, _ in touched})
    assert plan_runs(reversed(touched * 2)) == runs
    for run in runs:
        batch = str(run.partition_key)
        newest = max((at, task) for name, task, at in touched if name == batch)
        again = plan_runs([*touched, (batch, newest[1], newest[0] + timedelta(microseconds=later))])
        [moved] = [each for each in again if each.partition_key == batch]
        assert moved.run_key != run.run_key
    keys = [run.run_key for run in runs]
    assert len(set(keys)) == len(keys)


# Label Studio


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


class Watch:
    """One sensor, ticked by hand; keeps the cursor as the daemon does."""

    def __init__(self, name: str, world: World, label_studio: LabelStudio | None = None, cursor: str | None = None):
        [self.sensor] = [s for s in build_sensors(world.settings.inbox, 30) if s.name == name]
        self.world, self.cursor = world, cursor
        self.heard = logging.handlers.BufferingHandler(1000)
        self.resources = {"label_studio": label_studio or world.label_studio}

    def tick(self) -> Any:
        with dg.build_sensor_context(self.world.instance, self.cursor, resources=self.resources) as context:
            context.log.addHandler(self.heard)
            result = self.sensor(context)
            self.cursor = result.cursor if isinstance(result, dg.SensorResult) else context.cursor
        return result

    @property
    def warnings(self) -> str:
        return "\n".join(r.getMessage() for r in self.heard.buffer if r.levelno == logging.WARNING)

    def keys(self, batch: str) -> list[str]:
        """Keys of the runs a tick asks for, of one batch."""
        result = self.tick()
        runs = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
        return [str(run.run_key) for run in runs if run.partition_key == batch]


def label(world: World, batch: str, number: int = 0) -> int:
    task = world.queue("ann", "primitives", batch)[number]
    answers = plain_answers(world.spec.aspects[task["data"]["aspect"]])
    return world.person("ann").submit(
        task["id"], labeling_page.write(task["data"], labeling_page.Labels(answers, None, None))
    )


def test_a_submission_asks_for_one_run_and_the_same_change_for_no_other(world: World) -> None:
    batch = "sensed-submission"
    world.add_clips(batch)
    watch = Watch("label_studio_watch", world, cursor=next_cursor(world.label_studio.server_time()))
    world.advance(batch)
    assert watch.keys(batch) == [], "tasks that the platform pushed ask for nothing"
    label(world, batch, 0)
    label(world, batch, 1)
    [first] = watch.keys(batch)
    assert first.startswith(f"work:{batch}:")
    assert watch.keys(batch) == [first]
    label(world, batch, 0)
    [second] = watch.keys(batch)
    assert second != first


def test_what_a_tick_saw_is_noted_on_the_annotations_and_the_cursor_moves_on(world: World) -> None:
    batch = "sensed-observation"
    world.add_clips(batch)
    world.advance(batch)
    began = world.label_studio.server_time()
    watch = Watch("label_studio_watch", world, cursor=next_cursor(began))
    label(world, batch)
    result = watch.tick()
    [observation] = result.asset_events
    assert observation.asset_key == dg.AssetKey("label_studio_annotations")
    assert batch in observation.metadata["batches"].text
    assert read_cursor(watch.cursor).since >= began - OVERLAP


def test_a_batch_whose_run_waits_in_the_queue_is_not_asked_for_again(world: World) -> None:
    batch = "sensed-queue"
    world.add_clips(batch)
    world.advance(batch)
    watch = Watch("label_studio_watch", world, cursor=next_cursor(world.label_studio.server_time()))
    label(world, batch)
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("chai"), "__repository__")
    waiting = dg.DagsterRun(
        "advance",
        status=dg.DagsterRunStatus.QUEUED,
        tags={"dagster/partition": batch},
        remote_job_origin=RemoteJobOrigin(repository, "advance"),
    )
    world.instance.add_run(waiting)
    assert watch.keys(batch) == []
    world.instance.delete_run(waiting.run_id)
    watch.cursor = next_cursor(world.label_studio.server_time())
    assert len(watch.keys(batch)) == 1


def test_work_on_a_batch_that_dagster_does_not_know_stops_no_other(world: World) -> None:
    world.add_clips("sensed-known")
    world.add_clips("sensed-elsewhere")
    for batch in ("sensed-known", "sensed-elsewhere"):
        world.advance(batch)
    watch = Watch("label_studio_watch", world, cursor=next_cursor(world.label_studio.server_time()))
    world.instance.delete_dynamic_partition("batches", "sensed-elsewhere")
    label(world, "sensed-known")
    label(world, "sensed-elsewhere")
    result = watch.tick()
    asked = {run.partition_key for run in result.run_requests}
    assert "sensed-known" in asked
    assert asked <= set(world.instance.get_dynamic_partitions("batches"))
    assert "sensed-elsewhere" in watch.warnings


def test_a_label_studio_that_is_down_fails_the_tick_and_the_cursor_stays(world: World) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    before = next_cursor(NOW)
    watch = Watch("label_studio_watch", world, LabelStudio(url=url, token="t"), before)
    with pytest.raises(LabelStudioDown, match=rf"no answer from Label Studio at {url} .*make up"):
        watch.tick()
    assert watch.cursor == before


# Batches at a model's provider


def test_an_ended_batch_asks_for_one_run_an_hour_of_each_batch_of_its_clips() -> None:
    handles = [PendingBatch("b1", "", ("r",), ("clip-1", "clip-2")), PendingBatch("b2", "", ("r",), ("clip-3", "gone"))]
    batch_of = {"clip-1": "may", "clip-2": "may", "clip-3": "june"}
    runs = plan_fetches(handles, batch_of, NOW)
    assert [(run.partition_key, run.run_key) for run in runs] == [
        ("june", "answers:june:b2:2026-05-01T12"),
        ("may", "answers:may:b1:2026-05-01T12"),
    ]
    assert plan_fetches(handles, batch_of, NOW + timedelta(minutes=59)) == runs
    assert plan_fetches(handles, batch_of, NOW + timedelta(hours=1)) != runs


def test_a_batch_under_way_asks_for_nothing_and_one_that_has_ended_for_a_run(tmp_path: Path) -> None:
    tables, media = Tables(root=str(tmp_path / "tables")), Media(root=str(tmp_path / "media"))
    tables.append("clips", [{"batch": "may", "clip_id": "clip-1"}])
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("batches", ["may"])
    [sensor] = [each for each in build_sensors("", 30) if each.name == "answers_watch"]
    with model_server() as (url, book):
        model = ModelChoice(model="gpt-4.1-2025-04-14", url=f"{url}/v1", batches=True)
        choice = CaptionerChoice(name="openai", model=model)

        def tick() -> Any:
            resources = {"tables": tables, "media": media, "captioner": choice}
            with dg.build_sensor_context(instance, resources=resources) as context:
                return sensor(context)

        assert isinstance(tick(), dg.SkipReason)
        asked = Request("a", "req_a", "draft", "Describe it.", {}, cache_group="clip-1")
        list(choice.open(media).run([asked]))
        assert isinstance(tick(), dg.SkipReason)
        book.desk.end()
        assert [run.partition_key for run in tick().run_requests] == ["may"]
        list(choice.open(media).run([asked]))
        assert isinstance(tick(), dg.SkipReason), "it is fetched"
        book.down = True
        list(choice.open(media).run([Request("b", "req_b", "draft", "Describe it.", {})]))
        with pytest.raises(CallFailed):
            tick()
