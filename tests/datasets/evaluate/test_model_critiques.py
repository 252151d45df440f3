"""A model's own critique: what an editor can carry out is kept in people's form, the rest is dropped and counted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.core.ids import canonical_json, sha256_text
from chai_assets.critique.findings import MARKS
from chai_assets.critique.prose.extract_findings import findings_in
from chai_assets.datasets.evaluate.degrade import VariantUnavailable
from chai_assets.datasets.evaluate.model_critiques import CRITIQUE_SCHEMA, parse_model_critique

DRAFT = "The camera pans left past a red boat. A red kite and a grey gull fly over the boat."


def critique(*findings: tuple[str, str, str]) -> str:
    told = [{"kind": kind, "quote": quote, "fix": fix} for kind, quote, fix in findings]
    return json.dumps({"findings": told})


def test_remarks_become_the_english_that_people_write():
    said = critique(
        ("missing", "", "the water is calm"), ("wrong", "pans left", "pans right"), ("subjective", "grey", "")
    )
    made = parse_model_critique(said, DRAFT, "tri_1")
    assert made.text == ('Replace "pans left" with "pans right". Remove the subjective "grey". Add: the water is calm.')
    assert "left out" not in made.changed


@pytest.mark.parametrize(
    "useless",
    [
        ("wrong", "zooms in", "tilts up"),
        ("imprecise", "red", "crimson"),
        ("wrong", "pans left", "  "),
        ("missing", "", ""),
        ("redundant", "", ""),
    ],
    ids=["stands nowhere", "stands twice", "no fix", "nothing to add", "no quote"],
)
def test_a_remark_nobody_could_carry_out_is_left_out_and_counted(useless: tuple[str, str, str]):
    made = parse_model_critique(critique(useless, ("wrong", "past", "along")), DRAFT, "tri_1")
    assert made.text == 'Replace "past" with "along".'
    assert "1 of its 2 remarks" in made.changed
    with pytest.raises(VariantUnavailable, match="quotes what the draft does not say"):
        parse_model_critique(critique(useless), DRAFT, "tri_1")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (critique(), "found nothing"),
        ("no JSON", "form asked for"),
        ('{"findings": "none"}', "form asked for"),
        ('{"findings": [{"kind": "odd", "quote": "red", "fix": ""}]}', "form asked for"),
    ],
)
def test_an_answer_without_remarks_says_why(answer: str, reason: str):
    with pytest.raises(VariantUnavailable, match=reason):
        parse_model_critique(answer, DRAFT, "tri_1")


@given(st.sampled_from(MARKS), st.integers(0, 16), st.integers(1, 4))
def test_what_is_kept_reads_back_as_remarks_on_the_same_words(kind: Any, first: int, size: int):
    """By the reader of people's prose, which knows nothing of how this was made."""
    quote = " ".join(DRAFT.split()[first : first + size]).strip(".")
    try:
        made = parse_model_critique(critique((kind, quote, "waterfowl")), DRAFT, "tri_1")
    except VariantUnavailable:
        assert DRAFT.count(quote) > 1
        return
    assert [finding.quote for finding in findings_in(made.text, "d", DRAFT)] == [quote]


def test_the_schema_of_the_answer_is_the_one_that_requests_were_hashed_with():
    """The names and docstrings of its classes are in it: whoever rewords them has every critique paid for again."""
    written_with = "7afddf0747e4b1f47120cd0c9d6ea9574dae9d85a9dd2268d4951b97757a5d7c"
    assert sha256_text(canonical_json(CRITIQUE_SCHEMA)) == written_with
