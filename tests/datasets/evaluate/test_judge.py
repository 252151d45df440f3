"""A model judges a published dataset: through the command and a real server, and the figures that come of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from chai_assets.cli.main import app
from chai_assets.core.prompts import render
from chai_assets.datasets.evaluate.agreement import ALL, JudgedPair, agreements
from chai_assets.datasets.evaluate.judge import TEMPLATE
from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.formats import REWARD_PROMPT
from chai_assets.datasets.write.publish import publish
from tests.captioners.model_server import Book, model_server
from tests.datasets.factory import clip, export
from tests.ingestion.films import scene, write

CLIPS = [clip(number, clips_per_source=2) for number in range(8)]
PINNED = Selection(pins=(CLIPS[0]["source_id"],))


@pytest.fixture
def served() -> Iterator[Book]:
    with model_server() as (url, book):
        book.url = url  # pyright: ignore[reportAttributeAccessIssue]
        yield book


@pytest.fixture
def dataset(tmp_path: Path, served: Book, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published dataset whose clips lie in the media store, and a model that is set up."""
    settings = {"CHAI_HOME": str(tmp_path / "home"), "CHAI_CAPTIONER": "openai", "CHAI_MODEL": "judge-2026-01-01"}
    settings["CHAI_MODEL_URL"] = f"{served.url}/v1"  # pyright: ignore[reportAttributeAccessIssue]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("chai_resources.captioners.calls.network_captioner._FIRST_WAIT_S", 0.01)
    first = tmp_path / "home/media" / CLIPS[0]["media_key"]
    first.parent.mkdir(parents=True)
    write(first, scene(1, 10), rate=10)
    for other in CLIPS[1:]:
        (tmp_path / "home/media" / other["media_key"]).write_bytes(first.read_bytes())
    return Path(publish(export(CLIPS, selection=PINNED), str(tmp_path / "home/datasets")).uri)


def judge(*options: str) -> str:
    done = CliRunner().invoke(app, ["dataset", "judge", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_a_judge_that_sees_the_difference_agrees_with_people(dataset: Path, served: Book, tmp_path: Path):
    served.likely = {"far away": {"No": -0.1, "Yes": -3.0}, "close by": {"Yes": -0.1, "No": -3.0}}
    output = judge(str(dataset), "--out", "judged", "--sample", "0")
    rows = pl.read_parquet(tmp_path / "judged/judged.parquet")
    triples = pl.read_parquet(dataset / "triples.parquet").filter(pl.col("rating") < 5)
    assert sorted(rows["triple_id"]) == sorted([*triples["id"], *triples["id"]]), "draft and caption of each"
    assert rows["error"].null_count() == len(rows)
    assert rows.filter(pl.col("about") == "final")["p_yes"].to_list() == pytest.approx([np.exp(-0.1)] * len(triples))
    report = json.loads((tmp_path / "judged/report.json").read_text())
    whole = report["agreement"][-1]
    assert (whole["aspect"], whole["pairs"], whole["pairwise"]["value"]) == (ALL, len(triples), 1.0)
    assert report["dataset_id"] == dataset.name
    assert f"all {len(triples)} 4 1.00 (1.00–1.00) 1.00 (1.00–1.00) 1.00 (1.00–1.00)" in output
    parts = served.seen[0]["messages"][0]["content"]
    assert [part["type"] for part in parts][-2:] == ["image_url", "text"], "the clip is in view"
    assert verify_dataset(dataset) == []


def test_a_sample_of_the_eval_side_is_the_same_again_and_costs_nothing(dataset: Path, served: Book, tmp_path: Path):
    triples = pl.read_parquet(dataset / "triples.parquet")
    held_out = triples.filter((pl.col("split") == "eval") & (pl.col("rating") < 5))
    assert len(held_out) > 3
    judge(str(dataset), "--out", "one", "--sample", "3", "--eval-only")
    calls = served.calls.total()
    judge(str(dataset), "--out", "two", "--sample", "3", "--eval-only")
    assert served.calls.total() == calls
    one, two = (pl.read_parquet(tmp_path / name / "judged.parquet") for name in ("one", "two"))
    assert one.equals(two)
    assert set(one["triple_id"]) <= set(held_out["id"])
    assert one["triple_id"].n_unique() == 3
    ledger = CliRunner().invoke(app, ["cost", "--by", "stage"]).output
    assert "judge" in ledger


def test_a_caption_without_an_answer_is_a_row_with_its_reason_and_its_pair_does_not_count(
    dataset: Path, served: Book, tmp_path: Path
):
    (tmp_path / "home/media" / CLIPS[0]["media_key"]).unlink()
    served.faults["clip 1"] = ["blocked"]
    served.likely = {"clip 2": {"The": -0.1}, "close by": {"Yes": -0.1}, "far away": {"No": -0.1}}
    output = judge(str(dataset), "--out", "judged", "--sample", "0")
    rows = pl.read_parquet(tmp_path / "judged/judged.parquet")
    wrong = rows.drop_nulls("error")
    gone = rows.filter(pl.col("clip_id") == CLIPS[0]["clip_id"])
    assert all("retryable: the clip of" in error for error in gone["error"])
    assert any("blocked: " in error for error in wrong["error"])
    assert any("neither Yes nor No was likely, the model said 'The'" in error for error in wrong["error"])
    report = json.loads((tmp_path / "judged/report.json").read_text())
    whole = rows.group_by("triple_id").agg(pl.col("error").is_null().all())
    assert report["agreement"][-1]["pairs"] == whole["error"].sum()
    assert sum(report["errors"].values()) == len(wrong)
    assert "captions not judged: blocked" in output


def test_a_budget_leaves_the_rest_for_later_and_says_so(dataset: Path, served: Book, tmp_path: Path, monkeypatch):
    prices = tmp_path / "prices.yaml"
    prices.write_text('version: "1"\nmodels: {judge: {input: 1000, cached: 1000, output: 1000}}\n')
    monkeypatch.setenv("CHAI_PRICES", str(prices))
    judge(str(dataset), "--out", "a", "--sample", "2")
    before = served.calls.total()
    monkeypatch.setenv("CHAI_BUDGET_RUN", "0.5")
    judge(str(dataset), "--out", "b", "--sample", "0")
    rows = pl.read_parquet(tmp_path / "b/judged.parquet")
    held = rows.filter(pl.col("error").str.contains("CHAI_BUDGET_RUN"))
    assert 0 < len(held) < len(rows)
    assert served.calls.total() - before == len(rows) - len(held) - before
    monkeypatch.setenv("CHAI_BUDGET_RUN", "100")
    judge(str(dataset), "--out", "b", "--sample", "0")
    assert pl.read_parquet(tmp_path / "b/judged.parquet")["error"].null_count() == len(rows)
    assert set(served.calls.values()) == {1}, "nothing is asked twice"


def test_what_cannot_judge_is_told_before_anything_is_asked(dataset: Path, served: Book, tmp_path: Path, monkeypatch):
    done = CliRunner().invoke(app, ["dataset", "judge", str(dataset), "--out", str(dataset / "train/judged")])
    assert done.exit_code == 1
    assert "lies in a dataset or a pack, which never changes" in " ".join(done.output.split())
    assert served.calls.total() == 0
    monkeypatch.setenv("CHAI_CAPTIONER", "offline")
    done = CliRunner().invoke(app, ["dataset", "judge", str(dataset), "--out", "judged"])
    assert done.exit_code == 1
    assert "set CHAI_CAPTIONER to openai, gemini or vllm" in " ".join(done.output.split())
    assert not (tmp_path / "judged").exists()
    assert verify_dataset(dataset) == []


def test_the_question_is_the_one_that_reward_models_are_trained_on():
    prompt = render(TEMPLATE, instruction="{do} this.", caption="A {red} fox.")
    assert prompt.text == REWARD_PROMPT.replace("{instruction}", "{do} this.").replace("{caption}", "A {red} fox.")


P = st.floats(0, 1)
PAIRS = st.lists(
    st.builds(JudgedPair, st.sampled_from(["camera", "scene"]), st.sampled_from("abcde"), P, P, P, P), min_size=1
)


@given(PAIRS)
def test_every_interval_holds_its_share_of_what_the_rows_say(pairs: list[JudgedPair]):
    found = {entry.aspect: entry for entry in agreements(pairs)}
    assert set(found) == {pair.aspect for pair in pairs} | {ALL}
    assert sum(entry.pairs for name, entry in found.items() if name != ALL) == found[ALL].pairs == len(pairs)
    whole = found[ALL]
    assert whole.pairwise.value == pytest.approx(np.mean([pair.final > pair.draft for pair in pairs]))
    rates = np.mean([pair.final > 0.5 for pair in pairs]), np.mean([pair.draft <= 0.5 for pair in pairs])
    assert whole.balanced.value == pytest.approx(np.mean(rates))
    for entry in found.values():
        for share in (entry.pairwise, entry.balanced, entry.balanced_of_both):
            assert (share.low is None) == (entry.sources == 1)
            if share.low is not None and share.high is not None:
                assert 0 <= share.low <= share.high <= 1


def test_rows_of_one_source_count_as_one_when_the_interval_is_drawn():
    def width(sources: int) -> float:
        pairs = [
            JudgedPair("camera", f"s{n % sources}", 0.5, 0.9 if n % sources % 2 else 0.1, 0, 0) for n in range(400)
        ]
        share = agreements(pairs)[-1].pairwise
        assert share.low is not None
        assert share.high is not None
        return share.high - share.low

    assert width(400) < 0.12 < 0.3 < width(10), "ten sources say little, however many rows they have"


def test_without_a_pair_there_is_no_figure():
    assert agreements([]) == []
