"""Workers as actors on a Ray cluster: each takes unit after unit, and one that dies is replaced."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from chai_resources.captioners.protocol import CaptionError, Result
from chai_resources.executors import ExecutorError
from chai_resources.executors.job import ExecutorJob
from chai_resources.executors.units import UnitStore
from chai_resources.executors.worker import UnitOutcome, Worker
from chai_resources.media_store import MediaStore

TRIES = 3
"""A unit on which workers failed this often is given up: it is probably what kills them. Where so many units fail
and none succeeds, it is not the units."""
_LOOK_UP_S = 1.0
_REMIND_S = 30.0


class WorkerPool:
    """The actors of one job, in a process that is connected to the cluster."""

    def __init__(self, job: ExecutorJob, root: str, say: Callable[[str], None]) -> None:
        self._job, self._root, self._say = job, root, say
        self._size = min(
            job.actors or _room_for_workers(ray.cluster_resources(), job.gpus), len(job.units), _most_workers(job)
        )
        # A vLLM of its own has its own limits; all others ask one model together.
        self._share = 1 if job.engine == "vllm" else self._size
        self._waiting = deque(job.units)
        self._opening: dict[Any, Any] = {}
        self._working: dict[Any, tuple[Any, str]] = {}
        self._idle: list[Any] = []
        self._failures: Counter[str] = Counter()
        self._failed_in_a_row: set[str] = set()
        self._reminded = time.monotonic()

    def work(self) -> Iterator[UnitOutcome | None]:
        """Each unit as it is done; None once a second in between, so that the caller can look up.

        Raises ExecutorError where no worker can be had.
        """
        while self._waiting or self._working:
            self._start_workers()
            while self._idle and self._waiting:
                actor, unit = self._idle.pop(), self._waiting.popleft()
                self._working[actor.run.remote(unit)] = (actor, unit)
            done, _ = ray.wait([*self._working, *self._opening], timeout=_LOOK_UP_S)
            for ref in done:
                if ref in self._opening:
                    self._opened(ref)
                elif outcome := self._done(ref):
                    yield outcome
            self._remind()
            yield None

    def _start_workers(self) -> None:
        wanted = min(self._size, len(self._waiting) + len(self._working))
        for _ in range(wanted - len(self._opening) - len(self._working) - len(self._idle)):
            make: Any = ray.remote(num_cpus=1, num_gpus=self._job.gpus)(Worker)
            actor = make.remote(self._job, self._root, self._share)
            self._opening[actor.open.remote()] = actor

    def _opened(self, ref: Any) -> None:
        actor = self._opening.pop(ref)
        try:
            wrong = ray.get(ref)
        except RayError as error:
            wrong = self._failed("opening", error)
        else:
            self._failures["opening"] = 0
            self._idle.append(actor)
        if wrong:
            raise ExecutorError(f"the engine {self._job.engine} cannot be opened on the cluster: {wrong}")

    def _done(self, ref: Any) -> UnitOutcome | None:
        actor, unit = self._working.pop(ref)
        try:
            outcome: Any = ray.get(ref)
        except RayError as error:
            if isinstance(error, RayTaskError):  # the actor lives, and is fit for nothing: another takes its place
                ray.kill(actor)
            self._failed_in_a_row.add(unit)
            reason = self._failed(unit, error)
            if len(self._failed_in_a_row) >= TRIES:
                raise ExecutorError(f"no worker gets a unit done: the last failed with {_last_line(error)}") from error
            if not reason:
                self._waiting.append(unit)
                return None
            return _give_up(UnitStore(MediaStore(root=self._root), self._job.batch), unit, reason, self._job)
        self._idle.append(actor)
        self._failed_in_a_row.clear()
        return outcome

    def _failed(self, what: str, error: Exception) -> str:
        """Counts a failure; the reason to give up, or nothing where it is worth another try."""
        self._failures[what] += 1
        reason = _last_line(error)
        self._say(f"a worker failed at {what} ({reason}), time {self._failures[what]} of {TRIES}")
        return reason if self._failures[what] >= TRIES else ""

    def _remind(self) -> None:
        """Says it where there are no workers for long: nothing else would tell why nothing happens."""
        if self._idle or self._working:
            self._reminded = time.monotonic()
        elif time.monotonic() - self._reminded > _REMIND_S:
            self._reminded = time.monotonic()
            free = ray.available_resources()
            self._say(
                f"no worker is ready: each takes 1 CPU and {self._job.gpus:g} GPU, and the cluster has "
                f"{free.get('CPU', 0):g} CPU and {free.get('GPU', 0):g} GPU free"
            )


def _give_up(store: UnitStore, unit: str, reason: str, job: ExecutorJob) -> UnitOutcome:
    """Publishes a unit as failed, so that its rows say why; the next run asks them again in another unit."""
    message = f"{TRIES} workers failed on the requests of {unit}, the last with {reason}"
    error = CaptionError("retryable", "worker_failed", f"{message}; short of memory? Run again to try once more")
    model, revision = job.identity
    results = [Result(request.hash, model, revision, error=error) for request in store.asked(unit)]
    store.publish(unit, results)
    return UnitOutcome(unit, len(results), len(results))


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else 'no reason given'}"


def _most_workers(job: ExecutorJob) -> int:
    """How many workers a model's limits leave something for."""
    if job.engine == "vllm":
        return len(job.units)
    return min(job.model[name] for name in ("parallel", "requests_a_minute") if job.model[name])


def _room_for_workers(resources: Mapping[str, float], gpus: float) -> int:
    """How many actors the cluster has room for now, at least one: a cluster that grows starts from none."""
    return max(1, int(resources.get("GPU", 0) // gpus if gpus else resources.get("CPU", 1)))
