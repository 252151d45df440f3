"""Finds quoted words in a draft, tolerant of how people quote.

Words are compared, not characters: case, white space, punctuation, hyphens and the shape of quotes and dashes
do not count, and a leading article may differ. A quotation that stands several times is placed only where
something tells the places apart.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from chai_resources.captioners.engines.edits import word_spans, word_texts

_ARTICLE = re.compile(r"\s*(?:the|an|a)\s+(?=\S)", re.IGNORECASE)
_ELLIPSIS = re.compile(r"\s*(?:\.\.\.+|…+|\[\.*…?\])\s*")
_MOST_PLACES = 50
"""A phrase that stands more often is placed by nothing; the bound keeps a long draft of one word from taking hours."""
_BRACKETS = {"(": ")", "[": "]", "“": "”", "‘": "’", '"': '"'}


@dataclass(frozen=True)
class Span:
    """Code points [start, end) of the draft; `bare` where the quotation's leading article was passed over."""

    start: int
    end: int
    bare: bool = False


class DraftPhrases:
    """A draft prepared for looking up phrases in it."""

    def __init__(self, draft: str) -> None:
        self.draft = draft
        self._known: dict[str, list[Span]] = {}

    # Many a critique quotes nothing, or nothing that stands in the draft: its words are taken when a phrase is looked
    # up, and their places when one is found.
    @cached_property
    def _texts(self) -> list[str]:
        return word_texts(self.draft)

    @cached_property
    def _line(self) -> str:
        return f" {' '.join(self._texts)} "

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return word_spans(self.draft)

    @cached_property
    def _offsets(self) -> list[int]:
        """Where each word, with the space before it, begins in the line."""
        return list(accumulate((len(text) + 1 for text in self._texts), initial=0))

    def locate(self, phrase: str, within: Span | None = None) -> Span | None:
        """The place of a phrase: the only one, or of several the only one that is written just so."""
        found = self._all(phrase)
        if within:
            found = [place for place in found if within.start <= place.start and place.end <= within.end]
        if len(found) > 1:
            exact = phrase.strip(" .,;:!?")
            found = [place for place in found if self.draft[place.start : place.end] == exact]
        return found[0] if len(found) == 1 else None

    def contains(self, phrase: str) -> bool:
        """Whether the draft has the phrase, at one place or several."""
        return bool(self._all(phrase))

    def _all(self, phrase: str) -> list[Span]:
        if phrase not in self._known:
            self._known[phrase] = self._look_up(phrase.strip())
        return self._known[phrase]

    def _look_up(self, phrase: str) -> list[Span]:
        """Places of a phrase; one with an ellipsis in its middle reaches from its first words to its last."""
        if phrase.startswith(("...", "…")) or phrase.endswith(("...", "…")):
            return []
        parts = [part for part in _ELLIPSIS.split(phrase) if word_texts(part)]
        if len(parts) == 2:
            return self._reaching(*parts)
        if len(parts) != 1:
            return []
        found = self._standing(phrase)
        if not found and (article := _ARTICLE.match(phrase)):
            found = [Span(place.start, place.end, bare=True) for place in self._standing(phrase[article.end() :])]
        return found

    def _standing(self, phrase: str) -> list[Span]:
        wanted = word_texts(phrase)
        needle = f" {' '.join(wanted)} "
        found, at = [], self._line.find(needle) if wanted else -1
        while at >= 0 and len(found) <= _MOST_PLACES:
            first = bisect_left(self._offsets, at)
            last = first + len(wanted) - 1
            found.append(self._whole(phrase, self._spans[first][0], self._spans[last][1]))
            # On from the phrase's own end: places of one phrase do not overlap.
            at = self._line.find(needle, at + len(needle) - 1)
        return found if len(found) <= _MOST_PLACES else []

    def _whole(self, phrase: str, start: int, end: int) -> Span:
        """The words with the bracket that the phrase opens with, and the brackets and quotes that then go with it."""
        if start and phrase[0] in _BRACKETS and self.draft[start - 1] == phrase[0]:
            start -= 1
        inside = self.draft[start:end]
        for opening, closing in _BRACKETS.items():
            odd = inside.count(opening) % 2 if opening == closing else inside.count(opening) - inside.count(closing)
            if odd > 0 and (closed := re.compile(rf"[.,]?{re.escape(closing)}").match(self.draft, end)):
                end = closed.end()
            elif odd and start and self.draft[start - 1] == opening:
                start -= 1
        return Span(start, end)

    def _reaching(self, head: str, tail: str) -> list[Span]:
        heads, tails = self._standing(head), self._standing(tail)
        if len(heads) != 1 or len(tails) != 1 or tails[0].start < heads[0].end:
            return []
        return [Span(heads[0].start, tails[0].end)]


def without_article(phrase: str) -> str:
    """The phrase less a leading article."""
    return _ARTICLE.sub("", phrase, count=1)


def claim_span(place: Span, claimed: list[tuple[int, int]]) -> bool:
    """Whether a place is free of the claimed ones, kept sorted; if so it is claimed from now on."""
    at = bisect_left(claimed, (place.start, place.end))
    if (at and claimed[at - 1][1] > place.start) or (at < len(claimed) and claimed[at][0] < place.end):
        return False
    claimed.insert(at, (place.start, place.end))
    return True
