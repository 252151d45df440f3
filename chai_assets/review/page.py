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
    "label_stands": ("textarea", "final"),
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
    corrections: tuple[tuple[str, bool], ...] = ()
    """Each correction of a label in the task's order, and whether it is right."""
    label_stands: str | None = None
    """Why the caption and the label that it contradicts are both right."""


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
    facts: Iterable[str] = (),
    corrections: Iterable[tuple[str, str]] = (),
    contradictions: Iterable[Mapping[str, Any]] = (),
    label_stands: str | None = None,
) -> dict[str, Any]:
    """What the page shows. `revision` is None where the annotator calls the draft perfect.

    `facts` are the labels that the critic saw, one a line; `corrections` of them are ids with words; `contradictions`
    is what the caption says against the labels as corrected, and `label_stands` why the critic calls both right.
    """
    contradicting = [dict(row) for row in contradictions]
    lines = [row["says"] for row in contradicting] + ([f"The annotator: {label_stands}"] if label_stands else [])
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
        "facts": pages.html_block("The labels that the annotator saw", pages.html_list(facts)),
        "corrections": [{"correction_id": name, "says": says} for name, says in corrections],
        "contradictions": contradicting,
        "label_stands": label_stands,
        "contradiction_lines": pages.html_block("The caption contradicts the labels", pages.html_list(lines))
        if contradicting
        else "",
    }


def difference(draft: str, revision: str) -> str:
    """HTML of what the model changed."""
    return pages.html_block("What the model changed", pages.html_difference(draft, revision))


def read(data: Mapping[str, Any], result: object) -> ReviewAnswer:
    """The answer a person submitted. Raises Malformed."""
    ids = [pages.shown(row, "finding_id", str) for row in pages.shown(data, "findings", list)]
    corrected = _corrections(data)
    controls = {f"tick_{at}": ("choices", f"finding_{at}") for at in range(len(ids))}
    controls |= {f"correct_{at}": ("choices", f"correction_{at}") for at in range(len(corrected))}
    filled = FilledPage.of(result, _CONTROLS | controls)
    answer = ReviewAnswer(
        verdict=cast(Verdict, pages.required(filled.choice("verdict", get_args(Verdict)), "the verdict")),
        ticks=_ticked(filled, "tick", ids, "finding"),
        misses=tuple(filled.texts("misses")),
        reasons=tuple(filled.choices("reasons", REJECTION_REASONS)),
        note=filled.text("note"),
        corrections=_ticked(filled, "correct", corrected, "correction"),
        label_stands=filled.text("label_stands"),
    )
    _check(answer, revised=data.get("revision_id") is not None)
    _check_labels(answer, data)
    return answer


def write(data: Mapping[str, Any], answer: ReviewAnswer) -> list[dict[str, Any]]:
    """The result the page submits for this answer."""
    result: list[dict[str, Any]] = []
    ticked = dict(answer.ticks)
    for at, row in enumerate(data["findings"]):
        word = "right" if ticked[row["finding_id"]] else "wrong"
        result += pages.choices_part(f"tick_{at}", f"finding_{at}", [word])
    right = dict(answer.corrections)
    for at, correction_id in enumerate(_corrections(data)):
        word = "right" if right[correction_id] else "wrong"
        result += pages.choices_part(f"correct_{at}", f"correction_{at}", [word])
    result += pages.choices_part("verdict", "final", [answer.verdict])
    result += pages.choices_part("reasons", "final", answer.reasons)
    result += pages.texts_part("misses", "final", answer.misses)
    result += pages.texts_part("note", "final", [answer.note])
    return result + pages.texts_part("label_stands", "final", [answer.label_stands])


def _corrections(data: Mapping[str, Any]) -> list[str]:
    """Ids of the corrections of labels that the page shows; tasks of before have none."""
    if not isinstance(data, dict) or data.get("corrections") is None:
        return []
    return [pages.shown(row, "correction_id", str) for row in pages.shown(data, "corrections", list)]


def _ticked(filled: FilledPage, control: str, ids: Sequence[str], what: str) -> tuple[tuple[str, bool], ...]:
    """Each of the ids, and whether it is ticked right. Raises Malformed where a tick is missing."""
    ticks = []
    for at, ticked in enumerate(ids):
        tick = pages.required(filled.choice(f"{control}_{at}", _TICKS), f"the tick of {what} {at + 1}")
        ticks.append((ticked, _TICKS[tick]))
    return tuple(ticks)


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
    ticked_wrong = ticked_wrong or not all(right for _, right in answer.corrections)
    if not (ticked_wrong or answer.misses or _MODELS_FAULT.intersection(answer.reasons)):
        raise Malformed(
            "rejected, yet every finding is ticked right, nothing was missed and the model is not blamed",
            "tick the finding that is wrong, say what was missed, or give the model's fault as a reason",
        )


def _check_labels(answer: ReviewAnswer, data: Mapping[str, Any]) -> None:
    """Refuses an approval by which a caption and its labels would contradict each other; the page refuses the same."""
    if answer.verdict != "approve":
        return
    if not all(right for _, right in answer.corrections):
        raise Malformed("approved, yet a correction of a label is ticked wrong", "reject, or tick the correction right")
    contradicting = data.get("contradictions") or []
    if contradicting and not data.get("label_stands") and not answer.label_stands:
        raise Malformed(
            f"approved, yet the caption contradicts the labels: {pages.shown(contradicting[0], 'says', str)}",
            "reject and say what is missing, or say why the caption and the label are both right",
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
