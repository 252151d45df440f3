"""Runs jobs in this process on the deployment's Dagster instance: for the command line, tests and benchmarks."""

import os

import dagster as dg

from chai_assets.annotation.resource import FULL_LOOK_TAG
from chai_assets.core.partitions import batches, register
from chai_assets.definitions import build_defs
from chai_assets.deployment.local import dagster_home, token
from chai_assets.orchestration.dead_runs import PROCESS_TAG, bury_dead_runs, process_tag
from chai_resources.environment import LABEL_STUDIO_TOKEN
from chai_resources.settings import Settings


def instance_of(settings: Settings) -> dg.DagsterInstance:
    """The deployment's Dagster instance; DAGSTER_HOME is set for it."""
    # Dagster finds its instance, and resolves the token by its name, in this process's own environment.
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    os.environ.setdefault(LABEL_STUDIO_TOKEN, token(settings))
    return dg.DagsterInstance.get()


def known_batches(settings: Settings) -> list[str]:
    """Batches registered so far, in the order they came."""
    return list(instance_of(settings).get_dynamic_partitions(batches.name or ""))


def advance_here(settings: Settings, batch: str, full_look: bool = False) -> bool:
    """Runs the job `advance` on a batch; returns whether it succeeded."""
    return _run(settings, "advance", batch, {FULL_LOOK_TAG: "true"} if full_look else {})


def adopt_here(settings: Settings, batch: str) -> bool:
    """Runs the job `adopt` on a batch: it moves to the specification in force; returns whether it succeeded."""
    return _run(settings, "adopt", batch, {})


def ingest_here(settings: Settings, batch: str) -> bool:
    """Registers a batch and runs the job `ingest` on it; returns whether it succeeded."""
    register(instance_of(settings), [batch])
    return _run(settings, "ingest", batch, {})


def _run(settings: Settings, job: str, batch: str, tags: dict[str, str]) -> bool:
    instance = instance_of(settings)
    bury_dead_runs(instance)
    definition = build_defs(settings).resolve_job_def(job)
    outcome = definition.execute_in_process(
        partition_key=batch,
        tags={PROCESS_TAG: process_tag(os.getpid()), **tags},
        instance=instance,
        raise_on_error=False,
    )
    return outcome.success
