"""The process that gets killed: does one errand of the platform, like `chai ingest` and `chai advance`.

It loads everything, then waits for its errand on stdin, so that a kill hits work and not the loading of Python.
What it changes outside itself is counted, and it can be told to die by SIGKILL at one of those moments.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from chai_assets.deployment.run_job import advance_here, ingest_here
from chai_resources import tables
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Request, Result
from chai_resources.captioners.registry import ENGINES
from chai_resources.label_studio.connection import Connection
from chai_resources.media import Media
from chai_resources.settings import Settings

Job = Literal["ingest", "advance"]


@dataclass(frozen=True)
class Errand:
    """What a child does: a job on a batch, in a deployment, and the moment at which it ends itself, if any."""

    job: Job
    batch: str
    env: dict[str, str]
    calls: str
    """File to which the hash of every request that reaches the engine is added, before it is answered."""
    dies_at: int | None = None

    def as_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


class Moments:
    """Counts the moments just before and just after each change to the outside, and dies at a chosen one."""

    def __init__(self, dies_at: int | None) -> None:
        self.passed = 0
        self._dies_at = dies_at

    def pass_one(self) -> None:
        if self.passed == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    def around(self, owner: Any, name: str) -> None:
        """Makes a function of the platform pass a moment before and one after."""
        real: Callable[..., Any] = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.pass_one()
            outcome = real(*args, **kwargs)
            self.pass_one()
            return outcome

        setattr(owner, name, watched)


def watched_engine(calls: Path, moments: Moments) -> type[OfflineCaptioner]:
    """The offline engine, noting each request that reaches it."""

    class Watched(OfflineCaptioner):
        def run(self, requests: Iterable[Request]) -> Iterator[Result]:
            for request in requests:
                with calls.open("a") as log:
                    log.write(request.hash + "\n")
                moments.pass_one()
                yield from super().run([request])

    return Watched


def main() -> None:
    line = sys.stdin.readline()
    if not line:
        return
    errand = Errand(**json.loads(line))
    os.environ.update(errand.env)
    moments = Moments(errand.dies_at)
    engine = watched_engine(Path(errand.calls), moments)
    ENGINES["offline"] = lambda choice, media: engine()
    moments.around(tables, "write_deltalake")
    moments.around(Connection, "write")
    for write in ("put_file", "put_bytes", "put_new"):
        moments.around(Media, write)
    print("begun", flush=True)
    work = {"ingest": ingest_here, "advance": advance_here}[errand.job]
    if not work(Settings.from_env(), errand.batch):
        sys.exit(1)
    print(moments.passed, flush=True)


if __name__ == "__main__":
    main()
