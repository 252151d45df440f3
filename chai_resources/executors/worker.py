"""A worker: one engine, opened once, that answers units and publishes them."""

from dataclasses import dataclass

from chai_resources.captioners.calls.answer_store import StoredAnswers
from chai_resources.captioners.calls.api_keys import KeyMissing
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import Captioner, Result
from chai_resources.captioners.registry import open_engine
from chai_resources.errors import Unavailable
from chai_resources.executors.job import ExecutorJob
from chai_resources.executors.units import UnitStore, keyed_by_hash
from chai_resources.media_store import MediaStore

LIMITS = ("parallel", "requests_a_minute", "tokens_a_minute")
"""Fields of `ModelChoice` that are limits of one model, however many ask it; 0 is no limit."""


@dataclass(frozen=True)
class UnitOutcome:
    """What one unit came to; no answers where somebody had published it before."""

    unit: str
    answers: int = 0
    errors: int = 0


class WorkerUnfit(Unavailable):
    """A worker whose engine answers nothing: no other unit would fare better with it."""


class Worker:
    """Answers units of one job. Lives in the process of a run, or as an actor on a cluster."""

    def __init__(self, job: ExecutorJob, root: str, share: int = 1) -> None:
        """`root` is that of the media store; `share` is how many workers divide the model's limits between them."""
        self._job, self._media, self._share = job, MediaStore(root=root), share
        self._store = UnitStore(self._media, job.batch)
        self._engine: Captioner | None = None

    def open(self) -> str:
        """Opens the engine; says what is wrong, or nothing. A model is loaded with the first unit."""
        try:
            engine = open_engine(self._job.engine, _shared(ModelChoice(**self._job.model), self._share), self._media)
        except KeyMissing as missing:
            return (
                f"{missing.variable} is not set in the environment of the cluster: put the provider's key there, for "
                "every node (deploy/ray/cluster.yaml), then run again"
            )
        except Exception as error:  # an actor that raises tells its caller only that it died
            return f"{type(error).__name__}: {error}"
        if [engine.model, engine.revision] != self._job.identity:
            return (
                f"it is {engine.model} {engine.revision} here, and the requests are for "
                f"{' '.join(self._job.identity)}: give the cluster the platform's own image"
            )
        # What is paid by the call is kept call by call; what only costs time is kept unit by unit.
        self._engine = StoredAnswers(engine, self._media) if engine.capabilities.network else engine
        return ""

    def run(self, unit: str) -> UnitOutcome:
        """Answers a unit and publishes it, unless that was done. Raises WorkerUnfit where it can answer nothing."""
        if self._engine is None:
            raise RuntimeError("the worker is not open")
        if self._store.is_published(unit):
            return UnitOutcome(unit)
        results = list(self._engine.run(keyed_by_hash(self._store.asked(unit))))
        if reason := _unfit(results):
            raise WorkerUnfit(reason)
        self._store.publish(unit, results)
        return UnitOutcome(unit, len(results), sum(result.error is not None for result in results))


def _unfit(results: list[Result]) -> str:
    """Why nothing was answered, where all of several requests came to the same end that passes; else nothing.

    What is wrong with a row differs from row to row; what is wrong with an engine is the same for all.
    """
    reasons = {result.error.message if result.error and result.error.kind == "retryable" else "" for result in results}
    return reasons.pop() if len(results) > 1 and len(reasons) == 1 else ""


def _shared(model: ModelChoice, share: int) -> ModelChoice:
    """The model's limits, divided between workers who do not know of each other."""
    limits = {name: getattr(model, name) for name in LIMITS}
    return model.model_copy(update={name: max(1, limit // share) for name, limit in limits.items() if limit})
