"""Judging triples before an export: all checks of 20,000 and of 100,000 triples, read from real tables.

What is measured is what the nightly check does but for its Data Docs: reading the triples and the tables that they
were made from, working out the facts, and Great Expectations. Half of the triples were in the last export.

python -m tests.bench.bench_checks [--smoke]
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from chai_assets.datasets.checks.validation import Evidence, validate
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_resources.tables import Tables
from tests.bench.support.dataset_tables import SPEC, Maker
from tests.bench.support.measuring import cpu_s, peak_mb, say
from tests.datasets.factory import ASPECTS, NOON

TRIPLES, FEWER = 100_000, 20_000
MADE_UP_WORDS = {"captions_are_in_english"}
"""Checks that the texts fail, whose words are made up."""


def run(triples: int = TRIPLES, fewer: int = FEWER) -> dict[str, float]:
    """Figures for both sizes, each measured in a process of its own."""
    found: dict[str, float] = {}
    for count, suffix in ((fewer, "_20k"), (triples, "")):
        with tempfile.TemporaryDirectory(prefix="chai-bench-") as folder:
            say(f"writing tables of {count:,} triples")
            Maker(Path(folder)).write(count)
            say(f"judging {count:,} triples")
            command = [sys.executable, "-m", "tests.bench.bench_checks", folder]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found |= {f"{name}{suffix}": value for name, value in json.loads(out.splitlines()[-1]).items()}
    for same in ("checks_20k", "checks_import_cpu_s_20k"):
        del found[same]
    return found


def measure(folder: str) -> dict[str, float]:
    """One judgment, in this process; what is imported is counted apart."""
    begun = cpu_s()
    import great_expectations  # noqa: F401

    imported = cpu_s()
    tables = Tables(root=folder)

    def read(table: str, columns: Sequence[str]) -> pl.DataFrame:
        return tables.read(table, columns=columns)

    triples = tables.read("triples")
    before = triples.gather_every(2).select(
        "triple_id", "aspect", "rating", words=pl.col("final").str.count_matches(r"\S+")
    )
    spec = DatasetSpec(SPEC["spec_version"], SPEC["spec_hash"], aspects=ASPECTS)
    found = validate(triples, spec, Evidence(read, before, NOON))
    failed = {outcome.name for outcome in found.outcomes if not outcome.passed} - MADE_UP_WORDS
    if failed:
        raise SystemExit(f"sound triples failed: {', '.join(failed)}")
    return {
        "checks": len(found.outcomes),
        "checks_cpu_s": cpu_s() - imported,
        "checks_import_cpu_s": imported - begun,
        "checks_mb": peak_mb(),
    }


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] != "--smoke":
        print(json.dumps(measure(sys.argv[1])))
    else:
        print(json.dumps(run(*((2_000, 500) if "--smoke" in sys.argv else ()))))
