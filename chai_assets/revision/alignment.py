"""A revision beside the text its findings ask for: the alignment that the effect checks look at.

Nothing is judged here. Words are compared; see `chai_resources.captioners.engines.edits` for what a word is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from chai_resources.captioners.engines.edits import Edit, Word, additions, apply, plan, words


@dataclass(frozen=True)
class Token:
    """A word of the expected text: the draft's own, put there by a finding (`owner`), or added as missing."""

    word: Word
    owner: int | None = None
    added: bool = False


@dataclass(frozen=True)
class Reading:
    """The expected text with the findings in `applied` made, and the revision's words aligned with it.

    `seams` are the places, as word counts, where an applied finding left nothing.
    """

    draft: str
    revision: str
    edits: Mapping[int, Edit]
    applied: frozenset[int]
    expected_text: str
    expected: Sequence[Token]
    seams: Mapping[int, int]
    found: Sequence[Word]
    opcodes: Sequence[tuple[str, int, int, int, int]]

    def region(self, finding: int) -> tuple[int, int]:
        """The revision's words [low, high) that stand where the finding's edit is expected."""
        owned = [at for at, token in enumerate(self.expected) if token.owner == finding]
        seam = self.seams.get(finding, 0)
        first, after = (owned[0], owned[-1] + 1) if owned else (seam, seam)
        low, high = 0, len(self.found)
        for tag, i1, i2, j1, _ in self.opcodes:
            if tag == "equal" and i1 < first:
                low = j1 + min(i2, first) - i1
            if tag == "equal" and i2 > after:
                high = min(high, j1 + max(i1, after) - i1)
        return low, high

    def new_in_sentence(self, low: int, high: int) -> list[str]:
        """Words of the sentence around the revision's words [low, high) that are not the draft's own."""
        ends = [
            at
            for at in range(1, len(self.found))
            if re.search(r"[.!?…]\s", self.revision[self.found[at - 1].end : self.found[at].start])
        ]
        first = max((at for at in ends if at <= low), default=0)
        after = min((at for at in ends if at >= max(high, low + 1)), default=len(self.found))
        kept = {
            j1 + at - i1
            for tag, i1, i2, j1, _ in self.opcodes
            if tag == "equal"
            for at in range(i1, i2)
            if self.expected[at].owner is None
        }
        return [self.found[at].text for at in range(first, after) if at not in kept]

    def as_expected(self, finding: int) -> bool:
        """Whether just the words that the finding's edit would leave stand in its place."""
        low, high = self.region(finding)
        owned = [token.word.text for token in self.expected if token.owner == finding]
        return owned == [word.text for word in self.found[low:high]]

    def neighbors(self, i1: int, i2: int) -> set[int]:
        """Findings whose words or seam touch the expected words [i1, i2) from outside."""
        beside = [self.expected[at].owner for at in (i1 - 1, i2) if 0 <= at < len(self.expected)]
        return {owner for owner in beside if owner is not None} | {
            finding for finding, seam in self.seams.items() if i1 <= seam <= i2
        }


def read(draft: str, findings: Sequence[Mapping[str, Any]], revision: str) -> Reading:
    """The reading that leaves the fewest words unexplained; all findings applied, where that fits exactly."""
    edits = plan(draft, findings)
    found = words(revision)
    applied = frozenset(edit.finding for edit in edits)
    text, expected, seams = _expect(draft, edits, applied)
    missing = [Token(word, added=True) for fix in additions(apply(draft, edits), findings) for word in words(fix)]
    if _texts(expected + missing) == [word.text for word in found]:
        expected = expected + missing
    else:
        applied = _closest(draft, edits, found)
        text, expected, seams = _expect(draft, edits, applied)
    opcodes = _matcher(expected, found).get_opcodes()
    by_finding = {edit.finding: edit for edit in edits}
    return Reading(draft, revision, by_finding, applied, text, expected, seams, found, opcodes)


def _closest(draft: str, edits: Sequence[Edit], found: Sequence[Word]) -> frozenset[int]:
    """The findings to read as applied: all or none, whichever is closer; then each switched if that helps."""

    @cache
    def distance(applied: frozenset[int]) -> int:
        return _distance(_expect(draft, edits, applied)[1], found)

    applied = min(frozenset(edit.finding for edit in edits), frozenset[int](), key=distance)
    for edit in edits:
        applied = min(applied, applied ^ {edit.finding}, key=distance)
    return applied


def _expect(draft: str, edits: Sequence[Edit], applied: frozenset[int]) -> tuple[str, list[Token], dict[int, int]]:
    """The draft with the applied edits made, untidied; its words with their owners; the seams."""
    text, at, spans = "", 0, []
    for edit in edits:
        text += draft[at : edit.start]
        made = edit.fix if edit.finding in applied else draft[edit.start : edit.end]
        spans.append((len(text), len(text) + len(made), edit.finding))
        text, at = text + made, edit.end
    text += draft[at:]
    tokens = [Token(word, _owner(word, spans)) for word in words(text)]
    owners = {token.owner for token in tokens}
    seams = {
        finding: sum(token.word.end <= start for token in tokens)
        for start, _, finding in spans
        if finding not in owners
    }
    return text, tokens, seams


def _owner(word: Word, spans: Iterable[tuple[int, int, int]]) -> int | None:
    return next((finding for start, end, finding in spans if word.start < end and start < word.end), None)


def _texts(tokens: Iterable[Token]) -> list[str]:
    return [token.word.text for token in tokens]


def _matcher(expected: Sequence[Token], found: Sequence[Word]) -> SequenceMatcher:
    # autojunk takes frequent words out of the comparison from 200 words on.
    return SequenceMatcher(None, _texts(expected), [word.text for word in found], autojunk=False)


def _distance(expected: Sequence[Token], found: Sequence[Word]) -> int:
    """Words that stand in only one of the two, by the alignment."""
    same = sum(block.size for block in _matcher(expected, found).get_matching_blocks())
    return len(expected) + len(found) - 2 * same
