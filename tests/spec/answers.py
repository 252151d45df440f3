"""Answers to the specification's questions for tests: every valid set of them, and one written by hand."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from chai_assets.spec.models import NOT_APPLICABLE, UNSURE, Aspect, Attribute

Answers = dict[str, list[str]]

_WORDS = st.text("abcdefghij äß'-", min_size=1, max_size=40).filter(lambda text: text.strip(" -"))


def walker() -> dict[str, Answers]:
    """The hand-written answers, by aspect."""
    return yaml.safe_load(Path(__file__).with_name("walker.yaml").read_text(encoding="utf-8"))


@st.composite
def form_answers(draw: Any, aspect: Aspect, *, sure: bool = False) -> Answers:
    """What the page lets through question by question; `sure` leaves no question open.

    Answers that contradict each other across questions are among them.
    """
    answers: Answers = {}
    for attribute in aspect.attributes:
        applies = all(set(answers.get(name, ())) & set(options) for name, options in attribute.applies_when.items())
        answers[attribute.id] = draw(_answer(attribute, applies, sure))
    return answers


def _answer(attribute: Attribute, applies: bool, sure: bool) -> st.SearchStrategy[list[str]]:
    if attribute.kind == "text":
        some = _WORDS.map(lambda text: [text])
        nothing = st.sampled_from([[], [""], [NOT_APPLICABLE]])
        if not applies:
            return nothing
        return some if attribute.required else some | nothing
    if not applies:
        return st.sampled_from([[NOT_APPLICABLE], []])
    single = st.sampled_from([option.id for option in attribute.options]).map(lambda option: [option])
    open_ = single if sure else single | st.just([UNSURE])
    if attribute.kind == "choice":
        return open_
    together = [option.id for option in attribute.options if not option.alone]
    return open_ | st.lists(st.sampled_from(together), min_size=1, unique=True)
