"""The merged caption and its token limit: the asset, asking a real server through both real SDKs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.core.ids import record_id
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.adoption import adopt
from chai_assets.spec.versioning.releases import load_spec
from chai_assets.triples.assets import merged_captions
from chai_assets.triples.limit import MergeLimit
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.media import Media
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.captioners.model_server import MODELS, Book

pytestmark = pytest.mark.usefixtures("impatient")

SPEC = load_spec()
FIRST, AGAIN = "Merge the captions", "came out too long"


@dataclass
class Batch:
    """A batch with one clip whose five captions are approved, and a model to merge them."""

    home: Path
    captioner: CaptionerChoice

    def __post_init__(self) -> None:
        settings = Settings.from_env(CHAI_HOME=str(self.home))
        self.tables, media = Tables(root=settings.tables), Media(root=settings.media)
        adopt(self.tables, ["b1"], release_of(settings).load())
        self.tables.append("triples", [self.triple(aspect) for aspect in SPEC.aspects])
        self.workflow = Workflow(tables=self.tables, media=media, release=release_of(settings))

    def triple(self, aspect: str, **changes: Any) -> dict[str, Any]:
        row = {"batch": "b1", "clip_id": "clp_1", "source_id": "src_1", "aspect": aspect, "standing": "verified"}
        row |= {"final": f"This is about the {aspect}, and it is the end of what the prompt holds."} | changes
        return row | {"triple_id": record_id("triple", of=row), "entry_id": record_id("entry", of=row)}

    def run(self, limit: int = 512) -> dict[str, Any]:
        """One run of the asset; its metadata."""
        resources = {"workflow": self.workflow, "captioner": self.captioner, "merge_limit": MergeLimit(tokens=limit)}
        instance = dg.DagsterInstance.ephemeral()
        instance.add_dynamic_partitions("batches", ["b1"])
        done = dg.materialize([merged_captions], resources=resources, partition_key="b1", instance=instance)
        [event] = done.asset_materializations_for_node("merged_captions")
        return {name: value.value for name, value in event.metadata.items()}

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.tables.rows("merged_captions")


@pytest.fixture(params=list(MODELS))
def batch(request: pytest.FixtureRequest, served: tuple[str, Book], tmp_path: Path) -> Batch:
    url = f"{served[0]}/v1" if request.param == "openai" else served[0]
    model = ModelChoice(model=MODELS[request.param], url=url)
    return Batch(tmp_path, CaptionerChoice(name=request.param, model=model))


def test_a_caption_under_the_limit_is_asked_for_once_and_the_prompt_names_the_limit(batch: Batch, served):
    batch.run()
    batch.run()
    [row] = batch.rows
    assert (row["over_limit"], row["shortens"]) == (False, None)
    assert row["tokens"] == MergeLimit().count(row["text"]) <= 512
    assert served[1].calls.total() == 1
    assert "no more than 512 tokens" in row["prompt"]


def test_a_caption_over_the_limit_is_asked_for_once_more_with_its_figure(batch: Batch, served):
    served[1].faults[FIRST] = ["long"]
    batch.run()
    first, second = batch.rows
    assert (first["over_limit"], first["shortens"]) == (True, None)
    assert (second["over_limit"], second["shortens"]) == (False, first["merged_id"])
    assert f"it has {first['tokens']} tokens" in second["prompt"]
    assert first["text"] in second["prompt"]
    assert first["request_hash"] != second["request_hash"]
    batch.run()
    assert len(batch.rows) == 2
    assert served[1].calls.total() == 2
    assert len(batch.tables.rows("model_calls")) == 2, "both are in the ledger"


def test_one_that_is_still_too_long_is_kept_whole_marked_and_reported_and_asked_for_no_more(batch: Batch, served):
    served[1].faults |= {FIRST: ["long"], AGAIN: ["long"]}
    said = batch.run()
    assert [row["over_limit"] for row in batch.rows] == [True, True]
    assert batch.rows[1]["text"].split()[-1] == "word599.", "nothing was cut"
    assert said["over_limit"].records[0].data["clip_id"] == "clp_1"
    assert batch.run()["added"] == 0
    assert served[1].calls.total() == 2


def test_a_second_request_that_fails_is_made_by_the_next_run_and_the_first_answer_stays(batch: Batch, served):
    served[1].faults |= {FIRST: ["long"], AGAIN: ["500"] * 4}
    batch.run()
    assert [row["over_limit"] for row in batch.rows] == [True]
    assert served[1].calls.total() == 1 + 4, "not asked again within the run"
    batch.run()
    assert [row["over_limit"] for row in batch.rows] == [True, False]


def test_new_triples_begin_anew(batch: Batch, served):
    served[1].faults[FIRST] = ["long"]
    batch.run()
    [first] = [row for row in batch.tables.rows("triples") if row["aspect"] == "camera"]
    batch.tables.append("triples", [{**first, "standing": "withdrawn", "entry_id": "ent_2", "recorded_at": None}])
    another = batch.triple("camera", final="Another one, and it is the end of what the prompt holds.")
    batch.tables.append("triples", [another])
    batch.run()
    assert [row["shortens"] is None for row in batch.rows] == [True, False, True]


def test_a_limit_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    for value in ("0", "-5", "many"):
        monkeypatch.setenv("CHAI_MERGE_TOKENS", value)
        with pytest.raises(ValueError, match=f"CHAI_MERGE_TOKENS={value}"):
            Settings.from_env()
    monkeypatch.setenv("CHAI_MERGE_TOKENS", "300")
    assert Settings.from_env().as_env()["CHAI_MERGE_TOKENS"] == "300"
