"""Processes that read files: whatever one does, it is told of that file, and the next file is read."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chai_assets.ingestion.files import limits
from chai_assets.ingestion.files.cut import ClipRules, cut
from chai_assets.ingestion.files.limits import Limits
from chai_assets.ingestion.files.workers import ReadingFailed, Workers
from chai_assets.ingestion.probe import BadVideo
from chai_resources.errors import UnusableInput
from tests.ingestion.files import villains
from tests.ingestion.films import scene, write

LIMITS = Limits(still_s=1.0, least_s=3.0, seconds_per_mb=0.0, memory=300 << 20)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(LIMITS)
    yield made
    made.close()


def refuse() -> None:
    raise UnusableInput("shot detector 'psychic' is unknown")


def fill_the_disk() -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        full.write(b"x")


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        (villains.touch_nothing, r"ends the process that reads it \(SIGSEGV\)"),
        (villains.abort, r"\(SIGABRT\)"),
        (villains.leave, r"\(status 3\)"),
        (villains.kill_from_outside, r"\(SIGKILL\)"),
        (villains.answer_what_cannot_be_sent, r"\(status 1\)"),
        (villains.leave_well, r"cannot be read here \(SystemExit: 0\)"),
        (villains.raise_what_cannot_be_sent, r"cannot be read here \(Unspeakable: .*\)"),
        (villains.interrupt, r"cannot be read here \(KeyboardInterrupt: \)"),
        (villains.recurse, r"cannot be read here \(RecursionError: "),
        (villains.sleep, r"gives no picture for 1 s"),
        (villains.hold_the_interpreter, r"gives no picture for 1 s"),
        (villains.go_on_for_ever, r"takes longer than 0.05 minutes"),
        (villains.leak, r"needs more than 0.29 GB of memory"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_whatever_a_file_does_is_one_line_and_the_next_file_is_read(
    workers: Workers, deed: Callable[[], Any], says: str
) -> None:
    with pytest.raises(BadVideo, match=says) as told:
        workers.call(deed, size=1)
    assert "\n" not in told.value.reason
    assert told.value.kind == "broken"
    assert workers.call(villains.take_time, 0.1, size=1) == "done"


def test_what_shows_signs_of_life_is_left_alone_for_as_long_as_its_size_allows() -> None:
    patient = Workers(Limits(still_s=0.5, least_s=0.0, seconds_per_mb=60.0))
    try:
        assert patient.call(villains.take_time, 1.5, size=1_000_000) == "done"
    finally:
        patient.close()


def test_memory_within_the_limit_is_given_time_and_again_by_the_same_process() -> None:
    large = Workers(Limits(memory=300 << 20))
    try:
        first = large.call(villains.pid, size=1)
        for _ in range(5):
            assert large.call(villains.allocate, 150, size=1) == 150 * 256
        assert large.call(villains.pid, size=1) == first
    finally:
        large.close()


def test_a_death_that_may_be_the_fault_of_others_is_no_verdict(workers: Workers, tmp_path: Path) -> None:
    assert workers.call(villains.killed_the_first_time, tmp_path / "killed", size=1) == "done"


def test_what_is_no_files_fault_is_raised_as_what_it_is(workers: Workers) -> None:
    with pytest.raises(UnusableInput, match="psychic"):
        workers.call(refuse, size=1)
    with pytest.raises(ReadingFailed, match=r"No space left on device.*free space"):
        workers.call(fill_the_disk, size=1)
    assert workers.call(villains.take_time, 0.0, size=1) == "done"


def test_every_picture_that_is_read_is_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = write(tmp_path / "film.mp4", scene(1, 40, (64, 48)))
    signs: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda _, seconds: signs.append(seconds))
    limits.begin(LIMITS, film.stat().st_size)
    cut(film, ClipRules(), tmp_path)
    limits.end()
    assert len(signs) >= 2 * 40, "once where shots are found, once where they are encoded"


_RUN = """
import sys
from pathlib import Path
from chai_assets.ingestion.files.limits import Limits
from chai_assets.ingestion.files.workers import Workers
from tests.ingestion.files import villains
workers = Workers(Limits())
print(workers.call(villains.pid, size=1), flush=True)
workers.call(villains.take_time, 60.0, size=1)
"""


def test_no_process_outlives_the_run_that_was_killed() -> None:
    # No guard around what the script does: a process that ran it again would never come to an end.
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", _RUN], stdout=subprocess.PIPE, text=True, env=env) as run:
        assert run.stdout is not None
        child = int(run.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        run.send_signal(signal.SIGKILL)
        run.wait()
    until = time.monotonic() + 5
    while alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
