"""What runs on the cluster: `python -m chai_resources.executors.work JOB_KEY --media ROOT` does a job's units.

Answers are published unit by unit; what is told the run on the way is a notice, never the answer. Without a cluster,
`--here` does the same work in this process.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated

import typer
from dagster_pipes import PipesEnvVarParamsLoader, open_dagster_pipes

from chai_resources.errors import ChaiError
from chai_resources.executors import ExecutorError
from chai_resources.executors.job import ExecutorJob
from chai_resources.executors.lease import LeaseWatch
from chai_resources.executors.worker import UnitOutcome, Worker
from chai_resources.media_store import MediaStore

_SAY_EVERY_S = 5.0


@dataclass
class Progress:
    """How far a job is; says so now and then."""

    units: int
    say: Callable[[str], None]
    done: int = 0
    answers: int = 0
    errors: int = 0
    started: float = field(default_factory=time.monotonic)
    _said: float = 0.0

    def add(self, outcome: UnitOutcome) -> None:
        """Counts a unit that is done."""
        self.done += 1
        self.answers += outcome.answers
        self.errors += outcome.errors
        now = time.monotonic()
        if self.done == self.units or now - self._said > _SAY_EVERY_S:
            self._said = now
            self.say(
                f"{self.done} of {self.units} units, {self.answers} answers ({self.errors} of them errors), "
                f"{self.answers / max(now - self.started, 1e-9):.1f} a second"
            )


def work(job: ExecutorJob, root: str, here: bool, say: Callable[[str], None]) -> None:
    """Does a job's units. Raises ExecutorError where no engine can be had, or where the job's run is gone."""
    progress = Progress(len(job.units), say)
    for outcome in _here(job, root) if here else _on_ray(job, root, say):
        if outcome:
            progress.add(outcome)


def _here(job: ExecutorJob, root: str) -> Iterator[UnitOutcome]:
    worker = Worker(job, root)
    if wrong := worker.open():
        raise ExecutorError(f"the engine {job.engine} cannot be opened: {wrong}")
    yield from map(worker.run, job.units)


def _on_ray(job: ExecutorJob, root: str, say: Callable[[str], None]) -> Iterator[UnitOutcome | None]:
    import ray

    from chai_resources.executors.ray_actors import WorkerPool

    ray.init(log_to_driver=False, logging_level=logging.WARNING)
    watch = LeaseWatch(MediaStore(root=root), job.lease_key)
    for outcome in WorkerPool(job, root, say).work():
        yield outcome
        if watch.lapsed():
            raise ExecutorError("the run of this job is gone: the job ends, and what it published is kept")


def main(
    job_key: Annotated[str, typer.Argument(help="Key of the job in the media store, jobs/<id>/job.json.")],
    media: Annotated[str, typer.Option(help="Root of the media store: a folder, or s3://bucket/prefix.")],
    here: Annotated[bool, typer.Option("--here", help="Work in this process, without a cluster.")] = False,
) -> None:
    """Does the units of a job of the platform: what the executor `ray` submits to its cluster."""
    try:
        _main(ExecutorJob.read(MediaStore(root=media), job_key), media, here)
    except (ChaiError, ValueError) as error:
        # Ray hands the last line of a job's output to whoever follows it.
        raise SystemExit(str(error)) from error


def _main(job: ExecutorJob, media: str, here: bool) -> None:
    if PipesEnvVarParamsLoader().is_dagster_pipes_process():
        with open_dagster_pipes() as pipes:
            work(job, media, here, pipes.log.info)
    else:
        work(job, media, here, print)


if __name__ == "__main__":
    typer.run(main)
