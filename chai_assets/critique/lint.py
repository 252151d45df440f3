"""Hints on findings and critiques that a model could not act on. Pure; hints never stop a critique.

What makes a finding invalid (offsets, unknown kinds) is the collector's business. Here a valid finding is read as a
colleague would read it; each hint is one line that says what to do.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chai_assets.critique.prose.constructiveness import CONSTRUCTIVE, score, shortcomings
from chai_assets.critique.prose.constructiveness_features import only_judges
from chai_resources.captioners.engines.edits import has_phrase, words

Finding = Mapping[str, Any]

_NEARLY_ALL = 0.8
"""Share of the draft's words from which on a quote marks the draft, not a fault in it."""

_FEW = 8
"""Words up to which a draft may well be wrong as a whole."""

_HEDGE = re.compile(
    r"\b(maybe|perhaps|probably|possibly|presumably|i think|i guess|i believe|not sure|unsure|might be|"
    r"could be|may be|kind of|sort of|looks like|seems)\b",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\s*(please|add|mention|include|specify|say|state|describe|change|replace|remove|delete|should)\b",
    re.IGNORECASE,
)


def lint_findings(findings: Sequence[Finding], draft: str) -> list[str]:
    """Hints a person can act on, one line each, in the order of the findings; clear findings have none."""
    return [
        f"{_name(number, finding)} {doubt}"
        for number, finding in enumerate(findings, start=1)
        for doubt in _doubts(finding, draft)
    ]


def lint_critique(text: str, draft: str) -> list[str]:
    """At most one hint on a critique as a whole, where an editor who cannot see the video could not apply it."""
    if not text or score(text, draft) >= CONSTRUCTIVE:
        return []
    return [f"As a whole, an editor who cannot see the video could not apply this: {shortcomings(text, draft)[0]}"]


def _doubts(finding: Finding, draft: str) -> Iterator[str]:
    fix = (finding["fix"] or "").strip()
    if finding["kind"] == "missing":
        yield from _doubts_on_missing(fix, draft)
    else:
        yield from _doubts_on_quote(finding, fix, draft)
    if fix:
        yield from _doubts_on_fix(fix)


def _doubts_on_missing(fix: str, draft: str) -> Iterator[str]:
    if not fix:
        yield "does not say what is missing: write it as the caption should say it."
    elif has_phrase(fix, draft):
        yield "already stands in the draft: take it out, or say what about it is missing."
    elif len(words(fix)) == 1:
        yield "is a single word: write the whole statement, as the caption should say it."


def _doubts_on_quote(finding: Finding, fix: str, draft: str) -> Iterator[str]:
    quote = finding["quote"] or ""
    size = len(words(draft))
    if fix and " ".join(fix.split()) == " ".join(quote.split()):
        yield "has a fix that is the same as the marked words: change it, or take the finding out."
    if size > _FEW and len(words(quote)) >= _NEARLY_ALL * size:
        yield "marks all of the draft or nearly so: mark only the words that are at fault, in a finding each."


def _doubts_on_fix(fix: str) -> Iterator[str]:
    if not words(fix):
        yield f'has the fix "{fix}", which says nothing: write the words that the caption should have.'
        return
    if only_judges(fix):
        yield f'has the vague fix "{fix}": write the words that the caption should have.'
        return
    if hedge := _HEDGE.search(fix):
        yield f'is unsure ("{hedge.group()}"): watch the clip again, then say it outright or leave it out.'
    if "?" in fix:
        yield "asks a question: a model cannot look it up; say what is right."
    if order := _ORDER.match(fix):
        yield f'gives an order ("{order.group().strip()} ..."): write just the words to put there.'


def _name(number: int, finding: Finding) -> str:
    shown = (finding["fix"] if finding["kind"] == "missing" else finding["quote"]) or ""
    shown = " ".join(shown.split())
    return f"Finding {number} ({finding['kind']}: {shown[:40]}{'…' if len(shown) > 40 else ''})"
