"""Hypothesis strategies: what tasks show, and every answer a person can give to it."""

from typing import Any

from hypothesis import strategies as st

from chai_assets.critique import page as critique
from chai_assets.critique.findings import MARKS, NEED_FIX, Finding, in_order
from chai_assets.labeling import page as labeling
from chai_assets.review import feedback_page as feedback
from chai_assets.review import page as review
from chai_assets.workflow.rejection_reasons import REJECTION_REASONS

DRAFT_ID = "drf_1"
PAGES = {"labeling": labeling, "critique": critique, "review": review, "feedback": feedback}

_LETTERS = st.sampled_from("abc xyz,.\n\"'<>&é语\U0001f430\U0001f1e9\U0001f1ea")
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
words = any_text.map(str.strip).filter(bool)
drafts = st.text(_LETTERS, min_size=1, max_size=80)
ratings = st.integers(1, 4)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
"""Whatever JSON can carry, halves of characters included."""


@st.composite
def findings(draw: st.DrawFn, draft: str) -> tuple[Finding, ...]:
    """Marks that do not overlap, without blanks at their ends, and things missing."""
    cuts = sorted(draw(st.sets(st.integers(0, len(draft)), max_size=6)))
    found = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        quote = draft[start:end]
        if not quote.strip():
            continue
        start += len(quote) - len(quote.lstrip())
        kind = draw(st.sampled_from(MARKS))
        fix = draw(words if kind in NEED_FIX else words | st.just(""))
        found.append(Finding.mark(DRAFT_ID, draft, kind, start, start + len(quote.strip()), fix))
    missing = draw(st.lists(words, max_size=3, unique=True))
    return in_order([*found, *(Finding.missing(DRAFT_ID, text) for text in missing)])


@st.composite
def critiques(draw: st.DrawFn) -> tuple[dict[str, Any], critique.CritiqueAnswer]:
    """A critique task of any round and an answer to it."""
    draft = draw(drafts)
    said = draw(findings(draft))
    before = draw(findings(draft))
    took = [(finding, draw(st.booleans())) for finding in before]
    seen = draw(st.none() | st.builds(critique.Seen, st.just("rev_1"), drafts, st.just(took)))
    data = critique.task_data(
        draft_id=DRAFT_ID,
        draft=draft,
        round=draw(st.integers(1, 5)),
        cause="rev_1" if seen else DRAFT_ID,
        facts=draw(st.lists(any_text, max_size=3)),
        seen=seen,
        remarks=draw(st.lists(any_text, max_size=2)),
        hints=draw(st.lists(any_text, max_size=2)),
        doubts=draw(st.lists(any_text, max_size=2)),
    )
    if not said:
        return data, critique.CritiqueAnswer(5, ())
    return data, critique.CritiqueAnswer(draw(ratings | st.just(5) if seen else ratings), said)


@st.composite
def labels(draw: st.DrawFn) -> tuple[dict[str, Any], labeling.Labels]:
    """A labeling task of any questions and an answer to it."""
    values = st.lists(words, min_size=1, max_size=4, unique=True)
    keys = iter(draw(st.lists(words, min_size=9, max_size=9, unique=True)))
    rows: dict[str, list[dict[str, Any]]] = {"choices": [], "several": [], "texts": []}
    answers: dict[str, list[str]] = {}
    problem = draw(st.none() | st.sampled_from(labeling.PROBLEMS))
    for group in rows:
        for _ in range(draw(st.integers(0, 3))):
            row: dict[str, Any] = {"key": next(keys), "q": draw(any_text), "help": draw(any_text)}
            if group == "texts":
                given = draw(st.lists(words, max_size=1))
            else:
                offered = draw(values)
                row["options"] = [{"value": value} for value in offered]
                chosen = draw(st.sets(st.sampled_from(offered)))
                given = [value for value in offered if value in chosen]
                if group == "choices":
                    given = given[:1] if given or problem else offered[:1]
            rows[group].append(row)
            answers[row["key"]] = given
    return labeling.task_data(rows), labeling.Labels(answers, problem, draw(st.none() | words))


@st.composite
def reviews(draw: st.DrawFn) -> tuple[dict[str, Any], review.ReviewAnswer]:
    """A review task of either grade, with a revision or not, and an answer to it."""
    draft = draw(drafts)
    said = draw(findings(draft))
    revision = draw(st.none() | drafts)
    appeal = st.builds(
        review.Appeal, st.lists(st.sampled_from(list(REJECTION_REASONS))), st.lists(any_text), any_text, any_text
    )
    data = review.task_data(
        candidate_id="cnd_1",
        draft_id=DRAFT_ID,
        draft=draft,
        critique_id="crt_1",
        findings=said,
        revision_id=None if revision is None else "rev_1",
        revision=revision,
        grade=draw(st.integers(1, 2)),
        appeal=draw(st.none() | appeal),
    )
    return data, draw(verdicts(said, revised=revision is not None))


@st.composite
def verdicts(draw: st.DrawFn, said: tuple[Finding, ...], revised: bool) -> review.ReviewAnswer:
    """A verdict on these findings that hangs together."""
    note = draw(st.none() | words)
    if draw(st.booleans()):
        return review.ReviewAnswer("approve", tuple((finding.finding_id, True) for finding in said), (), (), note)
    ticks = tuple((finding.finding_id, draw(st.booleans())) for finding in said)
    nothing_wrong = all(right for _, right in ticks)
    misses = tuple(draw(st.lists(words, min_size=int(nothing_wrong and not revised), max_size=3, unique=True)))
    models_fault = {"model_ignored_critique", "new_error_in_revision"}
    offered = [reason for reason in REJECTION_REASONS if revised or reason not in models_fault]
    reasons = draw(st.sets(st.sampled_from(offered), min_size=1))
    if nothing_wrong and not misses:
        reasons |= {"model_ignored_critique"}
    ordered = tuple(reason for reason in REJECTION_REASONS if reason in reasons)
    return review.ReviewAnswer("reject", ticks, misses, ordered, note)


@st.composite
def feedbacks(draw: st.DrawFn) -> tuple[dict[str, Any], feedback.FeedbackAnswer]:
    """A feedback task and an answer to it."""
    draft = draw(drafts)
    said = draw(findings(draft))
    revision = draw(st.none() | drafts)
    data = feedback.task_data(
        review_id="rvw_1",
        draft=draft,
        revision=revision,
        findings=said,
        review=draw(verdicts(said, revised=revision is not None)),
    )
    if draw(st.booleans()):
        return data, feedback.FeedbackAnswer("request_regrade", draw(words))
    return data, feedback.FeedbackAnswer("understood", draw(st.none() | words))


EXCHANGES = {"labeling": labels(), "critique": critiques(), "review": reviews(), "feedback": feedbacks()}
"""By page: strategies of (task data, answer)."""
