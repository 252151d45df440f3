"""What all benchmarks share: the clock, peak memory, and a line that says how far they are."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work returns, and its seconds by the clock."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def cpu_s() -> float:
    """Seconds of processor time of this process so far, all its threads: a busy machine changes them little."""
    times = os.times()
    return times.user + times.system


def peak_mb() -> float:
    """Peak resident memory of this process so far, in megabytes.

    Not `ru_maxrss`, which begins at what the parent of the process held when it started it.
    """
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def load() -> float:
    """The machine's load average over the last minute: figures of a busy machine are worse than they are."""
    return os.getloadavg()[0]


def say(text: str) -> None:
    """One line of progress; `python -m tests.bench` shows it while it waits."""
    print(f"# {text}", flush=True)
