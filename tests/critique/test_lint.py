"""The linter: what a colleague would say of a finding, and silence on a clear one."""

from typing import Any

import pytest

from chai_assets.critique.lint import lint_findings
from tests.captioners.findings import mark, missing

DRAFT = "The camera pans left across the harbour. A red boat is moored at the pier, and gulls fly by."


@pytest.mark.parametrize(
    "finding",
    [
        mark(DRAFT, "pans left", "tilts up"),
        mark(DRAFT, "pans left", "pans right"),
        mark(DRAFT, "red boat", "better-lit red boat in the middle ground"),
        mark(DRAFT, "and gulls fly by", "", kind="redundant"),
        mark(DRAFT, "harbour", "Harbour"),
        mark(DRAFT, "left", "no man's land"),
        missing("A man waves from the boat."),
    ],
)
def test_a_clear_finding_has_no_hint(finding: dict[str, Any]):
    assert lint_findings([finding], DRAFT) == []


@pytest.mark.parametrize(
    ("finding", "says"),
    [
        (mark(DRAFT, "pans left", " pans  left"), "the same as the marked words"),
        (mark(DRAFT, DRAFT, "A boat lies at a pier."), "marks all of the draft"),
        (mark(DRAFT, DRAFT[4:], "", kind="redundant"), "marks all of the draft"),
        (mark(DRAFT, "pans left", "make it better"), "vague fix"),
        (mark(DRAFT, "pans left", "Wrong."), "vague fix"),
        (mark(DRAFT, "pans left", "more detailed please"), "vague fix"),
        (mark(DRAFT, "pans left", "?"), "says nothing"),
        (mark(DRAFT, "pans left", "maybe tilts up"), 'unsure ("maybe")'),
        (mark(DRAFT, "pans left", "I think it tilts up"), 'unsure ("I think")'),
        (mark(DRAFT, "pans left", "tilts up?"), "asks a question"),
        (mark(DRAFT, "pans left", "Change to tilts up"), 'an order ("Change'),
        (missing("a red boat is moored"), "already stands in the draft"),
        (missing("lighthouse"), "a single word"),
        (missing(""), "does not say what is missing"),
        (missing("mention the gulls' colour"), 'an order ("mention'),
    ],
)
def test_a_doubtful_finding_has_one_line_that_names_it(finding: dict[str, Any], says: str):
    clear = mark(DRAFT, "harbour", "lake")
    [hint] = lint_findings([clear, finding], DRAFT)
    assert says in hint
    assert hint.startswith(f"Finding 2 ({finding['kind']}: ")
    assert "\n" not in hint


def test_a_short_draft_may_be_wrong_as_a_whole():
    draft = "The camera is static."
    assert lint_findings([mark(draft, draft, "The camera pans left.")], draft) == []
