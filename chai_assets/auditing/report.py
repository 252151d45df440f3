"""What an audit found, as data: measures with shares and examples. Printing is in `cli/audit.py`, HTML in `page.py`."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import sqrt
from typing import Any

from chai_assets.auditing.jsonl import BadLine

EXAMPLES = 5
WORST = 10
CHARS = 300
"""Characters of a text that are shown."""
FAILURES = {
    "loose_term": "imprecise terms",
    "misses_an_aspect": "missing aspects",
    "subjective": "subjective phrases",
}
"""The three failures of captions by the measure of each."""
Z = 1.96
"""Of the 95 % intervals."""
DISTINCT = 2_000_000
"""Distinct texts that are remembered to see repetition, some 200 MB; of a larger file, the first ones."""


@dataclass(frozen=True)
class Example:
    """A text by its line number, and what it is an example of."""

    line: int
    words: str
    text: str


@dataclass
class Measure:
    """How many texts have something, of how many looked at, with the first of them."""

    name: str
    meaning: str
    count: int = 0
    of: int = 0
    examples: list[Example] = field(default_factory=list)
    clips: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]), repr=False)
    """Count and number of texts by clip, of those that name one: all that grows with a file."""

    def look(self, holds: bool, line: int = 0, words: str = "", text: str = "", clip: str = "") -> None:
        """Counts one text; `clip` is named where several texts are about one: they are not independent."""
        self.of += 1
        if clip:
            self.clips[clip][0] += holds
            self.clips[clip][1] += 1
        if holds:
            self.count += 1
            if len(self.examples) < EXAMPLES and line:
                self.examples.append(Example(line, words, short(text)))

    @property
    def share(self) -> float | None:
        """count / of; None where nothing was looked at."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the share; None where nothing was looked at.

        Texts about one clip count for as many as would be as sure if each were about another (Kish's design effect).
        """
        if self.share is None:
            return None
        p, n = self.share, self._independent()
        middle, spread = p + Z**2 / (2 * n), Z * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        low, high = ((middle + side * spread) / (1 + Z**2 / n) for side in (-1, 1))
        return max(0.0, low), min(1.0, high)

    def _independent(self) -> float:
        """How many independent texts would be as sure as these."""
        clips, p = self.clips.values(), self.share or 0.0
        if len(clips) in (0, self.of):
            return self.of
        if not 0 < p < 1 or len(clips) == 1:
            return len(clips)
        squares = sum((count - p * texts) ** 2 for count, texts in clips)
        variance = squares * len(clips) / (len(clips) - 1) / self.of**2
        return min(float(self.of), p * (1 - p) / variance) if variance else self.of

    def as_dict(self) -> dict[str, Any]:
        """The measure for JSON."""
        share = None if self.share is None else round(self.share, 4)
        interval = [round(end, 4) for end in self.interval] if self.interval else None
        told = {"name": self.name, "meaning": self.meaning, "count": self.count, "of": self.of, "share": share}
        return told | {"interval": interval, "examples": [vars(example) for example in self.examples]}


@dataclass
class BadLines:
    """Lines that could not be used: how many for each reason, and the first ones."""

    count: int = 0
    first: list[BadLine] = field(default_factory=list)

    def add(self, problem: BadLine) -> None:
        self.count += 1
        if len(self.first) < WORST:
            self.first.append(problem)


class WorstTexts:
    """The texts with the highest badness, the first of equals; a bounded number of them."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Example]] = []

    def add(self, badness: float, line: int, words: str, text: str) -> None:
        if len(self._heap) < WORST or badness > self._heap[0][0]:
            entry = (badness, -line, Example(line, words, short(text)))
            (heapq.heappush if len(self._heap) < WORST else heapq.heappushpop)(self._heap, entry)

    def examples(self) -> list[Example]:
        """Worst first."""
        return [example for _, _, example in sorted(self._heap, key=lambda entry: (-entry[0], -entry[1]))]


class Repetition:
    """How often each text stands, however it is capitalised, in bounded memory: hashes, not texts."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._texts: dict[bytes, Example] = {}

    def add(self, line: int, text: str) -> None:
        key = blake2b(" ".join(text.lower().split()).encode(), digest_size=8).digest()
        count = self._counts.get(key, 0)
        if count or len(self._counts) < DISTINCT:
            self._counts[key] = count + 1
        if count == 1 and len(self._texts) < DISTINCT // 100:
            self._texts[key] = Example(line, "", short(text))

    def measure(self, meaning: str) -> Measure:
        """Texts that stand more than once, the most repeated ones as examples."""
        most = sorted(self._texts, key=lambda key: -self._counts[key])[:EXAMPLES]
        examples = [
            Example(self._texts[key].line, f"stands {self._counts[key]} times", self._texts[key].text) for key in most
        ]
        repeated = sum(count for count in self._counts.values() if count > 1)
        return Measure("repeated", meaning, repeated, sum(self._counts.values()), examples)


class Lengths:
    """Words of texts, as a histogram."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, words: int) -> None:
        self._counts[words] += 1

    def quantiles(self) -> dict[str, int]:
        """Shortest, median, 90th and 99th percentile and longest, in words; empty without texts."""
        total, ordered = sum(self._counts.values()), sorted(self._counts)
        if not total:
            return {}
        return {"shortest": ordered[0], "longest": ordered[-1]} | {
            name: self._at(ordered, share * total) for name, share in (("median", 0.5), ("p90", 0.9), ("p99", 0.99))
        }

    def _at(self, ordered: Iterable[int], rank: float) -> int:
        seen = 0
        for words in ordered:
            seen += self._counts[words]
            if seen >= rank:
                return words
        return 0


@dataclass
class AuditReport:
    """An audit of one file: what was read, what was found, the worst texts."""

    title: str
    file: str
    fields: dict[str, str]
    texts: int
    problems: BadLines
    measures: list[Measure]
    lengths: dict[str, int]
    worst: list[Example]

    def failures(self) -> dict[str, Measure]:
        """The failures of captions that were looked for, by name."""
        found = {one.name: one for one in self.measures if one.of}
        return {title: found[name] for name, title in FAILURES.items() if name in found}

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "file": self.file,
            "fields": self.fields,
            "texts": self.texts,
            "bad_lines": {"count": self.problems.count, "first": [vars(one) for one in self.problems.first]},
            "failures": {name: measure.as_dict() for name, measure in self.failures().items()},
            "measures": [measure.as_dict() for measure in self.measures],
            "words": self.lengths,
            "worst": [vars(example) for example in self.worst],
        }


def short(text: str) -> str:
    """The text as shown: one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= CHARS else f"{line[: CHARS - 1]}…"
