"""Effects: exact on edits made to the letter, and fair to a model that words things freely."""

from typing import Any

import pytest
from hypothesis import given, settings

from chai_assets.revision.effects import effects, other_changes
from chai_resources.captioners.engines.edits import revise, words
from tests.captioners.findings import cases, mark, missing

DRAFT = (
    "The camera pans left across a beautiful harbour. A small boat is moored in the middle ground. "
    "Two men in blue jackets walk toward the pier, and the depth of field is shallow."
)


def took(findings: list[dict[str, Any]], revision: str, draft: str = DRAFT) -> list[bool]:
    return [effect["took"] for effect in effects(draft, findings, revision)]


@settings(max_examples=400)
@given(cases())
def test_after_the_edits_asked_for_every_finding_took_and_nothing_else_changed(
    case: tuple[str, list[dict[str, Any]]],
):
    draft, findings = case
    revision = revise(draft, findings)
    made = effects(draft, findings, revision)
    assert [effect["finding_id"] for effect in made] == [finding["finding_id"] for finding in findings]
    assert [effect for effect in made if not effect["took"]] == []
    assert other_changes(draft, findings, revision) == []


@settings(max_examples=100)
@given(cases())
def test_a_draft_left_alone_has_no_change_and_no_removal_took(case: tuple[str, list[dict[str, Any]]]):
    draft, findings = case
    assert other_changes(draft, findings, draft) == []
    for finding, effect in zip(findings, effects(draft, findings, draft), strict=True):
        whole_words = {w.text for w in words(finding["quote"])} <= {w.text for w in words(draft)}
        if finding["kind"] != "missing" and not words(finding["fix"]) and whole_words:
            assert not effect["took"]


FINDINGS = [
    mark(DRAFT, "pans left", "tilts up"),
    mark(DRAFT, "beautiful", "", kind="subjective"),
    mark(DRAFT, "in the middle ground", "in the foreground"),
    missing("A lighthouse stands in the background."),
]


@pytest.mark.parametrize("made", [[], [0], [1], [2], [3], [0, 2], [1, 3], [0, 1, 2]])
def test_of_a_critique_applied_in_part_just_that_part_took(made: list[int]):
    revision = revise(DRAFT, [FINDINGS[number] for number in made])
    assert took(FINDINGS, revision) == [number in made for number in range(4)]
    assert other_changes(DRAFT, FINDINGS, revision) == []


@pytest.mark.parametrize(
    "revision",
    [
        DRAFT.replace("pans left", "is tilting up"),
        DRAFT.replace("pans left", "slowly tilts up"),
        DRAFT.replace("The camera pans left across", "Tilting up, the camera shows"),
    ],
)
def test_a_fix_worded_freely_took(revision: str):
    assert took(FINDINGS[:1], revision) == [True]


@pytest.mark.parametrize("instead", ["pans left", "pans right", "moves", "pans left and tilts up", ""])
def test_a_replacement_that_is_not_the_one_asked_for_did_not_take(instead: str):
    assert took(FINDINGS[:1], DRAFT.replace("pans left", instead)) == [False]


def test_the_fix_must_stand_where_the_quote_stood():
    revision = f"{DRAFT} The view tilts up."
    assert took(FINDINGS[:1], revision) == [False]
    assert other_changes(DRAFT, FINDINGS[:1], revision) == [{"before": "", "after": "The view tilts up"}]


def test_of_two_equal_words_the_marked_one_must_be_gone():
    draft = "A very, very old dog and a very young cat."
    at = draft.rindex("very")
    finding = {**mark(draft, "very", "", kind="redundant"), "start": at, "end": at + 4}
    assert took([finding], "A very, very old dog and a young cat.", draft) == [True]
    assert took([finding], "A very old dog and a very young cat.", draft) == [False]


def test_what_is_missing_took_wherever_and_however_it_is_said():
    finding = missing("The boat has a red sail.")
    inside = DRAFT.replace("A small boat", "A small boat with a red sail")
    assert took([finding], inside) == [True]
    assert other_changes(DRAFT, [finding], inside) == []
    assert took([finding], DRAFT) == [False]
    assert took([finding], DRAFT.replace("small", "red")) == [False]


def test_a_finding_about_case_alone_is_judged_by_case():
    draft = "A man enters the Harbour office."
    finding = mark(draft, "Harbour", "harbour")
    assert took([finding], "A man enters the harbour office.", draft) == [True]
    assert took([finding], draft, draft) == [False]


def test_a_finding_whose_quote_is_not_in_the_draft_is_said_not_to_have_taken():
    finding = {**mark(DRAFT, "pier", ""), "quote": "zebra"}
    [effect] = effects(DRAFT, [finding], DRAFT)
    assert effect == {"finding_id": "wrong:pier", "took": False, "evidence": '"zebra" is not in the draft'}


def test_case_marks_and_white_space_are_tidying():
    assert other_changes(DRAFT, [], DRAFT.replace(", and", " — And").replace(". ", ".\n\n")) == []


@pytest.mark.parametrize(
    ("revision", "changes"),
    [
        (DRAFT.replace("blue", "green"), [("blue", "green")]),
        (DRAFT.replace("Two men in blue jackets", "Men"), [("Two", ""), ("in blue jackets", "")]),
        (DRAFT.replace(" small", ""), [("small", "")]),
        (DRAFT.replace("pier", "old pier"), [("", "old")]),
    ],
)
def test_what_no_finding_asked_for_is_told_with_before_and_after(revision: str, changes: list[tuple[str, str]]):
    both = revise(DRAFT, FINDINGS[:1]), revision.replace("pans left", "tilts up")
    assert other_changes(DRAFT, FINDINGS[:1], both[0]) == []
    told = [(change["before"], change["after"]) for change in other_changes(DRAFT, FINDINGS[:1], both[1])]
    assert told == changes


def test_the_evidence_quotes_the_place():
    [effect] = effects(DRAFT, FINDINGS[:1], revise(DRAFT, FINDINGS[:1]))
    assert effect["evidence"] == 'now reads "The camera tilts up across a beautiful …"'
