"""The walk that decides where an item stands: every path of the loop, and the rules about edits and deletions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

import pytest

from chai_assets.annotation.push import closable
from chai_assets.core.prompts import Templates, WritingTask
from chai_assets.planning.corrected_upstream import rest_on_corrected
from chai_assets.spec.versioning.carry import CarriedAnswers
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.records import BatchRecords, critique_key, feedback_key, label_key, review_key
from chai_assets.workflow.walk import Rules, standings


class OneVersion:
    """Rules of a specification of one version: nothing is asked again, every draft stands."""

    depends_on: ClassVar = {"subject": [], "motion": ["subject"]}

    def __init__(self, redo_upstream: bool = False, **templates: str) -> None:
        self.redo_upstream, self.templates = redo_upstream, Templates(**templates)

    def replaced(self, task: WritingTask, template: str | None) -> bool:
        return self.templates.replaced(task, template)

    def question_versions(self, aspect: str) -> list[str]:
        return ["1"]

    def carried_answers(self, label: dict[str, Any]) -> CarriedAnswers:
        return CarriedAnswers({})

    def draft_still_valid(self, draft: dict[str, Any], made_from: dict[str, Any], label: dict[str, Any]) -> bool:
        return True


START = datetime(2026, 1, 1, tzinfo=UTC)


class Story:
    """Records of one clip, written one after the other as people and the model would write them."""

    def __init__(self) -> None:
        self.clock, self.number = START, count(1)
        clip = {"clip_id": "c", "batch": "b", "source_id": "s"}
        self.records = BatchRecords([clip], [], [], [], [], [], [])

    def event(self, what: str = "submitted", annotation: int | None = None) -> dict[str, Any]:
        self.clock += timedelta(seconds=1)
        number = next(self.number)
        row = {"event_id": f"e{number}", "what": what, "annotation_id": annotation or number}
        self.records.events.append({**row, "updated_at": self.clock})
        return {"event_id": row["event_id"], "author": "ann", "recorded_at": self.clock}

    def label(
        self,
        aspect: str = "subject",
        label_id: str = "l1",
        problem: str | None = None,
        asked_in: str = "1",
        **event: Any,
    ) -> None:
        row = {"chai_key": label_key("c", aspect, asked_in), "label_id": label_id, "problem": problem}
        self.records.labels.append({**self.event(**event), **row})

    def draft(
        self,
        draft_id: str = "d1",
        aspect: str = "subject",
        label_id: str = "l1",
        upstream: Any = (),
        template: str | None = None,
    ) -> None:
        self.clock += timedelta(seconds=1)
        row = {"draft_id": draft_id, "clip_id": "c", "aspect": aspect, "label_id": label_id, "text": draft_id}
        row |= {"template_hash": template, "spec_version": "1"}
        self.records.drafts.append({**row, "upstream": list(upstream), "recorded_at": self.clock})

    def critique(self, cause: str, verdict: str, critique_id: str, rating: int = 3, **event: Any) -> None:
        row = {
            "chai_key": critique_key(cause),
            "verdict": verdict,
            "critique_id": critique_id,
            "rating": rating,
        }
        self.records.critiques.append({**self.event(**event), **row, "draft_id": "d1", "cause": cause})

    def revision(self, critique_id: str, revision_id: str, template: str | None = None) -> None:
        self.clock += timedelta(seconds=1)
        row = {"critique_id": critique_id, "revision_id": revision_id, "text": revision_id}
        row["template_hash"] = template
        self.records.revisions.append({**row, "recorded_at": self.clock})

    def review(self, verdict: str, review_id: str, grade: int = 1) -> None:
        candidate = self.item().candidate
        assert candidate is not None
        row = {
            "chai_key": review_key(candidate.candidate_id, grade),
            "verdict": verdict,
            "review_id": review_id,
        }
        self.records.reviews.append({**self.event(), **row, "author": "rev"})

    def answer(self, review_id: str, answer: str) -> None:
        row = {"chai_key": feedback_key(review_id), "answer": answer}
        self.records.feedback.append({**self.event(), **row})

    def item(self, aspect: str = "subject", rules: Rules | None = None) -> Standing:
        return next(s for s in standings(self.records, rules or OneVersion()) if s.aspect == aspect)

    def until_review(self) -> None:
        self.label()
        self.draft()
        self.critique("d1", "change", "k1", rating=2)
        self.revision("k1", "r1")
        self.critique("r1", "accept", "k2", rating=5)


@pytest.fixture
def story() -> Story:
    return Story()


def test_an_item_goes_through_every_stage_in_order(story: Story) -> None:
    stages = [story.item().stage]
    for step in (
        story.label,
        story.draft,
        lambda: story.critique("d1", "change", "k1", rating=2),
        lambda: story.revision("k1", "r1"),
        lambda: story.critique("r1", "accept", "k2", rating=5),
        lambda: story.review("approve", "v1"),
    ):
        step()
        stages.append(story.item().stage)
    assert stages == ["labeling", "drafting", "critique", "revision", "critique", "review", "approved"]
    candidate = story.item().candidate
    assert candidate is not None
    assert (candidate.critique["critique_id"], candidate.caption_id, candidate.rating) == ("k1", "r1", 2)


def test_an_answer_that_could_be_read_in_the_end_counts_though_it_was_quarantined_first(story: Story) -> None:
    story.label()
    story.draft()
    story.critique("d1", "perfect", "k1", rating=5)
    answer = story.records.critiques[-1]
    quarantined = {name: answer[name] for name in ("event_id", "chai_key")}
    story.records.quarantine.append({**quarantined, "reason": "who is that?", "remedy": "name them"})
    assert story.item().stage == "review"


def test_a_perfect_draft_goes_straight_to_review(story: Story) -> None:
    story.label()
    story.draft()
    story.critique("d1", "perfect", "k1", rating=5)
    item = story.item()
    assert item.stage == "review"
    assert item.candidate is not None
    assert (item.candidate.caption_id, item.candidate.revision, item.candidate.rating) == ("d1", None, 5)


def test_a_refined_critique_opens_the_next_round_on_the_same_draft(story: Story) -> None:
    story.label()
    story.draft()
    story.critique("d1", "change", "k1")
    story.revision("k1", "r1")
    story.critique("r1", "change", "k2")
    assert (story.item().stage, story.item().unrevised["critique_id"]) == ("revision", "k2")  # type: ignore[index]
    story.revision("k2", "r2")
    turn = story.item().waiting
    assert turn is not None
    assert (turn.round, turn.cause, turn.shown["revision_id"]) == (3, "r2", "r2")  # type: ignore[index]


def test_a_downstream_aspect_waits_for_its_upstream_to_be_approved(story: Story) -> None:
    story.label("motion", "m1")
    assert story.item("motion").stage == "upstream"
    story.until_review()
    story.review("approve", "v1")
    motion = story.item("motion")
    assert (motion.stage, motion.upstream_ids) == ("drafting", ["r1"])


def test_an_edited_critique_does_not_keep_the_revision_of_the_old_one(story: Story) -> None:
    story.until_review()
    story.critique("d1", "change", "k1-edited", annotation=3)
    item = story.item()
    assert (item.stage, item.unrevised["critique_id"]) == ("revision", "k1-edited")  # type: ignore[index]
    assert "critique:r1" not in [turn.key for turn in item.turns]


def test_a_deleted_annotation_does_not_count_and_its_task_is_open_again(story: Story) -> None:
    story.until_review()
    deleted = next(e for e in story.records.events if e["event_id"] == story.records.critiques[0]["event_id"])
    story.event("deleted", annotation=deleted["annotation_id"])
    assert story.item().stage == "critique"
    assert story.item().waiting.key == critique_key("d1")  # type: ignore[union-attr]


def test_an_unreadable_edit_suspends_what_it_replaced(story: Story) -> None:
    story.label()
    story.draft()
    story.critique("d1", "perfect", "k1", rating=5)
    event = story.event()
    story.records.quarantine.append({"event_id": event["event_id"], "chai_key": critique_key("d1")})
    item = story.item()
    assert (item.stage, item.waiting.unreadable["event_id"]) == ("critique", event["event_id"])  # type: ignore


def test_a_rejection_is_told_first_and_then_opens_the_next_round(story: Story) -> None:
    story.until_review()
    story.review("reject", "v1")
    assert (story.item().stage, story.item().waiting.key) == ("feedback", feedback_key("v1"))  # type: ignore[union-attr]
    story.answer("v1", "understood")
    turn = story.item().waiting
    assert turn is not None
    assert (turn.kind, turn.cause, turn.rejection["review_id"]) == ("critique", "v1", "v1")  # type: ignore[index]


@pytest.mark.parametrize(("verdict", "stage"), [("approve", "approved"), ("reject", "critique")])
def test_one_regrade_is_granted_and_its_verdict_stands(story: Story, verdict: str, stage: str) -> None:
    story.until_review()
    story.review("reject", "v1")
    story.answer("v1", "request_regrade")
    turn = story.item().waiting
    assert turn is not None
    assert (turn.kind, turn.grade, turn.dispute.rejection["review_id"]) == ("review", 2, "v1")  # type: ignore[index]
    story.review(verdict, "v2", grade=2)
    assert story.item().stage == stage


def test_a_critiqued_draft_stays_when_its_labels_change_and_an_untouched_one_does_not(story: Story) -> None:
    story.label()
    story.draft()
    story.label(label_id="l2", annotation=1)
    assert story.item().stage == "drafting"
    story.critique("d1", "change", "k1")
    assert story.item().draft["draft_id"] == "d1"  # type: ignore[index]


class TwoVersions(OneVersion):
    """Version 2 asks `pace` anew of the labels named; drafts stand but for those named."""

    def __init__(self, asks: set[str], fallen: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        super().__init__()
        self.asks, self.fallen = asks, fallen

    def question_versions(self, aspect: str) -> list[str]:
        return ["1", "2"]

    def carried_answers(self, label: dict[str, Any]) -> CarriedAnswers:
        return CarriedAnswers({}, ("pace",) if label["label_id"] in self.asks else ())

    def draft_still_valid(self, draft: dict[str, Any], made_from: dict[str, Any], label: dict[str, Any]) -> bool:
        return draft["draft_id"] not in self.fallen


def test_a_release_that_asks_nothing_of_an_item_changes_nothing_for_it(story: Story) -> None:
    story.until_review()
    before, after = story.item(), story.item(rules=TwoVersions(set()))
    assert (after.stage, after.turns, after.asked_again) == (before.stage, before.turns, None)


def test_questions_asked_anew_stand_beside_the_way_and_close_nothing(story: Story) -> None:
    story.until_review()
    item = story.item(rules=TwoVersions({"l1"}))
    assert item.stage == "review"
    assert item.asked_again is not None
    assert (item.asked_again.key, item.asked_again.questions) == (label_key("c", "subject", "2"), ("pace",))
    assert {turn.kind for turn in item.open_turns} == {"primitives", "review"}
    story.review("approve", "v1")
    item = story.item(rules=TwoVersions({"l1"}))
    keys = [turn.key for turn in item.every_turn]
    assert item.stage == "approved"
    assert closable(item, keys) == keys[:-1], "the open question closes with the rest"


def test_an_item_without_a_draft_waits_for_the_new_answers(story: Story) -> None:
    story.label()
    assert story.item(rules=TwoVersions({"l1"})).stage == "labeling"
    assert story.item(rules=TwoVersions(set())).stage == "drafting"


def test_new_answers_undo_a_critiqued_draft_only_where_it_no_longer_says_what_is_to_be_said(story: Story) -> None:
    story.until_review()
    story.label(label_id="l2", asked_in="2")
    kept = story.item(rules=TwoVersions(set()))
    assert (kept.stage, kept.label["label_id"]) == ("review", "l2")  # type: ignore[index]
    fallen = story.item(rules=TwoVersions(set(), {"d1"}))
    assert (fallen.stage, fallen.draft) == ("drafting", None)
    assert fallen.labeled_by == {"ann"}


def test_questions_asked_anew_bring_no_draft_back_that_fell_before(story: Story) -> None:
    story.label()
    story.draft()
    story.critique("d1", "perfect", "k1", rating=5)
    story.draft("d2")
    story.critique("d2", "perfect", "k2", rating=5)
    asked = story.item(rules=TwoVersions({"l1"}, {"d1"}))
    assert (asked.stage, asked.draft["draft_id"]) == ("review", "d2")  # type: ignore[index]


def test_an_older_answer_that_became_unreadable_waits_for_its_correction(story: Story) -> None:
    story.label(annotation=1)
    row = {"chai_key": label_key("c", "subject", "1"), "reason": "why", "remedy": "how"}
    story.records.quarantine.append({**story.event(annotation=1), **row})
    item = story.item(rules=TwoVersions(set()))
    assert (item.stage, item.turns[0].key) == ("labeling", label_key("c", "subject", "1"))
    assert item.turns[0].unreadable is not None


def test_a_corrected_upstream_caption_is_told_and_redone_only_where_the_rules_say_so(story: Story) -> None:
    story.until_review()
    story.review("approve", "v1")
    story.label("motion", "m1")
    story.draft("d2", "motion", "m1", upstream=["older"])
    assert story.item("motion").stage == "drafting", "an untouched draft is written again"
    story.critique("d2", "perfect", "k9", rating=5)
    accepted = story.item("motion")
    assert (accepted.stage, accepted.stale_upstream) == ("review", {"subject": "older"})
    assert story.item("motion", OneVersion(redo_upstream=True)).stage == "drafting"
    [row] = rest_on_corrected([accepted], {"older": "a red car"})
    assert (row.rests_on, row.difference) == ("subject", "-a red car +r1")


def test_a_clip_with_a_reported_problem_is_set_aside(story: Story) -> None:
    story.label(problem="unplayable")
    assert story.item().stage == "set_aside"


def test_tasks_close_when_built_on_or_left_behind_and_all_close_at_approval(story: Story) -> None:
    story.until_review()
    item = story.item()
    keys = [turn.key for turn in item.turns]
    assert closable(item, [*keys, "critique:old"]) == [*keys[:-1], "critique:old"]
    story.review("approve", "v1")
    assert closable(story.item(), keys) == keys


def test_the_order_in_which_rows_lie_does_not_matter(story: Story) -> None:
    story.until_review()
    story.review("approve", "v1")
    shuffled = replace(story.records, critiques=story.records.critiques[::-1], events=story.records.events[::-1])
    first = standings(story.records, OneVersion())
    assert [(s.stage, s.turns) for s in standings(shuffled, OneVersion())] == [(s.stage, s.turns) for s in first]
