"""The caption audit of any dataset: loose terms, guesses, moods, talk of the video, aspects never mentioned.

The specification's linter and lexicon judge. A caption whose aspect is given is read as one of that aspect; one
without is a whole caption, which should mention all of them.
"""

from functools import partial
from pathlib import Path

from chai_assets.auditing.aspect_coverage import mentions_aspect
from chai_assets.auditing.jsonl import (
    CAPTIONS,
    BadLine,
    ByteProgress,
    Fields,
    aspect_of,
    detect_fields,
    read_rows,
    text_at,
)
from chai_assets.auditing.own_files import refuse_others
from chai_assets.auditing.published.read import caption_set, read_captions
from chai_assets.auditing.report import AuditReport, Measure, short
from chai_assets.auditing.text_measures import TextMeasures
from chai_assets.linting.caption_lint import FLAG_KINDS, Flag, lint_caption
from chai_assets.linting.lexicon import Lexicon, lexicon_of
from chai_assets.spec.models import Spec

_MEANING = {
    "loose_term": "words for which the specification has a term",
    "hedge": "guesses: seems, perhaps",
    "subjective": "impressions: beautiful, a sense of",
    "first_person": "the writer: we see",
    "meta": "talk about the recording: the video shows",
}
"""Kinds of doubt that need no labels, with what they are; nothing contradicts where labels are unknown."""


class CaptionAudit:
    """The measures of a dataset's captions, collected one caption at a time."""

    def __init__(self, spec: Spec) -> None:
        self.texts = TextMeasures("captions")
        self._lexicons = {aspect: lexicon_of(spec, aspect) for aspect in spec.aspects}
        self._doubts = {kind: Measure(kind, _MEANING[kind]) for kind in FLAG_KINDS if kind in _MEANING}
        self._mentioned = {
            aspect: Measure(f"touches_{aspect}", f"whole captions that say anything of {aspect}")
            for aspect in self._lexicons
        }
        self._lacking = Measure("misses_an_aspect", "whole captions that never touch one of the aspects")

    def add(self, line: int, text: str, aspect: str = "", clip: str = "") -> None:
        """Looks at one caption; `aspect` is empty for a whole one, `clip` named where a clip has several."""
        if not self.texts.add(line, text):
            return
        lexicons = [self._lexicons[aspect]] if aspect in self._lexicons else list(self._lexicons.values())
        flags = _flags(text, lexicons)
        for kind, measure in self._doubts.items():
            quotes = [short(flag.quote) for flag in flags if flag.kind == kind]
            measure.look(bool(quotes), line, ", ".join(dict.fromkeys(quotes)), text, clip)
        if flags:
            said = ", ".join(dict.fromkeys(f"{short(flag.quote)} ({flag.kind.replace('_', ' ')})" for flag in flags))
            self.texts.worst.add(len(flags), line, said, text)
        if aspect not in self._lexicons:
            self._look_for_aspects(line, text, clip)

    def _look_for_aspects(self, line: int, text: str, clip: str) -> None:
        missed = []
        for name, lexicon in self._lexicons.items():
            mentioned = mentions_aspect(text, lexicon)
            self._mentioned[name].look(mentioned, clip=clip)
            if not mentioned:
                missed.append(name)
        self._lacking.look(bool(missed), line, f"nothing of {', '.join(missed)}", text, clip)

    def measures(self) -> list[Measure]:
        """Everything found."""
        return [*self._doubts.values(), *self._mentioned.values(), self._lacking, *self.texts.measures()]


def audit_captions(path: Path, spec: Spec, fields: Fields, progress: ByteProgress = lambda done: None) -> AuditReport:
    """Audits the captions of a JSONL file. Fields left empty are detected. Raises AuditRefused."""
    audit = CaptionAudit(spec)
    check = partial(refuse_others, wanted="captions")
    fields, found = detect_fields(read_rows(path, progress), fields, CAPTIONS, (), check)
    for row, text in audit.texts.usable_rows(found, fields.text):
        named = text_at(row.data, fields.aspect) if fields.aspect else None
        audit.add(row.line, text, aspect_of(named, list(spec.aspects)))
    named = {"caption": fields.text} | ({"aspect": fields.aspect} if fields.aspect else {})
    return _report(f"Captions against specification {spec.version}", path, named, audit)


def audit_published_captions(
    path: Path, name: str, spec: Spec, progress: ByteProgress = lambda done: None
) -> AuditReport:
    """Audits the captions in a file of the published dataset of that name. Raises AuditRefused."""
    audit, of = CaptionAudit(spec), caption_set(name)
    for found in read_captions(path, of, progress):
        if isinstance(found, BadLine):
            audit.texts.problems.add(found)
        else:
            number, caption = found
            audit.add(number, caption.text, clip=caption.clip)
    return _report(f"Captions of {of.title} against specification {spec.version}", path, {"form": of.form}, audit)


def _report(title: str, path: Path, fields: dict[str, str], audit: CaptionAudit) -> AuditReport:
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


def _flags(text: str, lexicons: list[Lexicon]) -> list[Flag]:
    """The doubts of the linter under each lexicon, each place once."""
    flags = [flag for lexicon in lexicons for flag in lint_caption(text, lexicon)]
    return list({(flag.start, flag.kind): flag for flag in flags}.values())
