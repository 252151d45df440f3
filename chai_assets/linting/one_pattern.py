"""Many patterns as one that branches by what they begin with, so that most places of a text cost one look."""

import re

from chai_assets.linting.phrase_patterns import ADVERBS, NO_ADVERB
from chai_assets.linting.wording_index import ways

_LETTER = re.compile(r"[^\W\d_](?![?*+{])")
_BLANK = re.compile(r"(?: |\[ -\])(?![?*+{])")
_ADVERBS = re.compile(re.escape(ADVERBS) + NO_ADVERB)
_FORMS = re.compile(r"\(\?:[a-z?|]+\)\??(?= |\[ -\]|\(\?: )")


def one_pattern(patterns: list[str]) -> tuple[re.Pattern[str], tuple[int, ...]]:
    """All patterns as one, and for each of its groups the number of the pattern that it belongs to.

    A group tells which one matched, so they hold no groups of their own. They branch by what they begin with: at most
    words of a text, a look at one letter is then enough. Finds what the patterns would as plain alternatives.
    """
    numbers: list[int] = []
    numbered = [(number, way) for number, pattern in enumerate(patterns) for way in ways(pattern)]
    return re.compile(rf"(?<![\w-])(?:{_branched(numbered, numbers)})(?!\w)"), tuple(numbers)


def _branched(numbered: list[tuple[int, str]], numbers: list[int]) -> str:
    """The ways as one pattern with a group for each, branching by what they begin with; notes the groups' numbers.

    Ways that begin with different letters never match at one place, so gathering a letter's keeps their order. Other
    beginnings are shared only by ways that follow one another.
    """
    branches: list[tuple[str, list[tuple[int, str]]]] = []
    open_: dict[str, list[tuple[int, str]]] = {}
    for number, way in numbered:
        begun = _beginning(way)
        if begun in open_:
            open_[begun].append((number, way[len(begun) :]))
            continue
        if not all(map(str.isalpha, (begun, *open_))):
            open_ = {}
        branches.append((begun, [(number, way[len(begun) :])]))
        if begun:
            open_[begun] = branches[-1][1]
    parts = []
    for begun, rest in branches:
        if len(rest) == 1:
            numbers.append(rest[0][0])
            parts.append(f"{begun}({rest[0][1]})")
        else:
            parts.append(f"{begun}(?:{_branched(rest, numbers)})")
    return "|".join(parts)


def _beginning(way: str) -> str:
    """What the way begins with, if others may share it: a letter, a blank, the forms of a verb, adverbs; else nothing.

    What is shared has to fit a text in one manner only, or else a way that comes later could win: forms do where no
    letter follows, since they then end with the word, and adverbs where what follows begins with none.
    """
    match = _LETTER.match(way) or _BLANK.match(way) or _FORMS.match(way) or _ADVERBS.match(way)
    return match.group() if match else ""
