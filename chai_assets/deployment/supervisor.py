"""Keeps a local deployment's services running: one that died, or answers no more, is started again.

`up` starts it in the background; `chai up --stay` is the same in the foreground, for systemd or a container, which then
watch the one process that nothing here watches. What was stopped stays stopped.

python -m chai_assets.deployment.supervisor
"""

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from chai_assets.deployment.local import down, supervised
from chai_resources.services import processes
from chai_resources.services.processes import Say, Service, ServiceFailed
from chai_resources.settings import Settings

LOOK_SECONDS = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between two starts of a service that keeps dying: doubled each time."""
PROVEN_S = 300.0
"""One that ran so long starts over with the shortest pause."""
_ASK_SECONDS = 10.0


@dataclass(frozen=True)
class Watched:
    """A service, whether it answers, and after how many seconds without an answer it counts as hung."""

    service: Service
    answers: Callable[[], bool]
    patience_s: float


@dataclass
class _State:
    starts: int = 0
    not_before: float = 0.0
    up_since: float = 0.0
    asked: float = 0.0
    answered: float = 0.0


class Supervisor:
    """Looks at services again and again. A look never raises: what cannot be started is tried again later."""

    def __init__(
        self, home: Path, services: Iterable[Watched], say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._home, self._services, self._say, self._clock = home, list(services), say, clock
        self._states = {one.service.name: _State(up_since=clock(), answered=clock()) for one in self._services}

    def look(self) -> None:
        """One look at every service that was started and not stopped."""
        for one in self._services:
            if processes.should_run(self._home, one.service.name):
                self._look_at(one, self._states[one.service.name])

    def _look_at(self, one: Watched, state: _State) -> None:
        now, name = self._clock(), one.service.name
        died = not processes.running(self._home, name)
        if not died and not self._hangs(one, state, now):
            if now - state.up_since > PROVEN_S:
                state.starts = 0
            return
        reason = "died" if died else f"did not answer for {one.patience_s:.0f} s"
        if now < state.not_before:
            return
        state.not_before = now + min(FIRST_PAUSE_S * 2**state.starts, LONGEST_PAUSE_S)
        state.starts += 1
        try:
            revived = processes.revive(self._home, one.service, hung=not died)
        except ServiceFailed as error:
            self._say(f"{name} {reason} and does not come up, which is tried again: {error}")
            return
        state.up_since = state.answered = self._clock()
        if revived:
            self._say(f"{name} {reason} and was started again; its log is {processes.log_path(self._home, name)}")

    def _hangs(self, one: Watched, state: _State, now: float) -> bool:
        if now - state.asked < _ASK_SECONDS:
            return False
        state.asked = now
        if one.answers():
            state.answered = self._clock()
        return now - state.answered > one.patience_s


def supervise(settings: Settings, say: Say) -> NoReturn:
    """Looks after a deployment's services until this process is told to end."""
    supervisor = Supervisor(settings.home, (Watched(*each) for each in supervised(settings)), say)
    while True:
        supervisor.look()
        time.sleep(LOOK_SECONDS)


@contextmanager
def ended_together(settings: Settings) -> Iterator[None]:
    """What is started within is stopped when this process is told to end, or ends for another reason."""
    end_when_told()
    try:
        yield
    finally:
        down(settings)


def end_when_told() -> None:
    """SIGTERM ends this process by SystemExit, so that what is under way is left as it is on record."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)


def _log(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}", flush=True)


if __name__ == "__main__":
    end_when_told()
    sys.exit(supervise(Settings.from_env(), _log))
