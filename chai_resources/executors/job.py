"""A job: which units of a batch are to be answered, with which engine; one object, read by all who work on it."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chai_resources.executors import ExecutorError
from chai_resources.media_store import MediaStore


@dataclass(frozen=True)
class ExecutorJob:
    """What a job is told; secrets are not among it, they are in the cluster's own environment."""

    engine: str
    model: dict[str, Any]
    """The fields of `ModelChoice`."""
    identity: list[str]
    """Model and revision as the requests' hashes have them: another engine must not answer these."""
    batch: str
    run: str
    """The Dagster run that submits it."""
    units: list[str]
    gpus: float
    actors: int
    code: str = field(default_factory=lambda: own_code())
    """The code that made the job."""

    @property
    def job_id(self) -> str:
        """Told by its work and its run: Ray wants no name a second time, and the next run finds it by its tags."""
        return f"chai-{hashlib.sha256(chr(10).join(self.units).encode()).hexdigest()[:16]}-{self.run[:8]}"

    @property
    def key(self) -> str:
        """Where the job is written down in the media store."""
        return job_key(self.job_id)

    @property
    def lease_key(self) -> str:
        """What the job's run renews as long as it lives."""
        return lease_key(self.job_id)

    def write(self, media: MediaStore) -> None:
        """Writes the job down."""
        media.put_bytes(self.key, json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def read(cls, media: MediaStore, key: str) -> "ExecutorJob":
        """The job as written down. Raises ExecutorError where other code than this wrote it, MediaError."""
        fields = json.loads(media.get_bytes(key))
        if fields["code"] != own_code() or fields.keys() != cls.__dataclass_fields__.keys():
            raise ExecutorError(
                f"the platform is {fields['code']} and this cluster has {own_code()}: give both an image of one "
                "commit (deploy/ray/Dockerfile)"
            )
        return cls(**fields)


@cache
def own_code() -> str:
    """Version and sources of what is installed here: other code may answer the same request otherwise."""
    return f"{version('chai')} (sources {sources_hash(Path(__file__).parents[1])})"


def sources_hash(folder: Path) -> str:
    """Twelve hex digits of all Python sources under a folder, their names included."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\n{path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def job_key(job_id: str) -> str:
    """Key of a job in the media store."""
    return f"jobs/{job_id}/job.json"


def lease_key(job_id: str) -> str:
    """Key of a job's lease in the media store."""
    return f"jobs/{job_id}/lease"
