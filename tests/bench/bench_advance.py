"""One run of `advance` on a batch with nothing left to do, at tables of 20,000 clips: seconds and peak memory.

The measured batch went through the whole loop for true, by people who answer at once (`support/answering.py`); the
other batches are copies of its rows. Measured in a fresh process, second run of two, Dagster on SQLite; an
empty job of the same shape beside it says what of that is Dagster's own.

python -m tests.bench.bench_advance [--smoke]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from deltalake import write_deltalake

from chai_assets.annotation.collect import OVERLAP
from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.partitions import batches, register
from chai_assets.definitions import build_defs
from chai_assets.deployment.run_job import advance_here, instance_of
from chai_assets.orchestration.jobs import advance
from chai_assets.orchestration.resources import build_resources
from chai_resources.people import account_key
from chai_resources.schemas import TABLES
from chai_resources.settings import Settings
from tests.bench.support.answering import AnsweringLabelStudio
from tests.bench.support.measuring import cpu_s, load, peak_mb, say, timed
from tests.services.label_studio import LabelStudioHandle, start_label_studio
from tests.world import World

CLIPS, BATCHES = 500, 40
MEASURED = "measured"
RUNS_AT_MOST = 20
"""Runs until every item is approved: about four for each of the three levels of aspects."""


def run(clips: int = CLIPS, copies: int = BATCHES, rest: float = OVERLAP.total_seconds()) -> dict[str, float]:
    """Figures by name; tables hold `copies` batches of `clips` clips.

    Measured after a rest: what people did within the overlap of two looks is looked at again, which is work.
    """
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        say("starting Label Studio")
        studio = start_label_studio(Path(folder, "label-studio"))
        try:
            world = World(Path(folder, "home"), studio, patch)
            _work_through(world, studio, clips)
            _copy_batches(world, copies)
            register(instance_of(world.settings), [MEASURED, *_others(copies)])
            time.sleep(rest)
            say("measuring")
            command = [sys.executable, "-m", "tests.bench.bench_advance", "measure"]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        finally:
            studio.stop()
    return {"clips": clips * copies, "items": clips * len(world.spec.aspects), **json.loads(out.splitlines()[-1])}


def _work_through(world: World, studio: LabelStudioHandle, clips: int) -> None:
    """Takes the measured batch from clips to triples."""
    world.add_clips(MEASURED, clips)
    accounts = {account_key(person.email): person.email for person in world.people.everyone}
    given = build_resources(world.settings)["annotation_tasks"]
    answering = AnsweringLabelStudio(url=studio.url, token=studio.token, accounts=accounts)
    tasks = AnnotationTasks(label_studio=answering, people_file=given.people_file)
    world.defs = build_defs(world.settings, {"annotation_tasks": tasks})
    for number in range(RUNS_AT_MOST):
        world.advance(MEASURED)
        stages = [item.stage for item in world.standings(MEASURED)]
        say(f"run {number + 1}: {stages.count('approved'):,} of {len(stages):,} items approved")
        if set(stages) == {"approved"}:
            return world.advance(MEASURED) and None
    raise RuntimeError(f"after {RUNS_AT_MOST} runs items still stand at {sorted(set(stages))}")


def _copy_batches(world: World, copies: int) -> None:
    """Writes the measured batch's rows again under other names: other keys, other ids of clips."""
    for name, table in TABLES.items():
        rows = world.tables.read(name, MEASURED) if table.partitioned else pl.DataFrame()
        ids = [column for column in (table.key, "clip_id", "chai_key") if column in rows.columns]
        say(f"filling {name}")
        for other in _others(copies) if rows.height else ():
            renamed = rows.with_columns(pl.lit(other).alias("batch"), *(pl.col(c) + f"-{other}" for c in set(ids)))
            write_deltalake(world.tables.uri(name), renamed.to_arrow().cast(table.schema), mode="append")


def _others(copies: int) -> list[str]:
    return [f"other-{number:03}" for number in range(1, copies)]


def measure() -> dict[str, float]:
    """In a process of its own, on the deployment that the environment names."""
    settings = Settings.from_env()
    before = _rows_written(settings)
    _, first = timed(lambda: _succeed(advance_here(settings, MEASURED)))
    processor = cpu_s()
    _, second = timed(lambda: _succeed(advance_here(settings, MEASURED)))
    processor, peak, begun = cpu_s() - processor, peak_mb(), load()
    if _rows_written(settings) != before:
        raise RuntimeError("the measured run wrote rows: there was something left to do")
    instance = instance_of(settings)
    empty = _empty_like(settings)
    _, _ = timed(lambda: empty.execute_in_process(partition_key=MEASURED, instance=instance))
    _, own = timed(lambda: empty.execute_in_process(partition_key=MEASURED, instance=instance))
    figures = {"advance_first_s": first, "advance_s": second, "advance_cpu_s": processor, "dagster_own_s": own}
    return {**figures, "peak_mb": peak, "load": begun}


def _succeed(success: bool) -> None:
    if not success:
        raise RuntimeError("the run failed: its log says why")


def _rows_written(settings: Settings) -> dict[str, int]:
    tables = build_resources(settings)["tables"]
    return {name: tables.version(name) for name in TABLES}


def _empty_like(settings: Settings) -> dg.JobDefinition:
    """A job of as many assets as `advance`, connected alike, that do nothing."""
    graph = build_defs(settings).resolve_job_def(advance.name).asset_layer.asset_graph
    keys = advance.selection.resolve(graph)

    def empty(key: dg.AssetKey) -> dg.AssetsDefinition:
        @dg.asset(name=key.path[-1], partitions_def=batches, deps=sorted(graph.get(key).parent_keys))
        def nothing() -> dg.MaterializeResult:
            return dg.MaterializeResult(metadata={"dagster/row_count": 0})

        return nothing

    job = dg.define_asset_job("empty", selection=list(keys))
    definitions = dg.Definitions([empty(key) for key in keys], jobs=[job], executor=dg.in_process_executor)
    return definitions.resolve_job_def("empty")


if __name__ == "__main__":
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
    else:
        print(json.dumps(run(*((5, 3, 0) if "--smoke" in sys.argv else ()))))
