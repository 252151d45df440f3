"""Yes/no questions about a clip, one for each primitive, and their answers from what people labeled.

They are put to a model that watches the clip. How they are asked and scored does not belong here.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import SLOT, Aspect, Primitive

YES, NO = "yes", "no"

_ANSWERS: dict[str, Literal["yes", "no"]] = {PRESENT: YES, ABSENT: NO}


def questions(aspect: Aspect) -> list[dict[str, str]]:
    """A question for each primitive, in the specification's order.

    `statement` says the same as a sentence that is true of the clip where the answer is yes.
    """
    return [
        {
            "primitive": primitive.id,
            "aspect": aspect.id,
            "sub_aspect": primitive.sub_aspect,
            "term": primitive.term,
            "question": _question(primitive),
            "statement": _statement(primitive),
        }
        for primitive in aspect.primitives
    ]


def denials(aspect: Aspect) -> dict[str, tuple[str, str]]:
    """By primitive the question and the statement that are true of a clip where the primitive is absent."""
    return {primitive.id: (_denying_question(primitive), _denial(primitive)) for primitive in aspect.primitives}


def answers(asked: Iterable[Mapping[str, str]], states: Mapping[str, str]) -> dict[str, Literal["yes", "no"] | None]:
    """The answer to each question by primitive, from the states that `compile.derive` gives.

    None where a primitive does not apply or nobody was sure: such a question is not put to a model.
    """
    return {question["primitive"]: _ANSWERS.get(states[question["primitive"]]) for question in asked}


def _statement(primitive: Primitive) -> str:
    says = primitive.says
    return primitive.definition if says is None or SLOT.search(says) else says


def _denial(primitive: Primitive) -> str:
    said = _statement(primitive).removesuffix(".")
    # Where a statement has two sentences, both together are what is denied.
    return f"It is not true of this video that {_one_clause(said)}."


def _question(primitive: Primitive) -> str:
    # The term is quoted, so that the words fit whatever it is: a thing, a manner or a place.
    return f'Does the term "{primitive.term}" apply to this video, in the sense that {_meaning(primitive)}?'


def _denying_question(primitive: Primitive) -> str:
    return f'Is this video free of what the term "{primitive.term}" stands for, namely that {_meaning(primitive)}?'


def _meaning(primitive: Primitive) -> str:
    return _one_clause(primitive.definition.removesuffix("."))


def _one_clause(text: str) -> str:
    sentences = re.split(r"\.\s+", text)
    return "; ".join(sentence[:1].lower() + sentence[1:] for sentence in sentences)
