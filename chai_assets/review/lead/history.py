"""The whole history of one item, in order: what people and models did, and what was decided.

Everything that was ever recorded is in it; what counts no longer is marked. It is read from the tables as they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chai_assets.core.imported import is_import
from chai_assets.core.rows import (
    ClipRow,
    CritiqueRow,
    DraftRow,
    EventRow,
    FeedbackRow,
    FindingValue,
    LabelCorrectionRow,
    LabelRow,
    LeadDecisionRow,
    QuarantineRow,
    ReviewRow,
    RevisionRow,
    TripleRow,
    read_rows,
)
from chai_assets.critique.findings import as_sentence, findings_of
from chai_assets.review.lead.find import ItemName, standing_of
from chai_assets.spec.models import UNSURE
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.item_state import OUT_OF_THE_LOOP, Standing
from chai_assets.workflow.rejection_reasons import REJECTION_REASONS
from chai_resources.tables import Tables


@dataclass(frozen=True)
class HistoryEntry:
    """One thing that happened to an item."""

    at: datetime
    what: str
    id: str
    by: str
    lines: tuple[str, ...]
    counts: bool = True
    """Whether the item still rests on it: what was edited, deleted or left behind does not count."""


@dataclass(frozen=True)
class ItemHistory:
    """An item, where it stands, and what happened to it, the earliest first."""

    item: ItemName
    clip: str
    stage: str
    entries: tuple[HistoryEntry, ...]
    triples: tuple[str, ...]
    """Ids of the triples that it ever had, the earliest first."""

    def as_json(self) -> dict[str, Any]:
        """The history as JSON values."""
        entries = [
            {"at": e.at.isoformat(), "what": e.what, "id": e.id, "by": e.by, "lines": e.lines, "counts": e.counts}
            for e in self.entries
        ]
        head = {"item": str(self.item), "batch": self.item.batch, "clip": self.clip, "stage": self.stage}
        return {**head, "entries": entries}


def history_of(tables: Tables, release: SpecRelease, item: ItemName) -> ItemHistory:
    """The history of an item."""
    stands = standing_of(tables, release, item)
    rows = _ItemRows(tables, item)
    counting = _ids_that_count(stands) if stands and stands.stage not in OUT_OF_THE_LOOP else None
    entries = [
        entry if counting is None or entry.what in _NEVER_MOOT or entry.id in counting else _moot(entry)
        for entry in rows.entries()
    ]
    clips = read_rows(tables, ClipRow, item.batch, columns=["clip_id", "name"])
    name = next((row["name"] for row in clips if row["clip_id"] == item.clip_id), item.clip_id)
    triples = [row["triple_id"] for row in rows.of(TripleRow)]
    return ItemHistory(
        item,
        name,
        stands.stage if stands else "imported" if is_import(item.batch) else "asked no more",
        tuple(sorted(entries, key=lambda entry: entry.at)),
        tuple(dict.fromkeys(triples)),
    )


_NEVER_MOOT = {"decision", "correction", "verified", "withdrawn", "unreadable answer", "deleted answer"}
"""Entries that stay what they are, whatever followed."""


def _moot(entry: HistoryEntry) -> HistoryEntry:
    return HistoryEntry(entry.at, entry.what, entry.id, entry.by, entry.lines, counts=False)


class _ItemRows:
    """The rows of one item in every table that has some."""

    def __init__(self, tables: Tables, item: ItemName) -> None:
        self._tables, self._item = tables, item

    def of(self, row_type: type[Any]) -> list[Any]:
        rows = read_rows(self._tables, row_type, self._item.batch)
        here = (self._item.clip_id, self._item.aspect)
        return [row for row in rows if (row["clip_id"], row["aspect"]) == here]

    def entries(self) -> Iterator[HistoryEntry]:
        revisions = self.of(RevisionRow)
        critiques = {row["critique_id"]: row for row in self.of(CritiqueRow)}
        yield from map(_label, self.of(LabelRow))
        yield from map(_draft, self.of(DraftRow))
        yield from map(_critique, critiques.values())
        for revision in revisions:
            yield _revision(revision, critiques.get(revision["critique_id"]))
        yield from (_review(row, critiques.get(row["critique_id"])) for row in self.of(ReviewRow))
        yield from map(_feedback, self.of(FeedbackRow))
        yield from map(_decision, self.of(LeadDecisionRow))
        yield from map(_triple, self.of(TripleRow))
        yield from map(_correction, self.of(LabelCorrectionRow))
        yield from self._answers_that_are_none()

    def _answers_that_are_none(self) -> Iterator[HistoryEntry]:
        """Answers to the item's tasks that could not be read, and those that were deleted."""
        tasks = self._tables.read("tasks", self._item.batch, columns=["chai_key", "clip_id", "aspect"])
        mine = tasks.filter(clip_id=self._item.clip_id, aspect=self._item.aspect)
        keys = set(mine["chai_key"])
        quarantine = {row["event_id"]: row for row in read_rows(self._tables, QuarantineRow, self._item.batch)}
        columns = ["event_id", "what", "chai_key", "account", "updated_at", "recorded_at"]
        for event in read_rows(self._tables, EventRow, self._item.batch, columns=columns):
            if event["chai_key"] not in keys:
                continue
            if bad := quarantine.get(event["event_id"]):
                said = (f"{bad['reason']}; {bad['remedy']}",)
                yield HistoryEntry(event["updated_at"], "unreadable answer", event["event_id"], "", said)
            elif event["what"] in ("deleted", "lost"):
                said = (f"of the task {event['chai_key']}",)
                yield HistoryEntry(event["updated_at"], f"{event['what']} answer", event["event_id"], "", said)


def _label(row: LabelRow) -> HistoryEntry:
    said = [f"{answer['attribute']}: {', '.join(answer['values'])}" for answer in row["answers"] if answer["values"]]
    unsure = [answer["attribute"] for answer in row["answers"] if UNSURE in answer["values"]]
    lines = ["; ".join(said)] if said else []
    lines += [f"unsure: {', '.join(unsure)}"] if unsure else []
    lines += [f"problem: {row['problem']}"] if row["problem"] else []
    lines += [f"note: {row['note']}"] if row["note"] else []
    return HistoryEntry(row["submitted_at"], "label", row["label_id"], row["author"], tuple(lines))


def _correction(row: LabelCorrectionRow) -> HistoryEntry:
    was, becomes = (", ".join(answers or ()) or "nothing" for answers in (row["before"], row["after"]))
    said = f"{row['attribute']}: {was} -> {becomes}, by critique {row['critique_id']}"
    return HistoryEntry(row["submitted_at"], "correction", row["correction_id"], row["author"], (said,))


def _draft(row: DraftRow) -> HistoryEntry:
    return HistoryEntry(row["recorded_at"], "draft", row["draft_id"], row["model"], (row["text"],))


def _critique(row: CritiqueRow) -> HistoryEntry:
    said = {"perfect": "the draft stands", "accept": "the revision stands", "change": "to be revised"}[row["verdict"]]
    lines = [f"round {row['round']}, rated {row['rating']}: {said}", *map(as_sentence, findings_of(row))]
    return HistoryEntry(row["submitted_at"], "critique", row["critique_id"], row["author"], tuple(lines))


def _revision(row: RevisionRow, critique: CritiqueRow | None) -> HistoryEntry:
    sentences = _sentences(critique)
    lines = [row["text"]]
    for effect in row["effects"] or ():
        sentence = sentences.get(effect["finding_id"], effect["finding_id"])
        lines.append(f"{'took' if effect['took'] else 'did NOT take'}: {sentence}")
    lines += [f'also changed "{one["before"]}" to "{one["after"]}"' for one in row["other_changes"] or ()]
    return HistoryEntry(row["recorded_at"], "revision", row["revision_id"], row["model"], tuple(lines))


def _review(row: ReviewRow, critique: CritiqueRow | None) -> HistoryEntry:
    sentences = _sentences(critique)
    reasons = ", ".join(REJECTION_REASONS.get(reason, reason) for reason in row["reasons"] or ())
    lines = [f"{row['verdict']}: {reasons}" if reasons else row["verdict"]]
    wrong = [tick["finding_id"] for tick in row["ticks"] or () if not tick["right"]]
    lines += [f"wrong: {sentences.get(finding, finding)}" for finding in wrong]
    lines += [f"missed: {miss}" for miss in row["misses"] or ()]
    lines += [f"note: {row['note']}"] if row["note"] else []
    what = "review" if row["grade"] == 1 else "regrade"
    if row["event_id"].startswith("dec_"):
        what = "lead's verdict"
    return HistoryEntry(row["submitted_at"], what, row["review_id"], row["author"], tuple(lines))


def _feedback(row: FeedbackRow) -> HistoryEntry:
    appeal = row["answer"] == "request_regrade"
    lines = (f"asks for a regrade: {row['reason']}",) if appeal else ("understood",)
    what = "appeal" if appeal else "feedback"
    return HistoryEntry(row["submitted_at"], what, row["feedback_id"], row["author"], lines)


def _decision(row: LeadDecisionRow) -> HistoryEntry:
    value = f" ({row['value']})" if row["value"] else ""
    said = f"{row['kind'].replace('_', ' ')}{value}: {row['reason']}"
    lines = (said, f"takes back {row['triple_id']}") if row["triple_id"] else (said,)
    return HistoryEntry(row["recorded_at"], "decision", row["decision_id"], row["author"], lines)


def _triple(row: TripleRow) -> HistoryEntry:
    lines = (row["final"],) if row["standing"] == "verified" else ()
    return HistoryEntry(row["recorded_at"], row["standing"], row["triple_id"], "", lines)


def _sentences(critique: CritiqueRow | None) -> Mapping[str, str]:
    findings: Iterable[FindingValue] = critique["findings"] if critique else ()
    if not findings or critique is None:
        return {}
    return {finding.finding_id: as_sentence(finding) for finding in findings_of(critique)}


def _ids_that_count(stands: Standing) -> set[str]:
    """Ids of the records that an item rests on or has passed through on its way."""
    found = {record["label_id"] for record in (stands.label, stands.given_label, stands.answered_label) if record}
    found |= {stands.draft["draft_id"]} if stands.draft else set()
    found |= {row["critique_id"] for row in stands.critiques}
    for turn, review in stands.reviews:
        found |= {review["review_id"], stands.decisions.review_in_force(review)["review_id"]}
        if turn.candidate.revision:
            found.add(turn.candidate.revision["revision_id"])
    for turn in stands.turns:
        answer: Any = turn.answer
        found |= {answer["feedback_id"]} if answer and turn.kind == "feedback" else set()
        shown = getattr(turn, "shown", None)
        found |= {shown["revision_id"]} if shown else set()
    return found
