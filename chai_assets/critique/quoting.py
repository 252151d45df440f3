"""A critique's prose with its quotations taken out: what the writer says, and the words he quotes, apart.

Patterns of speech are looked for in the prose alone, where each quotation is one character, so that nothing
inside a quotation is taken for the writer's own words. What a quotation means is other modules' business.
"""

import re
from dataclasses import dataclass

QUOTE = "￼"
"""Stands for one quotation. It is Unicode's own character for an object taken out of a text."""

_LONGEST = 1200
"""Characters of a quotation: longer than a long caption, and the bound on looking for its end."""

_PAIRS = [
    rf'"(?P<a>[^"“”]{{1,{_LONGEST}}})["”]',
    rf'[“„](?P<b>[^"“”„]{{1,{_LONGEST}}})[”"“]',
    rf"「(?P<c>[^「」]{{1,{_LONGEST}}})」",
    rf"『(?P<d>[^『』]{{1,{_LONGEST}}})』",
    rf"«(?P<e>[^«»]{{1,{_LONGEST}}})»",
    rf"`(?P<f>[^`]{{1,{_LONGEST}}})`",
    # An apostrophe has a word on both sides, or ends a plural; a single quote opens after none and closes before none.
    r"(?<!\w)['‘](?P<g>(?=\S)(?:[^'‘’\n]|['’](?=\w)){1,300})(?<=\S)['’](?!\w)",
]
_QUOTED = re.compile("|".join(_PAIRS))
# A line that goes on in small letters was wrapped; any other begins a paragraph or a list item of its own.
_PARAGRAPH = re.compile(r"\n(?![^\S\n]*[a-z])")
_ENDS = re.compile(r"[.!?。！？][\s'’]*\Z")
_NEW_SENTENCE = re.compile(r"\s+(?:[A-Z]|\d+[.)]|$)|\s*\Z")


@dataclass(frozen=True)
class Passage:
    """One paragraph or list item: its prose with QUOTE for each quotation, and the quotations by position there."""

    prose: str
    quotes: dict[int, str]


def passages(text: str) -> list[Passage]:
    """The paragraphs and list items of a text, in order, those without words left out."""
    parts = _PARAGRAPH.split(text.replace(QUOTE, " "))
    return [_passage(part) for part in parts if part.strip()]


def _passage(part: str) -> Passage:
    """White space becomes single spaces; a sentence that ends inside a quotation gets its full stop outside."""
    part = re.sub(r"\s+", " ", part).strip()
    prose, quotes, at, size = [], {}, 0, 0
    for match in _QUOTED.finditer(part):
        before = part[at : match.start()]
        quoted = match[match.lastgroup or 0].strip()
        at, size = match.end(), size + len(before)
        quotes[size] = quoted
        stop = "." if _ENDS.search(quoted) and _NEW_SENTENCE.match(part, at) else ""
        prose += [before, QUOTE, stop]
        size += len(QUOTE + stop)
    return Passage("".join(prose) + part[at:], quotes)
