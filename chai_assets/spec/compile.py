"""What follows from one aspect of the specification, and from answers to its questions.

From the aspect: the questions of a labeling page. From answers: what is wrong with them, the states of the
primitives, the facts for a draft prompt and the sentences of a caption. Pure functions; `derive`, `facts` and
`statements` expect answers that `check_answers` found valid. How sentences are joined is up to the captioner.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chai_assets.spec.models import NOT_APPLICABLE, SLOT, UNSURE, Aspect, Attribute, Primitive

Answers = Mapping[str, Sequence[str]]

PRESENT, ABSENT, UNDECIDED = "present", "absent", "not_applicable"
TEXT_LIMIT = 300
"""Longest text answer in characters: a clause or two. Longer, and it is a caption in the wrong place."""

NO_TEXT = {"", "-", "none", "nothing", NOT_APPLICABLE}
"""What people write into a text box that wants nothing."""


def labeling_rows(aspect: Aspect) -> dict[str, list[dict[str, Any]]]:
    """The questions of an aspect for the labeling page, in `choices`, `several` and `texts`.

    Each has `key`, `q` and `help`; those with options have `options`, each a `value` that annotators read.
    """
    rows: dict[str, list[dict[str, Any]]] = {"choices": [], "several": [], "texts": []}
    for attribute in aspect.attributes:
        row: dict[str, Any] = {
            "key": attribute.id,
            "q": _question(aspect, attribute),
            "help": _help(attribute),
        }
        if attribute.kind == "text":
            rows["texts"].append(row)
        else:
            row["options"] = [{"value": answer} for answer in attribute.answers]
            rows["choices" if attribute.kind == "choice" else "several"].append(row)
    return rows


def check_answers(aspect: Aspect, answers: dict[str, list[str]]) -> list[str]:
    """What is wrong with these answers, each with its remedy; empty if they can be used."""
    known = {attribute.id for attribute in aspect.attributes}
    problems = [f"{key}: no question of {aspect.id} - remove the answer" for key in answers if key not in known]
    decided = decisions(aspect, answers)
    for attribute in aspect.attributes:
        given = list(answers.get(attribute.id, ()))
        applies = applicable(attribute, decided)
        if attribute.kind == "text":
            problems += _text_problems(attribute, given, applies)
        else:
            problems += _choice_problems(attribute, given, applies)
    return problems or _conflicts(aspect, answers)


def derive(aspect: Aspect, answers: Answers) -> dict[str, str]:
    """The state of every primitive, in the specification's order.

    Absent means looked for and not there; where one of its attributes does not apply or nobody is sure, a
    primitive is not_applicable.
    """
    decided = decisions(aspect, answers)
    return {primitive.id: _state(primitive, decided) for primitive in aspect.primitives}


def statements(aspect: Aspect, answers: Answers) -> list[str]:
    """What the answers say: one sentence a text or primitive, in professional terms and in reading order.

    That is the order of the sub-aspects, and within each the order in which the questions are asked.
    """
    states, texts = derive(aspect, answers), text_answers(aspect, answers)
    asked = {attribute.id: number for number, attribute in enumerate(aspect.attributes)}
    parts = [(a.sub_aspect, asked[a.id], a.says) for a in aspect.attributes if a.says and a.id in texts]
    for primitive in aspect.primitives:
        if states[primitive.id] == PRESENT and primitive.says:
            parts.append((primitive.sub_aspect, max(asked[name] for name in primitive.given_by), primitive.says))
    parts.sort(key=lambda part: (aspect.sub_aspects.index(part[0]), part[1]))
    return [_filled(template, texts) for _, _, template in parts]


def facts(aspect: Aspect, answers: Answers) -> list[str]:
    """The answers as lines for a prompt: texts, what is present and what that means, and what is absent."""
    states, texts = derive(aspect, answers), text_answers(aspect, answers)
    lines = [f"{_words(attribute_id)}: {text}" for attribute_id, text in texts.items()]
    spoken = [primitive for primitive in aspect.primitives if primitive.says]
    lines += [f"{p.term} (present): {p.definition}" for p in spoken if states[p.id] == PRESENT]
    absent = [p.term for p in spoken if states[p.id] == ABSENT]
    return [*lines, f"absent: {', '.join(absent)}"] if absent else lines


def _question(aspect: Aspect, attribute: Attribute) -> str:
    clauses = []
    for name, options in attribute.applies_when.items():
        verb = "includes" if aspect.attribute(name).kind == "several" else "is"
        clauses.append(f"{_words(name)} {verb} {_either(options)}")
    notes = [f"only if {' and '.join(clauses)}; otherwise n/a"] if clauses else []
    if not attribute.required:
        notes.append("n/a if there is none")
    return f"{attribute.question} ({'; '.join(notes)})" if notes else attribute.question


def _help(attribute: Attribute) -> str:
    meanings = "; ".join(f"{option.id}: {option.label}" for option in attribute.options if option.label)
    return " ".join(part for part in (attribute.help, f"{meanings}." if meanings else None) if part)


def _either(options: Sequence[str]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _words(attribute_id: str) -> str:
    return attribute_id.replace("_", " ")


def applicable(attribute: Attribute, decided: Mapping[str, set[str] | None]) -> bool:
    """Whether a question applies, given what is decided of those before it."""
    return all((decided[name] or set()) & set(options) for name, options in attribute.applies_when.items())


def decisions(aspect: Aspect, answers: Answers) -> dict[str, set[str] | None]:
    """The options chosen for each choice; None where the answer decides nothing."""
    decided: dict[str, set[str] | None] = {}
    for attribute in aspect.attributes:
        chosen = set(answers.get(attribute.id, ()))
        counts = chosen and not chosen & {UNSURE, NOT_APPLICABLE} and applicable(attribute, decided)
        decided[attribute.id] = chosen if counts else None
    return decided


def _filled(template: str, texts: Mapping[str, str]) -> str:
    sentence = SLOT.sub(lambda slot: texts[slot[1]], template)
    return sentence[:1].upper() + sentence[1:]


def _state(primitive: Primitive, decided: Mapping[str, set[str] | None]) -> str:
    chosen = {name: decided[name] for name in primitive.given_by}
    if any(options is None for options in chosen.values()):
        return UNDECIDED
    holds = all((chosen[name] or set()) & set(wanted) for name, wanted in primitive.given_by.items())
    return PRESENT if holds else ABSENT


def text_answers(aspect: Aspect, answers: Answers) -> dict[str, str]:
    """Text answers that say something, ready to stand in a sentence: one line, no full stop at the end."""
    decided, texts = decisions(aspect, answers), {}
    for attribute in aspect.attributes:
        given = answers.get(attribute.id, ())
        if attribute.kind == "text" and applicable(attribute, decided) and _says_something(given):
            text = " ".join(given[0].split())
            texts[attribute.id] = text if text.endswith("..") else text.removesuffix(".")
    return texts


def _says_something(given: Sequence[str]) -> bool:
    return any(text.strip(" .\n\t").casefold() not in NO_TEXT for text in given)


def _text_problems(attribute: Attribute, given: Sequence[str], applies: bool) -> Iterator[str]:
    if not _says_something(given):
        if applies and attribute.required:
            yield f"{attribute.id}: not answered - write a few words"
        return
    if not applies:
        yield f"{attribute.id}: answered, but {_reason(attribute)} - clear it, or correct the other answer"
    elif len(given) > 1:
        yield f"{attribute.id}: {len(given)} texts - keep one"
    elif len(given[0].strip()) > TEXT_LIMIT:
        yield f"{attribute.id}: {len(given[0].strip())} characters - keep it to {TEXT_LIMIT}"
    elif any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in given[0].strip()):
        yield f"{attribute.id}: has line breaks or control characters - write one line"


def _choice_problems(attribute: Attribute, given: Sequence[str], applies: bool) -> Iterator[str]:
    unknown = [value for value in given if value not in attribute.answers]
    for value in unknown:
        yield f"{attribute.id}: no such answer as '{value}' - choose from {', '.join(attribute.answers)}"
    if unknown:
        return
    decisive = [value for value in given if value not in (UNSURE, NOT_APPLICABLE)]
    alone = attribute.alone & set(given)
    if not given and applies and attribute.required:
        yield f"{attribute.id}: not answered - choose one of {', '.join(attribute.answers)}"
    elif not applies and decisive:
        yield f"{attribute.id}: answered, but {_reason(attribute)} - choose n/a, or correct the other answer"
    elif attribute.kind == "choice" and len(given) > 1:
        yield f"{attribute.id}: {len(given)} answers, {' and '.join(given)} - keep one"
    elif alone and len(set(given)) > 1:
        yield f"{attribute.id}: '{min(alone)}' beside other answers - keep it alone or remove it"
    elif applies and NOT_APPLICABLE in given:
        yield f"{attribute.id}: n/a although it applies - answer it, with unsure where the clip does not tell"


def _reason(attribute: Attribute) -> str:
    return f"the answer to {' and '.join(map(_words, attribute.applies_when))} says that it does not apply"


def conflicting(aspect: Aspect, answers: Answers) -> set[str]:
    """Questions whose answers give primitives that cannot both hold."""
    return {name for one, other in _clashes(aspect, answers) for name in (*one.given_by, *other.given_by)}


def _conflicts(aspect: Aspect, answers: Answers) -> list[str]:
    return [
        f"{', '.join(dict.fromkeys((*one.given_by, *other.given_by)))}: "
        f"{one.term} and {other.term} cannot both hold - correct one of these answers"
        for one, other in _clashes(aspect, answers)
    ]


def _clashes(aspect: Aspect, answers: Answers) -> list[tuple[Primitive, Primitive]]:
    states = derive(aspect, answers)
    present = {p.id: p for p in aspect.primitives if states[p.id] == PRESENT}
    return [(one, present[other]) for one in present.values() for other in one.excludes if other in present]
