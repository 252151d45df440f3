"""Measures of every text of a dataset, caption or critique: blank, refusal, language, repetition, length."""

from collections.abc import Iterable, Iterator
from zlib import crc32

from chai_assets.auditing.jsonl import BadLine, JsonRow, text_at
from chai_assets.auditing.report import BadLines, Lengths, Measure, Repetition, WorstTexts
from chai_assets.linting.refusals import refusal_in
from chai_resources.captioners.calls.language import FEWEST_WORDS, other_language

ALL_UP_TO = 10_000
ONE_IN = 16
"""Beyond so many texts, the language of one in sixteen is judged, always the same ones: it takes longest of all."""


class TextMeasures:
    """The texts of a file as they come by, and what they have in common. No text is kept but examples."""

    def __init__(self, kind: str) -> None:
        self.seen = 0
        self.problems = BadLines()
        self.worst = WorstTexts()
        self._repetition, self._lengths = Repetition(), Lengths()
        self.kind = kind
        self.refused = Measure("refused", "refusals, apologies, announcements or blanks of a model")
        self.foreign = Measure(
            "other_language",
            f"surely not in English; texts of {FEWEST_WORDS} words or more, other scripts at any length",
        )

    def usable_rows(self, found: Iterable[JsonRow | BadLine], field: str) -> Iterator[tuple[JsonRow, str]]:
        """The rows that have a text under the field, with it; the others are noted as problems."""
        for row in found:
            text = text_at(row.data, field) if isinstance(row, JsonRow) else None
            if isinstance(row, BadLine):
                self.problems.add(row)
            elif text is None:
                self.problems.add(BadLine(row.line, f"no text under {field}"))
            else:
                yield row, text

    def add(self, line: int, text: str) -> bool:
        """Looks at a text; false if it is none worth a closer look (a refusal or a blank)."""
        self.seen += 1
        self._repetition.add(line, text)
        self._lengths.add(len(text.split()))
        refusal = refusal_in(text)
        self.refused.look(refusal is not None, line, refusal or "", text)
        if refusal is None and (self.seen <= ALL_UP_TO or not crc32(text.encode()) % ONE_IN):
            language = other_language(text)
            self.foreign.look(language is not None, line, f"language {language}", text)
        return refusal is None

    def measures(self) -> list[Measure]:
        """The measures of all texts."""
        return [self.refused, self.foreign, self._repetition.measure(f"{self.kind} that stand more than once")]

    def lengths(self) -> dict[str, int]:
        """Words: shortest, longest, median, 90th and 99th percentile."""
        return self._lengths.quantiles()
