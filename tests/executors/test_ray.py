"""Work on a real Ray cluster of two nodes: done once, whatever is killed, and stopped when its run is."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chai_resources.tables import Tables
from tests.captioners.model_server import Book, model_server
from tests.executors.one_run import ASPECTS, wanted
from tests.services.ray import RayCluster, end, processes, start_ray

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1200)]

GONE_S = 60
"""A job whose run was killed holds no GPU for longer."""
PARALLEL = 4


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    started = start_ray()
    yield started
    started.stop()


@pytest.fixture
def server() -> Iterator[tuple[str, Book]]:
    with model_server() as (address, book):
        yield address, book


@dataclass
class Deployment:
    """Settings of a deployment on the cluster, and its runs."""

    home: Path
    cluster: RayCluster
    book: Book
    env: dict[str, str]

    def start(self, batch: str, clips: int) -> subprocess.Popen[bytes]:
        """A run worker in a process of its own; its output goes to run.log."""
        command = [sys.executable, "-m", "tests.executors.one_run", batch, str(clips)]
        with (self.home / "run.log").open("ab") as log:
            return subprocess.Popen(command, env=self.env, stdout=log, stderr=subprocess.STDOUT)

    def finish(self, batch: str, clips: int) -> str:
        """A run to its end, which must be a good one; returns what all runs said."""
        code = self.start(batch, clips).wait(timeout=300)
        assert code == 0, self.said()[-3000:]
        return self.said()

    def said(self) -> str:
        return (self.home / "run.log").read_text()

    def drafts(self, batch: str) -> Counter[str]:
        """How often each request has a row."""
        rows = Tables(root=str(self.home / "tables")).read("drafts", batch, columns=["request_hash"])
        return Counter(rows["request_hash"])

    def until(self, ready: Callable[[], bool], what: str, seconds: float = 300) -> None:
        until = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < until, f"{what} within {seconds} s\n{self.said()[-3000:]}"
            time.sleep(0.2)

    def until_asked(self, calls: int) -> None:
        self.until(lambda: self.book.calls.total() >= calls, f"{calls} calls")


@pytest.fixture
def deployment(tmp_path: Path, cluster: RayCluster, server: tuple[str, Book]) -> Deployment:
    address, book = server
    book.answer_s = 0.2
    env = {**os.environ, "CHAI_HOME": str(tmp_path), "CHAI_CAPTIONER": "openai", "CHAI_MODEL": "practice-2026-01-01"}
    env |= {"CHAI_MODEL_URL": f"{address}/v1", "CHAI_MODEL_PARALLEL": str(PARALLEL), "CHAI_EXECUTOR": "ray"}
    env |= {"CHAI_RAY_ADDRESS": cluster.address, "CHAI_RAY_GPUS": "1", "CHAI_UNIT_CLIPS": "3"}
    return Deployment(tmp_path, cluster, book, {**env, "PYTHONPATH": str(Path(__file__).parents[2])})


def once(batch: str, clips: int) -> Counter[str]:
    return Counter(item.request.hash for item in wanted(batch, clips))


def test_a_batch_is_answered_once_with_progress_in_the_run_and_nothing_left_to_do_after(deployment: Deployment):
    said = deployment.finish("calm", 12)
    assert deployment.drafts("calm") == once("calm", 12)
    assert set(deployment.book.calls.values()) == {1}
    assert "4 of 4 units, 60 answers (0 of them errors)" in said
    assert deployment.cluster.gpus() == (0, 2)
    deployment.finish("calm", 12)
    assert deployment.book.calls.total() == 60


def test_killed_worker_then_driver_then_run_leave_each_row_once_and_no_orphan(deployment: Deployment):
    seed = int(os.environ.get("CHAI_CHAOS_SEED") or random.randrange(10**6))
    print(f"CHAI_CHAOS_SEED={seed}")
    rng, clips, book = random.Random(seed), 40, deployment.book
    total = clips * len(ASPECTS)

    first = deployment.start("chaos", clips)
    deployment.until_asked(rng.randrange(5, 40))
    assert end(rng.choice(processes(deployment.cluster, "ray::Worker")))
    deployment.until_asked(book.calls.total() + rng.randrange(10, 40))
    assert end(*processes(deployment.cluster, "chai_resources.executors.work"))
    assert first.wait(timeout=300) == 1, "a run whose job's driver was killed fails, and says so"
    assert "What it published is kept: run again to do the rest" in deployment.said()

    second = deployment.start("chaos", clips)
    deployment.until_asked(book.calls.total() + rng.randrange(10, 40))
    book.answer_s = 5.0  # so that the job could go on for minutes
    deployment.until(lambda: deployment.cluster.gpus()[0] > 0, "Ray tells of the GPUs that the job holds")
    killed = time.monotonic()
    second.send_signal(signal.SIGKILL)
    second.wait()
    deployment.until(lambda: deployment.cluster.gpus()[0] == 0, "the orphan's GPUs are free", GONE_S)
    held = time.monotonic() - killed
    assert len(book.calls) < total, "the job was ended, it did not come to its end"

    book.answer_s = 0.2
    deployment.finish("chaos", clips)
    again = book.calls.total() - total
    print(f"{total} rows, {again} calls made again after 3 kills; the orphan held its GPUs for {held:.0f} s")
    assert deployment.drafts("chaos") == once("chaos", clips)
    assert set(book.calls) == {item.request.prompt for item in wanted("chaos", clips)}
    # In hand at a kill are at most so many calls: of one worker, then twice of both.
    assert again <= 5 * PARALLEL


def test_a_run_finds_the_job_that_a_killed_run_left_behind(deployment: Deployment):
    deployment.book.answer_s = 1.0
    first = deployment.start("found", 30)
    deployment.until_asked(20)
    first.send_signal(signal.SIGKILL)
    first.wait()
    said = deployment.finish("found", 30)
    assert "found running" in said
    assert deployment.drafts("found") == once("found", 30)
    assert set(deployment.book.calls.values()) == {1}


def test_a_canceled_run_stops_its_job(deployment: Deployment):
    run = deployment.start("cancelled", 40)
    deployment.until_asked(10)
    deployment.book.answer_s = 5.0
    deployment.until(lambda: deployment.cluster.gpus()[0] > 0, "Ray tells of the GPUs that the job holds")
    run.send_signal(signal.SIGINT)
    run.wait(timeout=60)
    deployment.until(lambda: deployment.cluster.gpus()[0] == 0, "its GPUs are free", GONE_S)
    assert not processes(deployment.cluster, "chai_resources.executors.work")


def test_a_unit_that_kills_its_workers_gets_a_reason_and_the_others_go_on(deployment: Deployment):
    deadly, book = wanted("deadly", 6)[0].request.prompt, deployment.book
    deployment.env["CHAI_RAY_ACTORS"] = "1"
    book.answer_s = 0.6
    run, seen = deployment.start("deadly", 6), 0
    while run.poll() is None:
        if book.calls[deadly] > seen:
            seen = book.calls[deadly]
            end(*processes(deployment.cluster, "ray::Worker"))
        time.sleep(0.05)
    assert seen == 3, "a unit is tried three times"
    assert run.returncode == 0, "rows that fail are no failure of the run"
    errors = Tables(root=str(deployment.home / "tables")).read("model_errors").to_dicts()
    made = deployment.drafts("deadly")
    assert len(errors) == len(made) == 15
    assert all(row["kind"] == "retryable" and "3 workers failed" in row["message"] for row in errors)
    deployment.finish("deadly", 6)
    assert deployment.drafts("deadly") == once("deadly", 6)


def test_an_engine_that_cannot_be_opened_on_the_cluster_is_told_with_its_reason(deployment: Deployment):
    deployment.env |= {"CHAI_MODEL_URL": ""}
    deployment.env.pop("OPENAI_API_KEY", None)
    assert deployment.start("keyless", 2).wait(timeout=300) == 1
    assert "cannot be opened on the cluster: OPENAI_API_KEY is not set in the environment of the" in deployment.said()
    assert deployment.cluster.gpus() == (0, 2)


def test_a_head_that_dies_fails_the_run_and_the_next_one_on_another_cluster_goes_on(deployment: Deployment):
    dying = start_ray(nodes=1)
    deployment.env["CHAI_RAY_ADDRESS"] = dying.address
    run = deployment.start("headless", 20)
    deployment.until_asked(20)
    dying.stop()
    assert run.wait(timeout=180) == 1
    assert f"Ray at {dying.address} does not answer" in deployment.said()
    deployment.env["CHAI_RAY_ADDRESS"] = deployment.cluster.address
    deployment.finish("headless", 20)
    assert deployment.drafts("headless") == once("headless", 20)
    assert deployment.book.calls.total() <= 100 + PARALLEL


def test_a_cluster_that_is_not_there_is_told_with_the_remedy(deployment: Deployment):
    deployment.env["CHAI_RAY_ADDRESS"] = "http://127.0.0.1:9"
    assert deployment.start("nowhere", 1).wait(timeout=300) == 1
    assert "Ray at http://127.0.0.1:9 does not answer" in deployment.said()
    assert "start the cluster or set CHAI_RAY_ADDRESS" in deployment.said()
