"""A label that a critique corrects: when it counts, what moves by it, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chai_assets.annotation.results import Malformed
from chai_assets.critique import page as critique_page
from chai_assets.critique.findings import Finding
from chai_assets.critique.label_answers import LabelAnswers, corrections_of
from chai_assets.critique.label_questions import label_questions
from chai_assets.demo.material import truth
from chai_assets.labeling import page as labeling_page
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.review import page as review_page
from chai_assets.review.label_doubts import _contradicted, _not_applied  # pyright: ignore[reportPrivateUsage]
from chai_assets.spec.models import NOT_APPLICABLE
from chai_assets.spec.versioning.releases import load_spec
from chai_assets.workflow.labels_in_force import answers_of, labels_in_force
from tests.labels.loop import Loop, guard
from tests.world import plain_answers

Page = list[dict[str, Any]]
RIGHT, LEFT = ["pan right"], ["pan left"]


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return labeled(tmp_path)


def labeled(home: Path, turns: list[str] = RIGHT, **others: list[str]) -> Loop:
    """A camera that pans left, labeled as panning right or otherwise, and drafted."""
    loop = Loop(home)
    answers = plain_answers(loop.spec.aspects["camera"]) | {"movement": ["slow"], "turns": turns} | others
    asked = loop.spec.aspects["camera"].attributes
    given = {attribute.id: answers.get(attribute.id) or [NOT_APPLICABLE] for attribute in asked}
    loop.submit(lambda _, data: labeling_page.write(data, labeling_page.Labels(given, None, None)))
    loop.write()
    assert ("pans right" in loop.records.drafts[0]["text"]) == (turns == RIGHT)
    return loop


def finding(data: dict[str, Any]) -> Finding:
    start = data["draft"].index("right")
    return Finding.mark(data["draft_id"], data["draft"], "wrong", start, start + len("right"), "left")


def critique(corrected: dict[str, list[str]], stands: str | None = None, rating: int = 3) -> Any:
    """An answer to a critique page: the pan goes the other way."""

    def answer(_: str, data: dict[str, Any]) -> Page:
        findings = (finding(data),) if rating < 5 else ()
        said = critique_page.CritiqueAnswer(rating, findings, LabelAnswers(corrected, stands))
        return critique_page.write(data, said)

    return answer


def review(verdict: Any, right: bool = True, stands: str | None = None) -> Any:
    def answer(_: str, data: dict[str, Any]) -> Page:
        said = review_page.ReviewAnswer(
            verdict,
            tuple((row["finding_id"], True) for row in data["findings"]),
            ("Something is amiss.",) if verdict == "reject" else (),
            ("critique_incomplete",) if verdict == "reject" else (),
            None,
            tuple((row["correction_id"], right) for row in data["corrections"]),
            stands,
        )
        return review_page.write(data, said)

    return answer


def until_review(loop: Loop, corrected: dict[str, list[str]], stands: str | None = None) -> None:
    loop.submit(critique(corrected, stands))
    loop.write()
    loop.submit(critique(corrected, stands, rating=5))
    assert loop.item.stage == "review"


def test_a_correction_is_in_force_once_the_reviewer_ticks_it_right_and_the_old_answer_stays(loop: Loop) -> None:
    until_review(loop, {"turns": LEFT})
    assert loop.item.answers["turns"] == RIGHT
    loop.submit(review("approve"))
    item = loop.item
    assert (item.stage, item.answers["turns"], loop.states["pan-left"]) == ("approved", LEFT, "present")
    assert loop.contradicting() == []
    assert answers_of(loop.records.labels[0])["turns"] == RIGHT
    assert item.label != loop.records.labels[0]
    [first, _] = loop.records.corrections
    assert (first["before"], first["after"], first["author"]) == (RIGHT, LEFT, "ann")
    assert first["finding_ids"] == [loop.records.critiques[0]["findings"][0]["finding_id"]]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_a_correction_ticked_wrong_changes_nothing_and_cannot_be_approved(loop: Loop, verdict: str) -> None:
    until_review(loop, {"turns": LEFT})
    if verdict == "approve":
        with pytest.raises(guard.NoAnswer, match="a correction of a label is ticked wrong"):
            loop.submit(review(verdict, right=False))
    else:
        loop.submit(review(verdict, right=False))
    assert loop.item.answers["turns"] == RIGHT


def test_a_fix_against_the_label_is_asked_about_and_passes_with_the_correction_or_a_reason(loop: Loop) -> None:
    with pytest.raises(guard.NoAnswer, match="says pan left, which the agreed answers deny; correct the answer"):
        loop.submit(critique({}))
    until_review(loop, {}, "It pans left at once, and right for the rest.")
    task = loop.task()
    assert task is not None
    assert "pan left, which the labels deny" in task.task.data["contradiction_lines"]
    loop.submit(review("approve"))
    approval = loop.item.approval
    assert approval is not None
    assert (approval["label_stands"], approval["contradicts"]) == (
        "It pans left at once, and right for the rest.",
        ["pan-left"],
    )
    assert loop.item.answers["turns"] == RIGHT


def test_a_caption_against_its_label_is_not_approved_without_a_word(loop: Loop) -> None:
    until_review(loop, {}, "Both are right.")
    accepted = loop.records.critiques[-1]
    loop.records.critiques[-1] = {**accepted, "label_stands": None}
    with pytest.raises(guard.NoAnswer, match="approved, yet the caption contradicts the labels"):
        loop.submit(review("approve"))
    loop.submit(review("approve", stands="I see both."))
    assert loop.item.stage == "approved"


def test_a_correction_that_the_specification_forbids_is_given_back_with_what_to_do(loop: Loop) -> None:
    with pytest.raises(Malformed, match=r"static camera .* cannot both hold - correct one of these answers"):
        loop.submit(critique({"movement": ["static"], "turns": LEFT}))
    assert loop.records.corrections == []


def test_what_no_longer_applies_by_a_correction_is_answered_na_with_it() -> None:
    spec = load_spec()
    spatial, answers = spec.aspects["spatial"], truth()["dolly-in-forest-deer", 0]["spatial"]
    given = {attribute.id: answers.get(attribute.id) or [NOT_APPLICABLE] for attribute in spatial.attributes}
    data = label_questions(spatial, given, "", lexicon_of(spec, "spatial"))
    corrections = corrections_of(data, spatial, {"size_change": ["constant"]})
    assert [(row["attribute"], row["before"], row["after"]) for row in corrections] == [
        ("size_change", given["size_change"], ["constant"]),
        ("end_size", given["end_size"], [NOT_APPLICABLE]),
    ]


def test_a_draft_that_nobody_critiqued_is_written_again_from_the_corrected_label(loop: Loop) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    [draft] = loop.records.drafts
    loop.lineage.draft_still_valid = lambda draft, *_: draft["draft_id"] != loop.records.drafts[0]["draft_id"]  # type: ignore[method-assign]
    later: Any = {**draft, "draft_id": "drf_unseen", "recorded_at": loop.clock}
    loop.records.drafts.append(later)
    assert (loop.item.stage, loop.item.draft) == ("drafting", None)
    loop.write()
    written = loop.records.drafts[-1]
    assert "pans left" in written["text"]
    assert written["label_id"] == (loop.item.label or {})["label_id"]


def test_of_two_corrections_that_disagree_the_first_counts_and_the_other_is_listed(loop: Loop) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    [_, first] = loop.records.corrections
    other_critique: Any = {**loop.records.critiques[-1], "critique_id": "crt_other", "chai_key": "critique:other"}
    other: Any = {**first, "critique_id": "crt_other", "correction_id": "cor_other", "after": ["tilt up"]}
    said: Any = {**loop.records.reviews[-1], "review_id": "rvw_other", "chai_key": "review:other:1"}
    said |= {"correction_ticks": [{"correction_id": "cor_other", "right": True}], **loop._event("review:other:1")}
    loop.records.critiques.append(other_critique)
    loop.records.corrections.append(other)
    loop.records.reviews.append(said)
    assert loop.item.answers["turns"] == LEFT
    [doubt] = _not_applied(labels_in_force(loop.records))
    assert doubt["what"] == 'turns: "pan right" becomes "tilt up"'


def test_an_approved_caption_of_another_aspect_that_the_correction_denies_is_listed_not_changed(loop: Loop) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    camera = loop.item
    assert camera.candidate is not None
    assert camera.candidate.revision is not None
    revision: Any = {**camera.candidate.revision, "text": "The boat drifts by while the camera pans right."}
    other = replace(camera, aspect="scene", candidate=replace(camera.candidate, revision=revision), label=None)
    [doubt] = _contradicted([camera, other], loop.spec)
    assert (doubt["aspect"], doubt["kind"]) == ("scene", "contradicted")
    assert "pan right, which the labels deny" in doubt["what"]


def test_the_page_shows_the_question_of_marked_words_first_with_words_and_agreed_answer(loop: Loop) -> None:
    task = loop.task()
    assert task is not None
    rows = task.task.data["labels"]
    [turns] = [row for row in rows if row["key"] == "turns"]
    assert 'Agreed: pan right. In the draft: "The camera' in turns["q"]
    spoken = [bool(row["marks"]) for row in rows]
    assert spoken == sorted(spoken, reverse=True)
    assert {row["key"] for row in (*rows, *task.task.data["label_texts"])} == {
        attribute.id for attribute in loop.spec.aspects["camera"].attributes
    }
