"""What becomes of answers and captions when the specification moves on from one version to another.

An answer is kept wherever its question still means the same; only the others are asked again. A caption stands
for as long as the answers it was made from still say the same. Pure functions of two versions of an aspect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chai_assets.spec.compile import PRESENT, Answers, applicable, conflicting, decisions, derive, written
from chai_assets.spec.models import NOT_APPLICABLE, Aspect, Attribute, Primitive

Said = tuple[Any, ...]


@dataclass(frozen=True)
class Carried:
    """Answers as they stand under another version of an aspect."""

    answers: Mapping[str, list[str]]
    """The answers that are kept, by attribute; a new question that does not apply is answered n/a."""
    ask: tuple[str, ...] = ()
    """Questions to ask, new or again, in the order in which they are asked."""


def carry(old: Aspect, new: Aspect, answers: Answers) -> Carried:
    """Answers given under `old`, as they stand under `new`."""
    found = _carry(old, new, answers, frozenset())
    clash = conflicting(new, found.answers)
    return _carry(old, new, answers, frozenset(clash)) if clash else found


def said(aspect: Aspect, answers: Answers) -> Said:
    """What a caption made from these answers has to say; equal for two versions where they ask for the same."""
    states = derive(aspect, answers)
    present = sorted((p.id, p.meaning) for p in aspect.primitives if p.says and states[p.id] == PRESENT)
    return (aspect.meaning, tuple(present), tuple(sorted(written(aspect, answers).items())))


def asks_the_same(old: Attribute, new: Attribute) -> bool:
    """Whether a question still means the same, whatever its words."""
    return _asked(old) == _asked(new)


def means_the_same(old: Primitive, new: Primitive) -> bool:
    """Whether a primitive still means the same, whatever its words."""
    return _held(old) == _held(new)


def unchanged(old: Aspect, new: Aspect) -> bool:
    """Whether nothing of an aspect changed but words: every answer and every caption made under `old` stands."""
    return _whole(old) == _whole(new)


def _carry(old: Aspect, new: Aspect, answers: Answers, again: frozenset[str]) -> Carried:
    before = {attribute.id: attribute for attribute in old.attributes}
    kept: dict[str, list[str]] = {}
    ask: list[str] = []
    for attribute in new.attributes:
        given = list(answers.get(attribute.id, ()))
        stands = attribute.id in before and _stands(before[attribute.id], attribute, given)
        if attribute.id in again or any(name in ask for name in attribute.applies_when):
            ask.append(attribute.id)
        elif stands:
            kept[attribute.id] = given
        elif applicable(attribute, decisions(new, kept)):
            ask.append(attribute.id)
        else:
            kept[attribute.id] = [] if attribute.kind == "text" else [NOT_APPLICABLE]
    return Carried(kept, tuple(ask))


def _stands(old: Attribute, new: Attribute, given: Sequence[str]) -> bool:
    """Whether an answer stands: the question means the same, or only lost options that were not chosen."""
    if asks_the_same(old, new):
        return True
    *was, had = _asked(old)
    *now, has = _asked(new)
    return was == now and has < had and set(given) <= set(new.answers)


def _asked(attribute: Attribute) -> tuple[Any, ...]:
    options = frozenset((option.id, option.alone) for option in attribute.options)
    return (attribute.kind, attribute.required, _plain(attribute.applies_when), attribute.meaning, options)


def _held(primitive: Primitive) -> tuple[Any, ...]:
    return (_plain(primitive.given_by), frozenset(primitive.excludes), primitive.meaning, primitive.says is None)


def _plain(conditions: Mapping[str, Sequence[str]]) -> frozenset[tuple[str, frozenset[str]]]:
    return frozenset((name, frozenset(options)) for name, options in conditions.items())


def _whole(aspect: Aspect) -> tuple[Any, ...]:
    return (
        aspect.meaning,
        aspect.depends_on,
        {attribute.id: _asked(attribute) for attribute in aspect.attributes},
        {primitive.id: _held(primitive) for primitive in aspect.primitives},
    )
