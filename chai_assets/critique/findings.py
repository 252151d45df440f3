"""Findings: the atomic remarks a critique is made of, as values with ids, and as English.

A finding marks words of the DRAFT (or says what is missing from it), whatever round it was made in. Where
findings come from (a page) and what a model makes of them are other modules' business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from chai_assets.core.ids import record_id
from chai_assets.core.rows import FindingValue

MarkKind = Literal["wrong", "imprecise", "subjective", "redundant"]
FindingKind = Literal["wrong", "imprecise", "subjective", "redundant", "missing"]

MARKS: tuple[MarkKind, ...] = get_args(MarkKind)
NEED_FIX: frozenset[str] = frozenset({"wrong", "imprecise"})
"""Kinds that say nothing useful without what should stand there instead; the others may just be removed."""


@dataclass(frozen=True)
class Finding:
    """One remark. `start` and `end` are code points of the draft, end exclusive; None for what is missing.

    `fix` is what should stand there instead, empty to remove the words; for `missing` it is what to add.
    """

    finding_id: str
    kind: FindingKind
    quote: str
    start: int | None
    end: int | None
    fix: str

    @property
    def value(self) -> FindingValue:
        """The finding as rows hold it."""
        return FindingValue(
            finding_id=self.finding_id,
            kind=self.kind,
            quote=self.quote,
            start=self.start,
            end=self.end,
            fix=self.fix,
        )

    @classmethod
    def mark(cls, draft_id: str, draft: str, kind: MarkKind, start: int, end: int, fix: str = "") -> Self:
        """A remark on the words draft[start:end]."""
        return cls._with_id(draft_id, kind, draft[start:end], start, end, fix)

    @classmethod
    def missing(cls, draft_id: str, what: str) -> Self:
        """A remark that the draft leaves something out."""
        return cls._with_id(draft_id, "missing", "", None, None, what)

    @classmethod
    def _with_id(
        cls, draft_id: str, kind: FindingKind, quote: str, start: int | None, end: int | None, fix: str
    ) -> Self:
        # `remark`, since `kind` is record_id's own word for what the record is.
        made = record_id("finding", draft=draft_id, remark=kind, start=start, end=end, quote=quote, fix=fix)
        return cls(made, kind, quote, start, end, fix)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Distinct findings as they stand in the draft, then what is missing in the order it was said."""
    distinct = dict.fromkeys(findings)
    return tuple(sorted(distinct, key=lambda f: (f.start is None, f.start or 0)))


def as_sentence(finding: Finding) -> str:
    """One finding as an instruction."""
    if finding.kind == "missing":
        return _ended(f"Add: {finding.fix}")
    word = "" if finding.kind == "wrong" else f"the {finding.kind} "
    if finding.fix:
        return f'Replace {word}"{finding.quote}" with "{finding.fix}".'
    return f'Remove {word}"{finding.quote}".'


def as_prose(findings: Iterable[Finding]) -> str:
    """The critique as one English text: what to replace, remove and add. Empty for no findings."""
    return " ".join(as_sentence(finding) for finding in in_order(findings))


def _ended(text: str) -> str:
    return text if text[-1:] in ".!?" else f"{text}."


def findings_of(row: Mapping[str, Any]) -> list[Finding]:
    """The findings of a critique row, as values."""
    return [Finding(**finding) for finding in row["findings"] or []]
