"""Exporting from real tables of 100,000 and of 1,000,000 triples, in all formats and in the tables alone: seconds,
peak memory, bytes written.

Beside it, of the same tables in the same run: Polars reading all triples and writing them as JSON lines, one format
of all and nothing checked; and the standard library writing the smaller one line by line.

python -m tests.bench.bench_dataset [--smoke]
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from chai_assets.datasets.export import ExportForm, current_versions, export_inputs
from chai_assets.datasets.select.export_inputs import ExportInputs
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.datasets.write.publish import publish
from chai_assets.spec.resource import SpecRelease
from chai_resources.tables import Tables
from tests.bench.support.dataset_tables import SPEC, Maker
from tests.bench.support.measuring import load, peak_mb, say, timed

TRIPLES, FEWER = 1_000_000, 100_000
ALL_FORMATS = ExportForm()


def run(triples: int = TRIPLES, fewer: int = FEWER) -> dict[str, float]:
    """Figures for both sizes, each way measured in a process of its own."""
    found: dict[str, float] = {}
    for count, suffix, ways in (
        (fewer, "_100k", ("export", "polars", "json")),
        (triples, "", ("export", "lean", "polars")),
    ):
        with tempfile.TemporaryDirectory(prefix="chai-bench-") as folder:
            say(f"writing tables of {count:,} triples")
            Maker(Path(folder, "tables")).write(count)
            for way in ways:
                say(f"{way}, {count:,} triples")
                command = [sys.executable, "-m", "tests.bench.bench_dataset", way, folder]
                out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                found |= {f"{way}_{name}{suffix}": value for name, value in json.loads(out.splitlines()[-1]).items()}
    return found


def _lean(folder: Path) -> int:
    return _export(folder, ExportForm(dialects=()))


def _export(folder: Path, form: ExportForm = ALL_FORMATS) -> int:
    tables = Tables(root=str(folder / "tables"))
    release = SpecRelease(version="1.0.0")
    export = _of_made_up_spec(export_inputs(tables, release, Selection(), current_versions(tables), form))
    published = publish(export, str(folder / "datasets"), log=say)
    return sum(entry.bytes for entry in published.manifest.files)


def _of_made_up_spec(export: ExportInputs) -> ExportInputs:
    """The made-up rows name no real hash of a specification: they count as made under what they name."""
    return replace(export, dataset_spec=DatasetSpec(SPEC["spec_version"], SPEC["spec_hash"]))


def _polars(folder: Path) -> int:
    pl.read_parquet(f"{folder}/tables/triples/batch=*/*.parquet").write_ndjson(folder / "plain.jsonl")
    return (folder / "plain.jsonl").stat().st_size


def _json(folder: Path) -> int:
    rows = pl.read_parquet(f"{folder}/tables/triples/batch=*/*.parquet").drop("recorded_at")
    with (folder / "lines.jsonl").open("w", encoding="utf-8") as file:
        for row in rows.iter_rows(named=True):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return (folder / "lines.jsonl").stat().st_size


def measure(way: str, folder: str) -> dict[str, float]:
    """One way, in this process."""
    ways: dict[str, Callable[[Path], int]] = {"export": _export, "lean": _lean, "polars": _polars, "json": _json}
    size, seconds = timed(lambda: ways[way](Path(folder)))
    times = os.times()
    busy = times.user + times.system
    return {"s": seconds, "cpu_s": busy, "mb": peak_mb(), "gb_written": size / 1e9, "load": load()}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        print(json.dumps(run(*((2_000, 500) if "--smoke" in sys.argv else ()))))
