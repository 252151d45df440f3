"""What each primitive is most confused with, as data: pairs that a linter, a question or a benchmark can be made of."""

from dataclasses import dataclass

from chai_assets.spec.models import Aspect, Primitive


@dataclass(frozen=True)
class HardNegative:
    """Another primitive of the aspect that one is taken for.

    `exclusive`: no valid answers give both, so that whoever has the one has not the other.
    """

    other: str
    exclusive: bool


def hard_negatives(aspect: Aspect) -> dict[str, tuple[HardNegative, ...]]:
    """By primitive what it is confused with, in the order that the specification names it."""
    known = {primitive.id: primitive for primitive in aspect.primitives}
    return {
        primitive.id: tuple(
            HardNegative(other, exclude_each_other(primitive, known[other], aspect))
            for other in primitive.confused_with
            if other in known
        )
        for primitive in aspect.primitives
    }


def exclude_each_other(one: Primitive, other: Primitive, aspect: Aspect) -> bool:
    """Whether they are other answers to one single choice, or said to exclude each other."""
    return other.id in one.excludes or one.id in other.excludes or of_one_choice(one, other, aspect)


def of_one_choice(one: Primitive, other: Primitive, aspect: Aspect) -> bool:
    """Whether they follow from other answers to one single choice."""
    single = {attribute.id for attribute in aspect.attributes if attribute.kind == "choice"}
    shared = single & one.given_by.keys() & other.given_by.keys()
    return any(not set(one.given_by[name]) & set(other.given_by[name]) for name in shared)
