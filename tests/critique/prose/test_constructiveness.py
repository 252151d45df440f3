"""The constructiveness scorer: its contract on any text, which side plain examples fall on, and its use as a hint."""

import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chai_assets.critique import page
from chai_assets.critique.findings import Finding, as_prose
from chai_assets.critique.lint import lint_critique, lint_findings
from chai_assets.critique.prose.constructiveness import COEFFICIENTS, CONSTRUCTIVE, reasons, score
from chai_assets.critique.prose.constructiveness_features import FEATURES
from chai_assets.critique.tasks import critique_reader
from chai_assets.demo.material import slips, truth
from chai_assets.demo.people import caption_of, differences
from chai_assets.spec.compile import statements as statements_of
from chai_assets.spec.versioning.releases import load_spec, releases_in
from chai_resources.people import Person
from tests.captioners.findings import anything

CAPTION = "The camera pans left across the harbour. A red boat is moored at the pier, and gulls fly by."
HELPFUL = [
    'Replace "pans left" with "tilts up".',
    'Change the word "red" to "blue"',
    '"pans left" -> "dollies in"',
    'Please delete "and gulls fly by".',
    "Drop the closing sentence.",
    "Add: A man in a green coat waves from the deck.",
    "The boat is blue, not red.",
    "The boat isn't moored but sails past the pier.",
    "It pans right, towards the lighthouse.",
    "There are three gulls, flying from left to right in the background.",
    "1. The hull of the boat is white.\n2. Use \"pedestals up\" instead of 'pans left'.",
    "The direction of the pan is wrong. The camera pans right, from the pier to the harbour.",
    "“gulls” should be “two pelicans”.",
    "The gulls are not visible in the video.",
    "No gulls can be seen.",
    "The video never shows a pier.",
    "There is no red boat.",
    "The boat does not appear.",
    "Remove the gulls.",
    "The mention of the pier should be removed.",
    "It would be better to leave out the gulls.",
    "The mention of gulls is wrong, as none are visible. Please remove this detail.",
]
UNHELPFUL = [
    "",
    "?!",
    "Wrong.",
    "The caption is inaccurate in places.",
    "Needs far more detail.",
    "Please be more specific about the lighting.",
    "The colour of the boat is incorrect.",
    "The movement of the camera is described wrongly, and its direction is misleading.",
    "The caption fails to describe the surroundings.",
    "The boat is not red.",
    "Is the boat really red?",
    "Maybe it could be better.",
    'Replace "red" with "something better".',
    "Looks good to me.",
    "Remove it.",
    "The lighthouse is not visible.",
    "There is no evidence for this.",
    "There is no mention of the weather.",
    "The boat does not appear to be moored.",
    "Is the pier visible?",
]


@pytest.mark.parametrize("critique", HELPFUL)
def test_what_an_editor_could_apply_blindly_is_constructive(critique: str) -> None:
    assert score(critique, CAPTION) >= CONSTRUCTIVE, reasons(critique, CAPTION)
    assert lint_critique(critique, CAPTION) == []


@pytest.mark.parametrize("critique", UNHELPFUL)
def test_what_an_editor_could_not_apply_is_not_constructive(critique: str) -> None:
    assert score(critique, CAPTION) < CONSTRUCTIVE, reasons(critique, CAPTION)


@given(st.text(), st.text())
@example("\ue000", "\ue000")
@example("\ud800 İ ŉ", "ß")
def test_any_text_has_a_score_and_reasons(critique: str, caption: str) -> None:
    found = score(critique, caption)
    assert 0 <= found <= 1
    assert found == score(critique, caption)
    assert all("\n" not in line for line in reasons(critique, caption))
    assert found >= CONSTRUCTIVE or any(line.startswith("against: ") for line in reasons(critique, caption))


@pytest.mark.parametrize("text", ['"', "“", "'a", "1. ", "not ", "please ", "a\n", "pan, ", "the last "])
def test_a_long_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    began = time.process_time()
    score(text * 5_000, CAPTION)
    short = time.process_time() - began
    score(text * 40_000, CAPTION)
    assert time.process_time() - began - short < 8 * 3 * max(short, 0.02)


words = st.sampled_from([word for text in (*HELPFUL, *UNHELPFUL) for word in text.split(" ")])
critiques = st.one_of(
    st.sampled_from([*HELPFUL, *UNHELPFUL]), st.lists(words, max_size=30).map(" ".join), st.text(max_size=60)
)


@given(critiques, st.sampled_from([CAPTION, ""]))
def test_a_concrete_replacement_added_never_lowers_the_score(critique: str, caption: str) -> None:
    # A hair's breadth for the rounding of means.
    assert score(f'{critique}\nReplace "pans left" with "tilts up".', caption) >= score(critique, caption) - 1e-12


@pytest.mark.parametrize("critique", UNHELPFUL[2:])
def test_each_concrete_replacement_lifts_a_vague_critique(critique: str) -> None:
    once = f'{critique} Replace "pans left" with "tilts up".'
    twice = f'{once} Change "red" to "green".'
    assert score(critique, CAPTION) < score(once, CAPTION) < score(twice, CAPTION)


def test_a_feature_that_helps_counts_for_and_one_that_does_not_against() -> None:
    assert list(COEFFICIENTS) == list(FEATURES)
    assert [weight > 0 for weight in COEFFICIENTS.values()] == [True] * 5 + [False] * 5


def test_the_reasons_name_the_statement_that_does_not_help_and_say_what_would() -> None:
    vague = "The colour of the boat is wrong."
    against, *rest = reasons(f'{vague} Replace "pans left" with "tilts up".', CAPTION)
    assert against.startswith(f'against: "{vague}" only says or asks whether something is wrong')
    assert "say what should stand there instead" in against
    assert not any(vague in line for line in rest)
    assert "for: 1 of 2 statements can be carried out word for word." in rest


def test_a_critique_below_the_threshold_has_one_hint_that_says_what_would_help() -> None:
    [hint] = lint_critique("The colour of the boat is wrong.", CAPTION)
    assert "say what should stand there instead" in hint


@pytest.mark.parametrize(
    ("fix", "hinted"), [("more detail about the scene", True), ("A man waves from the deck.", False)]
)
def test_a_submitted_critique_carries_the_hint_and_is_collected_with_it(fix: str, hinted: bool) -> None:
    data = page.task_data(draft_id="d", draft=CAPTION, round=1, cause="d", facts=())
    data |= {"spec_version": "1.0.0"}
    submitted = page.write(data, page.CritiqueAnswer(3, (Finding.missing("d", fix),)))
    ann = Person(id="ann", name="Ann", email="ann@example.com", roles=("annotator",))
    row = critique_reader({"d": CAPTION}, releases_in())(data, submitted, ann)
    assert row["text"].startswith(f"Add: {fix}")
    assert any(hint.startswith("As a whole, ") for hint in row["hints"]) == hinted


@settings(max_examples=200)
@given(st.data())
def test_findings_without_doubts_make_no_hint_on_the_whole(data: st.DataObject) -> None:
    draft = data.draw(anything.filter(lambda text: '"' not in text and "\n" not in text and "?" not in text))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(draft))] * 2)))
    fixes = st.sampled_from(["a dog", "tilts up", "two people in the foreground", "short", "in"])
    found = [
        Finding.mark("d", draft, "wrong", start, end, data.draw(fixes)),
        Finding.missing("d", "a man in a green coat waves"),
    ]
    rows = [vars(finding) for finding in found if finding.kind == "missing" or finding.quote.strip()]
    found = [finding for finding in found if finding.kind == "missing" or finding.quote.strip()]
    if not lint_findings(rows, draft):
        assert lint_critique(as_prose(found), draft) == []


def test_the_practice_annotators_critiques_make_no_hint() -> None:
    spec, right = load_spec(), truth()
    texts = 0
    for (stem, shot, aspect), wrong in slips().items():
        answers = right[stem, shot][aspect]
        true, draft = (
            caption_of(aspect, statements_of(spec.aspects[aspect], given)) for given in (answers, {**answers, **wrong})
        )
        found = differences("d", draft, true)
        for some in (found, *((finding,) for finding in found)):
            assert lint_critique(as_prose(some), draft) == [], as_prose(some)
            texts += 1
    assert texts > 30


def test_a_long_critique_is_not_for_that_a_better_one() -> None:
    dice = random.Random(1)
    for _ in range(20):
        some = dice.choice(UNHELPFUL[2:])
        assert score(f"{some} {some} {some}", CAPTION) == pytest.approx(score(some, CAPTION))
