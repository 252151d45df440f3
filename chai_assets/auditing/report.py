"""What an audit found, as data: measures with shares and examples. Printing is in `cli/audit.py`, HTML in `page.py`."""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from chai_assets.auditing.jsonl import BadLine

EXAMPLES = 5
WORST = 10
CHARS = 300
"""Characters of a text that are shown."""
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

    def look(self, holds: bool, line: int = 0, words: str = "", text: str = "") -> None:
        """Counts one text."""
        self.of += 1
        if holds:
            self.count += 1
            if len(self.examples) < EXAMPLES and line:
                self.examples.append(Example(line, words, short(text)))

    @property
    def share(self) -> float | None:
        """count / of; None where nothing was looked at."""
        return self.count / self.of if self.of else None

    def as_dict(self) -> dict[str, Any]:
        """The measure for JSON."""
        share = None if self.share is None else round(self.share, 4)
        return {"name": self.name, "meaning": self.meaning, "count": self.count, "of": self.of, "share": share} | {
            "examples": [vars(example) for example in self.examples]
        }


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

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "file": self.file,
            "fields": self.fields,
            "texts": self.texts,
            "bad_lines": {"count": self.problems.count, "first": [vars(one) for one in self.problems.first]},
            "measures": [measure.as_dict() for measure in self.measures],
            "words": self.lengths,
            "worst": [vars(example) for example in self.worst],
        }


def short(text: str) -> str:
    """The text as shown: one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= CHARS else f"{line[: CHARS - 1]}…"
