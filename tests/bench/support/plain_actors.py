"""What `bench_executor` compares with: plain Ray actors that ask the same requests, and keep nothing.

A Ray job; its last line says when the first answers were there, and when the last.
"""

import json
import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ray

from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import Request
from chai_resources.captioners.registry import ENGINES
from chai_resources.media import Media


class Asker:
    """One engine."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._engine = ENGINES["openai"](ModelChoice(**model), Media(root=tempfile.gettempdir()))

    def ask(self, requests: list[Request]) -> int:
        """How many of the requests got a text."""
        return sum(result.text is not None for result in self._engine.run(requests))


def main(at: Path) -> None:
    """Asks all, so many at a time."""
    model, requests, size, actors = pickle.loads(at.read_bytes())
    ray.init(log_to_driver=False)
    askers = [ray.remote(num_cpus=1, num_gpus=1)(Asker).remote(model) for _ in range(actors)]
    parts = [requests[start : start + size] for start in range(0, len(requests), size)]
    pool, answered, first = ray.util.ActorPool(askers), 0, 0.0
    for count in pool.map_unordered(lambda asker, part: asker.ask.remote(part), parts):
        first = first or time.time()
        answered += count
    if answered != len(requests):
        raise SystemExit(f"{answered} of {len(requests)} were answered")
    print(json.dumps({"first": first, "end": time.time()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
