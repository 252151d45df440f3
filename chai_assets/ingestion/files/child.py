"""The process that reads files: `workers.py` starts it and hands it one after the other.

Whatever a file does, it does it here. What can be said of it is answered; the rest ends this process, and the one that
started it makes of that end what is to be told.
"""

import ctypes
import errno
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from chai_assets.ingestion.files import limits
from chai_assets.ingestion.files.limits import Limits
from chai_assets.ingestion.probe import BadVideo
from chai_resources.errors import ChaiError

MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ESTALE}
"""Errors that are no file's fault: the disk is full or broken, a share is gone, this system is out of something."""

READY = "ready"
_MOST_SAID = 200
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of <malloc.h>


@dataclass(frozen=True)
class Task:
    """A function to call on a file of so many bytes; the function is found by its name."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    bytes: int


@dataclass(frozen=True)
class Answer:
    """What came of a task: a value, or kind and reason of what is wrong with the file, or what is no file's fault.

    Out of memory it comes from a process that ends with it.
    """

    value: Any = None
    bad: tuple[str, str] | None = None
    error: ChaiError | None = None
    machine: str = ""
    out_of_memory: bool = False


def main(handle: int, parent: int, kept: Limits) -> None:
    """Works off tasks from the connection until its other end closes, or the parent is gone."""
    libc = ctypes.CDLL(None)
    libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        return
    # Where memory runs out, this process is to be ended and not the run. Not every container lets it say so.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for stop in (limits.OUT_OF_TIME, limits.STANDS_STILL):
        signal.signal(stop, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (limits.OUT_OF_TIME, limits.STANDS_STILL))
    # A terminal sends it to all of its processes: the parent decides what becomes of this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Pictures come and go by the hundred: giving their memory back each time takes a twentieth of the work.
    if keep := getattr(libc, "mallopt", None):
        keep(_TRIM_THRESHOLD, 128 << 20)
        keep(_MMAP_THRESHOLD, 32 << 20)
    limits.limit_memory(kept)
    connection = Connection(handle)
    connection.send(READY)
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return
        answer = _answered(task, kept)
        connection.send(answer)
        if answer.out_of_memory:
            return


def _answered(task: Task, kept: Limits) -> Answer:
    limits.begin(kept, task.bytes)
    try:
        return Answer(task.function(*task.arguments))
    except ChaiError as error:
        return Answer(error=error)
    except BaseException as error:  # one file's trouble, of whatever kind, is no other file's
        return _failed(error)
    finally:
        limits.end()


def _failed(error: BaseException) -> Answer:
    if _ran_out_of_memory(error):
        return Answer(out_of_memory=True)
    if isinstance(error, BadVideo):
        return Answer(bad=(error.kind, error.reason))
    if getattr(error, "errno", None) in MACHINE:
        return Answer(machine=str(error))
    said = " ".join(str(error).split())[:_MOST_SAID]
    reason = f"cannot be read here ({type(error).__name__}: {said}); convert it to H.264"
    return Answer(bad=("broken", reason))


def _ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether it, or what it was raised from, is that memory ran out: decoders make damage of it."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        error = error.__cause__ or error.__context__
    return False
