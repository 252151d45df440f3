"""Findings as edits of a draft: where each one applies, what it puts there, and the text that results.

Pure text work, without a model. The offline engine writes its revisions with it, and the check whether a
finding took starts from the same reading of where a finding applies. Only words count as content: case at the
start of a sentence, white space and punctuation at the seams are fitted to what stands around them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from chai_resources.captioners.engines.removals import widen

Finding = Mapping[str, Any]
"""finding_id, kind, quote, start, end, fix; offsets in code points, end exclusive."""

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_TERMINAL = ".!?…"
_PAUSE = ",;:"
_DASH = "—–"
_CLOSING = "\"'”’)]"
_OPENING = "\"'“‘(["
_PAIRS = {"()", "[]", '""', "“”", "‘’"}

# Words that are never names: inside a sentence a capital can be taken from them, as from a word that the
# draft itself writes small.
_LOWER = frozenset(
    re.findall(
        r"\w+",
        """a an the this that these those it its he his she her they their there here in on at to from of with
        while as and but or no not then when where""",
    )
)


class Word(NamedTuple):
    """A word as compared (case folded) and where it stands in its text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Edit:
    """What one finding asks: the draft's code points [start, end) read `fix` instead; empty removes them."""

    finding: int
    start: int
    end: int
    fix: str


def words(text: str) -> list[Word]:
    """The words of a text. White space, punctuation and case are not content."""
    return [Word(folded, *span) for folded, span in zip(word_texts(text), word_spans(text), strict=True)]


def word_texts(text: str) -> list[str]:
    """The words of a text as compared, without their places, which take the most time."""
    # Folded all at once: no character folds to white space.
    return _fold(" ".join(_WORD.findall(text))).split()


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each word of a text stands: code points [start, end)."""
    return [match.span() for match in _WORD.finditer(text)]


def has_phrase(phrase: str, text: str) -> bool:
    """Whether the phrase's words stand in the text, in order and without a gap; no words stand nowhere."""
    return any(True for _ in _standing(phrase, text))


def has_sentence(phrase: str, text: str) -> bool:
    """Whether the phrase's words stand in the text as a sentence, or as several whole ones."""
    return any(
        _opens_sentence(text[:start]) and (text[end:].lstrip(_CLOSING + " ")[:1] or ".") in _TERMINAL
        for start, end in _standing(phrase, text)
    )


def plan(draft: str, findings: Sequence[Finding]) -> list[Edit]:
    """The edits that the findings with a quote ask for, in text order, none overlapping another.

    A finding whose quote cannot be placed has no edit; of two that overlap, the one that starts first counts,
    and of those the longer one.
    """
    placed: list[Edit] = []
    for index, finding in enumerate(findings):
        if span := _place(draft, finding):
            placed.append(Edit(index, *span, _fit(draft, *span, finding.get("fix") or "")))
    chosen: list[Edit] = []
    for edit in sorted(placed, key=lambda edit: (edit.start, -edit.end, edit.finding)):
        if not chosen or edit.start >= chosen[-1].end:
            chosen.append(edit)
    return [_as_it_holds(draft, edit, chosen) for edit in _widened(draft, chosen)]


def _widened(draft: str, edits: Sequence[Edit]) -> Iterator[Edit]:
    """The edits, removals with what cannot stand without the words that go; none reaches into another."""
    floors = [0, *(edit.end for edit in edits)]
    ceilings = [*(edit.start for edit in edits[1:]), len(draft)]
    for edit, floor, ceiling in zip(edits, floors, ceilings, strict=False):
        if edit.fix:
            yield edit
        else:
            start, end, fix = widen(draft, edit.start, edit.end, floor, ceiling)
            yield replace(edit, start=start, end=end, fix=fix)


def additions(text: str, findings: Sequence[Finding]) -> list[str]:
    """The sentences to append for what the findings call missing, less those that the text already has."""
    sentences: list[str] = []
    for finding in findings:
        fix = " ".join((finding.get("fix") or "").split())
        if finding.get("kind") != "missing" or not words(fix):
            continue
        if has_sentence(fix, text) or any(has_sentence(fix, sentence) for sentence in sentences):
            continue
        sentences.append(upper_first(fix) if _ends_sentence(fix) else f"{upper_first(fix.rstrip(_PAUSE))}.")
    return sentences


def apply(draft: str, edits: Sequence[Edit]) -> str:
    """The draft with the edits of `plan` made.

    Outside the edits it is byte for byte the same, but for tidying where something was removed: doubled white
    space and punctuation, empty brackets, a lost capital. Tidying never changes, joins or splits a word.
    """
    segments = _segments(draft, edits)
    out, capital = segments[0][1], False
    for edit, kept in segments[1:]:
        if edit.fix:
            out += (upper_first(edit.fix) if capital else edit.fix) + kept
            capital = False
        else:
            lost_capital = _opens_sentence(out) and draft[edit.start].isupper()
            out, kept = _close(out, kept, last=edit is edits[-1])
            capital = (capital or lost_capital) and _opens_sentence(out)
            out += upper_first(kept) if capital else kept
            capital = capital and not words(kept)
    plain = segments[0][1] + "".join(edit.fix + kept for edit, kept in segments[1:])
    tidied = word_texts(out) == word_texts(plain)
    return out if tidied else plain


def revise(draft: str, findings: Sequence[Finding]) -> str:
    """The draft with every finding applied that can be placed, and what is missing appended as sentences."""
    text = apply(draft, plan(draft, findings))
    for sentence in additions(text, findings):
        body = text.rstrip()
        if body and not _ends_sentence(body):
            body = body.rstrip(_PAUSE) + "."
        text = f"{body} {sentence}" if body else sentence
    return text


def opens_sentence(text: str, at: int) -> bool:
    """Whether a word at this offset of the text is the first of a sentence."""
    return _opens_sentence(text[:at])


def upper_first(text: str) -> str:
    """Capital on the first word, where that is still the same word to `words`."""
    if not (match := re.search(r"\w", text)):
        return text
    upper = match.group().upper()
    if len(upper) != 1 or upper.casefold() != match.group().casefold():
        return text
    return text[: match.start()] + upper + text[match.end() :]


def _standing(phrase: str, text: str) -> Iterator[tuple[int, int]]:
    wanted, there = word_texts(phrase), words(text)
    size = len(wanted)
    for at in range(len(there) - size + 1 if wanted else 0):
        if [word.text for word in there[at : at + size]] == wanted:
            yield there[at].start, there[at + size - 1].end


def _fold(text: str) -> str:
    return text.casefold().replace("’", "'")


def _segments(draft: str, edits: Sequence[Edit]) -> list[tuple[Edit, str]]:
    """The text before the first edit, then each edit with the untouched text after it."""
    ends = [0, *(edit.end for edit in edits)]
    starts = [*(edit.start for edit in edits), len(draft)]
    lead = Edit(-1, 0, 0, "")
    return list(zip([lead, *edits], (draft[a:b] for a, b in zip(ends, starts, strict=True)), strict=True))


def _place(draft: str, finding: Finding) -> tuple[int, int] | None:
    """Where the finding's quote stands: at its offsets, else at the one other place where it is found."""
    quote, fix = (finding.get("quote") or "").strip(), (finding.get("fix") or "").strip()
    if finding.get("kind") == "missing" or not quote:
        return None
    start, end = finding.get("start"), finding.get("end")
    if start is not None and end is not None and start >= 0 and draft[start:end].strip() == quote:
        at = draft.index(quote, start)
    elif start is not None and start >= 0 and fix and draft.startswith(fix, start):
        return start, start + len(fix)
    else:
        found = _occurrences(draft, quote, 0) or _occurrences(draft, quote, re.IGNORECASE)
        if len(found) != 1:
            return None
        at, quote = found[0], draft[found[0] : found[0] + len(quote)]
    return _without_full_stop(draft, at, at + len(quote), fix)


def _occurrences(draft: str, quote: str, flags: int) -> list[int]:
    before = r"(?<!\w)" if quote[0].isalnum() else ""
    after = r"(?!\w)" if quote[-1].isalnum() else ""
    return [match.start() for match in re.finditer(before + re.escape(quote) + after, draft, flags)]


def _without_full_stop(draft: str, start: int, end: int, fix: str) -> tuple[int, int] | None:
    """The span less the mark that ends its sentence: the mark stays, whatever happens to its words."""
    if not draft[end : end + 1].strip() and fix[-1:] not in ("!", "?"):
        end = start + len(draft[start:end].rstrip(_TERMINAL).rstrip())
    return (start, end) if end > start else None


def _as_it_holds(draft: str, edit: Edit, edits: Sequence[Edit]) -> Edit:
    """The edit, or one that changes nothing where the fix already stands around the quote."""
    size = len(edit.fix)
    if size <= edit.end - edit.start:
        return edit
    at = draft.find(edit.fix, max(0, edit.end - size), edit.start + size)
    if at < 0 or re.match(r"['’]?\w", draft[at + size :]) or re.search(r"\w['’]?\Z", draft[:at]):
        return edit
    if any(other is not edit and at < other.end and other.start < at + size for other in edits):
        return edit
    return replace(edit, start=at, end=at + size)


def _fit(draft: str, start: int, end: int, fix: str) -> str:
    """The fix with the capital and the closing mark that its place asks for."""
    quote, after = draft[start:end], draft[end:].lstrip()
    fix = " ".join(fix.split())
    if after and fix.endswith("."):
        fix = fix.rstrip(".").rstrip()
    if after[:1] and after[0] in _PAUSE + _TERMINAL:
        fix = fix.rstrip(_PAUSE)
    if not words(fix):
        return fix if fix not in _TERMINAL else ""
    first = words(fix)[0]
    same_words = word_texts(fix) == word_texts(quote)
    if quote[:1].isupper() and _opens_sentence(draft[:start]):
        return upper_first(fix)
    common = first.text in _LOWER or re.search(rf"\b{re.escape(first.text)}\b", draft) is not None
    if quote[:1].islower() and common and not same_words:
        return fix[: first.start] + fix[first.start].lower() + fix[first.start + 1 :]
    return fix


def _close(left: str, right: str, last: bool) -> tuple[str, str]:
    """Both sides of a removed span, joined with one space and one mark where two met."""
    left, left_gap, right_gap, right = _stripped(left, right)
    while True:
        before, after = left[-1:], right[:1]
        if before + after in _PAIRS and not left_gap + right_gap:
            left, left_gap, right_gap, right = _stripped(left[:-1], right[1:])
        elif after and after in _PAUSE + _DASH and (not left or before in _PAUSE + _DASH + _TERMINAL):
            right_gap, right = right_gap or " ", right[1:].lstrip()
        elif after and after in _TERMINAL and (not left or _ends_sentence(left)):
            _, _, gap, right = _stripped("", right.lstrip(_TERMINAL))
            right_gap = gap or right_gap
        elif before and before in _PAUSE + _DASH and (after in _TERMINAL if after else last):
            left = left[:-1].rstrip()
        else:
            return left + _gap(left, right, left_gap, right_gap, last), right


def _stripped(left: str, right: str) -> tuple[str, str, str, str]:
    """Left, its white space, the white space of right, right."""
    body, rest = left.rstrip(), right.lstrip()
    return body, left[len(body) :], right[: len(right) - len(rest)], rest


def _gap(left: str, right: str, left_gap: str, right_gap: str, last: bool) -> str:
    if not left or (last and not right):
        return ""
    if right and (right[0] in _PAUSE + _TERMINAL + ")]”" or (right[0] == '"' and not right_gap)):
        return ""
    if left[-1] in "([“‘" or (left[-1] == '"' and not left_gap):
        return ""
    return right_gap if "\n" in right_gap else left_gap or right_gap


def _ends_sentence(text: str) -> bool:
    return text.rstrip().rstrip(_CLOSING)[-1:] in tuple(_TERMINAL)


def _opens_sentence(before: str) -> bool:
    body = before.rstrip().rstrip(_OPENING).rstrip()
    return not body or (_ends_sentence(body) and before != before.rstrip(" \t\n" + _OPENING))
