"""What people submit is read back exactly, and anything else is refused with a reason and a remedy."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.annotation.results import LONGEST_TEXT, Malformed
from chai_assets.critique import page as critique
from chai_assets.critique.findings import Finding, as_prose
from chai_assets.labeling import page as labeling
from chai_assets.review import feedback_page as feedback
from chai_assets.review import page as review
from tests.annotation.answers import DRAFT_ID, EXCHANGES, PAGES, json_values

every_page = pytest.mark.parametrize("name", PAGES)


@every_page
@settings(max_examples=60)
@given(st.data())
def test_what_a_page_writes_reads_back_the_same(name: str, data: st.DataObject) -> None:
    shown, answer = data.draw(EXCHANGES[name])
    stored = json.loads(json.dumps(PAGES[name].write(shown, answer)))
    assert PAGES[name].read(json.loads(json.dumps(shown)), stored) == answer


@every_page
@settings(max_examples=60)
@given(st.data(), json_values)
def test_arbitrary_json_is_never_worse_than_malformed(name: str, data: st.DataObject, result: Any) -> None:
    shown, _ = data.draw(EXCHANGES[name])
    _read_or_refuse(name, shown, result)
    _read_or_refuse(name, result, PAGES[name].write(*data.draw(EXCHANGES[name])))


@every_page
@settings(max_examples=60)
@given(st.data())
def test_a_tampered_answer_is_never_worse_than_malformed(name: str, data: st.DataObject) -> None:
    shown, answer = data.draw(EXCHANGES[name])
    result = copy.deepcopy(PAGES[name].write(shown, answer))
    places = list(_places(result))
    if places:
        holder, key = data.draw(st.sampled_from(places))
        holder[key] = data.draw(json_values | st.sampled_from([item for item, _ in places]))
    _read_or_refuse(name, shown, result)


def _read_or_refuse(name: str, shown: Any, result: Any) -> None:
    refused = None
    try:
        PAGES[name].read(shown, result)
    except Malformed as problem:
        refused = problem
    if refused:
        assert refused.reason.encode()
        assert refused.remedy.encode()


def _places(value: Any):
    """Every place inside a result whose content can be exchanged, as (holder, key)."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(entries):
        yield value, key
        yield from _places(inner)


DRAFT = "A \U0001f430 sleeps. The camera trucks left at a beautiful pace."


def _critique_data(draft: str = DRAFT, seen: critique.Seen | None = None) -> dict[str, Any]:
    return critique.task_data(draft_id=DRAFT_ID, draft=draft, round=1, cause="c", facts=[], seen=seen)


def _mark(kind: str, words: str, fix: str | None = None, region: str = "r1") -> list[dict[str, Any]]:
    start = DRAFT.index(words)
    span = {"start": start, "end": start + len(words)}
    base = {"id": region, "to_name": "draft"}
    parts = [base | {"from_name": "kind", "type": "labels", "value": span | {"text": words, "labels": [kind]}}]
    if fix is not None:
        box = "fix" if kind in ("wrong", "imprecise") else "instead"
        parts.append(base | {"from_name": box, "type": "textarea", "value": span | {"text": [fix]}})
    return parts


def _chosen(control: str, *values: str) -> list[dict[str, Any]]:
    return [{"id": control, "from_name": control, "type": "choices", "value": {"choices": list(values)}}]


def _typed(control: str, *texts: str) -> list[dict[str, Any]]:
    return [{"id": control, "from_name": control, "type": "textarea", "value": {"text": list(texts)}}]


FOUR = _chosen("rating", "4")
FIVE = _chosen("rating", "5")
WRONG = _mark("wrong", "trucks left", "dollies in")
FAR_OFF = [{**WRONG[0], "value": WRONG[0]["value"] | {"start": 900, "end": 911}}]
SHIFTED = [{**WRONG[0], "value": WRONG[0]["value"] | {"start": 20, "end": 31}}]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (None, "not a list"),
        ([None], "names no control"),
        (_chosen("verdict", "approve"), "no control of this page"),
        (WRONG, "rating is missing"),
        (FOUR, "without a single finding"),
        (FIVE + WRONG, "perfect, with 1 findings"),
        (FOUR + FIVE + WRONG, "answered 2 times"),
        (_chosen("rating", "4", "5") + WRONG, "2 values"),
        (_chosen("rating", "6"), "not among"),
        (FOUR + _mark("wrong", "trucks left"), "nothing says what should stand there"),
        (FOUR + _mark("imprecise", "trucks left", "  "), "nothing says what should stand there"),
        (FOUR + _mark("silly", "trucks left", "x"), "exactly one kind"),
        (FOUR + WRONG[1:], "belongs to no mark"),
        (FOUR + WRONG + _mark("wrong", "trucks left", "tilts")[1:], "several fixes"),
        (FOUR + WRONG + _mark("subjective", "left at", region="r2"), "overlap"),
        (FOUR + WRONG + _mark("subjective", "beautiful"), "share one id"),
        (FOUR + FAR_OFF, "outside the draft"),
        (FOUR + SHIFTED, "where the draft has"),
        (FOUR + _typed("missing", "\ud83d"), "can be stored"),
        (FOUR + _typed("missing", "x" * (LONGEST_TEXT + 1)), "is the most"),
    ],
)
def test_a_critique_that_no_page_could_send_is_refused(result: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        critique.read(_critique_data(), result)


def test_findings_stay_when_a_revision_is_rated_perfect() -> None:
    seen = critique.Seen("rev_1", "A rabbit sleeps.", [])
    answer = critique.read(_critique_data(seen=seen), FIVE + WRONG)
    assert [finding.quote for finding in answer.findings] == ["trucks left"]


def test_blanks_around_marked_words_and_repeated_marks_do_not_count() -> None:
    result = FOUR + _mark("subjective", " beautiful ") + _mark("subjective", "beautiful", region="r2")
    (finding,) = critique.read(_critique_data(), result).findings
    assert (finding.quote, finding.start, finding.end) == (
        "beautiful",
        DRAFT.index("beautiful"),
        DRAFT.index(" pace"),
    )


# As Label Studio 1.23.2 stored it for words marked with the mouse in Chromium: it counts code points.
CAPTURED_DRAFT = (
    "First \U0001f430 line  with two spaces.\nSecond line: the camera trucks left — café, "
    "\U0001f1e9\U0001f1ea flag & <b>bold</b> beautiful end.\r\nThird line is huge."
)
CAPTURED = [
    {
        "value": {"start": 55, "end": 66, "text": "trucks left", "labels": ["wrong"]},
        "id": "7zx4bHVttJ",
        "from_name": "kind",
        "to_name": "draft",
        "type": "labels",
        "origin": "manual",
    },
    {
        "value": {"start": 55, "end": 66, "text": ["dollies in"]},
        "id": "7zx4bHVttJ",
        "from_name": "fix",
        "to_name": "draft",
        "type": "textarea",
        "origin": "manual",
    },
    {
        "value": {"start": 127, "end": 131, "text": "huge", "labels": ["redundant"]},
        "id": "G_uDWd7XDz",
        "from_name": "kind",
        "to_name": "draft",
        "type": "labels",
        "origin": "manual",
    },
    {
        "value": {"text": ["a missing dog", "a missing cat, not added"]},
        "id": "MZzOtvyui3",
        "from_name": "missing",
        "to_name": "draft",
        "type": "textarea",
        "origin": "manual",
    },
    {
        "value": {"choices": ["3"]},
        "id": "YXxCrSZM3_",
        "from_name": "rating",
        "to_name": "draft",
        "type": "choices",
        "origin": "manual",
    },
]


def test_a_critique_captured_from_the_browser_reads_back() -> None:
    answer = critique.read(_critique_data(CAPTURED_DRAFT), CAPTURED)
    assert answer.rating == 3
    assert [(f.kind, f.quote, f.fix) for f in answer.findings] == [
        ("wrong", "trucks left", "dollies in"),
        ("redundant", "huge", ""),
        ("missing", "", "a missing dog"),
        ("missing", "", "a missing cat, not added"),
    ]
    for finding in answer.findings[:2]:
        assert CAPTURED_DRAFT[finding.start : finding.end] == finding.quote


def test_a_critique_reads_as_instructions() -> None:
    def mark(kind: Any, words: str, fix: str = "") -> Finding:
        return Finding.mark(DRAFT_ID, DRAFT, kind, DRAFT.index(words), DRAFT.index(words) + len(words), fix)

    found = [
        Finding.missing(DRAFT_ID, "grass in the foreground"),
        mark("subjective", "beautiful"),
        mark("wrong", "trucks left", "dollies in"),
        mark("imprecise", "sleeps", "lies asleep"),
        mark("redundant", "pace", "speed"),
    ]
    assert as_prose(found) == (
        'Replace the imprecise "sleeps" with "lies asleep". Replace "trucks left" with "dollies in". '
        'Remove the subjective "beautiful". Replace the redundant "pace" with "speed". '
        "Add: grass in the foreground."
    )


def test_the_same_words_in_two_places_are_two_findings() -> None:
    draft = "left and left"
    first, second = (Finding.mark(DRAFT_ID, draft, "redundant", at, at + 4) for at in (0, 9))
    assert first.finding_id != second.finding_id
    assert first == Finding.mark(DRAFT_ID, draft, "redundant", 0, 4)


ROWS = {
    "choices": [{"key": "zoom", "q": "Zoom?", "help": "", "options": [{"value": "in"}, {"value": "unsure"}]}],
    "several": [{"key": "turns", "q": "Turns?", "help": "", "options": [{"value": "pan"}, {"value": "tilt"}]}],
    "texts": [{"key": "subject", "q": "Who?", "help": ""}],
}


def test_open_questions_are_refused_unless_the_clip_has_a_problem() -> None:
    data = labeling.task_data(ROWS)
    with pytest.raises(Malformed, match="zoom is not answered"):
        labeling.read(data, _chosen("several_0", "pan"))
    answer = labeling.read(data, _chosen("clip_problem", "transition"))
    assert answer == labeling.Labels({"zoom": [], "turns": [], "subject": []}, "transition", None)


def test_answers_come_in_the_order_in_which_they_are_offered() -> None:
    result = _chosen("choice_0", "in") + _chosen("several_0", "tilt", "pan") + _typed("text_0", " a dog ")
    answer = labeling.read(labeling.task_data(ROWS), result)
    assert answer.answers == {"zoom": ["in"], "turns": ["pan", "tilt"], "subject": ["a dog"]}


@pytest.mark.parametrize(
    "result",
    [
        _chosen("choice_0", "in", "unsure"),
        _chosen("choice_0", "sideways"),
        _chosen("choice_0", "in") + _typed("text_0", "a dog", "a cat"),
        _chosen("choice_0", "in") + _chosen("choice_1", "in"),
        _chosen("choice_0", "in") + _chosen("clip_problem", "unsafe", "transition"),
    ],
)
def test_answers_the_labeling_page_does_not_offer_are_refused(result: Any) -> None:
    with pytest.raises(Malformed):
        labeling.read(labeling.task_data(ROWS), result)


FINDING = Finding.mark(DRAFT_ID, DRAFT, "wrong", 24, 35, "dollies in")
RIGHT, NOT_RIGHT = _chosen("tick_0", "right"), _chosen("tick_0", "wrong")
APPROVE, REJECT = _chosen("verdict", "approve"), _chosen("verdict", "reject")
IGNORED, INCOMPLETE = _chosen("reasons", "model_ignored_critique"), _chosen("reasons", "critique_incomplete")


def _review_data() -> dict[str, Any]:
    return review.task_data(
        candidate_id="cnd_1",
        draft_id=DRAFT_ID,
        draft=DRAFT,
        critique_id="crt_1",
        findings=[FINDING],
        revision_id="rev_1",
        revision="A rabbit sleeps.",
        grade=1,
    )


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (APPROVE, "tick of finding 1 is missing"),
        (RIGHT, "verdict is missing"),
        (RIGHT + APPROVE + _typed("misses", "grass"), "something was missed"),
        (RIGHT + APPROVE + IGNORED, "reasons to reject"),
        (NOT_RIGHT + REJECT, "without a reason"),
        (RIGHT + REJECT + INCOMPLETE, "model is not blamed"),
    ],
)
def test_a_review_that_contradicts_itself_is_refused(result: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        review.read(_review_data(), result)


@pytest.mark.parametrize(
    "ground", [NOT_RIGHT + INCOMPLETE, RIGHT + IGNORED, RIGHT + INCOMPLETE + _typed("misses", "grass")]
)
def test_a_rejection_stands_on_a_wrong_finding_a_miss_or_the_model(ground: Any) -> None:
    assert review.read(_review_data(), ground + REJECT).verdict == "reject"


def test_a_regrade_needs_a_reason() -> None:
    data: dict[str, Any] = {}
    with pytest.raises(Malformed, match="without a reason"):
        feedback.read(data, _chosen("answer", "request_regrade"))
    assert feedback.read(data, _chosen("answer", "understood")) == feedback.FeedbackAnswer("understood", None)
