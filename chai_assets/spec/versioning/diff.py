"""What changed between two versions, part by part, and whether it changed a meaning or only words.

Meaning is what decides answers and captions: which answers a question offers and when it applies, which answers
give a primitive, what excludes what, and the `meaning` number that an author raises where new words mean
something else. All else is wording. From this follows how far the version number must move.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from chai_assets.spec.models import Aspect, Attribute, Primitive, Spec
from chai_assets.spec.versioning.carry import asks_the_same, means_the_same
from chai_assets.spec.versioning.releases import order
from chai_resources.errors import UnusableInput

ChangeKind = Literal["wording", "addition", "meaning"]
Step = Literal["nothing", "patch", "minor", "major"]
STEPS: tuple[Step, ...] = ("nothing", "patch", "minor", "major")
_STEP_OF: dict[ChangeKind, Step] = {"wording": "patch", "addition": "minor", "meaning": "major"}

Part = TypeVar("Part", Attribute, Primitive)


@dataclass(frozen=True)
class SpecChange:
    """One change: in which aspect, of which part, of what kind, and what it is in words."""

    aspect: str
    part: Literal["aspect", "instruction", "policy", "question", "primitive"]
    id: str
    kind: ChangeKind
    what: str


def diff(old: Spec, new: Spec) -> list[SpecChange]:
    """Every change from one version to another, by aspect in the order of the new version."""
    changes = [
        SpecChange(name, "aspect", name, "meaning", "removed") for name in old.aspects if name not in new.aspects
    ]
    for name, aspect in new.aspects.items():
        if name in old.aspects:
            changes += _aspect_changes(old.aspects[name], aspect)
        else:
            changes.append(SpecChange(name, "aspect", name, "addition", "added"))
    return changes


def step_needed(changes: Sequence[SpecChange]) -> Step:
    """How far the version number must move at least: words a patch, additions minor, changed meaning major."""
    return STEPS[max((STEPS.index(_STEP_OF[change.kind]) for change in changes), default=0)]


def step_made(old: str, new: str) -> Step:
    """How far the version number moved. Raises UnusableInput, with the remedy, where it went backwards."""
    before, after = order(old), order(new)
    if after < before:
        raise UnusableInput(f"version {new} goes backwards from {old}: give it a number above {old}")
    moved = [a != b for a, b in zip(before, after, strict=True)]
    return STEPS[3 - moved.index(True)] if any(moved) else "nothing"


def _aspect_changes(old: Aspect, new: Aspect) -> Iterator[SpecChange]:
    if old.meaning != new.meaning:
        yield SpecChange(new.id, "aspect", new.id, "meaning", "asks for another caption")
    if old.depends_on != new.depends_on:
        what = f"rests on {', '.join(new.depends_on) or 'nothing'}, before on {', '.join(old.depends_on) or 'nothing'}"
        yield SpecChange(new.id, "aspect", new.id, "meaning", what)
    if (old.title, old.sub_aspects) != (new.title, new.sub_aspects):
        yield SpecChange(new.id, "aspect", new.id, "wording", "title or sub-aspects changed")
    if old.instruction != new.instruction:
        yield SpecChange(new.id, "instruction", new.id, "wording", "reworded")
    for line in old.policy:
        if line not in new.policy:
            yield SpecChange(new.id, "policy", new.id, "wording", f"no longer: {line}")
    for line in new.policy:
        if line not in old.policy:
            yield SpecChange(new.id, "policy", new.id, "wording", f"now: {line}")
    yield from _question_changes(old, new)
    yield from _primitive_changes(old, new)


def _question_changes(old: Aspect, new: Aspect) -> Iterator[SpecChange]:
    removed, added, both = _compared(old.attributes, new.attributes)
    for attribute in removed:
        yield SpecChange(new.id, "question", attribute.id, "meaning", "removed")
    for attribute in added:
        yield SpecChange(new.id, "question", attribute.id, "addition", f"new: {attribute.question}")
    for before, after in both:
        if before == after:
            continue
        if asks_the_same(before, after):
            yield SpecChange(new.id, "question", after.id, "wording", _reworded(before, after))
            continue
        had, has = ({option.id: option.alone for option in each.options} for each in (before, after))
        lost, gained = [o for o in had if o not in has], [o for o in has if o not in had]
        words = [f"offers also {', '.join(gained)}"] if gained else []
        words += [f"offers no longer {', '.join(lost)}"] if lost else []
        only_options = asks_the_same(before, after.model_copy(update={"options": before.options}))
        grown = only_options and had.items() <= has.items()
        words += [] if only_options and words else ["asks something else than before"]
        yield SpecChange(new.id, "question", after.id, "addition" if grown else "meaning", "; ".join(words))


def _primitive_changes(old: Aspect, new: Aspect) -> Iterator[SpecChange]:
    removed, added, both = _compared(old.primitives, new.primitives)
    heirs: dict[str, list[str]] = {}
    for primitive in added:
        if primitive.split_from:
            heirs.setdefault(primitive.split_from, []).append(primitive.id)
    for primitive in removed:
        # What was said with one word is now said with several finer ones: no statement becomes impossible.
        if len(heirs.get(primitive.id, ())) > 1:
            what = f"split into {', '.join(heirs[primitive.id])}"
            yield SpecChange(new.id, "primitive", primitive.id, "addition", what)
        else:
            yield SpecChange(new.id, "primitive", primitive.id, "meaning", "removed")
    for primitive in added:
        yield SpecChange(new.id, "primitive", primitive.id, "addition", f"new: {primitive.term}")
    for before, after in both:
        if before == after:
            continue
        if means_the_same(before, after):
            yield SpecChange(new.id, "primitive", after.id, "wording", _reworded(before, after))
            continue
        moved = [name for name in ("given_by", "excludes", "meaning") if getattr(before, name) != getattr(after, name)]
        what = {"given_by": "given by other answers", "excludes": "excludes others", "meaning": "means something else"}
        grown = _only_new_options(before, after, old, new) and moved == ["given_by"]
        grown = grown or (moved == ["excludes"] and _only_new_neighbors(before, after, removed, added))
        words = "; ".join(what[name] for name in moved) or ("is said now" if after.says else "is no longer said")
        yield SpecChange(new.id, "primitive", after.id, "addition" if grown else "meaning", words)


def _only_new_options(before: Primitive, after: Primitive, old: Aspect, new: Aspect) -> bool:
    """Whether a primitive is only given by more options, and all of them are new."""
    if before.given_by.keys() != after.given_by.keys():
        return False
    known = {attribute.id: {option.id for option in attribute.options} for attribute in old.attributes}
    for name, options in after.given_by.items():
        more = set(options) - set(before.given_by[name])
        if set(before.given_by[name]) - set(options) or more & known.get(name, set()):
            return False
    return True


def _only_new_neighbors(
    before: Primitive, after: Primitive, removed: Sequence[Primitive], added: Sequence[Primitive]
) -> bool:
    """Whether the only change in what a primitive excludes is about primitives that came or went."""
    moved = set(before.excludes) ^ set(after.excludes)
    return moved <= {primitive.id for primitive in (*removed, *added)}


def _compared(old: Sequence[Part], new: Sequence[Part]) -> tuple[list[Part], list[Part], list[tuple[Part, Part]]]:
    before, after = {part.id: part for part in old}, {part.id: part for part in new}
    removed = [part for part in old if part.id not in after]
    added = [part for part in new if part.id not in before]
    return removed, added, [(before[name], part) for name, part in after.items() if name in before]


def _reworded(before: Part, after: Part) -> str:
    names = [name for name in type(after).model_fields if getattr(before, name) != getattr(after, name)]
    return f"reworded: {', '.join(name.replace('_', ' ') for name in names)}"
