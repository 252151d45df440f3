"""A prompt template that changed, in the walk: what falls with it, what stays, and that the plan says the same."""

from dataclasses import replace
from itertools import count
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.annotation.push import closable
from chai_assets.core.ids import draft_id, revision_id
from chai_assets.core.prompts import Templates
from chai_assets.planning.prompt_impact import of_items
from chai_assets.planning.standings_log import as_frame, new_entries, standing_rows
from chai_assets.triples.limit import MergeLimit
from chai_assets.triples.merge_rows import MERGED_COLUMNS, clips_to_merge, complete_merge
from chai_assets.workflow.item_state import CritiqueTurn, Standing
from chai_assets.workflow.records import critique_key
from chai_resources.schemas import TABLES
from tests.workflow.test_item_state import OneVersion, Story, TwoVersions


def test_a_draft_falls_with_its_template_unless_a_person_critiqued_it() -> None:
    story = Story()
    story.label()
    story.draft("d1", template="A")
    assert story.item(rules=OneVersion(draft="A")).stage == "critique"
    assert story.item(rules=OneVersion(revise="B")).stage == "critique", "another task's template is none of its"
    assert story.item(rules=OneVersion(draft="B")).stage == "drafting"
    story.draft("d2", template="B")
    moved = story.item(rules=OneVersion(draft="B"))
    assert moved.draft["draft_id"] == "d2"  # type: ignore[index]
    assert closable(moved, [critique_key("d1"), critique_key("d2")]) == [critique_key("d1")]
    assert story.item(rules=OneVersion(draft="A")).draft["draft_id"] == "d1", "a template that comes back costs nothing"  # type: ignore[index]
    story.critique("d2", "perfect", "k1", rating=5)
    for template in "ABC":
        kept = story.item(rules=OneVersion(draft=template))
        assert (kept.stage, kept.draft["draft_id"]) == ("review", "d2")  # type: ignore[index]


def test_a_revision_nobody_answered_falls_with_its_template_and_an_answered_one_never_moves() -> None:
    story = Story()
    story.label()
    story.draft(template="A")
    story.critique("d1", "change", "k1")
    story.revision("k1", "r1", "A")
    fallen = story.item(rules=OneVersion(draft="B", revise="B"))
    assert (fallen.stage, fallen.unrevised["critique_id"]) == ("revision", "k1")  # type: ignore[index]
    story.revision("k1", "r2", "B")
    again = story.item(rules=OneVersion(revise="B"))
    assert (again.stage, again.waiting.key) == ("critique", critique_key("r2"))  # type: ignore[union-attr]
    assert critique_key("r1") in closable(again, [critique_key("r1"), critique_key("r2")])
    story.critique("r2", "accept", "k2", rating=5)
    for template in "ABC":
        assert story.item(rules=OneVersion(revise=template)).candidate.caption_id == "r2"  # type: ignore[union-attr]


def test_rows_of_an_unknown_template_stand_whatever_is_on_disk() -> None:
    story = Story()
    story.label()
    story.draft()
    assert story.item(rules=OneVersion(draft="B")).stage == "critique"
    story.critique("d1", "change", "k1")
    story.revision("k1", "r1")
    assert story.item(rules=OneVersion(revise="B")).waiting.key == critique_key("r1")  # type: ignore[union-attr]


def test_while_questions_are_open_a_draft_stays_whatever_its_template() -> None:
    story = Story()
    story.label()
    story.draft(template="A")
    asked = TwoVersions({"l1"})
    asked.templates = Templates(draft="B")
    assert story.item(rules=asked).draft["draft_id"] == "d1"  # type: ignore[index]
    asked.asks = set()
    assert story.item(rules=asked).stage == "drafting"


_STEPS = st.one_of(
    st.tuples(st.sampled_from(["draft", "revise"]), st.sampled_from("ABC")),
    st.tuples(st.just("person"), st.sampled_from(["change", "accept"])),
    st.just(("late", "change")),
)


@settings(max_examples=150)
@given(steps=st.lists(_STEPS, max_size=12))
def test_changed_templates_move_nothing_that_was_answered_and_the_plan_names_what_a_run_writes(
    steps: list[tuple[str, str]],
) -> None:
    story, templates, answered, number = Story(), Templates("A", "A"), [], count(1)

    def now() -> Standing:
        return story.item(rules=OneVersion(draft=templates.draft, revise=templates.revise))

    def run() -> int:
        """What the stages write in a run, which may take as many steps as it likes; 0 where nothing is wanted."""
        item, key = now(), f"m{next(number)}"
        if item.stage == "drafting":
            story.draft(key, template=templates.draft)
        elif item.unrevised is not None:
            story.revision(item.unrevised["critique_id"], key, templates.revise)
        else:
            return 0
        return 1 + run()

    story.label()
    run()
    for what, how in steps:
        item = now()
        turn = item.waiting
        if what in ("draft", "revise"):
            templates = replace(templates, **{what: how})
            told = standing_rows([item], "b", {}), standing_rows([now()], "b", {})
            plans = [of_items(as_frame(rows), templates).filter(action="again").height for rows in told]
            assert plans == [run()] * 2, "whatever templates counted when the log was written"
        elif what == "person" and isinstance(turn, CritiqueTurn):
            story.critique(turn.cause, how if turn.shown else "change", f"k{next(number)}")
            run()
        elif what == "late" and isinstance(turn, CritiqueTurn) and turn.shown is not None:
            # Answered while its task was about to be closed.
            others = [r for r in story.records.revisions if r["critique_id"] == turn.shown["critique_id"]]
            story.critique(others[0]["revision_id"], how, f"k{next(number)}")
            run()
        assert run() == 0, "a run leaves nothing for a second one"
        keys = [turn.key for turn in now().turns if turn.answer]
        assert keys[: len(answered)] == answered, "what a person answered moved"
        answered = keys


def test_rows_of_an_unknown_template_keep_their_ids_and_the_log_of_old_rows_is_not_written_again() -> None:
    same = {"clip_id": "c", "aspect": "a", "label_id": "l", "upstream": [], "spec_hash": "s", "prompt_hash": "p"}
    same |= {"model": "m", "served_revision": "1", "sampling": "{}", "text": "t", "draft_id": "d", "critique_id": "k"}
    for make in (draft_id, revision_id):
        ids = [make({**same, **known}) for known in ({}, {"template_hash": None}, {"template_hash": "A"})]
        assert (ids[0] == ids[1], ids[1] != ids[2]) == (True, True)
    story = Story()
    story.label()
    story.draft()
    rows = standing_rows([story.item()], "b", {})
    before = [{**row, "written": None} for row in rows]
    assert new_entries(rows, before) == []


ASPECTS = ["subject", "motion"]


@settings(max_examples=60)
@given(changes=st.lists(st.sampled_from("ABC"), max_size=6))
def test_the_newest_merged_caption_is_of_the_template_on_disk_and_a_clip_is_merged_once(changes: list[str]) -> None:
    triples = [{"triple_id": f"t{a}", "clip_id": "c", "aspect": a, "batch": "b", "source_id": "s"} for a in ASPECTS]
    triples.append({**triples[0], "clip_id": "half", "triple_id": "other"})
    merged: list[dict[str, Any]] = []

    def run(templates: Templates) -> int:
        found = pl.DataFrame(merged, schema={n: pl.Schema(TABLES["merged_captions"].schema)[n] for n in MERGED_COLUMNS})
        due = clips_to_merge(pl.DataFrame(triples), found, ASPECTS, templates)
        for row in due.drop("why", "replaces").to_dicts():
            # Whatever the template says, the same captions and model: the hardest case for ids.
            made = {**row, "template_hash": templates.merge or None, "request_hash": "r", "text": "Merged."}
            merged.append(complete_merge(due, MergeLimit())(made))
        return due.height

    assert run(Templates()) == 1
    assert run(Templates(merge="A")) == 0, "an unknown template stands"
    merged[0]["template_hash"] = "A"
    for before, now in zip(["A", *changes], changes, strict=False):
        assert run(Templates(draft="other", merge=before)) == 0
        assert run(Templates(merge=now)) == (before != now)
        assert run(Templates(merge=now)) == 0
        assert merged[-1]["template_hash"] == now
    assert len({row["merged_id"] for row in merged}) == len(merged), "a row with a known key would be dropped"
    assert merged[0]["triple_ids"] == ["tsubject", "tmotion"]


def test_a_shortened_caption_falls_with_its_own_template_and_with_that_of_the_caption_it_shortens() -> None:
    triples = pl.DataFrame(
        [{"triple_id": f"t{a}", "clip_id": "c", "aspect": a, "batch": "b", "source_id": "s"} for a in ASPECTS]
    )
    schema = {name: pl.Schema(TABLES["merged_captions"].schema)[name] for name in MERGED_COLUMNS}
    long = {"merged_id": "m1", "clip_id": "c", "triple_ids": ["tsubject", "tmotion"], "template_hash": "A"}
    long |= {"tokens": 600, "over_limit": True, "shortens": None}
    short = {**long, "merged_id": "m2", "template_hash": "S", "tokens": 90, "over_limit": False, "shortens": "m1"}

    def due(rows: list[dict[str, Any]], **now: str) -> list[tuple[Any, ...]]:
        found = clips_to_merge(triples, pl.DataFrame(rows, schema=schema), ASPECTS, Templates(**now))
        return found.select("why", "replaces", "shortens").rows()

    assert due([long], merge="A", shorten="S") == [("long", "m1", "m1")]
    assert due([long, short], merge="A", shorten="S") == []
    assert due([long, {**short, "over_limit": True}], merge="A", shorten="S") == [], "a second is kept as it comes"
    assert due([long, short], merge="A", shorten="T") == [("template", "m2", "m1")]
    assert due([long, short], merge="B", shorten="S") == [("template", "m2", None)]
    assert due([long], merge="B", shorten="S") == [("template", "m1", None)]
