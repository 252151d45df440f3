"""What the walk makes of leads' decisions: where an item stands after each, and what a second one changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.annotation.push import closable
from chai_assets.core.ids import canonical_json
from chai_assets.workflow.item_state import OUT_OF_THE_LOOP
from chai_assets.workflow.records import label_again_key, label_key
from tests.workflow.test_item_state import Story

KEY = label_key("c", "subject", "1")


class LedStory(Story):
    """A story in which a lead decides as well."""

    def decide(self, kind: str, about: str | None = None, value: str | None = None) -> str:
        decision = f"dec{next(self.number)}"
        row: Any = {"decision_id": decision, "kind": kind, "clip_id": "c", "aspect": "subject", "batch": "b"}
        row |= {"refers_to": about, "value": value, "triple_id": None, "reason": "so it is", "author": "lea"}
        self.records.decisions.append({**row, "recorded_at": self.event("none")["recorded_at"]})
        return decision

    def overrule(self, about: str, verdict: str, review_id: str) -> None:
        decision = self.decide("change_verdict", about, verdict)
        changed = next(row for row in self.records.reviews if row["review_id"] == about)
        lead = {"event_id": decision, "verdict": verdict, "review_id": review_id, "author": "lea"}
        self.records.reviews.append({**changed, **lead})

    def answer(self, about: str, label_id: str) -> None:  # type: ignore[override]
        decision = self.decide("resolve_unsure", about, canonical_json({"turns": ["left"]}))
        completed = next(row for row in self.records.labels if row["label_id"] == about)
        self.records.labels.append({**completed, "event_id": decision, "label_id": label_id, "author": "lea"})

    def label_again(self, decision: str, label_id: str, problem: str | None = None) -> None:
        row: Any = {"chai_key": label_again_key(KEY, decision), "label_id": label_id, "problem": problem}
        self.records.labels.append({**self.event(), **row})

    def until_approved(self) -> None:
        self.until_review()
        self.review("approve", "v1")

    @property
    def stage(self) -> str:
        return self.item().stage


@pytest.fixture
def story() -> LedStory:
    return LedStory()


def test_a_recalled_caption_goes_to_a_round_that_knows_why_and_back_to_review_as_another_candidate(
    story: LedStory,
) -> None:
    story.until_approved()
    before = story.item().candidate
    decision = story.decide("recall", "v1")
    item = story.item()
    turn = item.waiting
    assert (item.stage, item.approval, turn.key, turn.round) == ("critique", None, f"critique:{decision}", 3)  # type: ignore[union-attr]
    assert (turn.recall["reason"], turn.rejection, turn.previous["critique_id"]) == ("so it is", None, "k1")  # type: ignore[index, union-attr]
    assert story.item("motion").stage == "labeling"
    story.critique(decision, "accept", "k3", rating=5)
    item = story.item()
    assert (item.stage, item.candidate != before, item.recalled_from) == ("review", True, {"rev"})
    story.review("approve", "v2")
    assert story.stage == "approved"
    story.decide("recall", "v2")
    assert (story.stage, story.item().waiting.round) == ("critique", 4)  # type: ignore[union-attr]


def test_what_rested_on_a_recalled_caption_keeps_what_people_did_and_waits_with_the_rest(story: LedStory) -> None:
    story.until_approved()
    story.label("motion", "m1")
    assert story.item("motion").stage == "drafting"
    story.decide("recall", "v1")
    assert story.item("motion").stage == "upstream"


@pytest.mark.parametrize(
    ("first", "then", "stage"), [("approve", "reject", "feedback"), ("reject", "approve", "approved")]
)
def test_a_changed_verdict_takes_the_place_of_the_review(story: LedStory, first: str, then: str, stage: str) -> None:
    story.until_review()
    story.review(first, "v1")
    story.overrule("v1", then, "w1")
    item = story.item()
    assert item.stage == stage
    assert (item.approval or item.turns[-1].rejection)["review_id"] == "w1"  # type: ignore[union-attr]
    story.overrule("w1", first, "w2")
    assert story.stage == {"approve": "approved", "reject": "feedback"}[first]


def test_what_is_set_aside_has_no_open_task_and_comes_back_where_it_was(story: LedStory) -> None:
    story.until_review()
    before = story.item()
    story.decide("set_aside")
    item = story.item()
    assert (item.stage, item.waiting) == ("set_aside", None)
    assert closable(item, [turn.key for turn in before.turns]) == [turn.key for turn in before.turns]
    story.decide("drop")
    assert story.stage == "dropped"
    story.decide("take_back")
    back = story.item()
    assert (back.stage, back.waiting.key) == ("review", before.waiting.key)  # type: ignore[union-attr]


def test_a_clip_with_a_problem_is_labeled_again_as_often_as_it_is_taken_back(story: LedStory) -> None:
    story.label(problem="unplayable")
    assert story.stage == "set_aside"
    first = story.decide("take_back", KEY)
    item = story.item()
    assert (item.stage, item.waiting.key) == ("labeling", label_again_key(KEY, first))  # type: ignore[union-attr]
    assert closable(item, [KEY]) == [KEY]
    story.label_again(first, "l1", problem="unplayable")
    assert story.stage == "set_aside"
    second = story.decide("take_back", label_again_key(KEY, first))
    assert story.item().waiting.key == label_again_key(label_again_key(KEY, first), second)  # type: ignore[union-attr]
    row: Any = {"chai_key": label_again_key(label_again_key(KEY, first), second), "label_id": "l2", "problem": None}
    story.records.labels.append({**story.event(), **row})
    assert (story.stage, story.item().label["label_id"]) == ("drafting", "l2")  # type: ignore[index]


def test_a_lead_s_answer_takes_the_place_of_unsure_and_of_a_draft_nobody_has_critiqued(story: LedStory) -> None:
    story.label()
    story.draft()
    story.answer("l1", "l2")
    item = story.item()
    assert (item.stage, item.label["label_id"], item.given_label["label_id"]) == ("drafting", "l2", "l1")  # type: ignore[index]
    assert item.labeled_by == {"ann", "lea"}, "who answered may not review"
    story.draft("d2", label_id="l2")
    story.critique("d2", "perfect", "k1", rating=5)
    assert story.stage == "review"


DECISIONS = ["recall", "overrule", "set_aside", "take_back", "drop", "answer", "again", "again"]
STEPS = st.lists(
    # Mostly people, or nothing is ever approved.
    st.tuples(st.sampled_from(["people"] * 12 + DECISIONS), st.integers(0, 9)),
    min_size=10,
    max_size=40,
)


@given(STEPS)
def test_whatever_is_decided_an_item_stands_somewhere_and_a_second_word_about_the_same_changes_nothing(
    steps: list[tuple[str, int]],
) -> None:
    story = LedStory()
    for number, (step, choice) in enumerate(steps):
        item = story.item()
        if step == "people":
            go_on(story, choice, number)
        elif step == "recall" and item.approval:
            story.decide("recall", item.approval["review_id"])
            assert story.stage != "approved"
        elif step == "overrule" and item.reviews:
            last = item.decisions.review_in_force(item.reviews[-1][1])
            if last["review_id"] not in item.decisions.recalls:
                story.overrule(last["review_id"], "reject" if last["verdict"] == "approve" else "approve", f"w{number}")
        elif step == "take_back" and item.stage in ("set_aside", "dropped"):
            label = item.label
            story.decide("take_back", label["chai_key"] if label and label["problem"] else None)
            assert story.stage not in ("set_aside", "dropped")
        elif step in ("set_aside", "drop"):
            story.decide(step)
        elif step == "answer" and item.label and not item.label["problem"]:
            story.answer(item.label["label_id"], f"answered{number}")
        elif step == "again" and story.records.decisions:
            # Another lead, at the same time: what is decided stays decided, and what people have is kept.
            said = story.records.decisions[choice % len(story.records.decisions)]
            if said["kind"] in ("recall", "change_verdict", "resolve_unsure"):
                before = where(story)
                repeat(story, said, number)
                assert where(story) == before
    # Whatever was decided, an item has come to its end, or there is somebody or a model it waits for.
    item = story.item()
    waits = item.stage in ("labeling", "critique", "review", "feedback")
    assert (item.waiting is not None) == waits, item.stage
    assert (item.unrevised is not None) == (item.stage == "revision")
    assert (item.approval is not None) == (item.stage == "approved")
    assert waits or item.stage in ("drafting", "revision", "approved", *OUT_OF_THE_LOOP)


def where(story: LedStory) -> list[Any]:
    item = story.item()
    return [item.stage, [turn.key for turn in item.turns], item.approval, item.label]


def repeat(story: LedStory, said: Any, number: int) -> None:
    again = story.decide(said["kind"], said["refers_to"], said["value"])
    for rows in (story.records.reviews, story.records.labels):
        for row in [row for row in rows if row["event_id"] == said["decision_id"]]:
            own: Any = {"event_id": again, "label_id": f"again{number}", "review_id": f"again{number}"}
            rows.append({**row, **{name: value for name, value in own.items() if name in row}})


def go_on(story: LedStory, choice: int, number: int) -> None:
    """People and models do what the item waits for."""
    item = story.item()
    turn = item.waiting
    if item.stage == "drafting" and item.label:
        story.draft(f"d{number}", label_id=item.label["label_id"])
    elif item.stage == "revision" and item.unrevised:
        story.revision(item.unrevised["critique_id"], f"r{number}")
    elif turn is None:
        return
    elif turn.kind == "primitives":
        row: Any = {"chai_key": turn.key, "label_id": f"l{number}", "problem": "unsafe" if choice == 0 else None}
        story.records.labels.append({**story.event(), **row})
    elif turn.kind == "critique":
        verdict = "change" if choice < 4 else "accept" if turn.shown else "perfect"  # type: ignore[union-attr]
        story.critique(turn.cause, verdict, f"k{number}", rating=5)  # type: ignore[union-attr]
    elif turn.kind == "review":
        story.review("reject" if choice < 4 else "approve", f"v{number}", grade=turn.grade)  # type: ignore[union-attr]
    else:
        row = {"chai_key": turn.key, "answer": "understood" if choice % 2 else "request_regrade"}
        story.records.feedback.append({**story.event(), **row})
