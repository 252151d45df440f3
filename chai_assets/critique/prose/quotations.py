"""Separates a critique's quotations from the writer's own words.

In a passage each quotation is one marker character, so that patterns never match inside of a quotation. What a
quotation means is the business of other modules.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

IN_DRAFT, NOT_IN_DRAFT = "\ue000", "\ue001"
"""Markers of one quotation: of words that stand in the draft, and of other words. Both are private-use characters."""

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
    """One paragraph or list item: its prose with a mark for each quotation, and the quotations by position there."""

    prose: str
    quotes: dict[int, str]


def passages(text: str, stands: Callable[[str], bool]) -> list[Passage]:
    """The paragraphs and list items of a text, in order; `stands` tells whether the draft has a quotation's words."""
    parts = _PARAGRAPH.split(re.sub(f"[{IN_DRAFT}{NOT_IN_DRAFT}]", " ", text))
    return [_passage(part, stands) for part in parts if part.strip()]


def quotations(text: str) -> list[tuple[int, int, str]]:
    """Each quotation of a text as it is: from its opening to behind its closing mark, and the quoted words."""
    return [(*match.span(), match[match.lastgroup or 0]) for match in _QUOTED.finditer(text)]


def _passage(part: str, stands: Callable[[str], bool]) -> Passage:
    """White space becomes single spaces; a sentence that ends inside a quotation gets its full stop outside."""
    part = re.sub(r"\s+", " ", part).strip()
    prose: list[str] = []
    quotes: dict[int, str] = {}
    at, size = 0, 0
    for match in _QUOTED.finditer(part):
        before = part[at : match.start()]
        quoted = match[match.lastgroup or 0].strip()
        at, size = match.end(), size + len(before)
        quotes[size] = quoted
        mark = IN_DRAFT if stands(quoted) else NOT_IN_DRAFT
        stop = "." if _ENDS.search(quoted) and _NEW_SENTENCE.match(part, at) else ""
        prose += [before, mark, stop]
        size += len(mark + stop)
    return Passage("".join(prose) + part[at:], quotes)
