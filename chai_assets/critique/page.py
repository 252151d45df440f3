"""The critique page: a person rates a caption, marks wrong words of the draft and lists what is missing.

In later rounds the same page shows what the last critique led to and asks for a rating of that revision. The
findings stay remarks on the draft and arrive pre-filled: a person refines the critique, never the caption.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from chai_assets.annotation import results as pages
from chai_assets.annotation.results import FilledPage, Malformed, ResultPart
from chai_assets.critique import label_answers
from chai_assets.critique.findings import MARKS, NEED_FIX, Finding, MarkKind, as_sentence, in_order
from chai_assets.critique.label_answers import LabelAnswers

REJECTED = "A reviewer rejected this and says"
RECALLED = "This was approved, and a lead takes it back"
RATINGS = ("1", "2", "3", "4", "5")
PERFECT = 5

_CONTROLS = {
    "kind": ("labels", "draft"),
    "fix": ("textarea", "draft"),
    "instead": ("textarea", "draft"),
    "missing": ("textarea", "draft"),
    "rating": ("choices", "draft"),
}
PREVIEW = "preview"
"""The control in which a preview of the revision is shown. Label Studio stores it with the answer; nothing reads it."""


@dataclass(frozen=True)
class Seen:
    """What the last round led to: the revision, and for each finding of its critique whether it took."""

    revision_id: str
    text: str
    took: Sequence[tuple[Finding, bool]]


@dataclass(frozen=True)
class CritiqueAnswer:
    """A rating of the caption shown, 1 to 5, findings on the draft in the order of `in_order`, and corrected labels."""

    rating: int
    findings: tuple[Finding, ...]
    labels: LabelAnswers = field(default_factory=lambda: LabelAnswers({}))


def config() -> str:
    """The page's labeling configuration."""
    return pages.config(Path(__file__).with_name("page.xml"))


def task_data(
    *,
    draft_id: str,
    draft: str,
    round: int,
    cause: str,
    facts: Iterable[str],
    seen: Seen | None = None,
    remarks: Iterable[str] = (),
    remarks_title: str = REJECTED,
    hints: Iterable[str] = (),
    doubts: Iterable[str] = (),
    labels: Mapping[str, Any] | None = None,
    contradictions: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What the page shows and what reading its answer needs.

    `facts` are the primitives agreed, one a line; `remarks` what a reviewer said who rejected, or a lead who recalled
    it, under `remarks_title`; `hints` what the linter noticed about the findings of the round before; `doubts` what it
    noticed in the draft; `labels` the questions as `label_questions` gives them; `contradictions` of the agreed answers
    by the caption shown.
    """
    contradicting = [dict(row) for row in contradictions]
    return {
        "draft_id": draft_id,
        "draft": draft,
        "round": round,
        "cause": cause,
        "seen_revision_id": seen.revision_id if seen else None,
        "shown": seen.text if seen else draft,
        "facts": pages.html_block("Agreed for this clip", pages.html_list(facts)),
        "remarks": pages.html_block(remarks_title, pages.html_list(remarks)),
        "history": _history(draft, seen),
        "hints": pages.html_block("Worth another look in your findings", pages.html_list(hints)),
        "doubts": pages.html_block("Worth a look:", pages.html_list(doubts)),
        "rate_title": "How good is the revision?" if seen else "How good is the draft?",
        "rate_hint": _RATE_REVISION if seen else _RATE_DRAFT,
        **(labels or {"labels": [], "label_texts": [], "denied": []}),
        "contradictions": contradicting,
        "contradiction_lines": pages.html_block(
            "The caption contradicts an agreed answer", pages.html_list(row["says"] for row in contradicting)
        ),
    }


_RATE_DRAFT = "5: perfect, with nothing marked and nothing missing. Below 5: mark or list what is wrong."
_RATE_REVISION = "5: it is right, done. Below 5: refine your findings on the draft; it is then revised anew."


def read(data: Mapping[str, Any], result: object) -> CritiqueAnswer:
    """The answer a person submitted. Raises Malformed."""
    given, findings = read_unfinished(data, result)
    rating = pages.required(given, "the rating")
    labels = label_answers.read(data, _filled(data, result))
    if rating < PERFECT and not findings:
        raise Malformed(
            f"rated {rating} without a single finding",
            "mark what is wrong or list what is missing, or rate it 5",
        )
    if rating == PERFECT and findings and data.get("seen_revision_id") is None:
        raise Malformed(
            f"the draft was rated 5, perfect, with {len(findings)} findings",
            "rate it below 5, or remove the findings",
        )
    label_answers.check_said(data, findings, rating == PERFECT, labels)
    return CritiqueAnswer(rating, findings, labels)


def read_unfinished(data: Mapping[str, Any], result: object) -> tuple[int | None, tuple[Finding, ...]]:
    """The rating, None while it is open, and the findings of a page that is being filled in. Raises Malformed."""
    filled = _filled(data, result)
    draft_id, draft = pages.shown(data, "draft_id", str), pages.shown(data, "draft", str)
    marks = [_mark(filled, part, draft_id, draft) for part in filled.named("kind")]
    _refuse_strays(filled)
    missing = [Finding.missing(draft_id, text) for text in filled.texts("missing")]
    findings = in_order([*marks, *missing])
    _refuse_overlaps(findings)
    rating = filled.choice("rating", RATINGS)
    return int(rating) if rating else None, findings


def write(data: Mapping[str, Any], answer: CritiqueAnswer) -> list[dict[str, Any]]:
    """The result the page submits for this answer."""
    rating = pages.choices_part("rating", "draft", [str(answer.rating)])
    return prefill(data, answer.findings, answer.labels) + rating


def prefill(
    data: Mapping[str, Any], findings: Iterable[Finding], labels: LabelAnswers | None = None
) -> list[dict[str, Any]]:
    """What was said in an earlier round as a prediction: findings arrive marked, the rating stays open."""
    ordered = in_order(findings)
    parts = [part for finding in ordered if finding.kind != "missing" for part in _marked(finding)]
    parts += pages.texts_part("missing", "draft", (f.fix for f in ordered if f.kind == "missing"))
    return parts + (label_answers.write(data, labels) if labels else [])


def preview(texts: Iterable[str]) -> list[dict[str, Any]]:
    """What puts texts into the page's preview.

    It belongs to the facts: to what belongs to the draft, Label Studio would add the kind that is chosen just then.
    """
    return pages.texts_part(PREVIEW, "facts", texts)


def _filled(data: Mapping[str, Any], result: object) -> FilledPage:
    return FilledPage.of(_without_preview(result), _CONTROLS | label_answers.controls(data))


def _without_preview(result: object) -> object:
    """The result without what the preview put there, whatever that looks like."""
    if not isinstance(result, list):
        return result
    return [part for part in result if not (isinstance(part, dict) and part.get("from_name") == PREVIEW)]


def _history(draft: str, seen: Seen | None) -> str:
    if seen is None:
        return ""
    effects = pages.html_list(f"{'Done' if done else 'NOT done'}: {as_sentence(f)}" for f, done in seen.took)
    return pages.html_block("The revision your critique led to", pages.html_difference(draft, seen.text), effects)


def _mark(filled: FilledPage, part: ResultPart, draft_id: str, draft: str) -> Finding:
    kinds = part.value.get("labels")
    if not isinstance(kinds, list) or len(kinds) != 1 or kinds[0] not in MARKS:
        raise Malformed(f"a mark needs exactly one kind of {', '.join(MARKS)}")
    if sum(other.region == part.region for other in filled.named("kind")) > 1:
        raise Malformed("two marks share one id")
    kind = cast(MarkKind, kinds[0])
    start, end = _span(part.value, draft)
    fix = _fix(filled, part.region, kind)
    if kind in NEED_FIX and not fix:
        raise Malformed(
            f"{draft[start:end]!r} is marked {kind} and nothing says what should stand there",
            "type what it should say, or mark it subjective or redundant to have it removed",
        )
    return Finding.mark(draft_id, draft, kind, start, end, fix)


def _span(value: Mapping[str, Any], draft: str) -> tuple[int, int]:
    """The marked span without blanks at its ends. Label Studio counts code points, as Python does."""
    start, end, text = value.get("start"), value.get("end"), value.get("text")
    if type(start) is not int or type(end) is not int or not isinstance(text, str):
        raise Malformed("a mark has no usable start, end and text")
    if not 0 <= start < end <= len(draft):
        raise Malformed(f"a mark from {start} to {end} lies outside the draft of {len(draft)} characters")
    if _loose(draft[start:end]) != _loose(text):
        raise Malformed(
            f"the mark says {text[:80]!r} where the draft has {draft[start:end][:80]!r}",
            "remove the mark, mark the words again and submit",
        )
    quote = draft[start:end]
    if not quote.strip():
        raise Malformed(f"the mark from {start} to {end} covers no words", "remove the empty mark and submit again")
    return start + len(quote) - len(quote.lstrip()), end - (len(quote) - len(quote.rstrip()))


def _loose(text: str) -> str:
    r"""Text without its blanks: Label Studio writes a line break as \n and lays others out its own way."""
    return "".join(text.replace("\\n", " ").split())


def _fix(filled: FilledPage, region: str, kind: MarkKind) -> str:
    """The fix typed beside the mark. The page has a box that must be filled and one that may stay empty."""
    box = "fix" if kind in NEED_FIX else "instead"
    parts = [part for part in filled.named(box) if part.region == region]
    texts = [text for part in parts for text in pages.texts_of(part, box)]
    if len(texts) > 1:
        raise Malformed("a mark has several fixes", "keep one fix for each mark")
    return texts[0] if texts else ""


def _refuse_strays(filled: FilledPage) -> None:
    marks = {part.region for part in filled.named("kind")}
    for part in filled.named("fix") + filled.named("instead"):
        if part.region not in marks:
            raise Malformed("a fix belongs to no mark", "mark the words that the fix is for, and pick a kind")


def _refuse_overlaps(findings: Sequence[Finding]) -> None:
    marks = [finding for finding in findings if finding.start is not None]
    for one, other in pairwise(marks):
        if cast(int, one.end) > cast(int, other.start):
            raise Malformed(
                f"the marks {one.quote!r} and {other.quote!r} overlap",
                "remove one of them, or mark the whole stretch once",
            )


def _marked(finding: Finding) -> list[dict[str, Any]]:
    base = {"id": finding.finding_id, "to_name": "draft", "origin": "manual"}
    span: dict[str, Any] = {"start": finding.start, "end": finding.end}
    mark = span | {"text": finding.quote, "labels": [finding.kind]}
    parts = [base | {"from_name": "kind", "type": "labels", "value": mark}]
    if finding.fix:
        box = "fix" if finding.kind in NEED_FIX else "instead"
        parts.append(base | {"from_name": box, "type": "textarea", "value": span | {"text": [finding.fix]}})
    return parts
