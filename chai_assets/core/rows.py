"""Rows of the tables that code handles one by one, as types.

`chai_resources/schemas.py` declares the columns; a test holds these types to it, so that there is one truth. What may
be null is `| None` here. A row is read whole or with the columns that were asked for; a row that is being put together
is a `NewRow`, which the table's schema checks when it is appended.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict, TypeVar, cast

from chai_assets.core.row_values import (
    AnswerValue,
    ChangeValue,
    CheckValue,
    CorrectionTickValue,
    CorrectionValue,
    EffectValue,
    FindingValue,
    StateValue,
    TickValue,
    WrittenValue,
)
from chai_resources.tables import Tables

NewRow = dict[str, Any]
"""A row on its way into a table, where columns that it lacks become null and unknown ones are refused."""


class SourceRow(TypedDict):
    """A row of `sources`."""

    batch: str
    source_id: str
    name: str
    uri: str
    bytes: int
    duration_s: float
    width: int
    height: int
    fps: float
    codec: str
    has_audio: bool
    hdr: bool | None
    picture: str | None
    rights: str | None
    licence: str | None
    notes: str | None
    recorded_at: datetime


class ClipRow(TypedDict):
    """A row of `clips`."""

    batch: str
    clip_id: str
    source_id: str
    name: str
    shot: int
    start_s: float
    end_s: float
    duration_s: float
    width: int
    height: int
    fps: float
    frames: int
    media_key: str
    thumb_key: str
    phash: str
    same_as: str | None
    rights: str | None
    licence: str | None
    recorded_at: datetime
    features: str | None


class RightsChangeRow(TypedDict):
    """A row of `rights_changes`: the rights of a source from then on."""

    batch: str
    change_id: str
    source_id: str
    rights: str
    licence: str
    until: str | None
    purposes: list[str] | None
    said_in: str
    recorded_at: datetime


class TaskRow(TypedDict):
    """A row of `tasks`, the ledger of what was pushed."""

    batch: str
    entry_id: str
    chai_key: str
    kind: str
    clip_id: str
    aspect: str
    state: str
    assignee: str
    task_id: int
    recorded_at: datetime
    account: str | None


class EventRow(TypedDict):
    """A row of `annotation_events`: one version of an annotation, or its deletion."""

    batch: str
    event_id: str
    kind: str
    what: Literal["submitted", "deleted", "task_deleted", "lost", "task_lost"]
    chai_key: str
    task_id: int
    annotation_id: int | None
    account: str | None
    updated_by: str | None
    updated_at: datetime
    lead_time_s: float | None
    task_data: str | None
    annotation: str | None
    epoch: str | None
    recorded_at: datetime


class QuarantineRow(TypedDict):
    """A row of `quarantine`: an answer that could not be read."""

    batch: str
    event_id: str
    kind: str
    chai_key: str
    task_id: int
    account: str | None
    reason: str
    remedy: str
    recorded_at: datetime


class _Submission(TypedDict):
    """The columns that every answer of a person has."""

    batch: str
    event_id: str
    chai_key: str
    clip_id: str
    aspect: str
    spec_version: str
    author: str
    submitted_at: datetime
    lead_time_s: float | None
    recorded_at: datetime


class LabelRow(_Submission):
    """A row of `primitives`: the answers about one aspect of a clip, and what follows from them."""

    label_id: str
    spec_hash: str
    answers: list[AnswerValue]
    states: list[StateValue]
    problem: str | None
    note: str | None


class CritiqueRow(_Submission):
    """A row of `critiques`."""

    critique_id: str
    draft_id: str
    round: int
    cause: str
    verdict: Literal["perfect", "change", "accept"]
    rating: int
    findings: list[FindingValue]
    text: str
    hints: list[str]
    label_id: str | None
    corrections: list[CorrectionValue] | None
    label_stands: str | None


class LabelCorrectionRow(TypedDict):
    """A row of `label_corrections`."""

    batch: str
    correction_id: str
    event_id: str
    clip_id: str
    aspect: str
    attribute: str
    before: list[str]
    after: list[str]
    label_id: str
    critique_id: str
    finding_ids: list[str]
    spec_version: str
    author: str
    submitted_at: datetime
    recorded_at: datetime


class ReviewRow(_Submission):
    """A row of `reviews`."""

    review_id: str
    candidate_id: str
    draft_id: str
    critique_id: str
    revision_id: str | None
    grade: int
    verdict: Literal["approve", "reject"]
    ticks: list[TickValue]
    misses: list[str]
    reasons: list[str]
    note: str | None
    correction_ticks: list[CorrectionTickValue] | None
    contradicts: list[str] | None
    label_stands: str | None


class FeedbackRow(_Submission):
    """A row of `feedback`: the answer to a rejection."""

    feedback_id: str
    review_id: str
    answer: Literal["understood", "request_regrade"]
    reason: str | None


class _ModelText(TypedDict):
    """The columns of what a model wrote."""

    batch: str
    clip_id: str
    text: str
    spec_version: str
    request_hash: str
    model: str
    served_revision: str
    sampling: str
    prompt: str
    prompt_hash: str
    template_hash: str | None
    tokens_in: int
    tokens_out: int
    latency_ms: float
    recorded_at: datetime


class DraftRow(_ModelText):
    """A row of `drafts`."""

    draft_id: str
    aspect: str
    label_id: str
    upstream: list[str]
    spec_hash: str


class RevisionRow(_ModelText):
    """A row of `revisions`."""

    revision_id: str
    draft_id: str
    critique_id: str
    aspect: str
    effects: list[EffectValue]
    other_changes: list[ChangeValue]


class PolishedCritiqueRow(_ModelText):
    """A row of `polished_critiques`."""

    polished_id: str
    critique_id: str
    aspect: str
    written: str
    checks: list[CheckValue]
    fault: str | None


class LeadDecisionRow(TypedDict):
    """A row of `lead_decisions`: what a lead decided about an item, and why."""

    batch: str
    decision_id: str
    kind: Literal["recall", "change_verdict", "reassign", "set_aside", "take_back", "drop", "resolve_unsure"]
    clip_id: str
    aspect: str
    refers_to: str | None
    value: str | None
    triple_id: str | None
    reason: str
    author: str
    recorded_at: datetime


class TripleRow(TypedDict):
    """A row of `triples`: an entry about a triple; the latest entry counts."""

    batch: str
    entry_id: str
    triple_id: str
    standing: Literal["verified", "withdrawn"]
    clip_id: str
    source_id: str
    aspect: str
    draft_id: str
    critique_id: str
    revision_id: str | None
    review_id: str
    draft: str
    critique: str
    final: str
    rating: int
    rounds: int
    findings: list[FindingValue]
    annotator: str
    reviewer: str
    model: str
    human_edited: bool | None
    spec_version: str
    spec_hash: str
    chain_hash: str
    recorded_at: datetime


class StandingRow(TypedDict):
    """A row of `standings`: where an item stood from then on."""

    batch: str
    entry_id: str
    clip_id: str
    aspect: str
    stage: str
    label_id: str | None
    asked_again: bool
    draft_id: str | None
    drafted_from: str | None
    draft_spec: str | None
    critiqued: bool
    triple_spec: str | None
    moved_upstream: list[str]
    written: list[WrittenValue] | None
    recorded_at: datetime


ROW_TYPES = {
    "sources": SourceRow,
    "clips": ClipRow,
    "rights_changes": RightsChangeRow,
    "tasks": TaskRow,
    "annotation_events": EventRow,
    "quarantine": QuarantineRow,
    "primitives": LabelRow,
    "drafts": DraftRow,
    "critiques": CritiqueRow,
    "label_corrections": LabelCorrectionRow,
    "polished_critiques": PolishedCritiqueRow,
    "revisions": RevisionRow,
    "reviews": ReviewRow,
    "feedback": FeedbackRow,
    "lead_decisions": LeadDecisionRow,
    "triples": TripleRow,
    "standings": StandingRow,
}
"""The type of each table's rows; tables that are only handled as frames have none."""

_TABLE_OF = {row_type: table for table, row_type in ROW_TYPES.items()}
_R = TypeVar("_R")


def read_rows(
    tables: Tables, row_type: type[_R], batch: str | None = None, columns: Sequence[str] | None = None
) -> list[_R]:
    """The distinct rows of a type's table, of one batch or of all; only the columns that were asked for are there."""
    return cast("list[_R]", tables.rows(_TABLE_OF[row_type], batch, columns))
