"""The review page: draft, revision and critique side by side; findings ticked, misses added, a verdict given.

The reviewer never edits the critique or a caption. What follows from a verdict is the triples' business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from chai_assets.annotation import results as pages
from chai_assets.annotation.results import FilledPage, Malformed
from chai_assets.critique.findings import Finding, as_sentence
from chai_assets.workflow.rejection_reasons import REJECTION_REASONS

Verdict = Literal["approve", "reject"]

_MODELS_FAULT = {"model_ignored_critique", "new_error_in_revision"}
_TICKS = {"right": True, "wrong": False}
_CONTROLS = {
    "verdict": ("choices", "final"),
    "reasons": ("choices", "final"),
    "misses": ("textarea", "final"),
    "note": ("textarea", "final"),
}


@dataclass(frozen=True)
class Appeal:
    """Why a candidate is graded again: what the rejection said, and the annotator's plea."""

    reasons: Sequence[str]
    misses: Sequence[str]
    note: str | None
    plea: str


@dataclass(frozen=True)
class ReviewAnswer:
    """A verdict; each finding in the task's order and whether it is right; what was missed; why rejected."""

    verdict: Verdict
    ticks: tuple[tuple[str, bool], ...]
    misses: tuple[str, ...]
    reasons: tuple[str, ...]
    note: str | None


def config() -> str:
    """The page's labeling configuration."""
    return pages.config(Path(__file__).with_name("page.xml"))


def task_data(
    *,
    candidate_id: str,
    draft_id: str,
    draft: str,
    critique_id: str,
    findings: Iterable[Finding],
    revision_id: str | None,
    revision: str | None,
    grade: int,
    appeal: Appeal | None = None,
) -> dict[str, Any]:
    """What the page shows. `revision` is None where the annotator calls the draft perfect."""
    return {
        "candidate_id": candidate_id,
        "draft_id": draft_id,
        "critique_id": critique_id,
        "revision_id": revision_id,
        "grade": grade,
        "draft": draft,
        "final": draft if revision is None else revision,
        "final_title": "The draft stands: the annotator calls it perfect" if revision is None else "Revision",
        "difference": "" if revision is None else difference(draft, revision),
        "findings": [{"finding_id": finding.finding_id, "says": as_sentence(finding)} for finding in findings],
        "appeal": _appeal(appeal),
    }


def difference(draft: str, revision: str) -> str:
    """HTML of what the model changed."""
    return pages.html_block("What the model changed", pages.html_difference(draft, revision))


def read(data: Mapping[str, Any], result: object) -> ReviewAnswer:
    """The answer a person submitted. Raises Malformed."""
    ids = [pages.shown(row, "finding_id", str) for row in pages.shown(data, "findings", list)]
    filled = FilledPage.of(result, _CONTROLS | {f"tick_{at}": ("choices", f"finding_{at}") for at in range(len(ids))})
    ticks = []
    for at, finding_id in enumerate(ids):
        tick = pages.required(filled.choice(f"tick_{at}", _TICKS), f"the tick of finding {at + 1}")
        ticks.append((finding_id, _TICKS[tick]))
    answer = ReviewAnswer(
        verdict=cast(Verdict, pages.required(filled.choice("verdict", get_args(Verdict)), "the verdict")),
        ticks=tuple(ticks),
        misses=tuple(filled.texts("misses")),
        reasons=tuple(filled.choices("reasons", REJECTION_REASONS)),
        note=filled.text("note"),
    )
    _check(answer, revised=data.get("revision_id") is not None)
    return answer


def write(data: Mapping[str, Any], answer: ReviewAnswer) -> list[dict[str, Any]]:
    """The result the page submits for this answer."""
    result: list[dict[str, Any]] = []
    ticked = dict(answer.ticks)
    for at, row in enumerate(data["findings"]):
        word = "right" if ticked[row["finding_id"]] else "wrong"
        result += pages.choices_part(f"tick_{at}", f"finding_{at}", [word])
    result += pages.choices_part("verdict", "final", [answer.verdict])
    result += pages.choices_part("reasons", "final", answer.reasons)
    result += pages.texts_part("misses", "final", answer.misses)
    return result + pages.texts_part("note", "final", [answer.note])


def _check(answer: ReviewAnswer, revised: bool) -> None:
    """Refuses a review that contradicts itself. `deploy/label_studio/answers.py` refuses the same at the page."""
    ticked_wrong = any(not right for _, right in answer.ticks)
    if answer.verdict == "approve":
        if ticked_wrong:
            raise Malformed("approved, yet a finding is ticked wrong", "reject, or tick the finding right")
        if answer.misses:
            raise Malformed("approved, yet something was missed", "reject, or drop what was missed")
        if answer.reasons:
            raise Malformed("approved, yet with reasons to reject", "reject, or untick the reasons")
        return
    if not answer.reasons:
        raise Malformed("rejected without a reason", "tick why it is rejected")
    if not revised and _MODELS_FAULT.intersection(answer.reasons):
        raise Malformed(
            "the model is blamed for a revision, yet the draft stands and nothing was revised",
            "untick the model's fault, and say what the annotator missed",
        )
    if not (ticked_wrong or answer.misses or _MODELS_FAULT.intersection(answer.reasons)):
        raise Malformed(
            "rejected, yet every finding is ticked right, nothing was missed and the model is not blamed",
            "tick the finding that is wrong, say what was missed, or give the model's fault as a reason",
        )


def _appeal(appeal: Appeal | None) -> str:
    if appeal is None:
        return ""
    return pages.html_block(
        "Second opinion: this was rejected, and the annotator asks for a regrade",
        pages.html_text(f"Rejected for: {', '.join(REJECTION_REASONS[reason] for reason in appeal.reasons)}"),
        pages.html_list(f"Said to be missed: {miss}" for miss in appeal.misses),
        pages.html_text(f"Reviewer's note: {appeal.note}" if appeal.note else None),
        pages.html_text(f"The annotator: {appeal.plea}"),
    )
