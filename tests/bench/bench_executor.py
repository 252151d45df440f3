"""The executor: planning units at scale, and a batch through `ray` beside plain Ray actors doing the same work.

A real Ray cluster of two nodes with a logical GPU each on this machine; the model is a server that answers in 300 ms
and lets 32 requests in at a time, so that what is measured is the way to it.

python -m tests.bench.bench_executor [--smoke]
"""

import json
import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from ray.job_submission import JobSubmissionClient

from chai_assets.core.partitions import batches
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import Request
from chai_resources.executors import ExecutorChoice
from chai_resources.executors.units import plan_units
from chai_resources.media import Media
from tests.bench.support.measuring import load, peak_mb, say, timed
from tests.bench.support.slow_model import slow_model
from tests.executors.one_run import wanted
from tests.services.ray import RayCluster, start_ray

WANTED, DONE = 5_000_000, 3_000_000
CLIPS, UNIT_CLIPS = 2_000, 64
SECONDS, AT_ONCE, NODES = 0.3, 32, 2


def run(clips: int = CLIPS, wanted_rows: int = WANTED, unit_clips: int = UNIT_CLIPS) -> dict[str, float]:
    """Figures by name: planning, then the batch both ways. What is there before the first unit is start-up."""
    found = _planning(wanted_rows)
    say("starting Ray")
    with tempfile.TemporaryDirectory() as folder, slow_model(SECONDS, AT_ONCE) as url:
        cluster = start_ray(nodes=NODES)
        try:
            model = ModelChoice(model="gpt-4.1-2025-04-14", url=url, parallel=AT_ONCE)
            requests = [item.request for item in wanted("bench", clips)]
            plain = _plain(cluster, Path(folder), model, requests, unit_clips)
            executor = ExecutorChoice(name="ray", address=cluster.address, gpus=1, unit_clips=unit_clips)
            ray = _through(executor, Path(folder), model, requests)
        finally:
            cluster.stop()
    units = -(-clips // unit_clips) - 1
    after_the_first = len(requests) * units / (units + 1)
    return {
        **found,
        "ray_start_s": ray["start_s"],
        "ray_per_s": after_the_first / ray["work_s"],
        "plain_start_s": plain["start_s"],
        "plain_per_s": after_the_first / plain["work_s"],
        "unit_overhead_ms": (ray["work_s"] - plain["work_s"]) / units * 1000,
        "executor_load": load(),
    }


def _planning(rows: int) -> dict[str, float]:
    say(f"planning {rows:,} wanted requests")
    done = rows * DONE // WANTED
    number = pl.col("number")
    asked = pl.DataFrame({"number": range(rows)}).select(
        request_hash=pl.format("req_{}_{}", number.hash(1), number), clip=pl.format("clip_{}", number // 5)
    )
    tried = asked.sample(done, seed=1).select("request_hash", final=pl.lit(True))
    planned, seconds = timed(lambda: plan_units(asked, tried, UNIT_CLIPS))
    if planned.height != rows - done:
        raise RuntimeError(f"{planned.height} requests are in units, and {rows - done} were left")
    return {"plan_units_s": seconds, "plan_units_mb": peak_mb()}


def _plain(
    cluster: RayCluster, folder: Path, model: ModelChoice, requests: list[Request], unit_clips: int
) -> dict[str, float]:
    """The same requests by actors that keep nothing, as a job of its own."""
    say(f"{len(requests):,} requests by plain actors")
    at = folder / "requests.pickle"
    at.write_bytes(
        pickle.dumps(({**model.model_dump(), "parallel": AT_ONCE // NODES}, requests, unit_clips * 5, NODES))
    )
    client, begun = JobSubmissionClient(cluster.address), time.time()
    job = client.submit_job(entrypoint=f"python -m tests.bench.support.plain_actors {at}")
    while not client.get_job_status(job).is_terminal():
        time.sleep(0.2)
    said = client.get_job_logs(job).strip().splitlines()
    times = json.loads(said[-1])
    return {"start_s": times["first"] - begun, "work_s": times["end"] - times["first"]}


def _through(executor: ExecutorChoice, folder: Path, model: ModelChoice, requests: list[Request]) -> dict[str, float]:
    say(f"{len(requests):,} requests through the executor")
    choice = CaptionerChoice(name="openai", model=model, executor=executor)
    times: dict[str, Any] = {}

    @dg.asset(partitions_def=batches)
    def captions(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        engine, begun = choice.open(Media(root=str(folder / "media")), context), time.time()
        for number, result in enumerate(engine.run(requests), start=1):
            if result.error:
                raise RuntimeError(result.error.message)
            times.setdefault("first", time.time())
            times["answered"] = number
        times.update(start_s=times["first"] - begun, work_s=time.time() - times["first"])
        return dg.MaterializeResult()

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(batches.name or "", ["bench"])
        dg.materialize([captions], partition_key="bench", instance=instance)
    if times["answered"] != len(requests):
        raise RuntimeError(f"{times['answered']} of {len(requests)} were answered")
    return times


if __name__ == "__main__":
    print(json.dumps(run(*((20, 50_000, 4) if "--smoke" in sys.argv else ()))))
