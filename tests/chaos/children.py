"""Starts, waits for and kills the processes of `driver.py`; one always stands loaded and waits for its errand."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from chai_resources.environment import CHECKOUT
from tests.chaos.driver import Errand

HUNG_SECONDS = 300
"""A child works for a few seconds: one that is not done by then waits for something a killed one left behind."""


@dataclass(frozen=True)
class Outcome:
    """How a child ended: killed or not, after how many seconds of work, and the moments it passed if it got through."""

    killed: bool
    seconds: float
    moments: int = 0


class Children:
    """Children one after another, each in a process group of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._standby = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end(self._standby)

    def run(self, errand: Errand, kill_after: float | None = None) -> Outcome:
        """Does an errand in a child, which is killed so many seconds into its work unless it is done by then.

        Raises RuntimeError with the end of the log for a child that fails or hangs.
        """
        child, self._standby = self._standby, self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(errand.as_line())
        child.stdin.flush()
        if child.stdout.readline() != "begun\n":
            self._fail(child, errand, "did not begin")
        begun = time.monotonic()
        try:
            child.wait(HUNG_SECONDS if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            if kill_after is None:
                self._fail(child, errand, f"hangs after {HUNG_SECONDS} s")
            self._end(child)
        seconds = time.monotonic() - begun
        if child.returncode == -signal.SIGKILL:
            return Outcome(True, seconds)
        if child.returncode:
            self._fail(child, errand, f"ended with status {child.returncode}")
        return Outcome(False, seconds, int(child.stdout.read()))

    def _start(self) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.driver"],
                cwd=CHECKOUT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def _fail(self, child: subprocess.Popen[str], errand: Errand, how: str) -> None:
        self._end(child)
        raise RuntimeError(f"{errand.job} of {errand.batch} {how}:\n{self._log.read_text()[-6000:]}")

    @staticmethod
    def _end(child: subprocess.Popen[str]) -> None:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
