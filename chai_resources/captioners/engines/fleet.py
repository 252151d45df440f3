"""Several servers of one model: which of them a clip goes to, and who takes over when one is down.

A server keeps the video and the prefix of a clip it has seen, so all requests of a clip go to one server. Each
server's claim to a clip is a hash of both names, and the highest claim has it: when a server comes or goes, only
its own clips move.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping

from chai_resources.captioners.calls.network_captioner import CallFailed
from chai_resources.captioners.protocol import Request, Result

CONNECT_S = 10.0
"""Seconds until a server that does not even take the connection counts as down."""


def by_claim(addresses: Iterable[str], group: str) -> list[str]:
    """The servers in the order in which they may have this clip."""
    return sorted(addresses, key=lambda address: hashlib.sha256(f"{address}\n{group}".encode()).digest(), reverse=True)


class Fleet:
    """One call, made to the server that has the request's clip. Raises CallFailed where no server takes it.

    A server that refuses the connection is left out until `begin`, which a run calls first; its clips go to
    those next in order. When none is left, all are tried again by the next call.
    """

    def __init__(self, calls: Mapping[str, Callable[[Request], Result]]) -> None:
        self._calls = dict(calls)
        self._down: set[str] = set()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Forgets which servers were down."""
        with self._lock:
            self._down.clear()

    def __call__(self, request: Request) -> Result:
        order = by_claim(self._calls, request.cache_group or request.hash)
        left = [address for address in order if address not in self._down] or order
        for address in left:
            try:
                return self._calls[address](request)
            except CallFailed as failed:
                if not _refused_the_connection(failed):
                    raise
                with self._lock:
                    self._down.add(address)
                if address == left[-1]:
                    self.begin()
                    raise
        raise AssertionError("the last server answers or raises")


def _refused_the_connection(failed: CallFailed) -> bool:
    """Only then it is certain that the server has not begun to answer, and another may be asked at no cost."""
    return failed.charged == "no" and failed.error.code in ("connection", "timeout")
