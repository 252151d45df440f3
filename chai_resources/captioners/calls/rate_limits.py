"""Requests and tokens a minute: a bucket that callers wait at, shared by all threads of an engine."""

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """So many units a minute, at most a minute's worth at once. A rate of 0 never holds anybody up.

    What something costs is often known only afterwards: take an estimate, then `settle` the difference.
    """

    def __init__(
        self,
        a_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._a_minute = a_minute
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._left = float(a_minute)
        self._since = clock()

    def take(self, units: float = 1) -> None:
        """Takes units, waiting until they are there. One request larger than a minute's worth waits for a full bucket.

        The units are reserved at once, in the order of asking: who comes later waits behind.
        """
        if not self._a_minute:
            return
        with self._lock:
            self._refill()
            self._left -= min(units, self._a_minute)
            wait = max(0.0, -self._left) * 60 / self._a_minute
        if wait:
            self._sleep(wait)

    def settle(self, estimated: float, used: float) -> None:
        """Corrects an estimate by what was really used."""
        if not self._a_minute:
            return
        with self._lock:
            self._refill()
            more = min(estimated, self._a_minute) - min(used, self._a_minute)
            self._left = min(self._a_minute, self._left + more)

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._a_minute, self._left + (now - self._since) * self._a_minute / 60)
        self._since = now
