"""A worker publishes what it answered, and what is wrong with rows; what is wrong with its engine it does not."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest

from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice, ModelRefused
from chai_resources.executors import ExecutorChoice, ExecutorError
from chai_resources.executors.job import ExecutorJob, sources_hash
from chai_resources.executors.units import UnitStore
from chai_resources.executors.work import work
from chai_resources.executors.worker import Worker, WorkerUnfit
from chai_resources.media import Media
from tests.captioners.model_server import MODELS, model_server
from tests.executors.one_run import wanted

pytestmark = pytest.mark.usefixtures("impatient")

NAME = "practice-2026-01-01"


def job_of(root: Path, url: str, clips: int = 2) -> tuple[ExecutorJob, UnitStore]:
    """A job of one unit, written down."""
    model = ModelChoice(model=NAME, url=url, parallel=4)
    media = Media(root=str(root))
    identity = [NAME, f"chat-1 ({model.fps:g} fps, at most {model.frames} frames, {model.max_tokens} tokens)"]
    job = ExecutorJob("openai", model.model_dump(), identity, "b", "run", ["unit_1"], gpus=0, actors=0)
    store = UnitStore(media, "b")
    store.ask("unit_1", [item.request for item in wanted("b", clips)])
    job.write(media)
    return job, store


def test_a_job_is_done_without_a_cluster_by_the_same_entry_point_and_says_how_far_it_is(tmp_path: Path):
    said: list[str] = []
    with model_server() as (url, book):
        job, store = job_of(tmp_path, f"{url}/v1")
        work(ExecutorJob.read(Media(root=str(tmp_path)), job.key), str(tmp_path), True, said.append)
        work(job, str(tmp_path), True, said.append)
        assert set(book.calls.values()) == {1}
    assert len([text for _, final, result in store.answers("unit_1") if final and (text := result.text)]) == 10
    assert "1 of 1 units, 10 answers (0 of them errors)" in said[0]


def test_an_engine_that_answers_nothing_publishes_nothing(tmp_path: Path):
    job, store = job_of(tmp_path, "http://127.0.0.1:9/v1")
    worker = Worker(job, str(tmp_path))
    assert worker.open() == ""
    with pytest.raises(WorkerUnfit, match="does not answer"):
        worker.run("unit_1")
    assert not store.is_published("unit_1")


def test_a_row_that_fails_is_published_with_its_error_and_the_others_with_their_answers(tmp_path: Path):
    with model_server() as (url, book):
        job, store = job_of(tmp_path, f"{url}/v1")
        faulty = wanted("b", 2)[3].request
        book.faults[faulty.prompt] = ["500"] * 4
        worker = Worker(job, str(tmp_path))
        worker.open()
        counted = worker.run("unit_1")
    assert (counted.answers, counted.errors) == (10, 1)
    assert [found for found, final, _ in store.answers("unit_1") if not final] == [faulty.hash]


@pytest.mark.parametrize(("engine", "key"), [("openai", "OPENAI_API_KEY"), ("gemini", "GEMINI_API_KEY")])
def test_a_run_needs_no_key_of_the_model_that_its_cluster_asks(
    engine: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model = ModelChoice(model=MODELS[engine])
    here = CaptionerChoice(name=engine, model=model)
    there = CaptionerChoice(name=engine, model=model, executor=ExecutorChoice(name="ray", address="http://127.0.0.1:9"))
    media, context = Media(root=str(tmp_path)), cast(Any, dg.build_asset_context(partition_key="b"))
    known = here.open(media, context)
    monkeypatch.delenv(key)
    asked = there.open(media, context)
    assert (asked.model, asked.revision, asked.capabilities) == (known.model, known.revision, known.capabilities)
    with pytest.raises(ModelRefused, match=f"{key} is not set"):
        here.open(media, context)
    unpinned = there.model_copy(update={"model": ModelChoice(model="some-model")})
    with pytest.raises(ModelRefused, match="can mean another model tomorrow"):
        unpinned.open(media, context)


def test_a_cluster_with_other_code_than_the_platform_is_refused_with_the_remedy(tmp_path: Path):
    job, _ = job_of(tmp_path, "http://127.0.0.1:9/v1")
    media = Media(root=str(tmp_path))
    assert ExecutorJob.read(media, job.key) == job
    replace(job, code=f"{version('chai')} of other sources").write(media)
    with pytest.raises(
        ExecutorError, match=r"is 0.1.0 of other sources and this cluster has 0.1.0 \(sources \w{12}\): .*image"
    ):
        ExecutorJob.read(media, job.key)


def test_code_is_told_from_other_code_by_every_character_and_name_of_its_sources(tmp_path: Path):
    (tmp_path / "engines").mkdir()
    source = tmp_path / "engines" / "one.py"
    found = set()
    for text in ("a = 1", "a = 2"):
        source.write_text(text)
        found.add(sources_hash(tmp_path))
    (tmp_path / "engines" / "notes.txt").write_text("no source")
    found.add(sources_hash(tmp_path))
    found.add(sources_hash(source.rename(tmp_path / "one.py").parent))
    assert len(found) == 3


def test_a_cluster_without_the_key_says_where_it_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job, store = job_of(tmp_path, "")
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(
        ExecutorError, match=r"OPENAI_API_KEY is not set in the environment of the cluster: .* every node"
    ):
        work(job, str(tmp_path), True, print)
    assert not store.published()


def test_a_cluster_with_another_engine_than_the_platforms_answers_nothing(tmp_path: Path):
    job, _ = job_of(tmp_path, "http://127.0.0.1:9/v1")
    other = ExecutorJob(**{**job.__dict__, "identity": [NAME, "another revision"]})
    with pytest.raises(ExecutorError, match="give the cluster the platform's own image"):
        work(other, str(tmp_path), True, print)
