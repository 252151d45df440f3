"""`make bench`: measures speed and memory, prints a table beside the aims, and writes .chai/bench.json.

Each benchmark runs in a process of its own, so that its peak memory is its own.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from chai_resources.environment import CHECKOUT

console = Console()

# Figure, what it is, aim, and whether more is better.
AIMS: dict[str, dict[str, tuple[str, float | None, bool]]] = {
    "import": {"import_s": ("importing the definitions, seconds", 1.5, False)},
    "advance": {
        "advance_s": ("advance with nothing to do, 500 clips of 20,000, seconds", 3.0, False),
        "advance_cpu_s": ("of processor time, which a busy machine changes little", None, False),
        "dagster_own_s": ("of that Dagster's own: an empty job of the same shape", None, False),
        "peak_mb": ("peak memory of that, MB", 600.0, False),
    },
    "ingest": {
        "ingest_clips_per_core_s": ("ingestion, 480p clips per core-second", None, True),
        "bare_clips_per_core_s": ("bare transcoding of the same clips", None, True),
    },
    "label_studio": {
        "pushed_tasks_per_s": ("pushing 10,000 tasks, tasks per second", 1000.0, True),
        "poll_changed_s": ("polling with 50 changed among them, seconds", 0.5, False),
    },
    "contamination": {
        "contamination_cpu_s": ("comparing 10,000 clips and 50,000 captions with 10,000 of each, seconds", 60.0, False),
        "contamination_found": ("pairs found of the 200 that were planted", None, True),
        "plain_cpu_s": ("plain: reading features and captions alone, seconds", None, False),
        "contamination_mb": ("peak memory of that, MB", None, False),
    },
    "lint": {"lint_10k_s": ("linting 10,000 captions, seconds", 2.0, False)},
    "critique": {
        "critiques_per_s": ("judging constructiveness, critiques per core-second", 5000.0, True),
        "tokenised_per_s": ("only splitting the same texts into words, the same unit", None, True),
    },
    "model": {
        "requests_per_s": ("asking a model 10,000 times, requests per second of the 106.67 allowed", 96.0, True),
        "share": ("that, as a share of what is allowed", 0.9, True),
        "cpu_ms": ("processor time of a request, milliseconds", None, False),
        "grown_mb": ("memory grown over the last four fifths of them, MB", 50.0, False),
        "peak_mb": ("peak memory of that, MB", None, False),
        "clips_requests_per_s": ("the same with small clips sent as frames, requests per second", None, True),
        "clips_cpu_ms": ("processor time of such a request, milliseconds", None, False),
        "clips_grown_mb": ("memory grown over the last four fifths of them, MB", 50.0, False),
        "clips_peak_mb": ("peak memory of that, MB", None, False),
    },
    "plan": {
        "plan_s": ("planning a release over 1,000,000 rows, seconds", 5.0, False),
        "plan_mb": ("peak memory of that, MB", 2000.0, False),
        "plan_s_quarter": ("the same over a quarter of them, seconds", None, False),
    },
    "executor": {
        "plan_units_s": ("planning 5,000,000 wanted requests against 3,000,000 done, seconds", 5.0, False),
        "plan_units_mb": ("peak memory of that, MB", None, False),
        "ray_start_s": ("a job on Ray, from its submission to the first unit, seconds", None, False),
        "ray_per_s": ("10,000 requests through it after that, a second", None, True),
        "plain_start_s": ("plain Ray actors, the same, seconds", None, False),
        "plain_per_s": ("the same requests by those, a second", None, True),
        "unit_overhead_ms": ("what a unit of 320 requests costs more through the executor, ms", None, False),
    },
    "corpus": {
        "corpus_files": ("importing a corpus from its tar, files", None, True),
        "corpus_s": ("that with its audit, seconds", None, False),
        "corpus_whole_core_s": ("that at the same rate for 45,000 files, processor seconds", 12.0, False),
        "corpus_files_per_core_s": ("files per core-second", None, True),
        "corpus_records_per_core_s": ("records made of them per core-second", None, True),
        "json_files_per_core_s": ("merely reading the same JSON, files per core-second", None, True),
        "corpus_again_s": ("importing it again, which adds nothing, seconds", None, False),
        "corpus_mb": ("peak memory of importing it, MB", 600.0, False),
        "corpus_start_mb": ("of that before the first file is read", None, False),
    },
    "dataset": {
        "export_s": ("exporting all formats of 1,000,000 triples, seconds", 90.0, False),
        "export_mb": ("peak memory of that, MB", 3000.0, False),
        "export_gb_written": ("bytes of that, GB", None, True),
        "export_cpu_s": ("processor seconds of that", None, False),
        "lean_s": ("the same in the tables alone, as by default, seconds", 45.0, False),
        "lean_mb": ("peak memory of that, MB", 3000.0, False),
        "lean_gb_written": ("bytes of that, GB", None, True),
        "lean_cpu_s": ("processor seconds of that", None, False),
        "export_s_100k": ("the same of 100,000 triples, seconds", None, False),
        "polars_s": ("plain: Polars, 1,000,000 triples to JSON lines in one format, seconds", None, False),
        "polars_mb": ("peak memory of that, MB", None, False),
        "json_s_100k": ("plain: json, line by line, 100,000 triples in one format, seconds", None, False),
    },
    "checks": {
        "checks": ("checks of an export", None, True),
        "checks_cpu_s": ("all of them on 100,000 triples, processor seconds", None, False),
        "checks_mb": ("peak memory of that, MB", None, False),
        "checks_cpu_s_20k": ("the same on 20,000 triples, processor seconds", None, False),
        "checks_mb_20k": ("peak memory of that, MB", None, False),
        "checks_import_cpu_s": ("importing Great Expectations before that, processor seconds", None, False),
    },
    "verify": {
        "verify_mb_s": ("checking a dataset of 140,000 triples (1.7 GB), MB per second", 500.0, True),
        "sha256sum_mb_s": ("sha256sum of the same files, MB per second", None, True),
        "verify_cpu_s": ("processor seconds of the check", None, False),
        "sha256sum_cpu_s": ("processor seconds of sha256sum", None, False),
        "verify_rows_s": ("triples checked per second", None, True),
        "verify_mb": ("peak memory of the check, MB", 300.0, False),
        "pack_share": ("packing 1.5 GB of clips into shards, as a share of a copy's speed", 0.7, True),
        "pack_mb_s": ("that, MB per second", None, True),
        "copy_mb_s": ("copying the same bytes, MB per second", None, True),
        "pack_cpu_s": ("processor seconds of the pack", None, False),
    },
}


def main(
    smoke: Annotated[bool, typer.Option("--smoke", help="Everything small: proves that it runs.")] = False,
    only: Annotated[str, typer.Option(help=f"One of {', '.join(AIMS)}.")] = "",
) -> None:
    """Measure the platform on this machine."""
    table = Table("figure", "measured", "aim", "")
    found: dict[str, dict[str, Any]] = {}
    for name in [only] if only else AIMS:
        console.print(f"[bold]{name}[/bold]")
        found[name] = _run(name, smoke)
        for figure, value in found[name].items():
            what, aim, more = AIMS[name].get(figure, (figure, None, False))
            met = "" if aim is None or smoke else "met" if (value >= aim if more else value <= aim) else "NOT met"
            table.add_row(
                what, value if isinstance(value, str) else f"{value:,.2f}", "" if aim is None else f"{aim:,g}", met
            )
    console.print(table)
    target = CHECKOUT / ".chai" / "bench.json"
    target.write_text(json.dumps({"machine": _machine(), "smoke": smoke, "figures": found}, indent=1) + "\n")
    console.print(f"written to {target}", soft_wrap=True)


def _run(name: str, smoke: bool) -> dict[str, Any]:
    """The figures of one benchmark; its progress lines are shown as they come."""
    command = [sys.executable, "-m", f"tests.bench.bench_{name}", *(["--smoke"] if smoke else [])]
    last = ""
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("# "):
                console.print(f"  [dim]{line[2:].strip()}[/dim]")
            last = line.strip() or last
        if process.wait():
            errors.seek(0)
            console.print(errors.read()[-3000:])
            raise SystemExit(f"benchmark {name} failed")
    return json.loads(last)


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = {name: version(name) for name in ("dagster", "deltalake", "polars", "av")}
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "packages": packages,
    }


if __name__ == "__main__":
    Path(CHECKOUT, ".chai").mkdir(exist_ok=True)
    typer.run(main)
