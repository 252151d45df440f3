"""What all benchmarks share: the clock, peak memory, and a line that says how far they are."""

import os
import resource
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work returns, and its seconds by the clock."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def peak_mb() -> float:
    """Peak resident memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load() -> float:
    """The machine's load average over the last minute: figures of a busy machine are worse than they are."""
    return os.getloadavg()[0]


def say(text: str) -> None:
    """One line of progress; `python -m tests.bench` shows it while it waits."""
    print(f"# {text}", flush=True)
