"""What an annotator says of the labels on a critique page: corrected answers, or that caption and label are both right.

A caption or a fix that contradicts an agreed answer is asked about: `deploy/label_studio/answers.py` asks the same at
the page. What the page shows of the labels is in `label_questions.py`. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chai_assets.annotation import results as pages
from chai_assets.annotation.results import Control, FilledPage, Malformed
from chai_assets.core.rows import NewRow
from chai_assets.critique.findings import Finding
from chai_assets.spec.compile import NO_TEXT, Answers, applicable, check_answers, decisions
from chai_assets.spec.models import NOT_APPLICABLE, UNSURE, Aspect

STANDS = "label_stands"
"""The control in which a person says why the caption is right and so is the label."""

_NOT = re.compile(
    r"(?:\b(?:no|not|without|never|neither|nor|none|rather than|instead of)\b|n't\b)[^,;:]{0,45}$", re.IGNORECASE
)
_ENDS = ".!?;"
_WHAT_NOW = (
    "correct the answer under the rating if the clip shows otherwise, or say there why the caption and the label are "
    "both right"
)


@dataclass(frozen=True)
class LabelAnswers:
    """Answers of the label that are corrected, by question, and why caption and label are both right, if they are."""

    corrected: Mapping[str, list[str]]
    stands: str | None = None


def controls(data: Mapping[str, Any]) -> dict[str, Control]:
    """The controls for the labels that a page with this data has."""
    found: dict[str, Control] = {STANDS: ("textarea", "draft")}
    for control, to, row in _rows(data):
        found[control] = ("textarea" if row["kind"] == "text" else "choices", to)
    return found


def read(data: Mapping[str, Any], filled: FilledPage) -> LabelAnswers:
    """What was said of the labels; picking the agreed answer again corrects nothing. Raises Malformed."""
    corrected: dict[str, list[str]] = {}
    for control, _, row in _rows(data):
        agreed = pages.shown(row, "agreed", list)
        if row["kind"] == "text":
            given = filled.texts(control)
        else:
            options = pages.shown(row, "options", list)
            given = filled.choices(control, [pages.shown(option, "value", str) for option in options])
        if len(given) > 1 and row["kind"] != "several":
            raise Malformed(f"the label {row['key']} is corrected to {len(given)} answers at once", "keep one of them")
        if given and sorted(given) != sorted(agreed) and not _both_nothing(row, given, agreed):
            corrected[row["key"]] = given
    return LabelAnswers(corrected, filled.text(STANDS))


def write(data: Mapping[str, Any], answers: LabelAnswers) -> list[dict[str, Any]]:
    """The part of the result that the page submits for these answers."""
    result: list[dict[str, Any]] = []
    for control, to, row in _rows(data):
        corrected = answers.corrected.get(row["key"], [])
        if row["kind"] == "text":
            result += pages.texts_part(control, to, corrected)
        else:
            offered = [option["value"] for option in row["options"]]
            result += pages.choices_part(control, to, [value for value in corrected if value in offered])
    return result + pages.texts_part(STANDS, "draft", [answers.stands])


def check_said(data: Mapping[str, Any], findings: Sequence[Finding], perfect: bool, said: LabelAnswers) -> None:
    """Raises Malformed where the caption, called right, or a finding contradicts a label that is not corrected.

    A person who says why both are right is believed. `perfect`: the caption shown is called right, and it counts
    instead of the findings.
    """
    if said.stands:
        return
    if perfect:
        for row in _held(data, "contradictions"):
            if not set(pages.shown(row, "keys", list)) & said.corrected.keys():
                raise Malformed(f"the caption contradicts an agreed answer: {row['says']}", _WHAT_NOW)
        return
    for finding in findings:
        if denied := denied_by(data, finding, said.corrected):
            words, term = denied
            raise Malformed(f"{words!r} says {term}, which the agreed answers deny", _WHAT_NOW)


def denied_by(data: Mapping[str, Any], finding: Finding, corrected: Iterable[str]) -> tuple[str, str] | None:
    """The words of a finding's fix that say what the agreed answers deny, and the term; None where there are none."""
    text, start, end = _in_its_sentence(data["draft"], finding)
    for row in _held(data, "denied"):
        if set(pages.shown(row, "keys", list)) & set(corrected):
            continue
        for match in re.finditer(pages.shown(row, "pattern", str), text, re.IGNORECASE):
            if match.start() < end and start < match.end() and not _NOT.search(text[: match.start()]):
                return match.group(), row["says"]
    return None


def corrections_of(data: Mapping[str, Any], aspect: Aspect, corrected: Mapping[str, Sequence[str]]) -> list[NewRow]:
    """The corrections (attribute, before, after), with n/a for questions that do not apply any more by them.

    Raises Malformed where the answers do not go together by the specification.
    """
    before = {row["key"]: list(row["agreed"]) for _, _, row in _rows(data)}
    after = _completed(aspect, {**before, **corrected}, set(corrected))
    there = check_answers(aspect, before)  # where a release asks anew, answers are still to come
    if problems := [problem for problem in check_answers(aspect, after) if problem not in there]:
        raise Malformed(f"the corrected labels do not go together: {'; '.join(problems)}", "open the task again")
    return [
        {"attribute": name, "before": before[name], "after": list(after[name])}
        for name in before
        if list(after[name]) != before[name]
    ]


def findings_on(data: Mapping[str, Any], findings: Iterable[Finding], attribute: str) -> list[str]:
    """Ids of the findings that speak of a question: on the sentences its answer led to, or by a term of it."""
    rows = [row for _, _, row in _rows(data) if row["key"] == attribute]
    spans = [span for row in rows for span in row["marks"]]
    others = [row["key"] for _, _, row in _rows(data) if row["key"] != attribute]
    return [
        finding.finding_id
        for finding in findings
        if any(start < (finding.end or 0) and (finding.start or 0) < end for start, end in spans)
        or denied_by(data, finding, others)
    ]


def _rows(data: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each question with the name of its control and of what that belongs to. Tasks of before have none."""
    for group, stem in (("labels", "label"), ("label_texts", "label_text")):
        for at, row in enumerate(_held(data, group)):
            for name, kind in (("key", str), ("kind", str), ("agreed", list)):
                pages.shown(row, name, kind)
            yield f"{stem}_{at}", f"{stem}_q_{at}", row


def _held(data: Mapping[str, Any], group: str) -> list[Mapping[str, Any]]:
    """Rows that the task shows; none in a task that was made before there were such. Raises Malformed."""
    there = isinstance(data, dict) and data.get(group) is not None
    return pages.shown(data, group, list) if there else []


def _both_nothing(row: Mapping[str, Any], given: Sequence[str], agreed: Sequence[str]) -> bool:
    if row["kind"] != "text":
        return False
    return all(text.strip(" .").casefold() in NO_TEXT for text in (*given, *agreed))


def _completed(aspect: Aspect, answers: Answers, corrected: set[str]) -> dict[str, list[str]]:
    now = {name: list(values) for name, values in answers.items()}
    for attribute in aspect.attributes:
        given = set(now.get(attribute.id, ()))
        says_nothing = not given - (NO_TEXT if attribute.kind == "text" else {UNSURE, NOT_APPLICABLE})
        if attribute.id not in corrected and not says_nothing and not applicable(attribute, decisions(aspect, now)):
            now[attribute.id] = [] if attribute.kind == "text" else [NOT_APPLICABLE]
    return now


def _in_its_sentence(draft: str, finding: Finding) -> tuple[str, int, int]:
    """The sentence of the draft with the finding's fix in it, and where in it the fix stands."""
    if finding.start is None or finding.end is None:
        return finding.fix, 0, len(finding.fix)
    before, after = draft[: finding.start], draft[finding.end :]
    begin = max(before.rfind(stop) for stop in _ENDS) + 1
    stops = [at for at in (after.find(stop) for stop in _ENDS) if at >= 0]
    head, tail = before[begin:], after[: min(stops, default=len(after))]
    return f"{head}{finding.fix}{tail}", len(head), len(head) + len(finding.fix)
