"""Finds a published dataset by its name, and reads its captions or critiques out of a file of it."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain, count, islice
from pathlib import Path
from typing import TypeVar

from chai_assets.auditing.jsonl import PEEKED, AuditRefused, BadLine, ByteProgress, JsonRow, storable
from chai_assets.auditing.published.captions import CAPTION_SETS, CaptionSet, PublishedCaption, Row
from chai_assets.auditing.published.critiques import CRITIQUE_SETS, CritiqueSet, PublishedCritique
from chai_assets.auditing.published.files import published_rows

_Set = TypeVar("_Set", CaptionSet, CritiqueSet)
_Text = TypeVar("_Text", PublishedCaption, PublishedCritique)
_ALSO = {"perceptionlm": "pevideo", "plm": "pevideo", "activitynet": "activitynetcaptions", "tuna": "tunabench"}
"""Other names of a dataset, and the one it has here."""


def caption_set(name: str) -> CaptionSet:
    """The dataset of captions of that name, however it is capitalized. Raises AuditRefused."""
    return _named(name, CAPTION_SETS, CRITIQUE_SETS, "captions", "critiques")


def critique_set(name: str) -> CritiqueSet:
    """The set of critiques of that name, however it is capitalized. Raises AuditRefused."""
    return _named(name, CRITIQUE_SETS, CAPTION_SETS, "critiques", "captions")


def read_captions(
    path: Path, of: CaptionSet, progress: ByteProgress = lambda done: None
) -> Iterator[tuple[int, PublishedCaption] | BadLine]:
    """Each caption with the number of its row, and each row without one. Raises AuditRefused."""
    return _read(path, of, of.captions, CAPTION_SETS, lambda other: other.captions, progress)


def read_critiques(
    path: Path, of: CritiqueSet, progress: ByteProgress = lambda done: None
) -> Iterator[tuple[int, PublishedCritique] | BadLine]:
    """Each critique with the number of its row, and each row without one. Raises AuditRefused."""
    return _read(path, of, of.critiques, CRITIQUE_SETS, lambda other: other.critiques, progress)


def _named(name: str, sets: Sequence[_Set], others: Sequence[CaptionSet | CritiqueSet], what: str, else_: str) -> _Set:
    wanted = _letters(name)
    wanted = _ALSO.get(wanted, wanted)
    by_letters = {_letters(one.name): one for one in sets}
    if wanted in by_letters:
        return by_letters[wanted]
    if other := next((one.name for one in others if _letters(one.name) == wanted), ""):
        raise AuditRefused(f"{other} holds {else_}: `chai audit {else_} FILE --as {other}` reads it")
    near = get_close_matches(wanted, by_letters, n=1)
    hint = f"write {by_letters[near[0]].name}" if near else f"choose one of {', '.join(one.name for one in sets)}"
    raise AuditRefused(f"no published dataset of {what} is called {name}: {hint}")


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _read(
    path: Path,
    of: _Set,
    texts: Callable[[Row], Iterator[_Text]],
    sets: Sequence[_Set],
    texts_of: Callable[[_Set], Callable[[Row], Iterator[_Text]]],
    progress: ByteProgress,
) -> Iterator[tuple[int, _Text] | BadLine]:
    found = published_rows(path, progress)
    first = list(islice(found, PEEKED))
    seen = [row.data for row in first if isinstance(row, JsonRow)]
    if not _fits(texts, seen):
        raise AuditRefused(_wrong_form(path, of, first, [one for one in sets if _fits(texts_of(one), seen)]))
    return _numbered(chain(first, found), texts, of, alone=len(first) == 1)


def _fits(texts: Callable[[Row], Iterator[_Text]], seen: list[Row]) -> bool:
    return any(next(texts(row), None) for row in seen)


def _wrong_form(
    path: Path, of: _Set, first: Sequence[JsonRow | BadLine], fitting: Sequence[CaptionSet | CritiqueSet]
) -> str:
    if fitting:
        return f"{path} is not in the form of {of.title} but in that of {fitting[0].title}: --as {fitting[0].name}"
    keys = {storable(" ".join(key.split())[:40]) for row in first if isinstance(row, JsonRow) for key in row.data}
    fields = sorted(filter(None, keys))[:12]
    problem = next((f"row {row.line}: {row.reason}" for row in first if isinstance(row, BadLine)), "it has no rows")
    there = f"it has {', '.join(fields)}" if fields else problem
    return f"{path} is not in the form of {of.title} ({there}): give {of.files}, {of.form}"


def _numbered(
    found: Iterator[JsonRow | BadLine], texts: Callable[[Row], Iterator[_Text]], of: _Set, alone: bool
) -> Iterator[tuple[int, _Text] | BadLine]:
    """The texts with the numbers of their rows; where one row is the whole file, with their own."""
    own = count(1)
    for row in found:
        if isinstance(row, BadLine):
            yield row
            continue
        there = list(texts(row.data))
        if not there:
            yield BadLine(row.line, f"no text in the form of {of.title}")
        for text in there:
            yield next(own) if alone else row.line, text
