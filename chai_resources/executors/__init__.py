"""Where a model's work is done: in the run's own process (`local`), or as a job on a Ray cluster (`ray`).

An executor never owns the truth. Requests are bundled into units, a unit's answers are one object of the media
store under a name that follows from its requests, and what has no answer there is what is left to do. Whatever
dies (an actor, a node, the job, the Dagster run), running again does the rest; Dagster alone writes the tables.

`units.py` bundles and stores, `ray_captioner.py` submits a job and follows it, `lease.py` ends a job whose run is gone;
`work.py`, `ray_actors.py` and `worker.py` are what runs on the cluster.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveInt

from chai_resources.errors import Unavailable
from chai_resources.variables import Variable


class ExecutorChoice(BaseModel):
    """Which executor does the work of models, and how much of it is one unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[Literal["local", "ray"], Variable("CHAI_EXECUTOR")] = "local"
    address: Annotated[str, AfterValidator(lambda url: url.rstrip("/")), Variable("CHAI_RAY_ADDRESS")] = ""
    """Address of the Ray cluster's dashboard, to which jobs are submitted."""
    gpus: Annotated[NonNegativeFloat, Variable("CHAI_RAY_GPUS")] = 0.0
    """GPUs that one actor takes; 0 for an engine that needs none."""
    actors: Annotated[NonNegativeInt, Variable("CHAI_RAY_ACTORS")] = 0
    """Actors side by side; 0 for as many as the cluster has room for now. To be set where a cluster grows by itself."""
    unit_clips: Annotated[PositiveInt, Variable("CHAI_UNIT_CLIPS")] = 64
    """Clips of a unit, with all their aspects: what is done again, at most, when an actor dies."""
    python: Annotated[str, Variable("CHAI_RAY_PYTHON")] = "python"
    """The interpreter on the cluster that has this package."""


class ExecutorError(Unavailable):
    """The executor cannot go on; the text names it and the remedy. Units that are finished are kept."""
