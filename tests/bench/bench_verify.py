"""Datasets on their way: checking one of 1.7 GB by its own verify.py beside `sha256sum` of the same files, both cached,
and packing one with its clips beside a plain copy.

python -m tests.bench.bench_verify [--smoke]
"""

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chai_assets.datasets.read.verify import NAME, ROWS
from chai_assets.datasets.write.publish import ExportInputs, publish
from tests.bench.support.measuring import load, say, timed
from tests.bench.support.packing import measure_packing
from tests.datasets.factory import clip, export, frame, triples_of

ROUNDS = 3
"""The best of so many: the machine may be busy with something else."""

_MORE = " It moves on at an even pace, past the low wall and the row of trees, and stays in the frame to the end."


def long_ones(clips: int) -> ExportInputs:
    """An export of so many clips, five triples each, with texts as long as people's: about 90 words a caption."""
    made = [clip(number) for number in range(clips)]
    rows: list[dict[str, Any]] = triples_of(made)
    for row in rows:
        for text in ("draft", "final"):
            row[text] += _MORE * 3
        row["critique"] = row["critique"] and row["critique"] + _MORE
    return replace(export([], []), triples=frame("triples", rows), clips=frame("clips", made))


def measure(smoke: bool) -> dict[str, Any]:
    """Megabytes a second of both, rows a second and peak memory of the check."""
    with tempfile.TemporaryDirectory() as root:
        say("publishing")
        published = publish(long_ones(40 if smoke else 28_000), root)
        folder, files = Path(published.uri), published.manifest.files
        megabytes = sum(entry.bytes for entry in files) / 1e6
        say(f"{megabytes:,.0f} MB, of them {(folder / ROWS).stat().st_size / 1e6:,.0f} MB of {ROWS}; load {load():.1f}")
        plain = best(["sha256sum", *(str(folder / entry.path) for entry in files)])
        check = best([sys.executable, "-c", _MEASURED, str(folder / NAME)])
    return {
        "verify_mb_s": megabytes / check.seconds,
        "sha256sum_mb_s": megabytes / plain.seconds,
        "verify_cpu_s": check.cpu,
        "sha256sum_cpu_s": plain.cpu,
        "verify_rows_s": published.manifest.counts.triples / check.seconds,
        "verify_mb": int(check.said.rpartition("VmHWM:")[2].split()[0]) / 1024,
    }


@dataclass(frozen=True)
class Run:
    """One run of a command: by the clock, of the processors, and what it printed."""

    seconds: float
    cpu: float
    said: str


def best(command: list[str]) -> Run:
    """The fastest of several runs."""
    runs = []
    for _ in range(ROUNDS):
        before = _cpu()
        done, seconds = timed(lambda: subprocess.run(command, check=True, capture_output=True, text=True))
        runs.append(Run(seconds, _cpu() - before, done.stdout))
    return min(runs, key=lambda run: run.seconds)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# The system's own figure counts the memory of this process as the child's, before it becomes another program.
_MEASURED = """
import runpy, sys
status = runpy.run_path(sys.argv[1])["main"]([sys.argv[1].rpartition("/")[0]])
print(open("/proc/self/status").read())
sys.exit(status)
"""


if __name__ == "__main__":
    small = "--smoke" in sys.argv
    packing = measure_packing(20, 20_000) if small else measure_packing()
    print(json.dumps(measure(small) | packing))
