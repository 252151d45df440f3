"""Carries answers from one version of an aspect to another, and says whether two versions mean the same.

An answer is kept where its question still means the same; only the others are asked again. A caption stays valid as
long as the answers it was made from still say the same. Pure functions of two versions of an aspect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chai_assets.spec.compile import PRESENT, Answers, applicable, conflicting, decisions, derive, text_answers
from chai_assets.spec.models import NOT_APPLICABLE, Aspect, Attribute, Primitive

CaptionContent = tuple[Any, ...]
"""What a caption has to say, to be compared and nothing else."""


@dataclass(frozen=True)
class CarriedAnswers:
    """Answers carried over to another version of an aspect."""

    answers: Mapping[str, list[str]]
    """The answers that are kept, by attribute; a new question that does not apply is answered n/a."""
    ask: tuple[str, ...] = ()
    """Questions to ask, new or again, in the order in which they are asked."""


def carry(old: Aspect, new: Aspect, answers: Answers) -> CarriedAnswers:
    """Answers given under `old`, carried over to `new`."""
    found = _carry(old, new, answers, frozenset())
    clash = conflicting(new, found.answers)
    return _carry(old, new, answers, frozenset(clash)) if clash else found


def caption_content(aspect: Aspect, answers: Answers) -> CaptionContent:
    """What a caption made from these answers has to say; equal for two versions where they ask for the same."""
    states = derive(aspect, answers)
    present = sorted((p.id, p.meaning) for p in aspect.primitives if p.says and states[p.id] == PRESENT)
    return (aspect.meaning, tuple(present), tuple(sorted(text_answers(aspect, answers).items())))


def asks_the_same(old: Attribute, new: Attribute) -> bool:
    """Whether a question still means the same, whatever its words."""
    return _question_meaning(old) == _question_meaning(new)


def means_the_same(old: Primitive, new: Primitive) -> bool:
    """Whether a primitive still means the same, whatever its words."""
    return _primitive_meaning(old) == _primitive_meaning(new)


def unchanged(old: Aspect, new: Aspect) -> bool:
    """Whether nothing of an aspect changed but words: every answer and caption made under `old` stays valid."""
    return _aspect_meaning(old) == _aspect_meaning(new)


def _carry(old: Aspect, new: Aspect, answers: Answers, again: frozenset[str]) -> CarriedAnswers:
    before = {attribute.id: attribute for attribute in old.attributes}
    kept: dict[str, list[str]] = {}
    ask: list[str] = []
    for attribute in new.attributes:
        given = list(answers.get(attribute.id, ()))
        valid = attribute.id in before and _answer_still_valid(before[attribute.id], attribute, given)
        if attribute.id in again or any(name in ask for name in attribute.applies_when):
            ask.append(attribute.id)
        elif valid:
            kept[attribute.id] = given
        elif applicable(attribute, decisions(new, kept)):
            ask.append(attribute.id)
        else:
            kept[attribute.id] = [] if attribute.kind == "text" else [NOT_APPLICABLE]
    return CarriedAnswers(kept, tuple(ask))


def _answer_still_valid(old: Attribute, new: Attribute, given: Sequence[str]) -> bool:
    """Whether an answer is still valid: the question means the same, or only lost options that were not chosen."""
    if asks_the_same(old, new):
        return True
    *was, had = _question_meaning(old)
    *now, has = _question_meaning(new)
    return was == now and has < had and set(given) <= set(new.answers)


def _question_meaning(attribute: Attribute) -> tuple[Any, ...]:
    options = frozenset((option.id, option.alone) for option in attribute.options)
    return (attribute.kind, attribute.required, _as_sets(attribute.applies_when), attribute.meaning, options)


def _primitive_meaning(primitive: Primitive) -> tuple[Any, ...]:
    return (_as_sets(primitive.given_by), frozenset(primitive.excludes), primitive.meaning, primitive.says is None)


def _as_sets(conditions: Mapping[str, Sequence[str]]) -> frozenset[tuple[str, frozenset[str]]]:
    return frozenset((name, frozenset(options)) for name, options in conditions.items())


def _aspect_meaning(aspect: Aspect) -> tuple[Any, ...]:
    return (
        aspect.meaning,
        aspect.depends_on,
        {attribute.id: _question_meaning(attribute) for attribute in aspect.attributes},
        {primitive.id: _primitive_meaning(primitive) for primitive in aspect.primitives},
    )
