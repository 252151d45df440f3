"""The published sets of critiques: for each, its files, their fields, and what each critique is about."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chai_assets.auditing.jsonl import text_at

Row = dict[str, Any]


@dataclass(frozen=True)
class PublishedCritique:
    """A critique and the answer it is about; the critique is empty where the answer needed none."""

    text: str
    draft: str


@dataclass(frozen=True)
class CritiqueSet:
    """A published set of critiques; `critiques` are those of one row, none where it is in another form."""

    name: str
    title: str
    files: str
    """The files it is published in."""
    form: str
    """The fields that are read."""
    critiques: Callable[[Row], Iterator[PublishedCritique]]


def _objects(value: Any, *path: str) -> list[Row]:
    """The objects of the list under a path."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _gdc(row: Row) -> Iterator[PublishedCritique]:
    for question in _objects(row, "data", "questions"):
        for answer in _objects(question, "answers"):
            draft, feedback = text_at(answer, "answer"), answer.get("feedback")
            if not draft or not isinstance(feedback, dict) or feedback.get("skip"):
                continue
            texts = [text_at(critique, "text") for critique in _objects(feedback, "critiques")]
            yield from (PublishedCritique(text or "", draft) for text in texts or [""])


def _mm_rlhf(row: Row) -> Iterator[PublishedCritique]:
    for answer in ("chosen", "rejected"):
        reason = f"{answer}_reason"
        if reason in row:
            yield PublishedCritique(text_at(row, reason) or "", text_at(row, answer) or "")


CRITIQUE_SETS = (
    CritiqueSet(
        "gdc",
        "GDC (Self-critiquing models)",
        "critiques/train.jsonl.gz, critiques/test.jsonl.gz",
        "rows with data.questions[].answers[].feedback.critiques[].text",
        _gdc,
    ),
    CritiqueSet(
        "mm-rlhf",
        "MM-RLHF",
        "the pairs with reasons, as JSON lines or Parquet",
        "rows with chosen, chosen_reason, rejected and rejected_reason",
        _mm_rlhf,
    ),
)
