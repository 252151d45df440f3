"""Review and feedback tasks from items, and verdicts and answers from what people submit. Pure."""

from typing import Any

from chai_assets.annotation.collect import ReadAnswer
from chai_assets.annotation.push import AssignedTask, BuildTask
from chai_assets.annotation.task_data import TaskContext
from chai_assets.core.ids import correction_id, feedback_id, review_id
from chai_assets.core.rows import NewRow
from chai_assets.critique.findings import findings_of
from chai_assets.critique.label_questions import contradictions, corrected_lines
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.review import feedback_page, page
from chai_assets.spec.compile import derive, facts
from chai_assets.spec.models import Spec
from chai_assets.workflow.item_state import Candidate, Dispute, FeedbackTurn, ReviewTurn, Standing
from chai_resources.people import Person


def review_task_builder(tasks: TaskContext) -> BuildTask[ReviewTurn]:
    """Builds the review task of a candidate, for a reviewer who never worked on the item.

    A regrade goes to somebody else than the reviewer whose verdict is disputed. None where nobody is left.
    """

    def build(item: Standing, turn: ReviewTurn) -> AssignedTask | None:
        candidate = turn.candidate
        excluded = item.authors() | ({turn.dispute.rejection["author"]} if turn.dispute else set())
        reviewer = tasks.reviewer(item, excluded)
        if reviewer is None:
            return None
        revision = candidate.revision
        data = page.task_data(
            candidate_id=candidate.candidate_id,
            draft_id=candidate.draft["draft_id"],
            draft=candidate.draft["text"],
            critique_id=candidate.critique["critique_id"],
            findings=findings_of(candidate.critique),
            revision_id=revision["revision_id"] if revision else None,
            revision=revision["text"] if revision else None,
            grade=turn.grade,
            appeal=_appeal(turn.dispute) if turn.dispute else None,
            **_labels(item, candidate, tasks.spec),
        )
        return tasks.assign(item, turn, reviewer, data, excluded=excluded)

    return build


def review_reader() -> ReadAnswer:
    """Reads a submitted page into the columns of the `reviews` table."""

    def read(data: dict[str, Any], result: list[Any], author: Person) -> NewRow:
        answer = page.read(data, result)
        row = {
            "candidate_id": data["candidate_id"],
            "draft_id": data["draft_id"],
            "critique_id": data["critique_id"],
            "revision_id": data["revision_id"],
            "grade": data["grade"],
            "verdict": answer.verdict,
            "ticks": [{"finding_id": finding, "right": right} for finding, right in answer.ticks],
            "misses": list(answer.misses),
            "reasons": list(answer.reasons),
            "note": answer.note,
            "author": author.id,
            "correction_ticks": [{"correction_id": name, "right": right} for name, right in answer.corrections],
            "contradicts": _contradicting(data),
            "label_stands": _both_right(data, answer),
        }
        return {**row, "review_id": review_id(row), "spec_version": data["spec_version"]}

    return read


def _labels(item: Standing, candidate: Candidate, spec: Spec) -> dict[str, Any]:
    """What a review page shows of the labels: those the critic saw, their corrections, and what the caption denies."""
    aspect, said = spec.aspects[item.aspect], candidate.acceptance
    corrections = said.get("corrections") or []
    seen = {**item.answers, **{c["attribute"]: c["before"] for c in corrections}}
    corrected = {**seen, **{c["attribute"]: c["after"] for c in corrections}}
    return {
        "facts": facts(aspect, seen),
        "corrections": [
            (correction_id(said["critique_id"], correction["attribute"]), line)
            for correction, line in zip(corrections, corrected_lines(corrections), strict=True)
        ],
        "contradictions": contradictions(candidate.text, lexicon_of(spec, item.aspect), derive(aspect, corrected)),
        "label_stands": said.get("label_stands"),
    }


def _both_right(data: dict[str, Any], answer: page.ReviewAnswer) -> str | None:
    """Why an approved caption and the labels it contradicts are both right: the reviewer's words, or the critic's."""
    if answer.verdict != "approve" or not data.get("contradictions"):
        return None
    return answer.label_stands or data.get("label_stands")


def _contradicting(data: dict[str, Any]) -> list[str] | None:
    """Primitives by which the caption contradicts its labels; None for a task of before that was looked at."""
    rows = data.get("contradictions")
    return None if rows is None else [row["primitive"] for row in rows]


def feedback_task_builder(tasks: TaskContext) -> BuildTask[FeedbackTurn]:
    """Builds the task that tells a critique's author of its rejection."""

    def build(item: Standing, turn: FeedbackTurn) -> AssignedTask:
        candidate, rejection = turn.candidate, turn.rejection
        data = feedback_page.task_data(
            review_id=rejection["review_id"],
            draft=candidate.draft["text"],
            revision=candidate.revision["text"] if candidate.revision else None,
            findings=findings_of(candidate.critique),
            review=page.ReviewAnswer(
                verdict=rejection["verdict"],
                ticks=tuple((tick["finding_id"], tick["right"]) for tick in rejection["ticks"]),
                misses=tuple(rejection["misses"]),
                reasons=tuple(rejection["reasons"]),
                note=rejection["note"],
            ),
        )
        return tasks.assign(item, turn, tasks.annotator(item), data)

    return build


def feedback_reader() -> ReadAnswer:
    """Reads a submitted page into the columns of the `feedback` table."""

    def read(data: dict[str, Any], result: list[Any], author: Person) -> NewRow:
        answer = feedback_page.read(data, result)
        row = {
            "review_id": data["review_id"],
            "answer": answer.answer,
            "reason": answer.reason,
            "author": author.id,
        }
        return {**row, "feedback_id": feedback_id(row), "spec_version": data["spec_version"]}

    return read


def _appeal(dispute: Dispute) -> page.Appeal:
    rejection = dispute.rejection
    return page.Appeal(rejection["reasons"], rejection["misses"], rejection["note"], dispute.request["reason"] or "")
