"""The inbox's sensor: when a folder is taken, what is waited for, what is told, and what follows a run that failed."""

import json
import logging
import logging.handlers
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.ingestion.inbox import InboxBatch, batches, survey
from chai_assets.orchestration.inbox_watch import Attempt, Seen, next_step, read_seen, write_seen
from chai_assets.orchestration.retries import due_requests, failing
from chai_assets.orchestration.sensors import build_sensors
from chai_resources.media import Media
from tests.services.local import free_ports

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
CANCELED, STARTED = dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.STARTED
YEARS = 30 * 365 * 24 * 3600


class Watch:
    """The sensor of an inbox, ticked by hand; keeps the cursor as the daemon does, and makes the runs it asks for."""

    def __init__(self, inbox: Path | str, instance: dg.DagsterInstance | None = None) -> None:
        [self.sensor] = [each for each in build_sensors(str(inbox), 30) if each.name == "inbox_watch"]
        self.instance = instance or dg.DagsterInstance.ephemeral()
        self.cursor: str | None = None
        self.heard = logging.handlers.BufferingHandler(1000)

    def tick(self) -> Any:
        with dg.build_sensor_context(self.instance, self.cursor) as context:
            context.log.addHandler(self.heard)
            result = self.sensor(context)
            self.cursor = result.cursor if isinstance(result, dg.SensorResult) else context.cursor
        return result

    def asks(self) -> dict[str, str]:
        """Run keys by batch of what one look asks for."""
        result = self.tick()
        runs = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
        return {str(run.partition_key): str(run.run_key) for run in runs}

    def says(self) -> str:
        """The reason of a look that asks for nothing."""
        result = self.tick()
        assert isinstance(result, dg.SkipReason)
        return result.skip_message or ""

    def ran(self, batch: str, key: str, status: dg.DagsterRunStatus) -> None:
        tags = {"dagster/partition": batch, "dagster/run_key": key}
        create_run_for_test(self.instance, "ingest", tags=tags, status=status)

    @property
    def warnings(self) -> str:
        return "\n".join(each.getMessage() for each in self.heard.buffer if each.levelno == logging.WARNING)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    return made


def put(inbox: Path, name: str, content: bytes = b"x", at: float | None = None) -> Path:
    path = inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if at is not None:
        os.utime(path, (at, at))
    return path


@pytest.mark.parametrize("at", [None, 1.0, NOW.timestamp() + YEARS], ids=["now", "long ago", "in thirty years"])
def test_a_folder_is_taken_when_two_looks_agree_whatever_its_times_say(inbox: Path, at: float | None) -> None:
    put(inbox, "may/a.mp4", at=at)
    watch = Watch(inbox)
    assert "may: is new (1 videos" in watch.says()
    result = watch.tick()
    assert [run.partition_key for run in result.run_requests] == ["may"]
    assert [request.partition_keys for request in result.dynamic_partitions_requests] == [["may"]]
    assert watch.asks().keys() == {"may"}, "asked for until Dagster has the run"


CHANGES = {
    "grows": lambda path: path.write_bytes(b"xx"),
    "is replaced under its old size and time": lambda path: path.write_bytes(b"y"),
    "is replaced by a rename": lambda path: os.replace(put(path.parent.parent, "elsewhere", b"y"), path),
    "is joined by another": lambda path: put(path.parent, "b.mp4"),
    "goes": lambda path: path.rename(path.with_name("c.mp4")),
    "gets rights": lambda path: put(path.parent, "rights.yaml", b"rights: Ada"),
    "is beside a download": lambda path: put(path.parent, "z.mp4.part", b"y"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_in_a_folder_is_waited_for_and_asks_for_another_run(inbox: Path, change: str) -> None:
    path = put(inbox, "may/a.mp4", at=1.0)
    watch = Watch(inbox)
    watch.tick()
    [first] = watch.asks().values()
    watch.ran("may", first, SUCCESS)
    assert "waited for" not in watch.says(), "it is ingested"
    CHANGES[change](path)
    if path.exists():
        os.utime(path, (1.0, 1.0))
    assert "may: has changed since the last look" in watch.says()
    [second] = watch.asks().values()
    assert second != first


def test_a_file_that_is_written_to_all_the_time_keeps_its_folder_waiting_and_no_other(inbox: Path) -> None:
    put(inbox, "still/a.mp4")
    path = put(inbox, "filling/a.mp4", bytes(10_000), at=1.0)
    watch, asked = Watch(inbox), {}
    for number in range(4):
        path.write_bytes(bytes([number]) * 10_000)  # as a copy that made room for the whole file first
        os.utime(path, (1.0, 1.0))
        asked = watch.asks()
    assert asked.keys() == {"still"}
    assert watch.asks().keys() == {"still", "filling"}


def test_what_has_settled_is_not_opened_again(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(inbox, "may/a.mp4")
    watch = Watch(inbox)
    watch.tick()
    watch.tick()
    monkeypatch.setattr(InboxBatch, "fingerprint", lambda _: pytest.fail("its files were opened"))
    assert watch.asks().keys() == {"may"}


def test_a_folder_of_mxf_alone_becomes_a_batch(inbox: Path) -> None:
    put(inbox, "broadcast/a.MXF")
    watch = Watch(inbox)
    watch.tick()
    assert watch.asks().keys() == {"broadcast"}


def test_what_is_not_taken_is_told_by_name_and_number(inbox: Path, tmp_path: Path) -> None:
    put(inbox, "texts/a.txt")
    put(inbox, "texts/b.TXT")
    put(inbox, "raw/a.braw")
    put(inbox, "loose.mp4")
    put(inbox, "Été 2026/a.mp4")
    put(inbox, ".hidden/a.mp4")
    put(inbox, os.fsdecode(b"caf\xe9/a.mp4"))
    (inbox / "empty").mkdir()
    put(tmp_path, "elsewhere/a.mp4")
    (inbox / "linked").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(inbox / "pipe")
    for number in range(100):
        put(inbox, f"many/{number}.mp4.crdownload")
    watch = Watch(inbox)
    said = watch.says()
    for part in (
        "texts: holds no video that is taken; other files: 2 (2 .txt)",
        "raw: holds no video that is taken; other files: none; left out: a.braw is in a form that is not read here",
        "loose.mp4: in no folder of the inbox; put videos into a folder",
        "'Été 2026' cannot be a batch: rename it",
        "empty: is empty",
        r"folder caf\xe9 cannot be a batch: rename it",
        "linked is a link, which is not followed",
        "pipe is no folder and no file",
        "and 80 more",
    ):
        assert part in said
        assert part in watch.warnings
    assert len(said) < 20_000


# Runs


def test_a_run_that_failed_is_left_to_the_retries_until_one_of_them_is_through(inbox: Path) -> None:
    put(inbox, "may/a.mp4")
    put(inbox, "june/a.mp4")
    watch = Watch(inbox)
    watch.tick()
    keys = watch.asks()
    watch.ran("june", keys["june"], SUCCESS)
    watch.ran("may", keys["may"], FAILURE)
    assert "may: its run failed; the sensor `retry_watch` says when" in watch.says()
    [(batch, key)] = _retries(watch)
    assert batch == "may"
    watch.ran("may", key, STARTED)
    assert "may: its run is under way" in watch.says()
    [running] = watch.instance.get_runs(dg.RunsFilter(statuses=[STARTED]))
    watch.instance.report_run_failed(running)
    assert "may: its run failed" in watch.says()
    watch.ran("may", "", SUCCESS)  # launched by hand
    assert "may" not in watch.says()
    assert _retries(watch) == []


def _retries(watch: Watch) -> list[tuple[str, str]]:
    """What the sensor of retries asks for a day later: batch and run key."""
    later = datetime.now(UTC) + timedelta(days=1)
    found = due_requests(failing(watch.instance), {"may", "june"}, later)
    return [(str(each.partition_key), str(each.run_key)) for each in found]


ATTEMPTS = st.lists(
    st.builds(
        Attempt, key=st.sampled_from(["k", "retry:1", "other", ""]), status=st.sampled_from(list(dg.DagsterRunStatus))
    ),
    max_size=8,
)


@given(attempts=ATTEMPTS)
def test_a_batch_is_asked_for_or_done_or_one_line_says_why_not(attempts: list[Attempt]) -> None:
    step = next_step("k", attempts)
    assert [bool(each) for each in (step.ask, step.done, step.waits, step.stopped)].count(True) == 1
    own = [each for each in attempts if each.key == "k"]
    if step.ask:
        assert not own or own[0].status == dg.DagsterRunStatus.NOT_STARTED
        assert not any(each.status in (STARTED, dg.DagsterRunStatus.QUEUED) for each in attempts)
    if step.done:
        assert attempts[0].status == SUCCESS
        assert own, "a run of its own state, or one after that"


def test_a_run_that_a_person_stopped_is_not_asked_for_again() -> None:
    assert "stopped by hand" in next_step("k", [Attempt("k", CANCELED)]).stopped


def test_a_lost_cursor_asks_for_nothing_that_was_done(inbox: Path) -> None:
    put(inbox, "may/a.mp4")
    watch = Watch(inbox)
    watch.tick()
    [key] = watch.asks().values()
    watch.ran("may", key, SUCCESS)
    for cursor in (None, "", "{}", '{"since": "2026"}', '{"folders": {"may": [1]}}', "[", '{"folders": []}'):
        watch.cursor = cursor
        assert watch.asks() == {}
        assert watch.asks() == {}


@given(seen=st.dictionaries(st.text(), st.builds(Seen, st.text(), st.text(), st.booleans(), st.booleans())))
def test_a_cursor_is_read_back_as_it_was_written(seen: dict[str, Seen]) -> None:
    assert read_seen(write_seen(seen)) == seen


@given(
    text=st.text()
    | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(json.dumps)
)
def test_any_other_cursor_starts_over(text: str) -> None:
    read_seen(text)
    read_seen(f'{{"folders": {text}}}')


# Buckets


def test_objects_of_a_bucket_settle_by_their_etag(s3: str) -> None:
    bucket = Media(root=f"{s3}/inbox")
    bucket.put_bytes("may/a.mp4", b"x")
    bucket.put_bytes("loose.mp4", b"x")
    watch = Watch(bucket.root)
    assert "may: is new" in watch.says()
    [first] = watch.asks().values()
    watch.ran("may", first, SUCCESS)
    assert "loose.mp4: in no folder of the inbox" in watch.says()
    bucket.put_bytes("may/a.mp4", b"y")
    assert "may: has changed" in watch.says()
    [second] = watch.asks().values()
    assert second != first


def test_an_inbox_that_cannot_be_read_fails_the_tick(inbox: Path, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(inbox)
    assert str(inbox) in Watch(inbox).says(), "none is there yet"
    inbox.write_text("no folder")
    with pytest.raises(Exception, match="check its rights"):
        Watch(inbox).tick()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(Exception, match="check AWS_ENDPOINT_URL"):
        Watch(f"{s3}/inbox").tick()


def test_one_folder_that_cannot_be_read_keeps_no_other_from_being_taken(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inbox, "good/a.mp4")
    put(inbox, "sick/a.mp4")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).rstrip("/").endswith("sick"):
            raise OSError(5, "Input/output error", path)
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)
    found = survey(str(inbox))
    assert [each.name for each in found.batches] == ["good"]
    [line] = found.told
    assert "sick cannot be listed (Input/output error)" in line


def names(found: Sequence[InboxBatch]) -> list[str]:
    return [each.name for each in found]


def test_the_names_of_batches_come_in_order(inbox: Path) -> None:
    for name in ("b", "a", "c"):
        put(inbox, f"{name}/a.mp4")
    assert names(batches(str(inbox))) == ["a", "b", "c"]
