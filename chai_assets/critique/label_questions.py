"""The labels on a critique page: each question with the agreed answer, and what the agreed answers deny.

All of it goes into the task, so that the page, Label Studio's guard and the collector decide by the same rows. What
a person makes of them is in `label_answers.py`. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import shorten
from typing import Any

from chai_assets.linting.caption_lint import PrimitiveStates, lint_caption, primitives_named_in
from chai_assets.linting.lexicon import Lexicon
from chai_assets.linting.phrase_patterns import normalize, term_pattern
from chai_assets.spec.compile import ABSENT, PRESENT, Answers, derive, labeling_rows, text_answers
from chai_assets.spec.models import SLOT, Aspect, Primitive
from chai_resources.captioners.engines.edits import has_phrase

_SENTENCE = re.compile(r"[^\s.!?][^.!?]*[.!?]*")
_QUOTED = 60
"""Characters of the draft that are quoted beside a question."""


def label_questions(
    aspect: Aspect, answers: Answers, draft: str, lexicon: Lexicon, given: Iterable[Answers] = ()
) -> dict[str, Any]:
    """The page's `labels`, `label_texts` and `denied`.

    The first two are rows of questions, those first that the draft speaks of: `key`, `q`, `kind`, `agreed`, `options`
    and `marks`, the spans of the draft that speak of it. `denied` are the professional terms of what the answers deny,
    each with the pattern that finds it and the questions (`keys`) that decide it. `given` are labels as people gave
    them: where one says something else than is agreed, the question shows it.
    """
    labels = list(given)
    marks = _marks(aspect, answers, draft, lexicon)
    rows = [
        _row(row, kind, _answers(row["key"], answers, labels), marks.get(row["key"], []), draft)
        for group, kind in (("choices", "choice"), ("several", "several"), ("texts", "text"))
        for row in labeling_rows(aspect)[group]
    ]
    rows.sort(key=lambda row: not row["marks"])
    return {
        "labels": [row for row in rows if row["kind"] != "text"],
        "label_texts": [row for row in rows if row["kind"] == "text"],
        "denied": denied_terms(aspect, derive(aspect, answers), lexicon),
    }


def contradictions(text: str, lexicon: Lexicon, states: PrimitiveStates) -> list[dict[str, Any]]:
    """What a caption says that the labels deny: `primitive`, the questions that decide it (`keys`), and `says`."""
    flags = [flag for flag in lint_caption(text, lexicon, states) if flag.kind == "contradiction" and flag.primitive]
    found = {flag.primitive: str(flag) for flag in reversed(flags) if flag.primitive}
    return [
        {"primitive": name, "keys": list(lexicon.primitives[name].given_by), "says": found[name]}
        for name in reversed(found)
    ]


def denied_terms(aspect: Aspect, states: PrimitiveStates, lexicon: Lexicon) -> list[dict[str, Any]]:
    """The terms of primitives that the labels deny, where naming one in a fix is to contradict them.

    A single word is said of many things, and how a shot begins may change: those are left to the linter.
    """
    found = []
    for primitive in aspect.primitives:
        term = normalize(primitive.term.partition(" (")[0])
        sure = primitive.id not in lexicon.at_start and primitive.id not in lexicon.made_of
        if states[primitive.id] == ABSENT and primitive.says and sure and re.search(r"[ -]", term):
            pattern = rf"(?<![\w-])(?:{term_pattern(term)})(?!\w)"
            found.append({"says": primitive.term, "keys": list(primitive.given_by), "pattern": pattern})
    return found


def _answers(name: str, agreed: Answers, given: Iterable[Answers]) -> list[list[str]]:
    """The agreed answer to a question, then what else people answered."""
    said = [list(agreed.get(name, ())), *(list(answers[name]) for answers in given if name in answers)]
    return [answer for at, answer in enumerate(said) if answer not in said[:at]]


def _row(
    row: Mapping[str, Any], kind: str, answers: list[list[str]], marks: list[list[int]], draft: str
) -> dict[str, Any]:
    quoted = f' In the draft: "{shorten(draft[slice(*marks[0])], _QUOTED, placeholder=" …")}"' if marks else ""
    agreed, *others = (", ".join(answer) or "nothing" for answer in answers)
    also = f" Answered differently, too: {'; '.join(others)}." if others else ""
    question = f"{row['q']} Agreed: {agreed}.{also}{quoted}"
    shown: dict[str, Any] = {"key": row["key"], "q": question, "kind": kind, "agreed": answers[0], "marks": marks}
    return shown if kind == "text" else {**shown, "options": row["options"]}


def _marks(aspect: Aspect, answers: Answers, draft: str, lexicon: Lexicon) -> dict[str, list[list[int]]]:
    """The sentences of the draft that speak of each question, as spans: exactly those that were made from its answer,
    where a sentence of the specification stands in the draft, else those that name one of its primitives."""
    states, texts = derive(aspect, answers), text_answers(aspect, answers)
    said = [primitive for primitive in aspect.primitives if states[primitive.id] == PRESENT and primitive.says]
    found: dict[str, list[list[int]]] = {}
    for match in _SENTENCE.finditer(draft):
        sentence = match.group()
        exact = {name for primitive in said if _stated(primitive, sentence) for name in primitive.given_by}
        exact |= {name for name, text in texts.items() if has_phrase(text, sentence)}
        named = (lexicon.primitives[name] for name in primitives_named_in(sentence, lexicon))
        for name in exact or {name for primitive in named for name in primitive.given_by}:
            found.setdefault(name, []).append([*match.span()])
    return found


def _stated(primitive: Primitive, sentence: str) -> bool:
    """Whether a sentence says what the specification has a primitive say, alone or joined with another."""
    says = primitive.says or ""
    if SLOT.search(says):
        return False
    _, _, rest = says.partition(" ")
    _, _, predicate = rest.partition(" ")
    return has_phrase(says, sentence) or (bool(predicate) and has_phrase(predicate, sentence))


def corrected_lines(corrections: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each corrected answer, as people read it."""
    for correction in corrections:
        question = correction["attribute"].replace("_", " ")
        before, after = (", ".join(correction[side]) or "nothing" for side in ("before", "after"))
        yield f'{question}: "{before}" becomes "{after}"'
