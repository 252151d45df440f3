"""The executor `ray`, as a run sees it: a `Captioner` whose answers come from a job on a Ray cluster.

A run writes its units down, submits one job for them with Dagster Pipes (logs and progress come back into the run),
and hands answers on as units are published. A job that a killed run left behind is found again by its tags.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from shlex import quote
from typing import Any

import dagster as dg
import polars as pl
from ray.exceptions import AuthenticationError, RayError
from ray.job_submission import JobDetails, JobSubmissionClient

from chai_resources.captioners.calls.answer_store import answer_key
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import CachingCaptioner, CaptionError, Identity, Request, Result
from chai_resources.errors import ChaiError
from chai_resources.executors import ExecutorChoice, ExecutorError
from chai_resources.executors.job import ExecutorJob, job_key, lease_key
from chai_resources.executors.lease import Lease
from chai_resources.executors.units import TRIED, WANTED, UnitStore, plan_units
from chai_resources.media_store import MediaStore

POLL_S = 1.0
LIST_S = 5.0
"""Between two listings of units: a bucket has one request a thousand keys to pay for, and a unit takes minutes."""
_SILENT_FOR_S = 30.0
"""A cluster that does not answer for so long is taken for down: longer than the restart of its dashboard."""
_STOPS_WITHIN_S = 20.0
_ANSWERS_WITHIN_S = 20.0


class RayCaptioner(CachingCaptioner):
    """Answers requests on a cluster: who answers there is known here, and the engine is opened there."""

    def __init__(
        self,
        who: Identity,
        name: str,
        model: ModelChoice,
        executor: ExecutorChoice,
        media: MediaStore,
        context: dg.AssetExecutionContext,
    ) -> None:
        if not executor.address:
            raise ExecutorError("CHAI_EXECUTOR=ray needs a cluster: set CHAI_RAY_ADDRESS, for example http://head:8265")
        self.model, self.revision, self.capabilities = who.model, who.revision, who.capabilities
        self._name, self._choice, self._executor = name, model, executor
        self._media, self._context = media, context
        self._store = UnitStore(media, context.partition_key)
        self._finals: set[str] | None = None

    def paid(self, request: Request) -> bool:
        """Whether the request has an answer already, which costs nothing more."""
        if self._finals is None:
            units = self._store.published()
            self._finals = {found for unit in units for found, final, _ in self._store.answers(unit) if final}
        called = self.capabilities.network and self._media.exists(answer_key(request.hash))
        return request.hash in self._finals or called

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request, as units are published.

        Raises ExecutorError where the cluster is down or its job failed; what was published is found by the next run.
        """
        waiting: dict[str, list[Request]] = {}
        for request in requests:
            waiting.setdefault(request.hash, []).append(request)
        tried: list[tuple[str, bool]] = []
        for unit in self._store.published() if waiting else ():
            for request_hash, final, result in self._store.answers(unit):
                if final:
                    yield from self._hand_on(waiting, request_hash, result)
                elif request_hash in waiting:
                    tried.append((request_hash, False))
        if waiting:
            yield from self._ask(waiting, pl.DataFrame(tried, schema=TRIED, orient="row"))

    def _ask(self, waiting: dict[str, list[Request]], tried: pl.DataFrame) -> Iterator[Result]:
        wanted = [(request_hash, same[0].cache_group) for request_hash, same in waiting.items()]
        planned = plan_units(pl.DataFrame(wanted, schema=WANTED, orient="row"), tried, self._executor.unit_clips)
        units = planned.group_by("unit", maintain_order=True).agg("request_hash")
        for unit, hashes in units.iter_rows():
            self._store.ask(unit, [waiting[request_hash][0] for request_hash in hashes])
        job = ExecutorJob(
            engine=self._name,
            model=self._choice.model_dump(),
            identity=[self.model, self.revision],
            batch=self._store.batch,
            run=self._context.run.run_id,
            units=units["unit"].to_list(),
            gpus=self._executor.gpus,
            actors=self._executor.actors,
        )
        self._context.log.info(f"{len(wanted)} requests in {units.height} units go to the Ray cluster")
        for unit in self._follow(job):
            for request_hash, _, result in self._store.answers(unit):
                yield from self._hand_on(waiting, request_hash, result)
        for request in (request for same in waiting.values() for request in same):
            error = CaptionError("retryable", "no_answer", f"{job.job_id} gave no answer to {request.hash}: run again")
            yield Result(request.key, self.model, self.revision, error=error)

    def _hand_on(self, waiting: dict[str, list[Request]], request_hash: str, result: Result) -> Iterator[Result]:
        """The result for each caller who waits for it; nobody does where it was handed on before."""
        for request in waiting.pop(request_hash, ()):
            yield replace(result, key=request.key)

    def _follow(self, job: ExecutorJob) -> Iterator[str]:
        """The units of a job as they are published, until all are or the job has ended. Raises ExecutorError."""
        cluster = _Cluster(self._executor.address)
        tags = {"chai/batch": job.batch, "chai/media": self._media.root}
        tags |= {"chai/asset": self._context.asset_key.to_user_string()}
        left = set(job.units)
        found = self._found(cluster.running(tags), left, cluster)
        job_id = found or job.job_id
        with Lease(self._media, lease_key(job_id)), self._running(cluster, job, found, tags) as look:
            state = yield from as_published(self._store, left, look)
            if left:
                raise ExecutorError(
                    f"Ray job {job_id} ended ({state.status}) with {len(left)} of {len(job.units)} units "
                    f"left: {state.message}. Its log: {self._executor.address}/#/jobs/{job_id}. What it "
                    "published is kept: run again to do the rest"
                )
            cluster.wait(job_id)

    def _found(self, running: list[str], units: set[str], cluster: "_Cluster") -> str | None:
        """A job that a killed run left behind and that does all that is wanted; any other for this asset is ended.

        What such another works on is wanted no more, or is in units of other names by now.
        """
        useful = [job_id for job_id in running if units <= self._units_of(job_id)]
        for job_id in set(running) - set(useful[:1]):
            self._context.log.info(f"Ray job {job_id} was left behind by an earlier run: it is stopped")
            cluster.stop(job_id)
        return useful[0] if useful else None

    def _units_of(self, job_id: str) -> set[str]:
        """The units a job works on; none of those of a job that another version wrote, or nobody can read."""
        try:
            return set(ExecutorJob.read(self._media, job_key(job_id)).units)
        except (ChaiError, ValueError, KeyError, TypeError):
            return set()

    @contextmanager
    def _running(
        self, cluster: "_Cluster", job: ExecutorJob, found: str | None, tags: dict[str, str]
    ) -> Iterator[Callable[[], "_State"]]:
        """The job, submitted unless it was found, with its log in the run's; stopped if left before its end."""
        from dagster_ray.core.pipes import PipesRayJobMessageReader

        address, job_id = self._executor.address, found or job.job_id
        with dg.open_pipes_session(
            context=self._context,
            context_injector=dg.PipesEnvContextInjector(),
            message_reader=PipesRayJobMessageReader(),
        ) as session:
            try:
                if not found:
                    self._submit(cluster, job, tags, session.get_bootstrap_env_vars())
                self._context.log.info(
                    f"Ray job {job_id} {'found running' if found else 'submitted'}: {address}/#/jobs/{job_id}"
                )
                with cluster.telling():
                    session.report_launched({"extras": {"ray_job_id": job_id, "ray_address": address}})
                yield lambda: cluster.look(job_id)
            finally:
                cluster.stop(job_id)

    def _submit(self, cluster: "_Cluster", job: ExecutorJob, tags: dict[str, str], env: Mapping[str, str]) -> None:
        """Writes the job down and submits it."""
        job.write(self._media)
        command = f"{self._executor.python} -m chai_resources.executors.work {job.key}"
        tags = {**tags, "dagster/run-id": self._context.run.run_id}
        cluster.submit(job.job_id, f"{command} --media {quote(self._media.root)}", tags, env)


def as_published(
    store: UnitStore,
    left: set[str],
    look: Callable[[], "_State"],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[str, None, "_State"]:
    """The units of a job as they are published, taken out of `left`, until none is left or the job has ended.

    Gives back how the job stands. The store is listed seldom, but at once when the job has ended: the last unit is
    never late.
    """
    listed: float | None = None
    while True:
        state = look()
        if state.ended or listed is None or clock() - listed >= LIST_S:
            listed = clock()
            for unit in left.intersection(store.published()):
                left.remove(unit)
                yield unit
        if state.ended or not left:
            return state
        sleep(POLL_S)


class _Client(JobSubmissionClient):
    """Waits for no answer for ever, as the client it is made from would."""

    def _do_request(self, *args: Any, **kwargs: Any) -> Any:
        return super()._do_request(*args, **{"timeout": _ANSWERS_WITHIN_S, **kwargs})


class _State:
    """How a job stands: Ray's word for it, whether that is its last, and what Ray says beside."""

    def __init__(self, details: JobDetails | None, lost: bool = False) -> None:
        self.status = details.status.value if details else "LOST" if lost else "UNKNOWN"
        self.ended = lost or bool(details and details.status.is_terminal())
        lines = ((details.message if details else "") or "").strip().splitlines()
        self.message = lines[-1].strip() if lines else "the cluster knows no such job" if lost else "no reason given"


class _Cluster:
    """Jobs on a cluster, through its dashboard."""

    def __init__(self, address: str) -> None:
        self._address, self._silent_since = address, 0.0
        with self.telling():
            self._client = _Client(address)

    def running(self, tags: dict[str, str]) -> list[str]:
        """The jobs with these tags that have not ended."""
        with self.telling():
            jobs = self._client.list_jobs()
        mine = [job for job in jobs if not job.status.is_terminal() and tags.items() <= (job.metadata or {}).items()]
        return [job.submission_id for job in mine if job.submission_id]

    def submit(self, job_id: str, entrypoint: str, tags: dict[str, str], env: Mapping[str, str]) -> None:
        """Submits a job."""
        with self.telling():
            self._client.submit_job(
                entrypoint=entrypoint, submission_id=job_id, metadata=tags, runtime_env={"env_vars": dict(env)}
            )

    def look(self, job_id: str) -> _State:
        """How a job stands; unknown while the dashboard is silent. Raises ExecutorError once that lasts."""
        try:
            state = _State(self._client.get_job_info(job_id))
        except (OSError, RuntimeError) as error:
            if "status code 404" in str(error):
                return _State(None, lost=True)
            self._silent_since = self._silent_since or time.monotonic()
            if time.monotonic() - self._silent_since > _SILENT_FOR_S:
                raise self._down(error) from error
            return _State(None)
        self._silent_since = 0.0
        return state

    def wait(self, job_id: str) -> None:
        """Waits, but not for long, for a job that has nothing left to do: its last words are heard, its GPUs free."""
        until = time.monotonic() + _STOPS_WITHIN_S
        while not self.look(job_id).ended and time.monotonic() < until:
            time.sleep(POLL_S)

    def stop(self, job_id: str) -> None:
        """Stops a job if it has not ended, and waits for that."""
        # A cluster that is down runs nothing, and a job without its run ends itself.
        with suppress(OSError, RuntimeError, RayError):
            self._client.stop_job(job_id)
            self.wait(job_id)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turns what a silent dashboard raises into ExecutorError."""
        try:
            yield
        except AuthenticationError as error:
            raise ExecutorError(
                f"Ray at {self._address} lets nobody in without its token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
            ) from error
        except (OSError, RuntimeError) as error:
            raise self._down(error) from error

    def _down(self, error: Exception) -> ExecutorError:
        return ExecutorError(
            f"Ray at {self._address} does not answer ({_first_line(error)}): start the cluster or set "
            "CHAI_RAY_ADDRESS, then run again; what was published is kept"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
