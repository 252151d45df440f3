"""Where a (clip, aspect) is in the loop: its stage, the turns people took or have to take, and what it holds.

Types only; `walk.py` computes them from the records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeVar, get_args

from chai_assets.core.ids import record_id
from chai_assets.core.rows import (
    CritiqueRow,
    DraftRow,
    FeedbackRow,
    LabelRow,
    LeadDecisionRow,
    QuarantineRow,
    ReviewRow,
    RevisionRow,
)
from chai_assets.workflow.decisions import ItemDecisions
from chai_assets.workflow.records import TaskKind

Stage = Literal[
    "labeling",
    "set_aside",
    "dropped",
    "upstream",
    "drafting",
    "critique",
    "revision",
    "review",
    "feedback",
    "approved",
]

STAGES: tuple[Stage, ...] = get_args(Stage)
OUT_OF_THE_LOOP: tuple[Stage, ...] = ("set_aside", "dropped")
"""Stages at which nobody is asked for anything."""


@dataclass(frozen=True)
class Candidate:
    """A caption put up for review: its draft, the critique that shaped it, its revision if it has one."""

    draft: DraftRow
    critique: CritiqueRow
    revision: RevisionRow | None
    acceptance: CritiqueRow
    """The critique row that called the caption right: the same row as `critique` for a perfect draft."""
    rating: int
    """The last rating that was given to the draft itself."""

    @property
    def candidate_id(self) -> str:
        return record_id(
            "candidate",
            draft=self.draft["draft_id"],
            critique=self.critique["critique_id"],
            revision=self.revision["revision_id"] if self.revision else None,
            acceptance=self.acceptance["critique_id"],
        )

    @property
    def caption_id(self) -> str:
        """Id of what holds the caption: the revision, or the draft where it stood."""
        return self.revision["revision_id"] if self.revision else self.draft["draft_id"]

    @property
    def text(self) -> str:
        return self.revision["text"] if self.revision else self.draft["text"]


@dataclass(frozen=True)
class LabelTurn:
    """An annotator answers questions about the clip."""

    kind: ClassVar[TaskKind] = "primitives"
    key: str
    answer: LabelRow | None = None
    unreadable: QuarantineRow | None = None
    """In every turn: where the person's latest answer could not be read. It waits for a correction."""
    earlier: LabelRow | None = None
    """Where a release asks again: the label so far."""
    questions: tuple[str, ...] = ()
    """Where a release asks again: the questions that are new or mean something else."""
    sent_back: LeadDecisionRow | None = None
    """Where a lead had the item labeled again, after its clip was called unusable."""


@dataclass(frozen=True)
class CritiqueTurn:
    """An annotator critiques the draft, in round 1, or what its last critique led to."""

    kind: ClassVar[TaskKind] = "critique"
    key: str
    draft: DraftRow
    round: int
    cause: str
    """What opened the round: the draft, a revision, a rejection or a recall."""
    answer: CritiqueRow | None = None
    unreadable: QuarantineRow | None = None
    shown: RevisionRow | None = None
    """The revision under critique; None where it is the draft itself."""
    previous: CritiqueRow | None = None
    """The critique of the round before."""
    rejection: ReviewRow | None = None
    """The review that sent the item back to this round."""
    recall: LeadDecisionRow | None = None
    """A lead's decision that sent the approved caption back to this round."""


@dataclass(frozen=True)
class Dispute:
    """A rejection, and the annotator's request for a regrade."""

    rejection: ReviewRow
    request: FeedbackRow


@dataclass(frozen=True)
class ReviewTurn:
    """A reviewer judges a candidate; with a `dispute` it is the regrade, by another reviewer."""

    kind: ClassVar[TaskKind] = "review"
    key: str
    candidate: Candidate
    answer: ReviewRow | None = None
    unreadable: QuarantineRow | None = None
    dispute: Dispute | None = None

    @property
    def grade(self) -> int:
        """1 for the first review, 2 for the regrade."""
        return 2 if self.dispute else 1


@dataclass(frozen=True)
class FeedbackTurn:
    """The author of a critique hears of its rejection, and accepts it or asks for a regrade."""

    kind: ClassVar[TaskKind] = "feedback"
    key: str
    candidate: Candidate
    rejection: ReviewRow
    answer: FeedbackRow | None = None
    unreadable: QuarantineRow | None = None


Turn = LabelTurn | CritiqueTurn | ReviewTurn | FeedbackTurn
"""One human step: the task that asks for it, what it shows, and the current answer if there is one."""

AnyTurn = TypeVar("AnyTurn", LabelTurn, CritiqueTurn, ReviewTurn, FeedbackTurn)
"""One kind of turn."""

ModelTask = Literal["draft", "revise"]
"""What a model writes for an item, by the task it is asked: its draft, the revisions of its critiques."""


@dataclass(frozen=True)
class ModelTexts:
    """What a model wrote for one task of an item: the hashes of the templates, the one that counts first in front."""

    templates: tuple[str | None, ...]
    answered: bool
    """Whether a person has answered it: it stays then, whatever becomes of its template."""


@dataclass
class Standing:
    """One (clip, aspect): how far it is, the human turns so far, and what it holds."""

    clip_id: str
    aspect: str
    stage: Stage = "labeling"
    label: LabelRow | None = None
    labeled_by: set[str] = field(default_factory=set)
    """Who answered questions about it, the questions of earlier releases included."""
    given: list[LabelRow] = field(default_factory=list)
    """The labels as people gave them, one for each asking; `label` is the one in force, corrections included."""
    answers: Mapping[str, list[str]] = field(default_factory=dict)
    """The label's answers as they stand under the specification in use."""
    asked_again: LabelTurn | None = None
    """A labeling turn beside the way, where a release asks what the label does not answer: the item goes on
    with the draft it has until the answers are in."""
    upstream: dict[str, Candidate] = field(default_factory=dict)
    stale_upstream: dict[str, str] = field(default_factory=dict)
    """Aspects whose approved caption is not the one that the draft rests on, with the id of the one it rests on."""
    draft: DraftRow | None = None
    model_texts: dict[ModelTask, ModelTexts] = field(default_factory=dict)
    """The draft and the last revision, or those that could be."""
    turns: list[Turn] = field(default_factory=list)
    unrevised: CritiqueRow | None = None
    """At stage `revision`: the critique that waits for its revision."""
    candidate: Candidate | None = None
    """At stages `review`, `feedback` and `approved`: what is under review, or was approved."""
    approval: ReviewRow | None = None
    """At stage `approved`: the approving review."""
    decisions: ItemDecisions = field(default_factory=ItemDecisions)
    """What leads decided about it."""
    recalled_from: set[str] = field(default_factory=set)
    """Reviewers whose approvals were recalled."""

    @property
    def waiting(self) -> Turn | None:
        """The human turn this item waits for, if it waits for one."""
        return self.turns[-1] if self.turns and self.turns[-1].answer is None else None

    @property
    def given_label(self) -> LabelRow | None:
        """The label as its annotator gave it; `label` may hold answers of a lead."""
        return next((turn.answer for turn in self.turns if isinstance(turn, LabelTurn)), None)

    @property
    def answered_label(self) -> LabelRow | None:
        """The label as its annotator gave it, or as a lead completed it."""
        return self.decisions.label_in_force(self.given_label) if self.given_label else None

    @property
    def every_turn(self) -> list[Turn]:
        """The turns on the way, and the questions asked again beside it."""
        return [*self.turns, self.asked_again] if self.asked_again else self.turns

    @property
    def open_turns(self) -> list[Turn]:
        """The human turns that may be taken now: the one the item waits for, and questions asked again."""
        return [turn for turn in (self.asked_again, self.waiting) if turn is not None]

    @property
    def upstream_ids(self) -> list[str]:
        return [candidate.caption_id for candidate in self.upstream.values()]

    @property
    def critiques(self) -> list[CritiqueRow]:
        """The critiques given so far, in order."""
        return [turn.answer for turn in self.turns if isinstance(turn, CritiqueTurn) and turn.answer]

    @property
    def reviews(self) -> list[tuple[ReviewTurn, ReviewRow]]:
        """The reviews given so far with their verdicts, in order."""
        return [(turn, turn.answer) for turn in self.turns if isinstance(turn, ReviewTurn) and turn.answer]

    def authors(self) -> set[str]:
        """People who labeled or critiqued this item: nobody of them may review it."""
        return self.labeled_by | {row["author"] for row in self.critiques}
