"""The feedback page: what a reviewer found wrong with a critique, and the annotator's answer to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from chai_assets.annotation import results as pages
from chai_assets.annotation.results import FilledPage, Malformed
from chai_assets.critique.findings import Finding, as_sentence
from chai_assets.review.page import ReviewAnswer, difference
from chai_assets.workflow.rejection_reasons import REJECTION_REASONS

Answer = Literal["understood", "request_regrade"]

_CONTROLS = {"answer": ("choices", "draft"), "reason": ("textarea", "draft")}


@dataclass(frozen=True)
class FeedbackAnswer:
    """Understood, or a request for a regrade with its reason."""

    answer: Answer
    reason: str | None


def config() -> str:
    """The page's labeling configuration."""
    return pages.config(Path(__file__).with_name("feedback_page.xml"))


def task_data(
    *, review_id: str, draft: str, revision: str | None, findings: Iterable[Finding], review: ReviewAnswer
) -> dict[str, Any]:
    """What the page shows: the review, the draft, and what the model changed (nothing if the draft stood)."""
    ticks = dict(review.ticks)
    words = {True: "right", False: "WRONG"}
    reasons = ", ".join(REJECTION_REASONS[reason] for reason in review.reasons)
    ticked = [f"{words[ticks[f.finding_id]]}: {as_sentence(f)}" for f in findings if f.finding_id in ticks]
    return {
        "review_id": review_id,
        "draft": draft,
        "review": "".join(
            [
                pages.html_block("Rejected", pages.html_text(reasons)),
                pages.html_block("Your findings", pages.html_list(ticked)),
                pages.html_block("What you missed", pages.html_list(review.misses)),
                pages.html_block("The reviewer's note", pages.html_text(review.note)),
            ]
        ),
        "difference": "" if revision is None else difference(draft, revision),
    }


def read(data: Mapping[str, Any], result: object) -> FeedbackAnswer:
    """The answer a person submitted. Raises Malformed."""
    filled = FilledPage.of(result, _CONTROLS)
    answer = cast(Answer, pages.required(filled.choice("answer", get_args(Answer)), "the answer"))
    reason = filled.text("reason")
    if answer == "request_regrade" and reason is None:
        raise Malformed("a regrade is asked for without a reason", "say why the rejection was wrong")
    return FeedbackAnswer(answer, reason)


def write(data: Mapping[str, Any], answer: FeedbackAnswer) -> list[dict[str, Any]]:
    """The result the page submits for this answer."""
    chosen = pages.choices_part("answer", "draft", [answer.answer])
    return chosen + pages.texts_part("reason", "draft", [answer.reason])
