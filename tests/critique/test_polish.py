"""Polishing a critique: what is checked, the asset through real engines, and what an export takes of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.core.prompts import TEMPLATES, Templates
from chai_assets.critique.assets import Polishing, polished_critiques
from chai_assets.critique.findings import Finding, as_prose
from chai_assets.critique.polish import check_polish, polish_request
from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.publish import build_dataset
from chai_assets.demo.model_server.server import PracticeModel
from chai_assets.planning.prompt_impact import prompt_changes
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.releases import load_spec
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.media import Media
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.captioners.findings import mark, missing
from tests.captioners.model_server import Book
from tests.datasets.factory import clip, frame
from tests.datasets.records import Story, export_stories
from tests.datasets.select.test_dataset_selection import sent_back, straight

DRAFT = "The camera pans left. The shot is level."
FINDINGS = [mark(DRAFT, "left", "right"), missing("a red boat")]
WRITTEN = 'replace   "left" with "right" .  also add a red boat'


def critique(number: int = 1, text: str = WRITTEN, **changes: Any) -> dict[str, Any]:
    row = {"batch": "b1", "clip_id": f"clp_{number}", "aspect": "camera", "critique_id": f"crt_{number}"}
    row |= {"event_id": f"evt_{number}", "draft_id": f"drf_{number}", "round": 1, "verdict": "change", "rating": 3}
    return row | {"findings": FINDINGS, "text": text, "spec_version": "1.1.0"} | changes


def polished(text: str) -> str:
    [result] = OfflineCaptioner().run([polish_request(critique(text=text), OfflineCaptioner())])
    return result.text or ""


def test_the_offline_engine_tidies_and_the_check_passes():
    assert polished(WRITTEN) == 'Replace "left" with "right". also add a red boat.'
    assert not any(check_polish(WRITTEN, polished(WRITTEN), FINDINGS).values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('Replace "left" with the other side. Also add a red boat.', '"right" is lost'),
        ('Replace "left" with "right". Also add a red ship.', '"a red boat" is lost'),
        ('Replace "right" with "left". Also add a red boat.', "turned round"),
        ('Replace "left" with "right". Also add a red boat at "dawn".', '"dawn" was not quoted'),
        ('"left", "right", a red boat ' + "and so on and so forth " * 9, "words became"),
    ],
)
def test_each_change_of_meaning_that_a_rule_can_see_is_told(text: str, says: str):
    assert says in "; ".join(check_polish(WRITTEN, text, FINDINGS).values())


KINDS = st.lists(st.sampled_from(["wrong", "missing"]), min_size=1, max_size=4)


# No apostrophes: one by itself opens a quotation, and where that closes changes with a space.
@given(KINDS, st.text("abc XY.,\n\t", max_size=20))
def test_what_the_offline_engine_makes_of_a_rendered_critique_always_passes_the_check(kinds: list[str], more: str):
    said = [(kind, f"word{number}  here .", f"other{number} , there") for number, kind in enumerate(kinds)]
    findings, draft = [], "".join(quote for _, quote, _ in said)
    for kind, quote, fix in said:
        start = draft.index(quote)
        made = Finding.missing("drf", fix)
        if kind == "wrong":
            made = Finding.mark("drf", draft, "wrong", start, start + len(quote), fix)
        findings.append(made)
    rows = [{"quote": finding.quote, "fix": finding.fix} for finding in findings]
    written = f"{as_prose(findings)}  {more}"
    request = polish_request(critique(text=written, findings=rows), OfflineCaptioner())
    [result] = OfflineCaptioner().run([request])
    assert not any(check_polish(written, result.text or "", rows).values()), result.text


class Batch:
    """A batch with critiques, and an engine."""

    def __init__(self, home: Path, captioner: CaptionerChoice) -> None:
        settings = Settings.from_env(CHAI_HOME=str(home))
        self.tables, self.captioner = Tables(root=settings.tables), captioner
        rows = [critique(1), critique(2, "it is left"), critique(3, "", verdict="perfect"), critique(2, "it is left")]
        self.tables.append("critiques", rows)
        media, self.release = Media(root=settings.media), release_of(settings)
        self.workflow = Workflow(tables=self.tables, media=media, release=self.release)

    def run(self, on: bool = True) -> dict[str, Any]:
        resources = {"workflow": self.workflow, "captioner": self.captioner, "polishing": Polishing(on=on)}
        instance = dg.DagsterInstance.ephemeral()
        instance.add_dynamic_partitions("batches", ["b1"])
        done = dg.materialize([polished_critiques], resources=resources, partition_key="b1", instance=instance)
        [event] = done.asset_materializations_for_node("polished_critiques")
        return {name: value.value for name, value in event.metadata.items()}

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["critique_id"]: row for row in self.tables.rows("polished_critiques")}


def test_polishing_is_off_unless_it_is_asked_for(tmp_path: Path):
    batch = Batch(tmp_path, CaptionerChoice())
    assert "CHAI_POLISH=yes" in batch.run(on=False)["note"]
    assert batch.rows == {}
    assert not Settings.from_env().polish


def test_each_critique_that_asks_for_a_change_is_polished_once_and_both_texts_are_kept(tmp_path: Path):
    batch = Batch(tmp_path, CaptionerChoice())
    batch.run()
    batch.run()
    assert {name: (row["written"], row["text"], row["fault"]) for name, row in batch.rows.items()} == {
        "crt_1": (WRITTEN, 'Replace "left" with "right". also add a red boat.', None),
        "crt_2": ("it is left", "It is left.", None),
    }
    assert all(check["held"] for check in batch.rows["crt_1"]["checks"])
    assert len(batch.tables.rows("polished_critiques")) == 2


def test_a_changed_template_is_planned_and_polishes_again_and_one_that_comes_back_counts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "polish.md"
    first = TEMPLATES["polish"].read_text()
    monkeypatch.setitem(TEMPLATES, "polish", path)
    path.write_text(first)
    batch = Batch(tmp_path, CaptionerChoice())
    batch.run()

    def planned(polishes: bool = True) -> list[tuple[str, str, str]]:
        templates = batch.release.templates
        changes = prompt_changes(batch.tables, batch.release, templates, polishes)
        return list(changes.select("clip_id", "task", "action").iter_rows())

    assert planned() == []
    for number, text in enumerate([f"{first} Be brief.", first, f"{first} Be brief."], start=2):
        path.write_text(text)
        assert planned() == [("clp_1", "polish", "again"), ("clp_2", "polish", "again")]
        assert planned(polishes=False) == [], "whoever has nothing polished has nothing polished again"
        for _ in range(2):
            batch.run()
            assert planned() == []
            assert len(batch.tables.rows("polished_critiques")) == 2 * number, "both texts of each stay"
        assert {row["template_hash"] for row in batch.rows.values()} == {Templates.on_disk().polish}, "the newest"
    assert [row["text"] for row in batch.tables.rows("critiques") if row["critique_id"] == "crt_1"] == [WRITTEN]


@pytest.mark.parametrize("redraft", [True, False], ids=["redraft", "keep"])
def test_a_changed_template_is_left_alone_where_changed_prompts_are(
    redraft: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "polish.md"
    path.write_text(TEMPLATES["polish"].read_text())
    monkeypatch.setitem(TEMPLATES, "polish", path)
    monkeypatch.setenv("CHAI_PROMPT_CHANGED", "redraft" if redraft else "keep")
    batch = Batch(tmp_path, CaptionerChoice())
    batch.run()
    path.write_text(f"{path.read_text()} Be brief.")
    batch.run()
    assert len(batch.tables.rows("polished_critiques")) == (4 if redraft else 2)


@pytest.mark.parametrize(("engine", "path"), [("openai", "/v1"), ("gemini", "")])
def test_what_a_model_words_otherwise_is_kept_with_its_fault_and_asked_for_no_more(
    engine: str, path: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    book.faults["it is left"] = ["bad-video"]
    name = {"openai": "gpt-4.1-2025-04-14", "gemini": "gemini-2.5-flash-001"}[engine]
    batch = Batch(tmp_path, CaptionerChoice(name=engine, model=ModelChoice(model=name, url=url + path)))
    said = batch.run()
    assert said["written_counts_instead"] == 1
    row = batch.rows["crt_1"]
    assert '"right" is lost' in row["fault"]
    assert row["text"].startswith("The camera pans left."), "what the model said is kept"
    assert not all(check["held"] for check in row["checks"])
    assert [error["kind"] for error in batch.tables.rows("model_errors")] == ["permanent"]
    batch.run()
    assert book.calls.total() == 2


def test_the_practice_model_polishes_out_of_the_prompt_what_the_offline_engine_does():
    request = polish_request(critique(), OfflineCaptioner())
    assert PracticeModel(load_spec()).answer(request.prompt) == polished(WRITTEN)


def test_an_export_takes_the_words_that_are_asked_for_and_every_row_says_whose_they_are(tmp_path: Path):
    stories: list[Story] = [sent_back(1), straight(2), straight(4)]
    told = [row for story in stories for row in story.tables["critiques"]]
    rows = [
        {
            "batch": row["batch"],
            "critique_id": row["critique_id"],
            "polished_id": f"pol_{number}",
            "written": row["text"],
        }
        | {
            "text": f"Polished: {row['text']}",
            "fault": "it is lost" if row["clip_id"] == clip(4, 1)["clip_id"] else None,
        }
        | {"recorded_at": row["recorded_at"]}
        for number, row in enumerate(told)
    ]
    whole = export_stories(stories, polished_critiques=frame("polished_critiques", rows))
    found = {}
    for words, variant in (("written", "post_review"), ("polished", "post_review"), ("polished", "pre_review")):
        folder = tmp_path / f"{words}-{variant}"
        manifest = build_dataset(replace(whole, selection=Selection(critiques=words, variant=variant)), folder)
        (folder / "manifest.json").write_text(manifest.text())
        assert verify_dataset(folder) == []
        table = pl.read_parquet(folder / "triples.parquet")
        found[folder.name] = {row["clip_id"]: (row["wording"], row["critique"]) for row in table.to_dicts()}
        assert any("in a model's words" in note for note in manifest.notes) == (words == "polished")
    first, second, faulty = (clip(number, 1)["clip_id"] for number in (1, 2, 4))
    assert {wording for wording, _ in found["written-post_review"].values()} == {"written"}
    after, before = found["polished-post_review"], found["polished-pre_review"]
    assert after[first] == ("polished", "Polished: Say near and low, 1.")
    assert before[first] == ("polished", "Polished: Say near, 1."), "the critique of the variant is polished"
    assert after[second][0] == "polished"
    assert after[faulty] == found["written-post_review"][faulty], "one with a fault is never exported"
    lines = [text for side in ("train", "eval") for text in [(folder / side / "critique_generation.jsonl").read_text()]]
    assert "Polished: Say near, 1." in "".join(lines), "trainers read the same words"
