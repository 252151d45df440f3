"""The critique audit of any dataset: how many could be applied without the video, how many quote their caption."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from chai_assets.auditing.jsonl import (
    CRITIQUES,
    DRAFTS,
    BadLine,
    ByteProgress,
    Fields,
    JsonRow,
    detect_fields,
    read_rows,
    text_at,
)
from chai_assets.auditing.own_files import caption_asked_about, refuse_others
from chai_assets.auditing.published.read import critique_set, read_critiques
from chai_assets.auditing.report import AuditReport, Measure
from chai_assets.auditing.text_measures import TextMeasures
from chai_assets.critique.page import PERFECT
from chai_assets.critique.prose.constructiveness import CONSTRUCTIVE, score
from chai_assets.critique.prose.extract_findings import findings_in
from chai_assets.linting.refusals import BLANK

_NOTHING = re.compile(BLANK)
"""A text that stands for no critique: blank, or a word such as "N/A"."""
_BEFORE_AND_AFTER = (("draft", "final"), ("pre_caption", "final_caption"), ("initial_caption", "final_caption"))
_WORD = re.compile(r"[a-z']+")
_NO_CHANGE = re.compile(r"(?i)\bno changes?\b|\bnothing (?:to change|needs to change|needs changing)\b")
# A critique of these words alone is a verdict: whatever it says, nothing follows for an editor.
_VERDICT = frozenset(
    _WORD.findall(
        """accurate accurately all already and answer are as at bad but caption captions change changed changes
        comment comments complete correct correctly description detailed done draft enough error errors
        excellent feedback fine fix for general good great here i in inaccurate incorrect is issue issues
        it job just look looks mostly much need needed needs nice no none not nothing of ok okay on or
        overall perfect perfectly poor precise pretty quite really required response right say seems so
        some text that the there think this to too vague very was well whole work written wrong yes"""
    )
)


class CritiqueAudit:
    """The measures of a dataset's critiques, collected one at a time, each with its caption where that is known."""

    def __init__(self) -> None:
        self.texts = TextMeasures("critiques")
        self._constructive = Measure("constructive", "an editor who cannot see the video could apply it")
        self._none = Measure("no_critique", "rows without a critique, as those are whose caption needed no change")
        self._lacking = Measure("lacks_a_critique", "rows without one although their caption was rated low or changed")
        self._unchanged = Measure("no_change", "say that nothing is to be changed; not looked at further")
        self._empty = Measure("no_content", "praise or a bare verdict")
        self._located = Measure("quotes_its_caption", "quotes words that stand in the caption it is about")

    def add(self, line: int, text: str, draft: str = "", kept: bool | None = None, clip: str = "") -> None:
        """Looks at one critique; `draft` is the caption it is about, empty where it is not known.

        `kept`: whether the caption was left as it was, None where that is not known. A critique of a caption that was
        kept may be empty, or a word that stands for nothing. `clip` is named where a clip has several critiques.
        """
        none = _NOTHING.match(text) is not None
        self._none.look(none, line, clip=clip)
        if kept is not None:
            self._lacking.look(none and not kept, line, "", draft)
        if none or not self.texts.add(line, text):
            return
        self._unchanged.look(unchanged := asks_for_nothing(text), line, "", text, clip)
        if unchanged:
            return
        scored, empty = score(text, draft), says_nothing(text)
        self._constructive.look(scored >= CONSTRUCTIVE, clip=clip)
        self._empty.look(empty, line, "", text, clip)
        if not empty:
            self.texts.worst.add(1 - scored, line, f"score {scored:.2f}", text)
        if draft:
            self._located.look(any(one.start is not None for one in findings_in(text, "", draft)), clip=clip)

    def measures(self) -> list[Measure]:
        """Everything found."""
        told = [self._constructive, self._empty, self._located, self._unchanged, self._none, self._lacking]
        return [*told, *self.texts.measures()]


def says_nothing(critique: str) -> bool:
    """Whether a critique is a bare verdict: praise, blame, or that nothing is to be changed."""
    return set(_WORD.findall(critique.lower())) <= _VERDICT


def asks_for_nothing(critique: str) -> bool:
    """Whether a critique says no more than that nothing is to be changed."""
    return says_nothing(critique) and _NO_CHANGE.search(critique) is not None


def audit_critiques(path: Path, fields: Fields, progress: ByteProgress = lambda done: None) -> AuditReport:
    """Audits the critiques of a JSONL file. Fields left empty are detected. Raises AuditRefused."""
    audit = CritiqueAudit()
    check = partial(refuse_others, wanted="critiques")
    fields, found = detect_fields(read_rows(path, progress), fields, CRITIQUES, DRAFTS, check)
    for row, text in audit.texts.usable_rows(_with_empty_ones(found, fields.text), fields.text):
        draft = text_at(row.data, fields.draft) if fields.draft else caption_asked_about(row.data)
        audit.add(row.line, text, draft or "", _kept(row.data))
    named = {"critique": fields.text} | ({"draft": fields.draft} if fields.draft else {})
    return _report("Critiques: could they be applied without the video?", path, named, audit)


def audit_published_critiques(path: Path, name: str, progress: ByteProgress = lambda done: None) -> AuditReport:
    """Audits the critiques in a file of the published set of that name. Raises AuditRefused."""
    audit, of = CritiqueAudit(), critique_set(name)
    for found in read_critiques(path, of, progress):
        if isinstance(found, BadLine):
            audit.texts.problems.add(found)
        else:
            number, critique = found
            audit.add(number, critique.text, critique.draft, clip=str(number))
    title = f"Critiques of {of.title}: could they be applied without the video?"
    return _report(title, path, {"form": of.form}, audit)


def _with_empty_ones(found: Iterable[JsonRow | BadLine], field: str) -> Iterator[JsonRow | BadLine]:
    """The rows, with an empty text where the critique is null: so JSON writes that there is none."""
    for row in found:
        if isinstance(row, JsonRow) and field in row.data and row.data[field] is None:
            row = JsonRow(row.line, {**row.data, field: ""})
        yield row


def _kept(row: dict[str, Any]) -> bool | None:
    """Whether the caption of a row was left as it was: by its texts before and after, else by its rating."""
    for before, after in _BEFORE_AND_AFTER:
        if (draft := text_at(row, before)) is not None and (final := text_at(row, after)) is not None:
            return draft.strip() == final.strip()
    rating = row.get("rating", row.get("initial_caption_rating_score"))
    return None if isinstance(rating, bool) or not isinstance(rating, int | float) else rating >= PERFECT


def _report(title: str, path: Path, fields: dict[str, str], audit: CritiqueAudit) -> AuditReport:
    texts = audit.texts
    return AuditReport(
        title,
        str(path),
        fields,
        texts.seen,
        texts.problems,
        audit.measures(),
        texts.lengths(),
        texts.worst.examples(),
    )
