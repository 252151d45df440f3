"""Findings as edits: what a revision of rules reads like, and what it never touches."""

from typing import Any

import pytest
from hypothesis import given, settings

from chai_resources.captioners.engines.edits import plan, revise, words
from tests.captioners.findings import cases, mark, missing

DRAFT = "The camera pans left, slowly. A beautiful dog (small) runs along the shore. The sky is blue."


@pytest.mark.parametrize(
    ("finding", "revised"),
    [
        (("pans left", "pans right"), DRAFT.replace("left", "right")),
        (("pans left", "Pans right."), DRAFT.replace("left", "right")),
        (("pans left, slowly.", "tilts up"), DRAFT.replace("pans left, slowly", "tilts up")),
        (("A beautiful dog", "the brown dog"), DRAFT.replace("A beautiful", "The brown")),
        (("blue.", "grey!"), DRAFT.replace("blue.", "grey!")),
        (("pans left", "pans left, slowly"), DRAFT),
    ],
)
def test_a_fix_takes_the_quotes_place_and_fits_its_sentence(finding: tuple[str, str], revised: str):
    assert revise(DRAFT, [mark(DRAFT, *finding)]) == revised


@pytest.mark.parametrize(
    ("quote", "revised"),
    [
        ("slowly", DRAFT.replace(", slowly", "")),
        ("beautiful", DRAFT.replace("beautiful ", "")),
        ("small", DRAFT.replace(" (small)", "")),
        ("A beautiful", DRAFT.replace("A beautiful dog", "Dog")),
        ("The sky is blue.", DRAFT.replace(" The sky is blue.", "")),
        ("The sky is blue", DRAFT.replace(" The sky is blue.", "")),
        ("The camera pans left, slowly", DRAFT.removeprefix("The camera pans left, slowly. ")),
    ],
)
def test_a_removal_leaves_no_doubled_mark_space_or_empty_sentence(quote: str, revised: str):
    assert revise(DRAFT, [mark(DRAFT, quote, "", kind="redundant")]) == revised


def test_what_is_missing_is_appended_as_a_sentence_unless_it_stands_there():
    findings = [missing("a bird flies by"), missing("A bird flies by."), missing("the sky is blue")]
    assert revise(DRAFT, findings) == f"{DRAFT} A bird flies by."
    assert revise("No full stop", [missing("a bird")]) == "No full stop. A bird."


def test_tidying_never_joins_words():
    draft = "one(two)three"
    assert revise(draft, [mark(draft, "two", "", kind="redundant"), mark(draft, "three", "four")]) == "one()four"


def test_edits_at_their_offsets_hit_the_marked_one_of_two_equal_words():
    draft = "Left hand, left foot, left shoe."
    at = draft.index("left foot")
    finding = {**mark(draft, "left foot", "right"), "quote": "left", "end": at + 4}
    assert revise(draft, [finding]) == "Left hand, right foot, left shoe."


def test_a_quote_elsewhere_is_found_once_and_never_guessed():
    shifted = {**mark(DRAFT, "Beautiful dog".lower(), "cat"), "start": 3, "end": 16}
    assert "A cat (small)" in revise(DRAFT, [shifted])
    assert "A cat (small)" in revise(DRAFT, [{**shifted, "quote": "Beautiful Dog"}])
    assert revise(DRAFT, [{**shifted, "quote": "The"}]) == DRAFT
    assert revise(DRAFT, [{**shifted, "quote": "a zebra"}]) == DRAFT


def test_of_overlapping_findings_the_first_in_the_text_counts():
    findings = [mark(DRAFT, "left, slowly", "up"), mark(DRAFT, "pans left", "tilts right")]
    assert revise(DRAFT, findings) == DRAFT.replace("pans left", "tilts right")


def test_a_revision_that_already_has_a_replacement_is_left_alone():
    findings = [mark(DRAFT, "The sky is blue", "The sky is clear and blue"), missing("A bird flies by.")]
    once = revise(DRAFT, findings)
    assert revise(once, findings) == once


@settings(max_examples=100)
@given(cases())
def test_replacing_leaves_every_other_byte_as_it_was(case: tuple[str, list[dict[str, Any]]]):
    draft, findings = case
    replacing = [finding for finding in findings if finding["kind"] != "missing" and words(finding["fix"])]
    edits = [edit for edit in plan(draft, replacing) if edit.fix]
    rest = revise(draft, [replacing[edit.finding] for edit in edits])
    for start, end in zip([0, *(e.end for e in edits)], [*(e.start for e in edits), len(draft)], strict=True):
        assert rest.startswith(draft[start:end])
        rest = rest[end - start :]
        rest = rest[len(edits.pop(0).fix) :] if edits else rest
    assert rest == ""
