"""What an answer may say: what its page can send, and nothing that contradicts itself.

The collectors (`read` in the page modules of chai_assets, which cannot be imported here) refuse the same
contradictions, for a server without this guard and for answers from before; a test compares the two. Here a person
hears of them at once, on the page. Whether a body can be stored at all is in bodies.py.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

LONGEST_TEXT = 4000
MOST_PARTS = 500
"""As chai_assets/annotation/results.py has them."""
LONGEST_LEAD_S = 30 * 24 * 3600
"""Seconds on a page, of all visits: a tab that stays open counts on, but no task stays open for a month."""
_MODELS_FAULT = {"model_ignored_critique", "new_error_in_revision"}
_VALUES = {"choices": "choices", "textarea": "text", "labels": "labels"}
"""Types of controls, each with the key under which its list of texts stands."""
_PREVIEW = "preview"
"""What a model wrote while people work; nothing reads it, so it may look as it likes."""

_STANDS = "label_stands"
"""Where a person says why the caption and the label are both right."""
_WHAT_NOW = (
    "correct the answer under the rating if the clip shows otherwise, or say there why the caption and the label are "
    "both right"
)
_NO_TEXT = {"", "-", "none", "nothing", "n/a"}
_ENDS = ".!?;"
_NOT = re.compile(
    r"(?:\b(?:no|not|without|never|neither|nor|none|rather than|instead of)\b|n't\b)[^,;:]{0,45}$", re.IGNORECASE
)
"""As chai_assets/critique/label_answers.py has them."""

Result = list[dict[str, Any]]
Controls = Mapping[re.Pattern[str], tuple[str, re.Pattern[str]]]
"""Names of the controls of a page, each with its type and the names of what it belongs to."""


class NoAnswer(ValueError):
    """An answer that cannot be meant; the words are shown to the person."""


def check_answer(body: Mapping[str, Any], label_config: str, data: Mapping[str, Any], draft: bool) -> None:
    """Raises NoAnswer for a body that the page with this configuration and task data cannot have sent.

    A `draft` may say what is not finished yet, contradictions included.
    """
    _check_fields(body)
    if body.get("result") is None:
        return
    _check_result(body["result"], _controls(label_config))
    contradiction = _CONTRADICTIONS.get(str(data.get("chai_kind")))
    if contradiction and not draft:
        contradiction(body["result"], data)


def _check_fields(body: Mapping[str, Any]) -> None:
    lead = body.get("lead_time")
    if lead is not None and (not _is_number(lead) or not 0 <= lead <= LONGEST_LEAD_S):
        raise NoAnswer(f"lead_time is no number of seconds between 0 and {LONGEST_LEAD_S}; load the page again")
    for field in ("draft_id", "parent_prediction", "parent_annotation"):
        if type(body.get(field, 0)) not in (int, type(None)):
            raise NoAnswer(f"{field} is no id")
    if type(body.get("was_cancelled", False)) not in (bool, type(None)):
        raise NoAnswer("was_cancelled is neither true nor false")
    if "result" in body and not isinstance(body["result"], list):
        raise NoAnswer("the result is no list")
    started = body.get("started_at")
    if started is not None and not _is_recent(started):
        raise NoAnswer("started_at is no time at which this page can have been opened; set the computer's clock right")
    unique_id = body.get("unique_id")
    try:
        if unique_id is not None:  # 0, false and an empty list are nothing either, and no UUID
            uuid.UUID(unique_id)
    except (ValueError, TypeError, AttributeError):
        raise NoAnswer("unique_id is no UUID") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_recent(time: object) -> bool:
    """Whether this is a time in this century: people's clocks go wrong by days, not by more."""
    try:
        read = datetime.fromisoformat(time) if isinstance(time, str) else None
        return read is not None and 2000 < read.astimezone(UTC).year < 2100
    except (ValueError, OverflowError):
        return False


@lru_cache(maxsize=64)
def _controls(label_config: str) -> Controls:
    found = {}
    for tag in ElementTree.fromstring(label_config).iter():
        if "toName" in tag.attrib and "name" in tag.attrib:
            found[_name(tag.attrib["name"])] = (tag.tag.lower(), _name(tag.attrib["toName"]))
    return found


def _name(text: str) -> re.Pattern[str]:
    """A name as the page's XML has it; a repeater counts where it says {{idx}}."""
    return re.compile(re.sub(r"\\{\\{\w+\\}\\}", r"\\d{1,4}", re.escape(text)))


def _check_result(result: list[Any], controls: Controls) -> None:
    if len(result) > MOST_PARTS:
        raise NoAnswer(f"the answer has {len(result)} parts, more than {MOST_PARTS}; remove some marks")
    for part in result:
        if not isinstance(part, dict) or not isinstance(part.get("from_name"), str):
            raise NoAnswer("a part of the answer belongs to no box of this page; remove it, and submit again")
        name, value = part["from_name"], part.get("value")
        control = next((found for known, found in controls.items() if known.fullmatch(name)), None)
        if control is None:
            raise NoAnswer(f"this page has no box {name[:40]!r}; load the page again")
        kind, belongs_to = control
        if part.get("type") != kind or not belongs_to.fullmatch(str(part.get("to_name"))):
            raise NoAnswer(f"{name}: not what this box sends; load the page again")
        if not isinstance(value, dict) or not isinstance(part.get("id", ""), str):
            raise NoAnswer(f"{name}: the answer has no usable value or id; load the page again")
        if kind in _VALUES and name != _PREVIEW:
            _check_texts(name, value.get(_VALUES[kind]))


def _check_texts(name: str, texts: object) -> None:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise NoAnswer(f"{name}: not a list of texts; load the page again")
    if len(texts) > MOST_PARTS or any(len(text) > LONGEST_TEXT for text in texts):
        raise NoAnswer(f"{name}: a text is longer than {LONGEST_TEXT} characters; shorten it")


def _said(result: Result, control: str) -> list[str]:
    """What was chosen or typed in a control, blanks aside."""
    parts = [part["value"] for part in result if part["from_name"] == control]
    return [text for value in parts for key in _VALUES.values() for text in value.get(key, []) if text.strip()]


def _contradictory_review(result: Result, data: Mapping[str, Any]) -> None:
    shown = data.get("findings")
    names = [f"tick_{at}" for at in range(len(shown) if isinstance(shown, list) else 0)]
    ticks = [_said(result, name) for name in names]
    strays = {part["from_name"] for part in result if part["from_name"].startswith("tick_")} - set(names)
    verdict, misses, reasons = (_said(result, control) for control in ("verdict", "misses", "reasons"))
    if strays:
        raise NoAnswer("a remark is ticked that is not there; load the page again")
    for at, tick in enumerate(ticks, 1):
        if len(tick) != 1:
            raise NoAnswer(f"the tick of finding {at} is missing; tick each finding right or wrong")
    if len(verdict) != 1:
        raise NoAnswer("the verdict is missing; approve or reject")
    corrections = _correction_ticks(result, data)
    wrong = any(tick == ["wrong"] for tick in (*ticks, *corrections))
    if verdict == ["approve"]:
        if wrong:
            what = "a finding" if ["wrong"] in ticks else "a correction of a label"
            raise NoAnswer(f"approved, yet {what} is ticked wrong; reject, or tick it right")
        if misses:
            raise NoAnswer("approved, yet something was missed; reject, or drop what was missed")
        if reasons:
            raise NoAnswer("approved, yet with reasons to reject; reject, or untick the reasons")
        _contradicts_labels(result, data)
        return
    if not reasons:
        raise NoAnswer("rejected without a reason; tick why it is rejected")
    blamed = _MODELS_FAULT.intersection(reasons)
    if blamed and data.get("revision_id") is None:
        raise NoAnswer("the model is blamed, yet nothing was revised; untick that, and say what the annotator missed")
    if not (wrong or misses or blamed):
        raise NoAnswer(
            "rejected, yet every finding is ticked right, nothing was missed and the model is not blamed; tick the "
            "finding that is wrong, say what was missed, or give the model's fault as a reason"
        )


def _correction_ticks(result: Result, data: Mapping[str, Any]) -> list[list[str]]:
    """The ticks of the corrections of labels; a task that was made before there were such has none."""
    names = [f"correct_{at}" for at in range(len(_rows(data, "corrections")))]
    if {part["from_name"] for part in result if part["from_name"].startswith("correct_")} - set(names):
        raise NoAnswer("a correction is ticked that is not there; load the page again")
    ticks = [_said(result, name) for name in names]
    for at, tick in enumerate(ticks, 1):
        if len(tick) != 1:
            raise NoAnswer(f"the tick of correction {at} is missing; tick each correction of a label right or wrong")
    return ticks


def _contradicts_labels(result: Result, data: Mapping[str, Any]) -> None:
    contradicting = _rows(data, "contradictions")
    if contradicting and not data.get("label_stands") and not _said(result, _STANDS):
        raise NoAnswer(
            f"approved, yet the caption contradicts the labels: {contradicting[0].get('says')}; reject and say what "
            "is missing, or say why the caption and the label are both right"
        )


def _contradictory_feedback(result: Result, data: Mapping[str, Any]) -> None:
    answer = _said(result, "answer")
    if len(answer) != 1:
        raise NoAnswer("the answer is missing; choose one")
    if answer == ["request_regrade"] and not _said(result, "reason"):
        raise NoAnswer("a regrade is asked for without a reason; say why the rejection was wrong")


def _contradictory_critique(result: Result, data: Mapping[str, Any]) -> None:
    rating = _said(result, "rating")
    if len(rating) != 1:
        raise NoAnswer("the rating is missing; rate the caption from 1 to 5")
    findings = len(_said(result, "kind")) + len(_said(result, "missing"))
    if rating != ["5"] and not findings:
        raise NoAnswer(
            f"rated {rating[0][:10]} without a single finding; mark what is wrong or list what is missing, or rate it 5"
        )
    if rating == ["5"] and findings and data.get("seen_revision_id") is None:
        raise NoAnswer("the draft was rated 5, perfect, with findings; rate it below 5, or remove the findings")
    corrected = _corrected(result, data)
    if not _said(result, _STANDS):
        denied = _caption_denied(data, corrected) if rating == ["5"] else _fix_denied(result, data, corrected)
        if denied:
            raise NoAnswer(f"{denied}; {_WHAT_NOW}")


def _corrected(result: Result, data: Mapping[str, Any]) -> set[str]:
    """Questions whose agreed answer is corrected."""
    found = set()
    for group, stem in (("labels", "label"), ("label_texts", "label_text")):
        for at, row in enumerate(_rows(data, group)):
            given = list(dict.fromkeys(text.strip() for text in _said(result, f"{stem}_{at}")))
            if len(given) > 1 and row.get("kind") != "several":
                raise NoAnswer(f"the label {row.get('key')} is corrected to {len(given)} answers; keep one of them")
            options = [option.get("value") for option in row.get("options", [])]
            if row.get("kind") != "text" and not set(given) <= set(options):
                raise NoAnswer(f"the label {row.get('key')} has no such answer; load the page again")
            agreed = row.get("agreed", [])
            said = {text.strip(" .").casefold() for text in (*given, *agreed)} - _NO_TEXT
            if given and sorted(given) != sorted(agreed) and (said or row.get("kind") != "text"):
                found.add(str(row.get("key")))
    return found


def _caption_denied(data: Mapping[str, Any], corrected: set[str]) -> str | None:
    """What the caption shown says against an agreed answer that is not corrected."""
    against = [row for row in _rows(data, "contradictions") if not corrected.intersection(row.get("keys", []))]
    return f"the caption contradicts an agreed answer: {against[0].get('says')}" if against else None


def _fix_denied(result: Result, data: Mapping[str, Any], corrected: set[str]) -> str | None:
    """What a finding says against an agreed answer that is not corrected."""
    draft = str(data.get("draft"))
    for start, end, fix in _edits(result):
        before, after = draft[:start], draft[end:]
        stops = [at for at in (after.find(stop) for stop in _ENDS) if at >= 0]
        head = before[max(before.rfind(stop) for stop in _ENDS) + 1 :]
        said = head + fix + after[: min(stops, default=len(after))] if start is not None else fix
        first = len(head) if start is not None else 0
        for row in _rows(data, "denied"):
            if corrected.intersection(row.get("keys", [])):
                continue
            for match in re.finditer(str(row.get("pattern")), said, re.IGNORECASE):
                if match.start() < first + len(fix) and first < match.end() and not _NOT.search(said[: match.start()]):
                    return f"{match.group()!r} says {row.get('says')}, which the agreed answers deny"
    return None


def _edits(result: Result) -> list[tuple[int | None, int | None, str]]:
    """Where each mark starts and ends in the draft, and what should stand there; no place for what is missing."""
    fixes = {
        part.get("id"): text.strip()
        for part in result
        if part["from_name"] in ("fix", "instead")
        for text in part["value"].get("text", [])
    }
    marks = [(part["value"], part.get("id")) for part in result if part["from_name"] == "kind"]
    placed = [(value, region) for value, region in marks if type(value.get("start")) is type(value.get("end")) is int]
    missing = [(None, None, text.strip()) for text in _said(result, "missing")]
    return [(value["start"], value["end"], fixes.get(region, "")) for value, region in placed] + missing


def _rows(data: Mapping[str, Any], group: str) -> list[Mapping[str, Any]]:
    """Rows that the task shows; none in a task that was made before there were such."""
    held = data.get(group)
    return [row for row in held if isinstance(row, dict)] if isinstance(held, list) else []


_CONTRADICTIONS: dict[str, Callable[[Result, Mapping[str, Any]], None]] = {
    "review": _contradictory_review,
    "feedback": _contradictory_feedback,
    "critique": _contradictory_critique,
}
