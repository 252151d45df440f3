"""Publishing a dataset of 20,000 triples and judging them: seconds and peak memory.

python -m tests.bench.bench_dataset [<clips, five triples each>]
"""

import json
import resource
import sys
import tempfile
import time

from chai_assets.datasets.checks.run import Beside, judge
from chai_assets.datasets.publish import publish
from chai_assets.datasets.verify import verify_dataset
from tests.datasets.factory import NOON, many
from tests.datasets.records import records_of


def megabytes() -> float:
    """Peak resident memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def measure(clips: int = 4_000) -> dict[str, float]:
    """Figures by name: seconds (`_s`) and peak memory (`_mb`)."""
    export = many(clips)
    figures: dict[str, float] = {"triples": len(export.triples), "before_mb": megabytes()}
    with tempfile.TemporaryDirectory() as root:
        started = time.perf_counter()
        published = publish(export, root)
        figures["publish_s"] = time.perf_counter() - started
        figures["publish_mb"] = megabytes()
        started = time.perf_counter()
        publish(export, root)
        figures["publish_again_s"] = time.perf_counter() - started
        started = time.perf_counter()
        problems = verify_dataset(published.uri)
        figures["verify_s"] = time.perf_counter() - started
    if problems:
        raise SystemExit("\n".join(problems))
    beside = Beside(records_of(export.triples.to_dicts()).read, None, NOON)
    started = time.perf_counter()
    judge(export.triples, export.counted, beside)
    figures["first_validate_s"] = time.perf_counter() - started
    started = time.perf_counter()
    judge(export.triples, export.counted, beside)
    figures["validate_s"] = time.perf_counter() - started
    figures["validate_mb"] = megabytes()
    return {name: round(value, 2) for name, value in figures.items()}


if __name__ == "__main__":
    print(json.dumps(measure(*((100,) if "--smoke" in sys.argv else ()))))
