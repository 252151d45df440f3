"""What a revision did with a critique: whether each finding took, and what changed that none asked for. Pure.

The draft with the findings applied is the expected text; the revision is compared with it word by word. Where
they differ, those findings are read as applied that bring the two closest, and a free rewording is judged by
the words the fix asked for. Case, white space and punctuation are tidying and count as no change, except for
a finding that asks for nothing else.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from textwrap import shorten
from typing import Any

from chai_assets.core.text import FUNCTION_WORDS, stem, stems
from chai_assets.revision.alignment import Reading, read
from chai_resources.captioners.engines.edits import Edit, has_phrase, opens_sentence, words

Finding = Mapping[str, Any]

_ENOUGH = 0.6
"""Share of the asked-for words that a free rewording must use for its finding to count as taken."""

_AROUND = 3
"""Words shown on either side of the place that an evidence quotes."""

_SPARE = 3
"""Words that a rewording of a fix may have beyond twice the fix's own."""


def effects(draft: str, findings: Sequence[Finding], revision: str) -> list[dict[str, Any]]:
    """For each finding, in order: {finding_id, took, evidence}."""
    reading = read(draft, findings, revision)
    rows = []
    for number, finding in enumerate(findings):
        took, evidence = _judge(reading, number, finding)
        rows.append({"finding_id": finding["finding_id"], "took": took, "evidence": shorten(evidence, 300)})
    return rows


def other_changes(draft: str, findings: Sequence[Finding], revision: str) -> list[dict[str, str]]:
    """What the revision changed that no finding asked for, in text order: {before, after}, "" for nothing."""
    reading = read(draft, findings, revision)
    changes = []
    for tag, i1, i2, j1, j2 in reading.opcodes:
        if tag != "equal" and (change := _unasked(reading, findings, i1, i2, j1, j2)):
            changes.append(change)
    return changes


def _judge(reading: Reading, number: int, finding: Finding) -> tuple[bool, str]:
    if finding["kind"] == "missing":
        return _judge_missing(reading, finding)
    edit = reading.edits.get(number)
    if edit is None:
        return _judge_unplaced(reading, finding)
    low, high = reading.region(number)
    now = f'now reads "{_excerpt(reading, low, high)}"'
    if number not in reading.applied:
        return False, f'still reads "{_excerpt(reading, low, high)}"'
    if not edit.fix:
        return _judge_removal(reading, edit, low, high)
    quote = [word.text for word in words(reading.draft[edit.start : edit.end])]
    fix = [word.text for word in words(edit.fix)]
    if quote == fix:
        return _same_spelling(reading, edit, low, high), now
    if reading.as_expected(number):
        return True, now
    asked, lost = _claims(fix, quote), _claims(quote, fix)
    place = " ".join(word.text for word in reading.found[low:high])
    there = stems(place.split())
    replaced = bool(asked) and asked <= there and not has_phrase(finding["quote"], place)
    if lost and lost <= there and not replaced:
        return False, f"{now}: {_worded(quote, lost)} still there"
    there |= stems(reading.new_in_sentence(low, high))
    if asked and len(asked & there) < _ENOUGH * len(asked):
        return False, f"{now}: without {_worded(fix, asked - there)}"
    return True, now


def _judge_removal(reading: Reading, edit: Edit, low: int, high: int) -> tuple[bool, str]:
    quote = reading.draft[edit.start : edit.end]
    lost = _claims((word.text for word in words(quote)), ())
    if lost and lost <= stems(word.text for word in reading.found[low:high]):
        return False, f'still reads "{_excerpt(reading, low, high)}"'
    return True, f'"{quote}" is gone: "{_excerpt(reading, low, high)}"'


def _judge_missing(reading: Reading, finding: Finding) -> tuple[bool, str]:
    fix = finding["fix"] or ""
    if has_phrase(fix, reading.revision):
        before = "already stood in the draft" if has_phrase(fix, reading.draft) else "stands in the revision"
        return True, f'"{fix.strip()}" {before}'
    new = _stem_counts(word.text for word in reading.found)
    new -= _stem_counts(token.word.text for token in reading.expected if not token.added)
    asked = _claims((word.text for word in words(fix)), (word.text for word in words(reading.draft)))
    asked = asked or _claims((word.text for word in words(fix)), ())
    if not asked:
        return False, "the finding does not say what is missing"
    there = asked & set(new)
    took = len(there) >= _ENOUGH * len(asked)
    if not took:
        return False, f"absent: {_worded((word.text for word in words(fix)), asked - there)}"
    places = [at for at, word in enumerate(reading.found) if stem(word.text) in there]
    return True, f'stands in "{_excerpt(reading, places[0], places[-1] + 1)}"'


def _judge_unplaced(reading: Reading, finding: Finding) -> tuple[bool, str]:
    """A finding with no place of its own: its quote is not in the draft, or another finding covers it."""
    quote, fix = finding["quote"] or "", finding["fix"] or ""
    if words(fix):
        took = has_phrase(fix, reading.revision)
        return took, f'"{fix.strip()}" {"stands" if took else "does not stand"} in the revision'
    if not has_phrase(quote, reading.draft):
        return False, f'"{quote.strip()}" is not in the draft'
    took = not has_phrase(quote, reading.revision)
    return took, f'"{quote.strip()}" is {"gone" if took else "still there"}'


def _same_spelling(reading: Reading, edit: Edit, low: int, high: int) -> bool:
    """Whether a fix of case or punctuation alone stands as it is written, a sentence's capital aside."""
    if low == high:
        return False
    start, end = reading.found[low].start, reading.found[high - 1].end
    inside = words(edit.fix)
    wanted, there = edit.fix[inside[0].start : inside[-1].end], reading.revision[start:end]
    if opens_sentence(reading.revision, start):
        wanted, there = wanted[:1].casefold() + wanted[1:], there[:1].casefold() + there[1:]
    return " ".join(wanted.split()) in " ".join(there.split())


def _unasked(
    reading: Reading, findings: Sequence[Finding], i1: int, i2: int, j1: int, j2: int
) -> dict[str, str] | None:
    """The change of expected words [i1, i2) to revision words [j1, j2); None if findings explain it."""
    lost = [token for token in reading.expected[i1:i2] if token.owner is None and not token.added]
    added = [word.text for word in reading.found[j1:j2]]
    inside = {token.owner for token in reading.expected[i1:i2] if token.owner is not None}
    touched = inside | reading.neighbors(i1, i2)
    asked = stems(
        word.text
        for number, finding in enumerate(findings)
        if number in touched or finding["kind"] == "missing"
        for word in words(finding["fix"] or "")
    )
    claims = [stem(word) for word in added if word not in FUNCTION_WORDS]
    reworded = bool(inside) and len(added) <= 2 * (i2 - i1 - len(lost)) + _SPARE
    from_a_fix = bool(claims) and 2 * sum(claim in asked for claim in claims) >= len(claims)
    fitted = bool(touched) and not claims
    explained = not added or reworded or from_a_fix or fitted
    only_grammar = all(token.word.text in FUNCTION_WORDS for token in lost)
    if explained and only_grammar and (not lost or touched or from_a_fix):
        return None
    before = " ".join(reading.expected_text[token.word.start : token.word.end] for token in lost)
    after = reading.revision[reading.found[j1].start : reading.found[j2 - 1].end] if j1 < j2 else ""
    return {"before": before, "after": after}


def _excerpt(reading: Reading, low: int, high: int) -> str:
    low, high = max(0, low - _AROUND), min(len(reading.found), high + _AROUND)
    if low >= high:
        return ""
    text = reading.revision[reading.found[low].start : reading.found[high - 1].end]
    return f"{'… ' if low else ''}{shorten(text, 160)}{' …' if high < len(reading.found) else ''}"


def _claims(these: Iterable[str], without: Iterable[str]) -> frozenset[str]:
    """Stems of the words that are only in the first, function words aside where there are others."""
    these, known = set(these), stems(without)
    return (stems(these - FUNCTION_WORDS) - known) or (stems(these) - known)


def _worded(these: Iterable[str], known: Set[str]) -> str:
    return ", ".join(dict.fromkeys(word for word in these if stem(word) in known))


def _stem_counts(these: Iterable[str]) -> Counter[str]:
    return Counter(stem(word) for word in these)
