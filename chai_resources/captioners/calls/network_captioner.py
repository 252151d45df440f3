"""What all engines behind a network share: calls side by side, limits, bounded retries, never raising for a row.

An engine brings one function that makes one call and raises `CallFailed` for what went wrong; when to try
again, and when to stop asking altogether, is decided here.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from chai_resources.captioners.calls.acceptance import settled
from chai_resources.captioners.calls.answer_body import harmless
from chai_resources.captioners.calls.rate_limits import TokenBucket
from chai_resources.captioners.protocol import Call, Capabilities, Captioner, CaptionError, Request, Result
from chai_resources.errors import Unavailable

TRIES = 4
"""Calls for one request within a run; what still fails then is asked again by the next run."""
LONGEST_WAIT_S = 60.0
"""A server that wants more, at once or bit by bit without an answer, gets it: the rest is left to the next run."""
UNREADABLE = frozenset({"garbled", "unexpected"})
"""Codes of answers that came and were none."""
_FIRST_WAIT_S = 1.0
_MEDIA_TOKENS = 2_000
"""Reserved for a clip until its true cost is known."""


@dataclass
class CallFailed(Unavailable):
    """One call that failed. `stops`: no other request can do better (wrong key, no such model, quota used up)."""

    error: CaptionError
    retry_after_s: float | None = None
    stops: bool = False
    charged: Literal["no", "unknown"] = "no"
    called: bool = True
    """Whether the server was asked at all; if not, trying again at once is of no use."""

    def __str__(self) -> str:
        return self.error.message


@dataclass(frozen=True)
class Pace:
    """How hard a model may be asked; a rate of 0 is no limit."""

    parallel: int = 8
    requests_a_minute: int = 0
    tokens_a_minute: int = 0


class CallingCaptioner(Captioner):
    """A `Captioner` over one function that makes one call."""

    def __init__(
        self,
        call: Callable[[Request], Result],
        *,
        model: str,
        revision: str,
        capabilities: Capabilities,
        pace: Pace,
        begin: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model, self.revision, self.capabilities = model, revision, capabilities
        self._call, self._pace, self._sleep = call, pace, sleep
        self._begin = begin
        self._keep: Callable[[Result], Result] = lambda result: result
        self._gate = _Gate(sleep, clock)
        self._requests = TokenBucket(pace.requests_a_minute)
        self._tokens = TokenBucket(pace.tokens_a_minute)

    def keep_with(self, keep: Callable[[Result], Result]) -> bool:
        """Has `keep` called in the thread that made the call."""
        self._keep = keep
        return True

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request, as they come back; at most `pace.parallel` calls are out at a time.

        Ended early, it starts no further call and waits for those that are out. Where the source of the requests
        breaks off, what is out is handed on first: it is paid. What could not be read comes last: where others were
        answered after it, it is its request that the server makes nothing of, and that is not asked again.
        """
        self._begin()
        unread: dict[str, int] = {}
        late: list[Result] = []

        def ready(done: set[Future[Result]]) -> Iterator[Result]:
            for result in (future.result() for future in done):
                if result.key in unread:
                    late.append(result)
                else:
                    yield result

        stopped, pool = _Stop(), ThreadPoolExecutor(self._pace.parallel, thread_name_prefix="model")
        out: set[Future[Result]] = set()
        broken: Exception | None = None
        try:
            try:
                for request in requests:
                    out.add(pool.submit(self._one, request, stopped, unread))
                    if len(out) >= 2 * self._pace.parallel:
                        done, out = wait(out, return_when=FIRST_COMPLETED)
                        yield from ready(done)
            except Exception as error:
                broken = stopped.break_off(error)
            while out:
                done, out = wait(out, return_when=FIRST_COMPLETED)
                yield from ready(done)
            for result in late:
                alone = self._gate.answers > unread[result.key]
                yield self._kept(_final(result) if alone else result, stopped)
            if broken:
                raise broken
        finally:
            stopped.error = CaptionError("retryable", "ended", "the run ended before this was asked: run again")
            pool.shutdown(cancel_futures=True)

    def _one(self, request: Request, stopped: "_Stop", unread: dict[str, int]) -> Result:
        """The result of a request; one whose answers could not be read is noted in `unread`, with how many others were
        answered before it."""
        calls: list[Call] = []
        answered_before = self._gate.answers
        for attempt in range(1, TRIES + 1):
            self._gate.wait()
            if stopped.error:
                return self._failed(request, stopped.error, calls)
            try:
                result = self._paced(request, calls)
                if result.error is None or result.error.kind != "retryable":
                    return self._kept(result, stopped)
                if attempt == TRIES:
                    passing = result.error.code == "interrupted"
                    return self._kept(result if passing else _final(result), stopped)
                self._sleep(pause_before(attempt))
            except CallFailed as failed:
                error, wanted = failed.error, failed.retry_after_s
                if failed.stops or (wanted is not None and not self._gate.shut(wanted)):
                    stopped.error = error
                if error.kind != "retryable" or stopped.error or attempt == TRIES or not failed.called:
                    result = self._failed(request, error, calls)
                    if error.code in UNREADABLE and attempt == TRIES:
                        unread[request.key] = answered_before
                        return result
                    return self._kept(result, stopped)
                if wanted is None:
                    self._sleep(pause_before(attempt))
            except Exception as surprise:
                # A row must not end a batch; what it was stands in the error row.
                error = CaptionError("retryable", "unexpected", f"{surprise!r}: run again")
                return self._failed(request, error, calls)
        raise AssertionError("the loop returns")

    def _kept(self, result: Result, stopped: "_Stop") -> Result:
        """The result as it was kept. One that cannot be kept is handed on all the same, and nothing more is asked."""
        try:
            return self._keep(result)
        except Exception as error:
            message = f"nothing more was asked, for answers cannot be stored: {error}"
            stopped.error = CaptionError("retryable", "store", message)
            return result

    def _paced(self, request: Request, calls: list[Call]) -> Result:
        """One call within the limits, noted in `calls` however it ends. Raises CallFailed."""
        estimate = len(request.prompt) / 4 + (_MEDIA_TOKENS if request.media else 0)
        self._requests.take()
        self._tokens.take(estimate)
        at, started = datetime.now(UTC).isoformat(), time.perf_counter()
        try:
            result = settled(request, self._call(request))
        except Exception as error:
            failed = error if isinstance(error, CallFailed) else None
            latency = (time.perf_counter() - started) * 1000
            if failed is None or failed.called:
                outcome, charged = (failed.error.code, failed.charged) if failed else ("unexpected", "unknown")
                calls.append(Call(at, outcome, charged, latency_ms=latency))
            raise
        latency = (time.perf_counter() - started) * 1000
        self._gate.answered()
        self._tokens.settle(estimate, result.tokens_in + result.tokens_out)
        outcome = result.error.code if result.error else "answered"
        calls.append(
            Call(at, outcome, "yes", result.tokens_in, result.tokens_cached, result.tokens_out, latency_ms=latency)
        )
        return replace(result, latency_ms=latency, calls=tuple(calls))

    def _failed(self, request: Request, error: CaptionError, calls: list[Call]) -> Result:
        return harmless(Result(request.key, self.model, self.revision, error=error, calls=tuple(calls)))


def _final(result: Result) -> Result:
    """What came so often is not asked for again, for each time is paid."""
    assert result.error
    said = result.error.message.removesuffix(": run again")
    message = f"asked {len(result.calls)} times: {said}; change CHAI_MODEL or the prompt to ask again"
    return harmless(replace(result, error=CaptionError("permanent", result.error.code, message)))


class _Gate:
    """Shut while the server wants a pause: it means the model, not the one call that was told so."""

    def __init__(self, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._until = self._waited = 0.0
        self.answers = 0

    def wait(self) -> None:
        """Waits until the gate is open, however often it is shut again meanwhile."""
        while (left := self._until - self._clock()) > 0:
            self._sleep(left)

    def shut(self, seconds: float) -> bool:
        """Shuts the gate for so long from now; False, and not shut, where that would be too long since an answer."""
        with self._lock:
            now = self._clock()
            more = max(0.0, now + seconds - max(self._until, now))
            if self._waited + more > LONGEST_WAIT_S:
                self._waited = 0.0  # the next run begins anew
                return False
            self._waited += more
            self._until = max(self._until, now + seconds)
            return True

    def answered(self) -> None:
        """Notes that the server answers again."""
        self._waited = 0.0
        self.answers += 1


class _Stop:
    """Set by the first call that shows that no other can succeed."""

    def __init__(self) -> None:
        self._lock, self._error = threading.Lock(), None

    @property
    def error(self) -> CaptionError | None:
        return self._error

    @error.setter
    def error(self, error: CaptionError) -> None:
        with self._lock:
            self._error = self._error or error

    def break_off(self, error: Exception) -> Exception:
        """Notes why nothing more comes, and gives it back."""
        self.error = CaptionError("retryable", "ended", f"the run broke off before this was asked: {error}")
        return error


def pause_before(attempt: int) -> float:
    """Seconds to wait after a failed attempt: twice as long each time, and spread out, so that callers part."""
    return _FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
