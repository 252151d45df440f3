"""The yes/no questions of the specification, and what the hand-written answers say to them."""

from pathlib import Path

import pytest

from chai_assets.spec.compile import derive
from chai_assets.spec.models import Aspect
from chai_assets.spec.questions import answers, questions
from chai_assets.spec.versioning.releases import load_spec
from tests.spec.answers import walker

GOLDEN = Path(__file__).with_name("walker-questions.txt")
ASPECTS = list(load_spec().aspects.values())


def rendered() -> str:
    """Every question of the worked example with its statement and answer, as one text."""
    lines = []
    for aspect in ASPECTS:
        asked = questions(aspect)
        said = answers(asked, derive(aspect, walker()[aspect.id]))
        lines += [f"[{aspect.id}]"]
        for question in asked:
            answer = said[question["primitive"]]
            lines += [f"{question['primitive']}: {question['question']} {answer or 'not asked'}"]
            lines += [f"    {question['statement']}"]
        lines += [""]
    return "\n".join(lines)


def test_the_worked_example_asks_and_answers_as_its_golden_file() -> None:
    assert rendered() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.id)
def test_every_primitive_is_asked_about_once_in_a_question_of_its_own(aspect: Aspect) -> None:
    asked = questions(aspect)
    assert [question["primitive"] for question in asked] == [primitive.id for primitive in aspect.primitives]
    assert len({question["question"] for question in asked}) == len(asked)
    for question in asked:
        assert question["question"].endswith("?")
        assert "{" not in question["question"] + question["statement"]


def test_only_what_was_looked_for_is_answered() -> None:
    camera = next(aspect for aspect in ASPECTS if aspect.id == "camera")
    said = answers(questions(camera), derive(camera, walker()["camera"]))
    assert (said["pan-left"], said["pan-right"], said["zoom-in"]) == ("yes", "no", "yes")
    assert said["slow-motion"] is None  # nobody was sure of the playback
    assert said["focus-on-foreground"] is None  # everything is sharp
