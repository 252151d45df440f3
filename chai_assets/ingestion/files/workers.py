"""Processes that files are read in, one for each thread that reads, and what their deaths say about a file.

A process lives as long as it can and takes file after file. It dies with the thread that started it, and so with the
run. No library does this: pools know neither signs of life nor a process that may not outlive its parent.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from chai_assets.ingestion.files import limits
from chai_assets.ingestion.files.child import READY, Answer, Task
from chai_assets.ingestion.files.limits import Limits
from chai_assets.ingestion.probe import BadVideo
from chai_resources.errors import Unavailable

T = TypeVar("T")

# Not `multiprocessing`: its children run the caller's main module again, a whole command line as it may be.
_START = """
import json, sys
handle, parent, limits, sys.path = json.loads(sys.argv[1])
from chai_assets.ingestion.files import child, limits as kept
child.main(handle, parent, kept.Limits(**limits))
"""

_KILLED_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT}
_TRIES = 2


class ReadingFailed(Unavailable):
    """Files cannot be read here at all, through no fault of theirs; the text says why."""


class Workers:
    """Calls functions in other processes, each thread of this one in a process of its own."""

    def __init__(self, kept: Limits) -> None:
        self._limits = kept
        self._own = threading.local()
        self._lock = threading.Lock()
        self._started: list[_Process] = []
        self._closed = False

    def call(self, function: Callable[..., T], *arguments: Any, size: int) -> T:
        """What the function makes of a file of `size` bytes. Function and arguments are pickled.

        Raises BadVideo for whatever the file does, ReadingFailed for what is no file's fault, and any ChaiError
        that the function raises.
        """
        for trial in range(1, _TRIES + 1):
            process = self._process()
            try:
                return _value(process.answer(Task(function, arguments, size)))
            except _Died as died:
                self._forget(process)
                if self._closed:
                    raise ReadingFailed("the run was stopped") from None
                if trial == _TRIES or not died.worth_another_try:
                    raise died.verdict(self._limits, size) from None
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Ends every process, at work or not."""
        with self._lock:
            self._closed = True
            for process in self._started:
                process.end()

    def _process(self) -> "_Process":
        process: _Process | None = getattr(self._own, "process", None)
        if process is None:
            with self._lock:
                if self._closed:
                    raise ReadingFailed("the run was stopped")
                process = _Process(self._limits)
                self._started.append(process)
            process.wait_until_ready()
            self._own.process = process
        return process

    def _forget(self, process: "_Process") -> None:
        self._own.process = None
        with self._lock:
            self._started.remove(process)


class _Died(Exception):
    """The process ended over a file: by a signal (negative) or with a status, or because its memory ran out."""

    def __init__(self, status: int, first: bool, out_of_memory: bool = False) -> None:
        super().__init__(status)
        self.status, self.out_of_memory = status, out_of_memory
        self._first = first

    @property
    def worth_another_try(self) -> bool:
        """Whether another file, or somebody else, may be to blame."""
        if -self.status in (limits.OUT_OF_TIME, limits.STANDS_STILL):
            return False
        return not self._first or -self.status in _KILLED_FROM_OUTSIDE

    def verdict(self, kept: Limits, size: int) -> BadVideo:
        """What is told of the file."""
        remedy = "export or copy it again, or convert it to H.264"
        if self.out_of_memory:
            reason = f"needs more than {kept.memory / 2**30:.2g} GB of memory; scale it down to 4K or less"
        elif -self.status == limits.STANDS_STILL:
            reason = f"gives no picture for {kept.still_s:g} s; {remedy}"
        elif -self.status == limits.OUT_OF_TIME:
            reason = f"takes longer than {kept.seconds(size) / 60:.2g} minutes to read; cut it into parts"
        elif self.status < 0:
            reason = f"ends the process that reads it ({signal.Signals(-self.status).name}); {remedy}"
        else:
            reason = f"ends the process that reads it (status {self.status}); {remedy}"
        return BadVideo("broken", reason)


class _Process:
    """One process and the connection to it. Used by the thread that made it; `end` may be called by any."""

    def __init__(self, kept: Limits) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            told = json.dumps([theirs.fileno(), os.getpid(), asdict(kept), sys.path])
            self._popen = subprocess.Popen(
                [sys.executable, "-c", _START, told], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
        self._connection = Connection(ours.detach())
        self._tasks = 0

    def wait_until_ready(self) -> None:
        """Raises ReadingFailed if the process does not come up."""
        try:
            ready = self._connection.recv() == READY
        except (EOFError, OSError):
            ready = False
        if not ready:
            status = self._ended()
            raise ReadingFailed(
                f"the process that reads videos does not start (status {status}): see the run's output, "
                "free memory, then run again"
            )

    def answer(self, task: Task) -> Answer:
        """Raises _Died if the process ends instead."""
        first, self._tasks = not self._tasks, self._tasks + 1
        try:
            self._connection.send(task)
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            raise _Died(self._ended(), first) from None
        if answer.out_of_memory:
            raise _Died(self._ended(), first, out_of_memory=True)
        return answer

    def end(self) -> None:
        """Ends it at once."""
        self._popen.kill()
        self._popen.wait()

    def _ended(self) -> int:
        # Not the other way round: it may have let go of the connection and live on.
        self._connection.close()
        try:
            return self._popen.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.end()
            return self._popen.returncode


def _value(answer: Answer) -> Any:
    if answer.bad:
        raise BadVideo(*answer.bad)
    if answer.error:
        raise answer.error
    if answer.machine:
        raise ReadingFailed(
            f"videos cannot be read or encoded here ({answer.machine}): see to the disk, its free space and the "
            "folder for temporary files, then run again"
        )
    return answer.value
