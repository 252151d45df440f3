"""Where each (clip, aspect) stands: one walk through its records gives its history and its next step.

Pure functions over rows. Every planner of the loop (which tasks to push or close, what to draft, revise,
review, export) reads the standings made here, so the rules of the loop are written once. No I/O, no Dagster.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chai_assets.core.ids import record_id
from chai_assets.core.rows import Row
from chai_assets.spec.versioning.carry import CarriedAnswers
from chai_assets.workflow.records import (
    Records,
    Word,
    critique_key,
    current_answers,
    feedback_key,
    label_key,
    review_key,
)

TurnKind = Literal["primitives", "critique", "review", "feedback"]
Stage = Literal[
    "labeling", "set_aside", "upstream", "drafting", "critique", "revision", "review", "feedback", "approved"
]


@dataclass(frozen=True)
class Candidate:
    """A caption put up for review: its draft, the critique that shaped it, its revision if it has one."""

    draft: Row
    critique: Row
    revision: Row | None
    acceptance: Row
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


Written = Literal["draft", "revise"]
"""What a model writes for an item, by the task it is asked: its draft, the revisions of its critiques."""


@dataclass(frozen=True)
class Writing:
    """What a model wrote for an item that counts, or could: hashes of the templates, the one to take first."""

    templates: tuple[str | None, ...]
    answered: bool
    """Whether a person has answered it: it stays then, whatever becomes of its template."""


def kept(task: Written, templates: Sequence[str | None], replaced: Callable[[Written, str | None], bool]) -> int | None:
    """Which of an item's unanswered rows of a model counts, by their templates; None where it is written again."""
    return next((n for n, template in enumerate(templates) if not replaced(task, template)), None)


@dataclass(frozen=True)
class Turn:
    """One human step: the task that asks for it, what it shows, and the current answer if there is one."""

    kind: TurnKind
    key: str
    answer: Row | None = None
    unreadable: Row | None = None
    """The quarantine row, where the person's latest word on this task could not be read: it waits for a correction."""
    round: int = 0
    cause: str = ""
    shown: Row | None = None
    """Critique turns: the revision shown, or None where the draft itself is."""
    previous: Row | None = None
    """Critique turns: the critique of the round before."""
    rejection: Row | None = None
    """Critique and regrade turns: the rejecting review that led here. Feedback turns: the review they tell of."""
    plea: Row | None = None
    """Regrade turns: the feedback that asked for it."""
    candidate: Candidate | None = None
    grade: int = 0
    asks: tuple[str, ...] = ()
    """Labelling turns that ask again: the questions that are new or mean something else. `previous`: the old label."""


class Rules(Protocol):
    """What the walk asks of the specification that a batch is worked under; `spec/lineage.py` answers."""

    redo_upstream: bool
    """Whether a draft is written again when an upstream caption it rests on was corrected."""

    @property
    def depends_on(self) -> Mapping[str, list[str]]:
        """The aspects in order, each with those it rests on."""
        ...

    def replaced(self, task: Written, template: str | None) -> bool:
        """Whether another template took the place of the one that a model's row was written with."""
        ...

    def question_versions(self, aspect: str) -> list[str]:
        """Versions in which the questions of an aspect came to mean what they mean, oldest first."""
        ...

    def carried_answers(self, label: Row) -> CarriedAnswers:
        """The answers of a label as they stand now, and the questions to ask again."""
        ...

    def draft_still_valid(self, draft: Row, made_from: Row, label: Row) -> bool:
        """Whether a draft made from one label still says what is to be said by the current one."""
        ...


@dataclass
class Standing:
    """One (clip, aspect): how far it is, the human turns so far, and what it holds."""

    clip_id: str
    aspect: str
    stage: Stage = "labeling"
    label: Row | None = None
    labelled_by: set[str] = field(default_factory=set)
    """Who answered questions about it, the questions of earlier releases included."""
    answers: Mapping[str, list[str]] = field(default_factory=dict)
    """The label's answers as they stand under the specification in use."""
    asked_again: Turn | None = None
    """A labelling turn beside the way, where a release asks what the label does not answer: the item goes on
    with the draft it has until the answers are in."""
    upstream: dict[str, Candidate] = field(default_factory=dict)
    moved_upstream: dict[str, str] = field(default_factory=dict)
    """Aspects whose approved caption is not the one that the draft rests on, with the id of the one it rests on."""
    draft: Row | None = None
    written: dict[Written, Writing] = field(default_factory=dict)
    """The draft and the last revision, or those that could be."""
    turns: list[Turn] = field(default_factory=list)
    unrevised: Row | None = None
    """At stage `revision`: the critique that waits for its revision."""
    candidate: Candidate | None = None
    """At stages `review`, `feedback` and `approved`: what is under review, or was approved."""
    review: Row | None = None
    """At stage `approved`: the approving review."""

    @property
    def waiting(self) -> Turn | None:
        """The human turn this item waits for, if it waits for one."""
        return self.turns[-1] if self.turns and self.turns[-1].answer is None else None

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

    def answered(self, *kinds: TurnKind) -> list[Row]:
        """Answers given so far to turns of these kinds, in order."""
        return [turn.answer for turn in self.turns if turn.kind in kinds and turn.answer is not None]

    def authors(self) -> set[str]:
        """People who labelled or critiqued this item: nobody of them may review it."""
        return self.labelled_by | {row["author"] for row in self.answered("critique")}


def standings(records: Records, rules: Rules) -> list[Standing]:
    """Where every (clip, aspect) of a batch stands under the rules of a specification.

    Order: clips as given, aspects as the rules have them. A pure function: same rows, same standings.
    """
    answers = current_answers(records)
    drafts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for draft in sorted(records.drafts, key=lambda row: (row["recorded_at"], row["draft_id"])):
        drafts[draft["clip_id"], draft["aspect"]].append(draft)
    revisions: dict[str, list[Row]] = defaultdict(list)
    for revision in sorted(records.revisions, key=lambda row: (row["recorded_at"], row["revision_id"])):
        revisions[revision["critique_id"]].append(revision)
    labels = {label["label_id"]: label for label in records.labels}
    found: list[Standing] = []
    for clip in records.clips:
        approved: dict[str, Candidate] = {}
        for aspect, upstream in rules.depends_on.items():
            item = Standing(clip["clip_id"], aspect)
            walk = _Walk(item, rules, answers, labels, drafts[item.clip_id, aspect], revisions)
            walk.run([approved.get(name) for name in upstream], upstream)
            if item.stage == "approved" and item.candidate:
                approved[aspect] = item.candidate
            found.append(item)
    return found


@dataclass
class _Walk:
    """One item's way through the loop; each method takes it one stage on, as far as its records reach."""

    item: Standing
    rules: Rules
    answers: dict[str, Word]
    labels: dict[str, Row]
    drafts: list[Row]
    revisions: Mapping[str, list[Row]]

    def run(self, upstream: list[Candidate | None], names: list[str]) -> None:
        item = self.item
        item.label = self._label()
        if item.label is None:
            item.stage = "labeling"
            return
        if item.label["problem"]:
            item.stage = "set_aside"
            return
        item.upstream = {name: candidate for name, candidate in zip(names, upstream, strict=True) if candidate}
        item.draft = self._current_draft(all(upstream))
        if item.draft:
            item.moved_upstream = self._moved(item.draft, names)
            self._critique_rounds(item.draft)
        elif item.asked_again:
            item.stage = "labeling"
        else:
            item.stage = "drafting" if all(upstream) else "upstream"

    def _turn(self, kind: TurnKind, key: str, **shown: Any) -> Row | None:
        word = self.answers.get(key, Word())
        self.item.turns.append(Turn(kind, key, word.answer, word.unreadable, **shown))
        return word.answer

    def _label(self) -> Row | None:
        """The current label: the answer to the newest questions, else an older one as far as it carries."""
        item = self.item
        keys = [label_key(item.clip_id, item.aspect, version) for version in self.rules.question_versions(item.aspect)]
        words = {key: self.answers[key] for key in keys if key in self.answers}
        given = {key: word.answer for key, word in words.items() if word.answer}
        key = max(given or words, key=keys.index, default=keys[-1])
        label = self._turn("primitives", key)
        if label is None:
            return None
        item.labelled_by = {answer["author"] for answer in given.values()}
        carried = self.rules.carried_answers(label)
        item.answers = carried.answers
        if carried.ask and key != keys[-1] and not label["problem"]:
            newest = self.answers.get(keys[-1], Word())
            item.asked_again = Turn("primitives", keys[-1], None, newest.unreadable, previous=label, asks=carried.ask)
        return label

    def _current_draft(self, upstream_approved: bool) -> Row | None:
        """The last draft that a person has critiqued, else the one made from the current labels and upstream captions.

        A critiqued draft stays: a person's work is never thrown away because a label was edited or something
        upstream moved. It falls where a release changed what there is to say, or where the rules say so. One that
        nobody has critiqued falls with its template, too.
        """
        upstream = self.item.upstream_ids
        for draft in reversed(self.drafts):
            moved = upstream_approved and draft["upstream"] != upstream
            redo = self.rules.redo_upstream and moved
            if self._answered(draft["draft_id"]) and not redo and self._stands(draft):
                return self._taken("draft", [draft], answered=True)
        if not upstream_approved:
            return None
        made_now = [d for d in reversed(self.drafts) if d["upstream"] == upstream and self._made_now(d)]
        return self._taken("draft", made_now, answered=False)

    def _current_revision(self, critique: Row) -> Row | None:
        """The first revision by a critique that a person has answered, else the first whose template still counts.

        Answers that come late, to one or to another, move nothing that was built on the first.
        """
        made = self.revisions.get(critique["critique_id"], [])
        answered = [revision for revision in made if self._answered(revision["revision_id"])]
        return self._taken("revise", answered[:1] or made, bool(answered))

    def _answered(self, shown: str) -> bool:
        """Whether a person has answered the critique task that shows this draft or revision."""
        return critique_key(shown) in self.answers

    def _taken(self, task: Written, rows: list[Row], answered: bool) -> Row | None:
        """The row that counts of those a model wrote for one thing, the one to take first; None: written again.

        While questions are open an item goes on with the draft it has.
        """
        item, templates = self.item, tuple(row["template_hash"] for row in rows)
        if not rows:
            return None
        item.written[task] = Writing(templates, answered)
        if answered:
            return rows[0]
        number = kept(task, templates, self.rules.replaced)
        if number is None and task == "draft" and item.asked_again:
            number = 0
        return None if number is None else rows[number]

    def _stands(self, draft: Row) -> bool:
        """Whether a draft stands by its label: always while questions are open that may not change a word of it."""
        label, made_from = self.item.label, self.labels.get(draft["label_id"])
        if self.item.asked_again or label is None or made_from is None:
            return True
        return self.rules.draft_still_valid(draft, made_from, label)

    def _made_now(self, draft: Row) -> bool:
        """Whether a draft nobody has critiqued would be made just so from the current label."""
        label, made_from = self.item.label, self.labels.get(draft["label_id"])
        if label is None or made_from is None:
            return False
        edited = made_from["label_id"] != label["label_id"] and made_from["chai_key"] == label["chai_key"]
        return not edited and self._stands(draft)

    def _moved(self, draft: Row, names: list[str]) -> dict[str, str]:
        """The captions that the draft rests on where another one is approved by now, by aspect."""
        if len(names) != len(draft["upstream"]):  # made when the aspect rested on others: nothing can be compared
            return {}
        now = {name: candidate.caption_id for name, candidate in self.item.upstream.items()}
        used = dict(zip(names, draft["upstream"], strict=True))
        return {name: caption for name, caption in used.items() if now.get(name, caption) != caption}

    def _critique_rounds(self, draft: Row) -> None:
        item = self.item
        cause, number, rating = draft["draft_id"], 1, 0
        shown: Row | None = None
        critique: Row | None = None
        rejection: Row | None = None
        while True:
            turn = {
                "round": number,
                "cause": cause,
                "shown": shown,
                "previous": critique,
                "rejection": rejection,
            }
            answer = self._turn("critique", critique_key(cause), **turn)
            if answer is None:
                item.stage = "critique"
                return
            rating = answer["rating"] if shown is None else rating
            number += 1
            if answer["verdict"] == "change":
                critique, rejection = answer, None
                shown = self._current_revision(critique)
                if shown is None:
                    item.stage, item.unrevised = "revision", critique
                    return
                cause = shown["revision_id"]
                continue
            shaping = critique if shown is not None and critique is not None else answer
            item.candidate = Candidate(draft, shaping, shown, answer, rating)
            rejection = self._reviews(item.candidate)
            if rejection is None:
                return
            cause = rejection["review_id"]

    def _reviews(self, candidate: Candidate) -> Row | None:
        """Review, feedback and regrade of a candidate; returns the rejection that stands, or None.

        Sets the item's stage when it stops here: waiting for a review or an answer, or approved. One regrade
        is granted; its verdict stands.
        """
        item, first = self.item, None
        for grade in (1, 2):
            plea = self.answers.get(feedback_key(first["review_id"]), Word()).answer if first else None
            turn = {"candidate": candidate, "grade": grade, "rejection": first, "plea": plea}
            review = self._turn("review", review_key(candidate.candidate_id, grade), **turn)
            if review is None:
                item.stage = "review"
                return None
            if review["verdict"] == "approve":
                item.stage, item.review = "approved", review
                return None
            if grade == 2:
                return review
            first = review
            told = {"candidate": candidate, "rejection": review}
            reply = self._turn("feedback", feedback_key(review["review_id"]), **told)
            if reply is None:
                item.stage = "feedback"
                return None
            if reply["answer"] == "understood":
                return review
        return None
