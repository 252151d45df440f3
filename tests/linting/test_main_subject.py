"""What a caption says of its main subject and its scene counts; what it says of others does not."""

import pytest

from chai_assets.linting.caption_lint import lint_caption
from chai_assets.linting.lexicon import lexicon_of
from tests.linting.test_caption_lint import SPEC, flagged, labeled

SAID_OF_THE_SUBJECT = [
    ("spatial", "A baker kneads dough. The baker stands on the left side of the frame.", ["frame-right"], "frame-left"),
    ("spatial", "On the right of the frame, a baker kneads dough.", ["frame-left"], "frame-right"),
    ("spatial", "A cyclist rides from left to right.", ["moves-right-to-left"], "moves-left-to-right"),
    ("spatial", "A boy sits in the background.", ["subject-in-foreground"], "subject-in-background"),
    ("scene", "The scene is set indoors.", ["exterior"], "interior"),
    ("scene", "An outdoor market at night.", ["daylight"], "night"),
    ("subject", "Two men wait by a door.", ["single-subject"], "two-subjects"),
    ("subject", "A woman leads the others along a ridge.", ["central-figure"], "leader-and-followers"),
    ("motion", "A nurse runs down a corridor.", ["walking"], "running"),
    ("motion", "A nurse walks down a corridor.", ["still-subject"], "walking"),
]


@pytest.mark.parametrize(("aspect", "text", "present", "denied"), SAID_OF_THE_SUBJECT)
def test_what_is_said_of_the_main_subject_and_the_scene_is_flagged(
    aspect: str, text: str, present: list[str], denied: str
) -> None:
    states = {name.replace("_", "-"): state for name, state in labeled(aspect, *present).items()}
    flags = lint_caption(text, lexicon_of(SPEC, aspect), states)
    assert [flag.primitive for flag in flags if flag.kind == "contradiction"] == [denied]


@pytest.mark.parametrize(
    ("aspect", "text", "present"),
    [
        ("spatial", "A baker kneads dough. A cat sleeps on the left side of the frame.", ["frame-right"]),
        ("spatial", "A baker kneads dough beside a shelf on the left.", ["frame-right"]),
        ("spatial", "A baker looks toward the camera.", ["recedes-from-camera"]),
        ("scene", "Through a window, trees stand outdoors in a painting.", ["exterior"]),
        ("subject", "Two men's coats hang by a door.", ["single-subject"]),
        ("motion", "A nurse walks past a boy who runs.", ["walking"]),
        ("motion", "A nurse sits while another woman runs.", ["walking"]),
    ],
)
def test_what_is_said_of_others_is_left_alone(aspect: str, text: str, present: list[str]) -> None:
    assert [kind for kind, _ in flagged(text, aspect, **labeled(aspect, *present)) if kind == "contradiction"] == []
