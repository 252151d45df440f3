"""The rows of a batch that say where its items stand, the keys of tasks, and the latest answer to each task.

Pure functions over rows; what follows from the answers is decided in `walk.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from chai_assets.core.rows import (
    ClipRow,
    CritiqueRow,
    DraftRow,
    EventRow,
    FeedbackRow,
    LabelCorrectionRow,
    LabelRow,
    LeadDecisionRow,
    QuarantineRow,
    ReviewRow,
    RevisionRow,
)

TaskKind = Literal["primitives", "critique", "review", "feedback"]
"""What people are asked to do; each kind has its project in Label Studio."""


def label_key(clip_id: str, aspect: str, asked_in: str) -> str:
    """Key of the labeling task of a clip's aspect; `asked_in` is the release in which its questions came to be."""
    return f"primitives:{clip_id}:{aspect}:{asked_in}"


def label_again_key(key: str, decision_id: str) -> str:
    """Key of the labeling task that takes the place of the one with this key, by a lead's decision."""
    return f"{key}:{decision_id}"


def critique_key(cause: str) -> str:
    """Key of a critique task; `cause` is the draft, the revision, the rejection or the recall that opened it."""
    return f"critique:{cause}"


def review_key(candidate_id: str, grade: int) -> str:
    """Key of a review task; grade 1 is the review, grade 2 the regrade."""
    return f"review:{candidate_id}:{grade}"


def grade_of(key: str) -> int:
    """The grade in the key of a review task; a lead's review in place of another has the key of that one."""
    return int(key.rpartition(":")[2])


def feedback_key(review_id: str) -> str:
    """Key of the task that tells the annotator of a rejection."""
    return f"feedback:{review_id}"


@dataclass
class BatchRecords:
    """The rows of one batch that the walk needs, deleted annotations included."""

    clips: list[ClipRow]
    labels: list[LabelRow]
    drafts: list[DraftRow]
    critiques: list[CritiqueRow]
    revisions: list[RevisionRow]
    reviews: list[ReviewRow]
    feedback: list[FeedbackRow]
    quarantine: list[QuarantineRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    """Rows of annotation_events: event_id, what, annotation_id, epoch, updated_at."""
    corrections: list[LabelCorrectionRow] = field(default_factory=list)
    decisions: list[LeadDecisionRow] = field(default_factory=list)


_A = TypeVar("_A", LabelRow, CritiqueRow, ReviewRow, FeedbackRow)
_S = TypeVar("_S", LabelRow, CritiqueRow, ReviewRow, FeedbackRow, QuarantineRow)


@dataclass(frozen=True)
class LatestAnswer(Generic[_A]):
    """The latest answer to a task, or the quarantine row of one that could not be read; or neither."""

    row: _A | None = None
    unreadable: QuarantineRow | None = None


@dataclass(frozen=True)
class LatestAnswers:
    """The latest answer to each task that has one, by its key."""

    labels: dict[str, LatestAnswer[LabelRow]]
    critiques: dict[str, LatestAnswer[CritiqueRow]]
    reviews: dict[str, LatestAnswer[ReviewRow]]
    feedback: dict[str, LatestAnswer[FeedbackRow]]


def latest_answers(records: BatchRecords) -> LatestAnswers:
    """The latest answer to each task that has one.

    Latest by Label Studio's clock, then by event id. Versions of a deleted annotation do not count, those of one that
    was lost with Label Studio's database do; an edit
    that cannot be read takes the place of what it replaced, so that an older version never stands silently.
    """
    deleted = {annotation_of(event) for event in records.events if event["what"] == "deleted"}
    times = {e["event_id"]: e["updated_at"] for e in records.events if annotation_of(e) not in deleted}
    unreadable = _newest(records.quarantine, times)

    def latest(kind: TaskKind, rows: list[_A]) -> dict[str, LatestAnswer[_A]]:
        bad = {key: row for key, row in unreadable.items() if key.startswith(f"{kind}:")}
        found: dict[str, LatestAnswer[_A]] = {key: LatestAnswer(None, row) for key, row in bad.items()}
        for key, row in _newest(rows, times).items():
            if key not in bad or _moment(row, times) >= _moment(bad[key], times):
                found[key] = LatestAnswer(row)
        return found

    return LatestAnswers(
        labels=latest("primitives", records.labels),
        critiques=latest("critique", records.critiques),
        reviews=latest("review", records.reviews),
        feedback=latest("feedback", records.feedback),
    )


def annotation_of(event: Mapping[str, Any]) -> tuple[str, int | None]:
    """What an event is about: the epoch of Label Studio's database, in which ids of annotations are unique, and the id.

    Rows from before there were epochs are of the first one.
    """
    return event.get("epoch") or "", event["annotation_id"]


def _newest(rows: Iterable[_S], times: Mapping[str, datetime]) -> dict[str, _S]:
    """The newest of the rows of each task, of those whose event still counts."""
    found: dict[str, _S] = {}
    for row in rows:
        if row["event_id"] not in times:
            continue
        known = found.get(row["chai_key"])
        if known is None or _moment(row, times) > _moment(known, times):
            found[row["chai_key"]] = row
    return found


def _moment(row: _S, times: Mapping[str, datetime]) -> tuple[datetime, str]:
    return times[row["event_id"]], row["event_id"]
