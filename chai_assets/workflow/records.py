"""The rows of a batch that say where its items stand, the keys of tasks, and the latest word of people on each.

Pure functions over rows; what follows from the answers is decided in `item_state.py`.
"""

from dataclasses import dataclass, field
from typing import Any

from chai_assets.core.rows import Row


def label_key(clip_id: str, aspect: str, asked_in: str) -> str:
    """Key of the labelling task of a clip's aspect; `asked_in` is the release in which its questions came to be."""
    return f"primitives:{clip_id}:{aspect}:{asked_in}"


def critique_key(cause: str) -> str:
    """Key of a critique task; `cause` is the draft, the revision or the rejection that opened the round."""
    return f"critique:{cause}"


def review_key(candidate_id: str, grade: int) -> str:
    """Key of a review task; grade 1 is the review, grade 2 the regrade."""
    return f"review:{candidate_id}:{grade}"


def feedback_key(review_id: str) -> str:
    """Key of the task that tells the annotator of a rejection."""
    return f"feedback:{review_id}"


@dataclass
class Records:
    """The rows of one batch that the walk needs, with withdrawn annotations already known."""

    clips: list[Row]
    labels: list[Row]
    drafts: list[Row]
    critiques: list[Row]
    revisions: list[Row]
    reviews: list[Row]
    feedback: list[Row]
    quarantine: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    """Rows of annotation_events: event_id, what, annotation_id, updated_at."""


@dataclass(frozen=True)
class Word:
    """The latest word on a task: an answer, or the quarantine row of one that could not be read."""

    answer: Row | None = None
    unreadable: Row | None = None


def current_answers(records: Records) -> dict[str, Word]:
    """The latest word on each task that has one.

    Latest by Label Studio's clock, then by event id. Versions of a deleted annotation do not count; an edit
    that cannot be read takes the place of what it replaced, so that an older version never stands silently.
    """
    deleted = {event["annotation_id"] for event in records.events if event["what"] == "deleted"}
    annotation_of = {event["event_id"]: event for event in records.events}
    latest: dict[str, tuple[Any, Row, bool]] = {}
    tables = (records.labels, records.critiques, records.reviews, records.feedback, records.quarantine)
    for rows in tables:
        for row in rows:
            event = annotation_of.get(row["event_id"])
            if event is None or event["annotation_id"] in deleted:
                continue
            when = (event["updated_at"], row["event_id"])
            if row["chai_key"] not in latest or when > latest[row["chai_key"]][0]:
                latest[row["chai_key"]] = (when, row, rows is records.quarantine)
    return {key: Word(None, row) if bad else Word(row) for key, (_, row, bad) in latest.items()}
