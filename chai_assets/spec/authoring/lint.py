"""Checks a specification that loads, before it is released: answers that can never hold, ambiguous words, no examples.

What cannot be used at all is refused by `spec/loading`. An option that gives no primitive is not reported: most are the
ordinary case, which a caption leaves out.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from chai_assets.core.text import stem
from chai_assets.spec.compile import PRESENT, check_answers, derive
from chai_assets.spec.loading.document import Document, NodePath, SpecProblem
from chai_assets.spec.models import NOT_APPLICABLE, UNSURE, Aspect, Conditions, Primitive, Spec

_Asked = list[tuple[str, tuple[str, ...]]]
"""Questions that must be answered, each with the options of which one is wanted; one may stand twice."""

_Words = tuple[str, ...]

# A rule that tells when to say no has at least a subject, a verb and a measure.
_SHORTEST_RULE = 3


def lint_spec(spec: Spec, folder: Path) -> list[SpecProblem]:
    """Every problem of a loaded specification whose files stand in that folder, in the order of the files."""
    documents = {name: Document(folder / f"{name}.yaml") for name in spec.aspects}
    problems: list[SpecProblem] = []
    for name, aspect in spec.aspects.items():
        problems += _answer_problems(aspect, documents[name])
        problems += _explanation_problems(spec, aspect, documents[name])
    return sorted({*problems, *_word_problems(spec, documents)})


def _answer_problems(aspect: Aspect, document: Document) -> Iterator[SpecProblem]:
    dead = set()
    for number, attribute in enumerate(aspect.attributes):
        if not any(_valid(aspect, answers) for answers in _ways(aspect, attribute.applies_when)):
            dead.add(attribute.id)
            message = f"no answers make the question '{attribute.id}' apply"
            place = ("attributes", number, "applies_when")
            yield document.problem(place, message, "correct 'applies_when', here or in the questions it names")
    same: dict[object, str] = {}
    for number, primitive in enumerate(aspect.primitives):
        place: NodePath = ("primitives", number, "given_by")
        if not dead & _closure(aspect, primitive.given_by).keys():
            yield from _unreachable(aspect, primitive, place, document)
        first = same.setdefault(_meaning(aspect, primitive.given_by), primitive.id)
        if first != primitive.id:
            message = f"primitives '{first}' and '{primitive.id}' are given by exactly the same answers"
            yield document.problem(place, message, "tell them apart by an answer, or make them one")


def _unreachable(aspect: Aspect, primitive: Primitive, place: NodePath, document: Document) -> Iterator[SpecProblem]:
    ways = list(_ways(aspect, primitive.given_by))
    if not ways:
        message = f"no answers can give primitive '{primitive.id}'"
        yield document.problem(place, message, "correct 'given_by', or the conditions under which its questions apply")
    elif not any(_valid(aspect, answers) for answers in ways):
        states = derive(aspect, ways[0])
        present = [other for other in aspect.primitives if states[other.id] == PRESENT]
        barred = [f"'{one.id}' and '{name}'" for one in present for name in one.excludes if states[name] == PRESENT]
        message = f"primitive '{primitive.id}' can only hold where {' and '.join(barred)} do, which exclude each other"
        yield document.problem(place, message, "remove the exclusion, or give it by other answers")


def _ways(aspect: Aspect, conditions: Conditions) -> Iterator[dict[str, list[str]]]:
    """The least that can be answered so that the conditions hold, all else left open; conflicts are among them."""
    asked = [(name, options) for name, sets in _closure(aspect, conditions).items() for options in sets]
    for chosen in product(*(options for _, options in asked)):
        answers: dict[str, list[str]] = {}
        for (name, _), option in zip(asked, chosen, strict=True):
            answers[name] = list(dict.fromkeys([*answers.get(name, []), option]))
        if all(_together(aspect, name, options) for name, options in answers.items()):
            yield _filled_up(aspect, answers)


def _closure(aspect: Aspect, conditions: Conditions) -> dict[str, list[tuple[str, ...]]]:
    """Those conditions and all under which their questions apply, by question."""
    found: dict[str, list[tuple[str, ...]]] = {}
    pending = list(conditions.items())
    while pending:
        name, options = pending.pop()
        if options in found.setdefault(name, []):
            continue
        found[name].append(options)
        pending += aspect.attribute(name).applies_when.items()
    return found


def _together(aspect: Aspect, name: str, options: list[str]) -> bool:
    attribute = aspect.attribute(name)
    return len(options) == 1 or (attribute.kind == "several" and not attribute.alone & set(options))


def _filled_up(aspect: Aspect, decided: dict[str, list[str]]) -> dict[str, list[str]]:
    """Those answers with the least said to every other question."""
    answers: dict[str, list[str]] = {}
    for attribute in aspect.attributes:
        applies = all(set(answers[name]) & set(options) for name, options in attribute.applies_when.items())
        open_ = ["x"] if attribute.kind == "text" else [UNSURE]
        answers[attribute.id] = decided.get(attribute.id) or (open_ if applies else [NOT_APPLICABLE])
    return answers


def _valid(aspect: Aspect, answers: dict[str, list[str]]) -> bool:
    return not check_answers(aspect, answers)


def _meaning(aspect: Aspect, conditions: Conditions) -> object:
    """Equal for conditions that hold for the same answers, however they are written."""
    meaning = {}
    for name, sets in _closure(aspect, conditions).items():
        options = [frozenset(each) for each in sets]
        one = aspect.attribute(name).kind == "choice"
        meaning[name] = frozenset([frozenset.intersection(*options)] if one else options)
    return frozenset(meaning.items())


def _explanation_problems(spec: Spec, aspect: Aspect, document: Document) -> Iterator[SpecProblem]:
    known = {primitive.id for other in spec.aspects.values() for primitive in other.primitives}
    for number, primitive in enumerate(aspect.primitives):
        place: NodePath = ("primitives", number)
        who = f"primitive '{primitive.id}'"
        if primitive.example is None:
            yield document.problem(place, f"{who} has no example", "write a caption's sentence in which it holds")
        rule = _words(primitive.rule)
        if len(rule) < _SHORTEST_RULE or rule == _words(primitive.definition):
            message = f"the rule of {who} says no more than its definition"
            yield document.problem((*place, "rule"), message, "write what decides in doubt, and what does not count")
        for name in primitive.confused_with:
            at = (*place, "confused_with", name)
            if name == primitive.id:
                yield document.problem(at, f"{who} is confused with itself", "name the other one, or remove it")
            elif name not in known:
                message = f"{who} is confused with '{name}', which is no primitive"
                yield document.problem(at, message, "correct the id or remove it")
        if primitive.split_from in known:
            message = f"{who} was split from '{primitive.split_from}', which is still here"
            yield document.problem((*place, "split_from"), message, "remove the old primitive, or 'split_from'")


def _word_problems(spec: Spec, documents: dict[str, Document]) -> Iterator[SpecProblem]:
    named: dict[_Words, tuple[str, str]] = {}
    everything = [
        (aspect, number, primitive)
        for aspect in spec.aspects.values()
        for number, primitive in enumerate(aspect.primitives)
    ]
    for aspect, number, primitive in everything:
        place = ("primitives", number, "term")
        where = f"{aspect.id}.yaml:{documents[aspect.id].line(*place)}"
        owner, first = named.setdefault(_words(primitive.term), (primitive.id, where))
        if owner != primitive.id:
            message = f"the term '{primitive.term}' of primitive '{primitive.id}' is also that of '{owner}', at {first}"
            yield documents[aspect.id].problem(place, message, "give each a term of its own")
    for aspect, number, primitive in everything:
        for position, loose in enumerate(primitive.loose):
            owner, where = named.get(_words(loose), ("", ""))
            if owner:
                whose = "its own term" if owner == primitive.id else f"the term of '{owner}', at {where}"
                message = f"the loose word '{loose}' of primitive '{primitive.id}' is {whose}"
                place = ("primitives", number, "loose", position)
                yield documents[aspect.id].problem(place, message, "remove it; a mix-up belongs in 'confused_with'")


def _words(text: str) -> _Words:
    """The words of a text without case, hyphens and inflections: "Zooms in", "zooming-in" and "zoom in" are one."""
    return tuple(stem(word) for word in re.findall(r"\w+", text.casefold()))
