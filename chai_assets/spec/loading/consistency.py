"""Checks that the parts of a specification agree: every name is defined once, and nothing contradicts itself.

The shape of each part was checked before, by `spec/models.py`.
"""

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from chai_assets.spec.loading.document import Document, NodePath, SpecProblem
from chai_assets.spec.models import NOT_APPLICABLE, SLOT, UNSURE, Aspect, Attribute, Conditions, Primitive


def aspect_problems(name: str, aspect: Aspect, document: Document) -> list[SpecProblem]:
    """Problems within one aspect, whose file is `<name>.yaml`."""
    problems: list[SpecProblem] = []
    if aspect.id != name:
        problems.append(document.problem(("id",), f"id '{aspect.id}' is not the file's name", f"write '{name}'"))
    attribute_ids = [attribute.id for attribute in aspect.attributes]
    problems += _twice(document, "attribute", "attributes", attribute_ids)
    problems += _twice(document, "primitive", "primitives", [primitive.id for primitive in aspect.primitives])
    for number, attribute in enumerate(aspect.attributes):
        problems += _attribute_problems(aspect, number, attribute, document)
    for number, primitive in enumerate(aspect.primitives):
        problems += _primitive_problems(aspect, number, primitive, document)
    return problems


def across_problems(aspects: dict[str, Aspect], documents: dict[str, Document]) -> list[SpecProblem]:
    """Problems between aspects: dependencies, and primitive ids that two of them share."""
    problems: list[SpecProblem] = []
    for name, aspect in aspects.items():
        for number, upstream in enumerate(aspect.depends_on):
            if upstream not in aspects:
                message = f"depends on '{upstream}', which is no aspect"
                remedy = f"name one of {', '.join(aspects)}"
                problems.append(documents[name].problem(("depends_on", number), message, remedy))
    try:
        TopologicalSorter({name: aspect.depends_on for name, aspect in aspects.items()}).prepare()
    except CycleError as error:
        cycle = error.args[1]
        message = f"aspects depend on each other in a circle: {' -> '.join(reversed(cycle))}"
        problems.append(documents[cycle[-1]].problem(("depends_on",), message, "remove one of the dependencies"))
    first: dict[str, tuple[str, str]] = {}
    for name, aspect in aspects.items():
        for number, primitive in enumerate(aspect.primitives):
            place = ("primitives", number, "id")
            owner, where = first.setdefault(primitive.id, (name, f"{name}.yaml:{documents[name].line(*place)}"))
            if owner != name:
                message = f"duplicate primitive id '{primitive.id}', first at {where}"
                problems.append(documents[name].problem(place, message, "rename one of them"))
    return problems


def _twice(document: Document, noun: str, key: str, ids: Iterable[str], within: NodePath = ()) -> Iterator[SpecProblem]:
    first: dict[str, int] = {}
    for number, name in enumerate(ids):
        place = (*within, key, number, "id")
        line = first.setdefault(name, number)
        if line != number:
            message = f"duplicate {noun} id '{name}', first on line {document.line(*within, key, line, 'id')}"
            yield document.problem(place, message, "rename or remove one of them")


def _attribute_problems(aspect: Aspect, number: int, attribute: Attribute, document: Document) -> Iterator[SpecProblem]:
    place: NodePath = ("attributes", number)
    yield from _sub_aspect(aspect, attribute, place, document)
    if (attribute.kind == "text") == bool(attribute.options):
        wants = "has no options" if attribute.kind == "text" else "needs options"
        yield document.problem(place, f"attribute '{attribute.id}' is a {attribute.kind}, which {wants}", "correct it")
    yield from _twice(document, "option", "options", [option.id for option in attribute.options], place)
    for position, option in enumerate(attribute.options):
        if option.id in (UNSURE, NOT_APPLICABLE):
            message = f"option '{option.id}' of attribute '{attribute.id}' is offered by itself"
            yield document.problem((*place, "options", position), message, "remove it")
    yield from _conditions(aspect, attribute.applies_when, (*place, "applies_when"), document)
    earlier = [other.id for other in aspect.attributes[:number]]
    known = [other.id for other in aspect.attributes]
    for name in attribute.applies_when:
        if name in known and name not in earlier:
            message = f"attribute '{attribute.id}' applies by '{name}', which is not asked before it"
            yield document.problem((*place, "applies_when", name), message, f"move it below '{name}'")
    if attribute.says is None:
        return
    if attribute.kind != "text":
        message = f"attribute '{attribute.id}' is a {attribute.kind}, but has 'says'"
        yield document.problem((*place, "says"), message, "give its answers to primitives, and the sentences to them")
    for slot in SLOT.findall(attribute.says):
        if slot != attribute.id:
            message = f"'says' of attribute '{attribute.id}' has the slot {{{slot}}}"
            yield document.problem((*place, "says"), message, f"use its own text only, {{{attribute.id}}}")


def _primitive_problems(aspect: Aspect, number: int, primitive: Primitive, document: Document) -> Iterator[SpecProblem]:
    place: NodePath = ("primitives", number)
    yield from _sub_aspect(aspect, primitive, place, document)
    yield from _conditions(aspect, primitive.given_by, (*place, "given_by"), document)
    others = {other.id: other for other in aspect.primitives}
    for position, name in enumerate(primitive.excludes):
        at = (*place, "excludes", position)
        if name == primitive.id:
            yield document.problem(at, f"primitive '{name}' excludes itself", "remove it")
        elif name not in others:
            message = f"primitive '{primitive.id}' excludes '{name}', which is no primitive of this aspect"
            yield document.problem(at, message, "correct the id or remove it")
        elif _given_together(primitive, others[name]):
            message = f"primitives '{primitive.id}' and '{name}' exclude each other but the same answer gives both"
            yield document.problem(at, message, "give them by different answers, or let both hold")
    texts = {attribute.id: attribute for attribute in aspect.attributes if attribute.kind == "text"}
    for slot in SLOT.findall(primitive.says or ""):
        message = f"'says' of primitive '{primitive.id}' has the slot {{{slot}}}"
        if slot not in texts:
            known = f"use one of {', '.join(texts)}" if texts else "this aspect has none"
            yield document.problem((*place, "says"), f"{message}, which is no text attribute", known)
        elif not _always_answered(aspect, texts[slot], primitive.given_by):
            remedy = f"make '{slot}' required, and let it apply wherever the primitive can hold"
            yield document.problem((*place, "says"), f"{message}, which may stay empty", remedy)


def _sub_aspect(
    aspect: Aspect, part: Attribute | Primitive, place: NodePath, document: Document
) -> Iterator[SpecProblem]:
    if part.sub_aspect not in aspect.sub_aspects:
        message = f"'{part.id}' names the sub-aspect '{part.sub_aspect}', which is not listed"
        yield document.problem((*place, "sub_aspect"), message, f"use one of {', '.join(aspect.sub_aspects)}")


def _conditions(aspect: Aspect, conditions: Conditions, place: NodePath, document: Document) -> Iterator[SpecProblem]:
    choices = {attribute.id: attribute for attribute in aspect.attributes if attribute.kind != "text"}
    for name, wanted in conditions.items():
        if name not in choices:
            message = f"'{place[-1]}' names '{name}', which is no choice of this aspect"
            yield document.problem((*place, name), message, f"name one of {', '.join(choices)}")
            continue
        options = [option.id for option in choices[name].options]
        if not wanted:
            yield document.problem((*place, name), f"'{place[-1]}' lists no option of '{name}'", "list at least one")
        for position, option in enumerate(wanted):
            if option not in options:
                message = f"'{place[-1]}' names the option '{option}', which attribute '{name}' has not"
                yield document.problem((*place, name, position), message, f"use one of {', '.join(options)}")


def _given_together(one: Primitive, other: Primitive) -> bool:
    """Whether what gives the one of more conditions can give the other as well, with no further answer."""
    fewer, more = sorted((one.given_by, other.given_by), key=len)
    return all(set(options) & set(more.get(name, ())) for name, options in fewer.items())


def _always_answered(aspect: Aspect, text: Attribute, given_by: Conditions) -> bool:
    """Whether the text must be answered wherever these conditions hold."""
    holding = [given_by, *(a.applies_when for a in aspect.attributes if a.id in given_by)]
    return text.required and all(
        any(name in known and set(known[name]) <= set(options) for known in holding)
        for name, options in text.applies_when.items()
    )
