"""The walk: from a batch's records to where each (clip, aspect) stands and what its next step is.

Every planner of the loop (which tasks to push or close, what to draft, revise, review, export) reads the standings
made here, so the rules of the loop are written once. Pure functions over rows: no I/O, no Dagster.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chai_assets.core.rows import CritiqueRow, DraftRow, LabelRow, LeadDecisionRow, ReviewRow, RevisionRow
from chai_assets.spec.versioning.carry import CarriedAnswers
from chai_assets.workflow.decisions import decisions_by_item
from chai_assets.workflow.item_state import (
    Candidate,
    CritiqueTurn,
    Dispute,
    FeedbackTurn,
    LabelTurn,
    ModelTask,
    ModelTexts,
    ReviewTurn,
    Standing,
)
from chai_assets.workflow.labels_in_force import LabelsInForce
from chai_assets.workflow.records import (
    BatchRecords,
    LatestAnswer,
    LatestAnswers,
    critique_key,
    feedback_key,
    label_key,
    latest_answers,
    review_key,
)


class Rules(Protocol):
    """What the walk asks of the specification that a batch is worked under; `spec/versioning/lineage.py` answers."""

    redo_upstream: bool
    """Whether a draft is written again when an upstream caption it rests on was corrected."""

    @property
    def depends_on(self) -> Mapping[str, list[str]]:
        """The aspects in order, each with those it rests on."""
        ...

    def replaced(self, task: ModelTask, template: str | None) -> bool:
        """Whether another template took the place of the one that a model's row was written with."""
        ...

    def question_versions(self, aspect: str) -> list[str]:
        """Versions in which the questions of an aspect came to mean what they mean, oldest first."""
        ...

    def carried_answers(self, label: LabelRow) -> CarriedAnswers:
        """The answers of a label as they stand now, and the questions to ask again."""
        ...

    def draft_still_valid(self, draft: DraftRow, made_from: LabelRow, label: LabelRow) -> bool:
        """Whether a draft made from one label still says what is to be said by the current one."""
        ...


def standings(records: BatchRecords, rules: Rules) -> list[Standing]:
    """Where every (clip, aspect) of a batch stands under the rules of a specification.

    Order: clips as given, aspects as the rules have them. A pure function: same rows, same standings.
    """
    answers = latest_answers(records)
    drafts: dict[tuple[str, str], list[DraftRow]] = defaultdict(list)
    for draft in sorted(records.drafts, key=lambda row: (row["recorded_at"], row["draft_id"])):
        drafts[draft["clip_id"], draft["aspect"]].append(draft)
    revisions: dict[str, list[RevisionRow]] = defaultdict(list)
    for revision in sorted(records.revisions, key=lambda row: (row["recorded_at"], row["revision_id"])):
        revisions[revision["critique_id"]].append(revision)
    decided = decisions_by_item(records)
    labels = LabelsInForce(records.labels, records.corrections, answers, decided)
    found: list[Standing] = []
    for clip in records.clips:
        approved: dict[str, Candidate] = {}
        for aspect, upstream in rules.depends_on.items():
            item = Standing(clip["clip_id"], aspect)
            item.decisions = decided.get((item.clip_id, aspect), item.decisions)
            walk = _Walk(item, rules, answers, labels, drafts[item.clip_id, aspect], revisions)
            walk.run([approved.get(name) for name in upstream], upstream)
            if item.stage == "approved" and item.candidate:
                approved[aspect] = item.candidate
            found.append(item)
    return found


def first_current(
    task: ModelTask, templates: Sequence[str | None], replaced: Callable[[ModelTask, str | None], bool]
) -> int | None:
    """Which of an item's unanswered model texts counts, by their templates; None where it is written again."""
    return next((n for n, template in enumerate(templates) if not replaced(task, template)), None)


_M = TypeVar("_M", DraftRow, RevisionRow)


@dataclass
class _Walk:
    """One item's way through the loop; each method takes it one stage on, as far as its records reach."""

    item: Standing
    rules: Rules
    answers: LatestAnswers
    labels: LabelsInForce
    drafts: list[DraftRow]
    revisions: Mapping[str, list[RevisionRow]]

    def run(self, upstream: list[Candidate | None], names: list[str]) -> None:
        item = self.item
        item.label = self._label()
        if item.decisions.dropped or item.decisions.set_aside:
            item.stage = "dropped" if item.decisions.dropped else "set_aside"
            item.turns, item.asked_again = [], None
            return
        if item.label is None:
            item.stage = "labeling"
            return
        if item.label["problem"]:
            item.stage = "set_aside"
            return
        item.upstream = {name: candidate for name, candidate in zip(names, upstream, strict=True) if candidate}
        item.draft = self._current_draft(item.label, all(upstream))
        if item.draft:
            item.stale_upstream = self._stale_upstream(item.draft, names)
            self._critique_rounds(item.draft)
        elif item.asked_again:
            item.stage = "labeling"
        else:
            item.stage = "drafting" if all(upstream) else "upstream"

    def _label(self) -> LabelRow | None:
        """The current label: the answer to the newest questions, else an older one as far as it carries."""
        item, answers = self.item, self.answers.labels
        keys = [label_key(item.clip_id, item.aspect, version) for version in self.rules.question_versions(item.aspect)]
        latest = {key: answers[key] for key in keys if key in answers}
        given = {key: answer.row for key, answer in latest.items() if answer.row}
        key = max(given or latest, key=keys.index, default=keys[-1])
        answer, sent_back = latest.get(key, LatestAnswer()), None
        asked_in = key
        while answer.row and answer.row["problem"] and (again := item.decisions.labeling_key(key)):
            sent_back, key = item.decisions.asked_again[key], again
            answer = answers.get(key, LatestAnswer())
            given |= {key: answer.row} if answer.row else {}
        item.turns.append(LabelTurn(key, answer.row, answer.unreadable, sent_back=sent_back))
        if answer.row is None:
            return None
        completed = item.decisions.label_in_force(answer.row)
        item.given = list({row["label_id"]: row for row in (*given.values(), completed)}.values())
        item.labeled_by = {row["author"] for row in item.given}
        label = self.labels.of(completed)
        carried = self.rules.carried_answers(label)
        item.answers = carried.answers
        if carried.ask and asked_in != keys[-1] and not label["problem"]:
            newest = answers.get(keys[-1], LatestAnswer())
            item.asked_again = LabelTurn(keys[-1], None, newest.unreadable, earlier=label, questions=carried.ask)
        return label

    def _current_draft(self, label: LabelRow, upstream_approved: bool) -> DraftRow | None:
        """The last draft that a person has critiqued, else the one made from the current labels and upstream captions.

        A critiqued draft stays: a person's work is never thrown away because a label was edited or something
        upstream moved. It falls where a release changed what there is to say, or where the rules say so. One that
        nobody has critiqued falls with its template, too.
        """
        upstream = self.item.upstream_ids
        for draft in reversed(self.drafts):
            moved = upstream_approved and draft["upstream"] != upstream
            redo = self.rules.redo_upstream and moved
            if self._answered(draft["draft_id"]) and not redo and self._draft_still_valid(draft, label):
                return self._choose_row("draft", [draft], answered=True)
        if not upstream_approved:
            return None
        current = [
            draft
            for draft in reversed(self.drafts)
            if draft["upstream"] == upstream and self._made_from_current_label(draft, label)
        ]
        return self._choose_row("draft", current, answered=False)

    def _current_revision(self, critique: CritiqueRow) -> RevisionRow | None:
        """The first revision by a critique that a person has answered, else the first whose template still counts.

        Answers that come late, to one or to another, move nothing that was built on the first.
        """
        made = self.revisions.get(critique["critique_id"], [])
        answered = [revision for revision in made if self._answered(revision["revision_id"])]
        return self._choose_row("revise", answered[:1] or made, bool(answered))

    def _answered(self, shown: str) -> bool:
        """Whether a person has answered the critique task that shows this draft or revision."""
        return critique_key(shown) in self.answers.critiques

    def _choose_row(self, task: ModelTask, rows: list[_M], answered: bool) -> _M | None:
        """The row that counts of those a model wrote for one thing, the one to take first; None: written again.

        While questions are open an item goes on with the draft it has.
        """
        item, templates = self.item, tuple(row["template_hash"] for row in rows)
        if not rows:
            return None
        item.model_texts[task] = ModelTexts(templates, answered)
        if answered:
            return rows[0]
        number = first_current(task, templates, self.rules.replaced)
        if number is None and task == "draft" and item.asked_again:
            number = 0
        return None if number is None else rows[number]

    def _draft_still_valid(self, draft: DraftRow, label: LabelRow) -> bool:
        """Whether a draft stands by its label: always while questions are open that may not change a word of it."""
        made_from = self.labels.by_id.get(draft["label_id"])
        if self.item.asked_again or made_from is None:
            return True
        return self.rules.draft_still_valid(draft, made_from, label)

    def _made_from_current_label(self, draft: DraftRow, label: LabelRow) -> bool:
        """Whether a draft nobody has critiqued would be made just so from the current label."""
        made_from = self.labels.by_id.get(draft["label_id"])
        if made_from is None:
            return False
        edited = made_from["label_id"] != label["label_id"] and made_from["chai_key"] == label["chai_key"]
        return not edited and self._draft_still_valid(draft, label)

    def _stale_upstream(self, draft: DraftRow, names: list[str]) -> dict[str, str]:
        """The captions that the draft rests on where another one is approved by now, by aspect."""
        if len(names) != len(draft["upstream"]):  # made when the aspect rested on others: nothing can be compared
            return {}
        now = {name: candidate.caption_id for name, candidate in self.item.upstream.items()}
        used = dict(zip(names, draft["upstream"], strict=True))
        return {name: caption for name, caption in used.items() if now.get(name, caption) != caption}

    def _critique_rounds(self, draft: DraftRow) -> None:
        item = self.item
        cause, number, rating = draft["draft_id"], 1, 0
        shown: RevisionRow | None = None
        critique: CritiqueRow | None = None
        rejection: ReviewRow | None = None
        recall: LeadDecisionRow | None = None
        while True:
            key = critique_key(cause)
            latest = self.answers.critiques.get(key, LatestAnswer())
            answer = latest.row
            item.turns.append(
                CritiqueTurn(key, draft, number, cause, answer, latest.unreadable, shown, critique, rejection, recall)
            )
            if answer is None:
                item.stage = "critique"
                return
            rating = answer["rating"] if shown is None else rating
            number += 1
            if answer["verdict"] == "change":
                critique, rejection, recall = answer, None, None
                shown = self._current_revision(critique)
                if shown is None:
                    item.stage, item.unrevised = "revision", critique
                    return
                cause = shown["revision_id"]
                continue
            shaping = critique if shown is not None and critique is not None else answer
            item.candidate = Candidate(draft, shaping, shown, answer, rating)
            rejection, recall = self._reviews(item.candidate), self._recall()
            if rejection:
                cause = rejection["review_id"]
            elif recall:
                cause = recall["decision_id"]
            else:
                return

    def _reviews(self, candidate: Candidate) -> ReviewRow | None:
        """Review, feedback and regrade of a candidate; returns the rejection that stands, or None.

        Sets the item's stage when it stops here: waiting for a review or an answer, or approved. One regrade
        is granted; its verdict stands.
        """
        review = self._review(candidate, None)
        if review is None or review["verdict"] == "approve":
            return None
        key = feedback_key(review["review_id"])
        latest = self.answers.feedback.get(key, LatestAnswer())
        reply = latest.row
        self.item.turns.append(FeedbackTurn(key, candidate, review, reply, latest.unreadable))
        if reply is None:
            self.item.stage = "feedback"
            return None
        if reply["answer"] == "understood":
            return review
        regrade = self._review(candidate, Dispute(review, reply))
        return None if regrade is None or regrade["verdict"] == "approve" else regrade

    def _recall(self) -> LeadDecisionRow | None:
        """What took back the approval that the item has just got, if something did."""
        item = self.item
        recall = item.decisions.recalls.get(item.approval["review_id"]) if item.approval else None
        if recall and item.approval:
            item.recalled_from.add(item.approval["author"])
            item.approval = None
        return recall

    def _review(self, candidate: Candidate, dispute: Dispute | None) -> ReviewRow | None:
        """One verdict on a candidate; None where the item waits for it, which is then its stage."""
        item, key = self.item, review_key(candidate.candidate_id, 2 if dispute else 1)
        latest = self.answers.reviews.get(key, LatestAnswer())
        item.turns.append(ReviewTurn(key, candidate, latest.row, latest.unreadable, dispute))
        if latest.row is None:
            item.stage = "review"
            return None
        review = item.decisions.review_in_force(latest.row)
        if review["verdict"] == "approve":
            item.stage, item.approval = "approved", review
        return review
