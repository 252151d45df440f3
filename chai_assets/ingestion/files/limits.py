"""How much a file may take of the process that reads it: memory, time without a picture, time in all.

The kernel keeps them, so that code which hangs or holds the interpreter is stopped all the same.
"""

import os
import resource
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

OUT_OF_TIME = signal.SIGXCPU
STANDS_STILL = signal.SIGALRM
"""The signals by which a process ends that ran into a limit."""


@dataclass(frozen=True)
class Limits:
    """What one file may take. Seconds, and bytes beyond what the process takes with no file in hand."""

    still_s: float = 120.0
    """Without a picture. One of 8K takes a second or two, and twenty where the machine is busy with other things."""
    least_s: float = 600.0
    seconds_per_mb: float = 60.0
    """In all: decoding twice takes 10 seconds a MB of 4K, and 20 of a slide show, on one core."""
    memory: int = 1536 << 20
    """4K in ten bits takes 0.7 GB, decoder and encoder together."""

    def seconds(self, size: int) -> float:
        """Seconds that a file of so many bytes may take in all."""
        return self.least_s + self.seconds_per_mb * size / 1e6


class _Watch:
    """The clocks of the file in hand; none runs between two files, nor where nobody began."""

    def __init__(self) -> None:
        self._still_s = 0.0
        self._until = 0.0

    def begin(self, limits: Limits, size: int) -> None:
        self._still_s, self._until = limits.still_s, time.monotonic() + limits.seconds(size)
        self.alive()

    def alive(self) -> None:
        if not self._still_s:
            return
        if time.monotonic() > self._until:
            os.kill(os.getpid(), OUT_OF_TIME)
        signal.setitimer(signal.ITIMER_REAL, self._still_s)

    def end(self) -> None:
        self._still_s = 0.0
        signal.setitimer(signal.ITIMER_REAL, 0)


_watch = _Watch()

begin = _watch.begin
"""Starts the clocks for a file of so many bytes; this process ends by a signal when one runs out."""
alive = _watch.alive
"""To be called at every picture: the file moves on. Does nothing where no clock was started."""
end = _watch.end
"""Stops the clocks."""


def limit_memory(limits: Limits) -> None:
    """Lets this process take so much more memory than now: what asks for more gets a MemoryError, or an abort."""
    # Reserved address space is free, and threads reserve plenty of it: only what can be written to counts.
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    most = pages * resource.getpagesize() + limits.memory
    # A limit that is lower already stays.
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
