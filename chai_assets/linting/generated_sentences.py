"""Sentences made from a primitive: that it holds, that it does not, and that something it is confused with does.

By them a specification is tried before it is used: what the linter does not hear in them, it hears in no caption.
"""

import re
from dataclasses import dataclass

from chai_assets.linting.caption_lint import lint_caption
from chai_assets.linting.lexicon import Lexicon, compile_lexicon
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import SLOT, Aspect, Primitive

_VERB_BE = re.compile(r"\b(is|are)\b")


@dataclass(frozen=True)
class Sentences:
    """What is made of one primitive; empty where its sentence wants a text or it has none."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    confusable: dict[str, str]
    """By a primitive that it is confused with, the sentence of that one."""


@dataclass(frozen=True)
class Unheard:
    """A sentence that the linter takes wrongly. `fault` says how, and what to do about it."""

    primitive: str
    sentence: str
    fault: str


def sentences_of(aspect: Aspect) -> dict[str, Sentences]:
    """The sentences of each primitive of an aspect, by its id."""
    by_id = {primitive.id: primitive for primitive in aspect.primitives}
    return {
        name: Sentences(
            tuple(_positive(primitive)),
            tuple(_negative(primitive)),
            {
                other: by_id[other].says or ""
                for other in primitive.confused_with
                if other in by_id and _said(by_id[other])
            },
        )
        for name, primitive in by_id.items()
    }


def unheard(aspect: Aspect) -> list[Unheard]:
    """The sentences of an aspect that the linter misses where labels deny them, or flags where they are right."""
    lexicon, found = compile_lexicon(aspect), []
    absent = dict.fromkeys(lexicon.primitives, ABSENT)
    for name, made in sentences_of(aspect).items():
        found += [
            Unheard(name, sentence, "is not flagged where the labels deny it: word `says` as captions say it")
            for sentence in made.positive
            if not _flagged(sentence, lexicon, absent)
        ]
        found += [
            Unheard(name, sentence, "is flagged although it says that it is not so: word `says` more exactly")
            for sentence in made.negative
            if _flagged(sentence, lexicon, absent, name)
        ]
        for other, sentence in made.confusable.items():
            if _flagged(sentence, lexicon, absent | {other: PRESENT}):
                fault = f"is flagged where the labels have {other}: word the `says` of both so that they differ"
                found.append(Unheard(name, sentence, fault))
    return found


def _flagged(sentence: str, lexicon: Lexicon, states: dict[str, str], name: str | None = None) -> bool:
    """Whether it is said to contradict the states; with a name only in what it says of that primitive."""
    flags = lint_caption(sentence, lexicon, states)
    return any(flag.kind == "contradiction" and name in (None, flag.primitive) for flag in flags)


def _said(primitive: Primitive) -> bool:
    return bool(primitive.says) and not SLOT.search(primitive.says or "")


def _positive(primitive: Primitive) -> list[str]:
    """Its sentence by itself, within a longer one, and held for some time."""
    if not _said(primitive):
        return []
    says = (primitive.says or "").rstrip(".")
    within = f"{says}, and a kettle stands on a shelf."
    held = _VERB_BE.sub("remains" if " is " in f"{says} " else "remain", says, count=1)
    return list(dict.fromkeys([f"{says}.", within, f"{held}."]))


def _negative(primitive: Primitive) -> list[str]:
    """That it is not so, where a form of "to be" makes that easy to say."""
    if not _said(primitive) or not _VERB_BE.search(primitive.says or ""):
        return []
    return [_VERB_BE.sub(lambda verb: f"{verb[1]} not", primitive.says or "", count=1)]
