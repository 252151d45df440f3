"""Importing the definitions: what every run and every code server pays before it does anything."""

import json
import statistics
import subprocess
import sys
import time

PROCESSES = 5


def run(processes: int = PROCESSES) -> dict[str, float]:
    """Median seconds of fresh processes that import the definitions, and of ones that import nothing."""
    _seconds("import chai_assets.definitions")
    return {
        "import_s": statistics.median(_seconds("import chai_assets.definitions") for _ in range(processes)),
        "import_dagster_s": statistics.median(_seconds("import dagster") for _ in range(processes)),
    }


def _seconds(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(json.dumps(run(*((1,) if "--smoke" in sys.argv else ()))))
