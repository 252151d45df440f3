"""The critique audit of any dataset: how many could be applied without the video, how many quote their caption."""

import re
from pathlib import Path

from chai_assets.auditing.jsonl import CRITIQUES, DRAFTS, ByteProgress, Fields, detect_fields, read_rows, text_at
from chai_assets.auditing.report import AuditReport, Measure
from chai_assets.auditing.text_measures import TextMeasures
from chai_assets.critique.prose.constructiveness import CONSTRUCTIVE, score
from chai_assets.critique.prose.extract_findings import findings_in

_WORD = re.compile(r"[a-z']+")
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
        self._empty = Measure("no_content", "praise, a bare verdict or no change asked for")
        self._located = Measure("quotes_its_caption", "quotes words that stand in the caption it is about")

    def add(self, line: int, text: str, draft: str = "") -> None:
        """Looks at one critique; `draft` is the caption it is about, empty where it is not known."""
        if not self.texts.add(line, text):
            return
        scored, empty = score(text, draft), says_nothing(text)
        self._constructive.look(scored >= CONSTRUCTIVE)
        self._empty.look(empty, line, "", text)
        if not empty:
            self.texts.worst.add(1 - scored, line, f"score {scored:.2f}", text)
        if draft:
            self._located.look(any(one.start is not None for one in findings_in(text, "", draft)))

    def measures(self) -> list[Measure]:
        """Everything found."""
        return [self._constructive, self._empty, self._located, *self.texts.measures()]


def says_nothing(critique: str) -> bool:
    """Whether a critique is a bare verdict: praise, blame, or that nothing is to be changed."""
    return set(_WORD.findall(critique.lower())) <= _VERDICT


def audit_critiques(path: Path, fields: Fields, progress: ByteProgress = lambda done: None) -> AuditReport:
    """Audits the critiques of a JSONL file. Fields left empty are detected. Raises AuditRefused."""
    audit = CritiqueAudit()
    fields, found = detect_fields(read_rows(path, progress), fields, CRITIQUES, DRAFTS)
    for row, text in audit.texts.usable_rows(found, fields.text):
        audit.add(row.line, text, (text_at(row.data, fields.draft) or "") if fields.draft else "")
    texts = audit.texts
    named = {"critique": fields.text} | ({"draft": fields.draft} if fields.draft else {})
    title = "Critiques: could they be applied without the video?"
    return AuditReport(
        title,
        str(path),
        named,
        texts.seen,
        texts.problems,
        audit.measures(),
        texts.lengths(),
        texts.worst.examples(),
    )
