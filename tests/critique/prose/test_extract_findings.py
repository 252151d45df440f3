"""Findings from prose: what people's ways of asking for a change become, and what is rather left alone."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.critique.findings import NEED_FIX, Finding, in_order
from chai_assets.critique.prose.extract_findings import findings_in

DRAFT = (
    "A static low-angle shot shows a red kite over the beach. In the foreground, a woman in a dark coat pulls "
    "the string, suggesting great joy. The camera pans to the left. Her dog (a brown spaniel) runs to the left "
    "and barks, and a gull's cry fills the peaceful scene."
)


def read(text: str, draft: str = DRAFT) -> list[tuple[str, str, str]]:
    return [(finding.kind, finding.quote, finding.fix) for finding in findings_in(text, "drf_0", draft)]


@pytest.mark.parametrize(
    ("text", "quote", "fix"),
    [
        ('Change "red kite" to "green kite."', "red kite", "green kite"),
        ("Please replace the phrase ‘a Dark coat’ with ‘a light coat’.", "a dark coat", "a light coat"),
        ("The kite: correct `red kite` into `green kite`, please", "red kite", "green kite"),
        ("把「red kite」 change: replace 「red kite」 with 「green kite」", "red kite", "green kite"),
        ("“pans to the left” should be “tilts up”.", "pans to the left", "tilts up"),
        ('"Low angle" should be revised to say "high-angle".', "low-angle", "high-angle"),
        ('The term "red kite" is inaccurate. It should be described as "green kite".', "red kite", "green kite"),
        ('Instead of saying "red kite", it would be better to write "green kite".', "red kite", "green kite"),
        ('Use "green kite" instead of "red kite".', "red kite", "green kite"),
        ('It is not a "red kite" but rather a "green kite".', "red kite", "green kite"),
        ('"red kite" -> "green kite"', "red kite", "green kite"),
        ("1. a woman in a dark coat → a man in a dark coat", "a woman in a dark coat", "a man in a dark coat"),
        ('Change "pans to the left" to tilts up slowly.', "pans to the left", "tilts up slowly"),
        ('Replace "the red kite" with "the green kite".', "red kite", "green kite"),
        ('"Her" should be replaced with "His dog".', "Her dog", "His dog"),
        ('Replace "red kite" with "a green kite".', "a red kite", "a green kite"),
        (
            'Change "A static ... red kite" to "A green kite".',
            "A static low-angle shot shows a red kite",
            "A green kite",
        ),
    ],
)
def test_what_shall_stand_instead_is_found(text: str, quote: str, fix: str):
    assert read(text) == [("wrong", quote, fix)]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ('Remove the word "static."', "static"),
        ("Delete the sentence: 'the camera pans to the left.'", "The camera pans to the left"),
        ('The phrase "in a dark coat" is inaccurate and should be removed.', "in a dark coat"),
        ('Please omit "a brown spaniel" from the caption.', "a brown spaniel"),
        ('The words "over the beach" are wrong, so please remove them.', "over the beach"),
        ('delete"over the beach"', "over the beach"),
        ('Remove "left" from the sentence "The camera pans to the left."', "left"),
    ],
)
def test_what_shall_go_is_found(text: str, quote: str):
    assert read(text) == [("redundant", quote, "")]


@pytest.mark.parametrize(
    ("text", "quote", "fix"),
    [
        (
            "The shot that shows the kite is taken from a high-angle, not a static low-angle.",
            "A static low-angle",
            "a high-angle",
        ),
        (
            "The woman is in the background, rather than in the foreground as described.",
            "In the foreground",
            "in the background",
        ),
        ("The woman wears a light jacket, not a dark coat, and she is smiling.", "a dark coat", "a light jacket"),
        ("The woman pulls the end of it, not the string.", "the string", "the end of it"),
    ],
)
def test_a_contrast_without_quotes_is_found(text: str, quote: str, fix: str):
    assert read(text) == [("wrong", quote, fix)]


def test_what_shall_be_said_as_well_is_found_where_its_words_are_given():
    text = (
        "Please also mention that a lifeguard stands by the water. It would help to add that two small boats pass by."
    )
    assert read(text) == [
        ("missing", "", "A lifeguard stands by the water"),
        ("missing", "", "Two small boats pass by"),
    ]


def test_the_kind_follows_what_the_writer_says_of_the_words():
    assert read('Remove "suggesting great joy", that is subjective.')[0][0] == "subjective"
    assert read('Revise "red kite" to "crimson kite" to be more precise.')[0][0] == "imprecise"
    assert read('Change "red kite" to "kite", the color is redundant.')[0][0] == "redundant"


def test_one_text_may_ask_for_several_changes():
    text = (
        '1. Remove "static" and "In the foreground".\n2) Change "red kite" to "green kite" and "dark coat" to '
        '"light coat."\n\n- The camera work is fine.\n- "Her dog" -> "Her cat"'
    )
    assert read(text) == [
        ("redundant", "static", ""),
        ("wrong", "red kite", "green kite"),
        ("redundant", "In the foreground", ""),
        ("wrong", "dark coat", "light coat"),
        ("wrong", "Her dog", "Her cat"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The woman's coat and the dogs' leads are well described.",
        'The "red kite" is nicely seen.',
        'Do not change "red kite" to "green kite".',
        'Change "blue kite" to "green kite".',
        'Change "red kite" to "Red kite".',
        'Remove "to the left".',
        'Change "A static..." to "A moving...".',
        'Please revise "red kite" to reflect what is seen.',
        'Remove any references to "kite".',
        "The beach is wide, not the peaceful scene.",
        "The woman is not in the foreground.",
        "The boat is on the left, not just the foreground.",
        "Please mention that it is raining on the whole beach.",
        "The caption should not mention that the dog is old and tired.",
        "Please note that it is unclear who pulls the string.",
        'The mention of the woman being in a "dark coat" should be removed.',
    ],
)
def test_in_doubt_there_is_no_finding(text: str):
    assert read(text) == []


def test_of_two_remarks_on_the_same_words_the_first_counts():
    text = 'Change "red kite" to "green kite". Change "a red kite over the beach" to "nothing".'
    assert read(text) == [("wrong", "red kite", "green kite")]


def test_a_bracket_goes_with_what_it_closes():
    assert read('Remove "(a brown spaniel".') == [("redundant", "(a brown spaniel)", "")]


PIECES = [
    *('"', "“", "”", "'", "‘", "’", "`", "「", "」", "->", "→", ".", "...", ",", ":", "\n", "1. ", " "),
    *("change ", "Replace ", " to ", " with ", "remove ", " should be ", " instead of ", " not ", "but ", "use "),
    *("red kite", "Red  Kite", "a dark coat", "pans to the left", "the left", "(a brown", "ß", "İ", "😀", "a" * 90),
]
PHRASES = st.sampled_from(
    ["red kite", "a red kite over", "kite over the beach", "the left", "A static", "static low-angle"]
)
ASKS = st.builds('Change "{}" to "{}". '.format, PHRASES, PHRASES) | st.builds('Remove "{}". '.format, PHRASES)
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join)


@settings(max_examples=400)
@given(TEXTS | st.lists(ASKS, max_size=6).map("".join), st.just(DRAFT) | TEXTS)
def test_any_text_gives_sound_findings(text: str, draft: str):
    found = findings_in(text, "drf_0", draft)
    assert found == findings_in(text, "drf_0", draft) == in_order(found)
    reached = 0
    for finding in found:
        if finding.start is None or finding.end is None:
            assert finding == Finding.missing("drf_0", finding.fix)
            continue
        assert reached <= finding.start < finding.end <= len(draft)
        assert finding.quote == draft[finding.start : finding.end]
        assert finding.fix or finding.kind not in NEED_FIX
        reached = finding.end


@pytest.mark.parametrize("piece", [*PIECES, 'change "a" to ', '"a" ', "not a ", "(", "“a", "'a", " a", "a to "])
def test_a_long_text_takes_no_longer_than_its_length_asks(piece: str):
    long = piece * (100_000 // len(piece))
    began = time.process_time()
    findings_in(long, "drf_0", DRAFT)
    findings_in(long, "drf_0", long)
    assert time.process_time() - began < 8
