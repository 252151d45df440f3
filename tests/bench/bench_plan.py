"""Planning a release over a million (clip, aspect) rows: seconds and peak memory, and how both grow.

The rows are made here, in the shape that the tables have after a year of work: every item labeled with answers of
its own, drafted, critiqued and approved. The release adds a camera question, splits a camera primitive by it and
rewords a subject definition. The plan is read from real Delta tables.

python -m tests.bench.bench_plan [--smoke]
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import write_deltalake

from chai_assets.planning.load import make_plan
from chai_assets.spec.authoring.release import release
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.releases import Releases
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables, now
from tests.bench.support.measuring import load, peak_mb, say, timed
from tests.spec.versions import rehearsal, specs_folder
from tests.world import plain_answers

ROWS, BATCH, VARIANTS = 1_000_000, 500, 400


def run(rows: int = ROWS) -> dict[str, float]:
    """Figures for so many rows and for a quarter of them, each measured in a process of its own."""
    found: dict[str, float] = {}
    for share, suffix in ((4, "_quarter"), (1, "")):
        with tempfile.TemporaryDirectory() as folder:
            root = specs_folder(Path(folder))
            say(f"writing {rows // share:,} rows")
            _write(Path(folder, "tables"), Releases(root), rows // share)
            rehearsal(root)
            release(Releases(root), "1.1.0")
            say("planning")
            command = [sys.executable, "-m", "tests.bench.bench_plan", "measure", folder]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found |= {name + suffix: value for name, value in json.loads(out.splitlines()[-1]).items()}
    return found


def measure(folder: str) -> dict[str, float]:
    """One plan, in this process."""
    tables, given = Tables(root=f"{folder}/tables"), SpecRelease(root=f"{folder}/specs")
    made, seconds = timed(lambda: make_plan(tables, given, "1.1.0"))
    if made.rows.is_empty():
        raise RuntimeError("the plan is empty: nothing was measured")
    return {"plan_s": seconds, "plan_mb": peak_mb(), "planned_rows": made.rows.height, "plan_load": load()}


def _write(root: Path, releases: Releases, rows: int) -> None:
    spec, chance = releases.load("1.0.0"), random.Random(1)
    names = list(spec.aspects)
    clips = rows // len(names)
    variants = {name: [_answers(spec.aspects[name], chance) for _ in range(VARIANTS)] for name in names}
    per = 20_000
    for start in range(0, clips, per):
        clip_rows, labels, states, adopted = [], [], [], []
        for number in range(start, min(start + per, clips)):
            clip, batch = f"clp_{number:032x}", f"b{number // BATCH:06}"
            clip_rows.append({"batch": batch, "clip_id": clip, "recorded_at": now()})
            if number % BATCH == 0:
                row = {"adoption_id": batch, "spec_version": "1.0.0", "spec_hash": spec.hash}
                adopted.append({"batch": batch, "recorded_at": now(), **row})
            for name in names:
                same = {"batch": batch, "clip_id": clip, "aspect": name, "recorded_at": now()}
                label = f"lbl_{number:028x}{name[:4]}"
                row = {"label_id": label, "event_id": label, "spec_version": "1.0.0", "spec_hash": spec.hash}
                row |= {"chai_key": f"primitives:{clip}:{name}:1.0.0", "answers": chance.choice(variants[name])}
                labels.append({**same, **row, "author": "ann", "lead_time_s": 90.0})
                row = {"entry_id": label, "stage": "approved", "label_id": label, "drafted_from": label}
                row |= {"draft_id": f"d{label}", "draft_spec": "1.0.0", "triple_spec": "1.0.0"}
                states.append({**same, **row, "asked_again": False, "critiqued": True, "moved_upstream": []})
        for table, data in [("clips", clip_rows), ("primitives", labels), ("standings", states)]:
            _append(root, table, data)
        _append(root, "spec_adoptions", adopted)


def _answers(aspect: Any, chance: random.Random) -> list[dict[str, Any]]:
    given = plain_answers(aspect)
    for attribute in aspect.attributes:
        if attribute.kind == "choice" and not attribute.applies_when:
            given[attribute.id] = [chance.choice(attribute.options).id]
        elif attribute.kind == "text" and given[attribute.id]:
            given[attribute.id] = [f"a thing of number {chance.random()}"]
    return [{"attribute": key, "values": values} for key, values in given.items()]


def _append(root: Path, table: str, rows: list[dict[str, Any]]) -> None:
    schema = TABLES[table].schema
    empty = pl.from_arrow(schema.empty_table())
    assert isinstance(empty, pl.DataFrame)
    frame = pl.DataFrame(rows, schema=empty.schema, infer_schema_length=None) if rows else empty
    write_deltalake(f"{root}/{table}", frame.to_arrow().cast(schema), mode="append", partition_by=["batch"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        print(json.dumps(run(*((2_000,) if "--smoke" in sys.argv else ()))))
