"""Rows, states, facts and sentences that follow from the released specification."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chai_assets.spec.compile import check_answers, derive, facts, labeling_rows, statements
from chai_assets.spec.models import SLOT, Aspect
from chai_assets.spec.versioning.releases import load_spec
from tests.spec.answers import form_answers, walker

GOLDEN = Path(__file__).with_name("walker.txt")
ASPECTS = list(load_spec().aspects.values())
CAMERA, SCENE, SUBJECT, MOTION = (load_spec().aspects[name] for name in ("camera", "scene", "subject", "motion"))


def answered(aspect: Aspect, **changes: list[str]) -> dict[str, list[str]]:
    return {**walker()[aspect.id], **changes}


def rendered() -> str:
    """Everything that is made from the hand-written answers, and the rows of one aspect, as one text."""
    lines = ["# captions"]
    for aspect in ASPECTS:
        lines += ["", f"[{aspect.id}]", *statements(aspect, walker()[aspect.id])]
    lines += ["", "# facts of the motion prompt", "", *facts(MOTION, walker()["motion"])]
    lines += ["", "# rows of the motion page"]
    for group, rows in labeling_rows(MOTION).items():
        lines += ["", f"[{group}]"]
        for row in rows:
            options = [option["value"] for option in row.get("options", [])]
            lines += [f"{row['key']}: {row['q']}", *([f"    {row['help']}"] if row["help"] else [])]
            lines += [f"    > {' | '.join(options)}"] if options else []
    return "\n".join(lines) + "\n"


def test_the_worked_example_reads_as_its_golden_file() -> None:
    assert rendered() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.id)
def test_every_question_stands_on_the_page_once_with_all_its_answers(aspect: Aspect) -> None:
    groups = labeling_rows(aspect)
    rows = {row["key"]: row for group in ("choices", "several", "texts") for row in groups[group]}
    assert sorted(rows) == sorted(attribute.id for attribute in aspect.attributes)
    for attribute in aspect.attributes:
        values = [option["value"] for option in rows[attribute.id].get("options", [])]
        assert values == list(attribute.answers)
        assert ("n/a" in values) == (attribute.kind != "text" and bool(attribute.applies_when))


@given(data=st.data(), aspect=st.sampled_from(ASPECTS))
def test_valid_answers_give_three_states_no_contradiction_and_whole_sentences(
    data: st.DataObject, aspect: Aspect
) -> None:
    answers = data.draw(form_answers(aspect))
    assume(not check_answers(aspect, answers))
    states = derive(aspect, answers)
    assert list(states) == [primitive.id for primitive in aspect.primitives]
    assert set(states.values()) <= {"present", "absent", "not_applicable"}
    present = {name for name, state in states.items() if state == "present"}
    for primitive in aspect.primitives:
        assert primitive.id not in present or not present & set(primitive.excludes)
    sentences = statements(aspect, answers)
    spoken = {primitive.id for primitive in aspect.primitives if primitive.says}
    assert len(sentences) == len(set(sentences)) >= len(present & spoken)
    for sentence in sentences:
        assert sentence.endswith(".")
        assert not sentence.endswith("..")
        assert sentence[0].isupper()
        assert not SLOT.search(sentence)
        assert len(sentence.splitlines()) == 1


@given(data=st.data(), aspect=st.sampled_from(ASPECTS))
def test_the_only_fault_of_a_form_filled_question_by_question_is_a_contradiction(
    data: st.DataObject, aspect: Aspect
) -> None:
    answers = data.draw(form_answers(aspect))
    for problem in check_answers(aspect, answers):
        assert "cannot both hold" in problem


@given(data=st.data(), aspect=st.sampled_from(ASPECTS))
def test_a_clip_without_doubt_has_a_caption_of_every_aspect(data: st.DataObject, aspect: Aspect) -> None:
    answers = data.draw(form_answers(aspect, sure=True))
    assume(not check_answers(aspect, answers))
    assert statements(aspect, answers)


def test_unsure_and_not_applicable_decide_nothing_and_looked_for_means_absent() -> None:
    states = derive(CAMERA, answered(CAMERA, turns=["unsure"]))
    assert states["pan-left"] == states["tilt-up"] == "not_applicable"
    assert states["focus-on-foreground"] == "not_applicable"
    assert states["zoom-in"] == "present"
    assert states["zoom-out"] == "absent"


def test_what_rests_on_a_question_nobody_could_decide_is_not_applicable() -> None:
    answers = answered(MOTION, movement=["unsure"], speed=["fast"])
    assert derive(MOTION, answers)["fast-subject"] == "not_applicable"


def test_a_dolly_zoom_needs_the_zoom_and_the_dolly_against_each_other() -> None:
    both = answered(CAMERA, zoom=["in with dolly out"], travel=["dolly out"], tracking=["none"])
    states = derive(CAMERA, both)
    assert check_answers(CAMERA, both) == []
    assert [states[name] for name in ("dolly-out-zoom-in", "dolly-out", "zoom-in")] == ["present"] * 3
    assert derive(CAMERA, {**both, "zoom": ["in"]})["dolly-out-zoom-in"] == "absent"
    assert derive(CAMERA, {**both, "travel": ["dolly in"]})["dolly-out-zoom-in"] == "absent"


@pytest.mark.parametrize(
    ("aspect", "changes", "names", "remedy"),
    [
        (CAMERA, {"pan": ["left"]}, "pan: no question", "remove"),
        (CAMERA, {"zoom": ["inward"]}, "zoom: no such answer as 'inward'", "choose from none, in, out"),
        (CAMERA, {"zoom": []}, "zoom: not answered", "choose one of"),
        (CAMERA, {"zoom": ["in", "out"]}, "zoom: 2 answers, in and out", "keep one"),
        (CAMERA, {"turns": ["none", "pan left"]}, "turns: 'none' beside", "keep it alone"),
        (CAMERA, {"turns": ["unsure", "pan left"]}, "turns: 'unsure' beside", "keep it alone"),
        (CAMERA, {"focus_plane": ["background"]}, "focus_plane: answered, but", "choose n/a"),
        (CAMERA, {"depth_of_field": ["shallow"]}, "focus_plane: n/a although it applies", "unsure"),
        (CAMERA, {"movement": ["static"]}, "movement, turns: static camera and pan left", "correct one"),
        (CAMERA, {"turns": ["roll clockwise"], "dutch": ["held"]}, "dutch, turns: held Dutch", "correct one"),
        (SCENE, {"place": []}, "place: not answered", "write a few words"),
        (SCENE, {"place": ["N/A"]}, "place: not answered", "write a few words"),
        (SCENE, {"place": ["a square", "a street"]}, "place: 2 texts", "keep one"),
        (SCENE, {"place": ["a square\nat noon"]}, "place: has line breaks", "write one line"),
        (SCENE, {"place": ["a square\ud800"]}, "place: has line breaks or control", "write one line"),
        (SCENE, {"place": ["a" * 301]}, "place: 301 characters", "keep it to 300"),
        (SCENE, {"activity": ["still"]}, "what_moves: answered, but", "clear it"),
    ],
)
def test_an_answer_that_cannot_be_used_is_named_with_its_remedy(
    aspect: Aspect, changes: dict[str, list[str]], names: str, remedy: str
) -> None:
    [problem, *_] = check_answers(aspect, answered(aspect, **changes))
    said, _, what_to_do = problem.partition(" - ")
    assert said.startswith(names)
    assert remedy in what_to_do


def test_text_is_trimmed_into_the_sentence_and_braces_in_it_are_only_text() -> None:
    [first, *_] = statements(SUBJECT, answered(SUBJECT, subject=["  a sign\u00a0that reads {subject}.\n"]))
    assert first == "The subject is a sign that reads {subject}."
