"""Finding hundreds of wordings in a text at little cost: one look for how any begins, then only those that do."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

_BEHIND = re.compile(r"(?:\(\?<![^()]*\))+")
_LITERAL = re.compile(r"[\w' -]+")
_TOKEN = re.compile(r"\\.|.", re.DOTALL)
"""A character of a pattern; an escaped one with its backslash, so that it opens, closes and parts nothing."""
_KEY = 9
"""Letters of a beginning that are looked for: with fewer, "in the" begins too many; with more, little is won."""


class WordingIndex:
    """Patterns by number, found wherever they begin a word; at one place each is found once."""

    def __init__(self, patterns: Sequence[str]) -> None:
        numbered = [(number, way) for number, pattern in enumerate(patterns) for way in ways(pattern)]
        by_key: dict[str, list[int]] = defaultdict(list)
        for place, (_, way) in enumerate(numbered):
            by_key[_key(way)].append(place)
        self._looks = {key: _Look([numbered[place] for place in _may_follow(key, by_key)]) for key in by_key}
        self._starts = re.compile(rf"(?<![\w-])(?=({_branched(list(by_key))}))")

    def find(self, plain: str) -> Iterator[tuple[int, int, int]]:
        """Start, end and number of each pattern found, in text order; matches may overlap."""
        for begun in self._starts.finditer(plain):
            start, look = begun.start(), self._looks[begun[1]]
            found = look.pattern.match(plain, start)
            if found and found.lastindex:
                for number, (_, end) in zip(look.numbers, found.regs[1:], strict=True):
                    if end >= 0:
                        yield start, end, number


class _Look:
    """All that a place may hold, seen at once: a group for each number, set where its pattern stands."""

    def __init__(self, numbered: Sequence[tuple[int, str]]) -> None:
        by_number: dict[int, list[str]] = defaultdict(list)
        for number, way in numbered:
            by_number[number].append(way)
        self.numbers = tuple(by_number)
        self.pattern = re.compile("".join(rf"(?=((?:{'|'.join(said)}))(?!\w)|)" for said in by_number.values()))


def beginnings(patterns: Iterable[str]) -> str:
    """A pattern of how any of the patterns begins: where it does not stand, none of them does."""
    return _branched(list({_key(way) for pattern in patterns for way in ways(pattern)}))


def _may_follow(key: str, by_key: dict[str, list[int]]) -> list[int]:
    """The ways that may stand where the key does and no longer one: all whose own key begins it, in their order."""
    return sorted(place for length in range(len(key) + 1) for place in by_key.get(key[:length], ()))


def _branched(keys: Sequence[str]) -> str:
    """A pattern of the longest key that stands at a place, branching letter by letter; of none it finds nothing."""
    if not keys:
        return "(?!)"
    by_letter: dict[str, list[str]] = defaultdict(list)
    for key in sorted(keys, reverse=True):
        by_letter[key[:1]].append(key[1:])
    parts = [
        re.escape(letter) + (_branched(rest) if len(rest) > 1 else re.escape(rest[0])) if letter else ""
        for letter, rest in by_letter.items()
    ]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _key(way: str) -> str:
    behind = _BEHIND.match(way)
    rest = way[behind.end() :] if behind else way
    literal = _LITERAL.match(rest)
    if literal is None:
        return ""
    found = literal.group()
    # A letter that may be missing or repeated is none to look for.
    return (found[:-1] if rest[len(found) : len(found) + 1] in ("?", "*", "{") else found)[:_KEY]


def ways(pattern: str) -> list[str]:
    """The alternatives of a pattern, those in brackets at its beginning included."""
    return [begun for way in _alternatives(pattern) for begun in _opened(way)]


def _alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern outside its brackets."""
    depth, found = 0, [""]
    for token in _TOKEN.findall(pattern):
        depth += (token == "(") - (token == ")")
        if token == "|" and not depth:
            found.append("")
        else:
            found[-1] += token
    return found


def _opened(way: str) -> list[str]:
    """The way once for each alternative in the brackets it begins with, once without them where they may be missing."""
    behind = _BEHIND.match(way)
    before, rest = (way[: behind.end()], way[behind.end() :]) if behind else ("", way)
    if not rest.startswith("(?:"):
        return [way]
    depth = 0
    for token in _TOKEN.finditer(rest):
        depth += (token[0] == "(") - (token[0] == ")")
        if not depth:
            inside, after = rest[3 : token.start()], rest[token.end() :]
            if after[:1] in ("*", "+", "{"):
                return [way]
            optional = after.startswith("?")
            after = after.removeprefix("?")
            opened = [done for one in _alternatives(inside) for done in _opened(before + one + after)]
            return [*opened, *_opened(before + after)] if optional else opened
    return [way]
