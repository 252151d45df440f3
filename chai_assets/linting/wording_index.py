"""Finding hundreds of wordings in a text at little cost: one look for how any begins, then only those that do."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

_BEHIND = re.compile(r"(?:\(\?<![^()]*\))+")
_LITERAL = re.compile(r"[\w' -]+")
_KEY = 9
"""Letters of a beginning that are looked for: with fewer, "in the" begins too many; with more, little is won."""


class WordingIndex:
    """Patterns by number, found wherever they begin a word; at one place each is found once."""

    def __init__(self, patterns: Sequence[str]) -> None:
        ways = [(number, way) for number, pattern in enumerate(patterns) for way in _ways(pattern)]
        by_key: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for key, number, way in _keyed(ways):
            by_key[key].append((number, way))
        self._numbers = {key: [number for number, _ in found] for key, found in by_key.items()}
        self._ways = {key: [way for _, way in found] for key, found in by_key.items()}
        self._patterns = {key: _either(ways) for key, ways in self._ways.items()}
        self._rest: dict[tuple[str, int], re.Pattern[str]] = {}
        self._starts = re.compile(rf"(?<![\w-]){_trie(sorted(by_key))}")

    def find(self, plain: str) -> Iterator[tuple[int, int, int]]:
        """Start, end and number of each pattern found, in text order; matches may overlap."""
        for begun in self._starts.finditer(plain):
            start, key = begun.start(), begun[1]
            match = self._patterns[key].match(plain, start)
            first = 0
            while match and match.lastindex:
                first += match.lastindex
                yield start, match.end(), self._numbers[key][first - 1]
                match = self._after(key, first).match(plain, start)

    def _after(self, key: str, first: int) -> re.Pattern[str]:
        """What a place may hold beside the pattern before it; made when it is first looked for."""
        if (key, first) not in self._rest:
            seen = self._numbers[key][first - 1]
            left = zip(self._ways[key][first:], self._numbers[key][first:], strict=True)
            self._rest[key, first] = _either([way if number != seen else r"(?!)" for way, number in left])
        return self._rest[key, first]


def _either(ways: Sequence[str]) -> re.Pattern[str]:
    """The ways as one pattern, a group for each; what matches nothing where there are none."""
    return re.compile("|".join(rf"({way})(?!\w)" for way in ways) or r"(?!)")


def _trie(keys: Sequence[str]) -> str:
    """The keys as one pattern that looks ahead: what begins here may begin within another."""
    return f"(?=({_branched(keys)}))"


def _branched(keys: Sequence[str]) -> str:
    """Keys, none of which begins another, branching letter by letter."""
    by_letter: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_letter[key[:1]].append(key[1:])
    parts = [
        re.escape(letter) + (_branched(rest) if len(rest) > 1 else re.escape(rest[0]))
        for letter, rest in by_letter.items()
    ]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _keyed(ways: Sequence[tuple[int, str]]) -> Iterator[tuple[str, int, str]]:
    """Each way with the key that it is found by: its first letters, cut to a shorter key that begins them."""
    keys = {_key(way) for _, way in ways}
    for number, way in ways:
        key = _key(way)
        yield next(key[:n] for n in range(len(key) + 1) if key[:n] in keys), number, way


def _key(way: str) -> str:
    behind = _BEHIND.match(way)
    rest = way[behind.end() :] if behind else way
    literal = _LITERAL.match(rest)
    if literal is None:
        return ""
    found = literal.group()
    # A letter that may be missing or repeated is none to look for.
    return (found[:-1] if rest[len(found) : len(found) + 1] in ("?", "*", "{") else found)[:_KEY]


def _ways(pattern: str) -> list[str]:
    """The alternatives of a pattern, those in brackets at its beginning included."""
    return [begun for way in alternatives(pattern) for begun in _opened(way)]


def alternatives(pattern: str) -> list[str]:
    """The alternatives of a pattern outside its brackets."""
    depth, ways = 0, [""]
    for character in pattern:
        depth += (character == "(") - (character == ")")
        if character == "|" and not depth:
            ways.append("")
        else:
            ways[-1] += character
    return ways


def _opened(way: str) -> list[str]:
    """The way once for each alternative in the brackets it begins with, once without them where they may be missing."""
    behind = _BEHIND.match(way)
    before, rest = (way[: behind.end()], way[behind.end() :]) if behind else ("", way)
    if not rest.startswith("(?:"):
        return [way]
    depth = 0
    for place, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if not depth:
            inside, after = rest[3:place], rest[place + 1 :]
            if after[:1] in ("*", "+", "{"):
                return [way]
            optional = after.startswith("?")
            after = after.removeprefix("?")
            opened = [done for one in alternatives(inside) for done in _opened(before + one + after)]
            return [*opened, *_opened(before + after)] if optional else opened
    return [way]
