"""Stems: which words are one, and which are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.core.text import FUNCTION_WORDS, stem, stems


@pytest.mark.parametrize(
    "words",
    [
        ("pan", "pans", "panned", "panning"),
        ("roll", "rolls", "rolled", "rolling"),
        ("dolly", "dollies"),
        ("move", "moves", "moved", "moving"),
        ("camera", "camera's"),
    ],
)
def test_a_word_in_its_inflections_is_one_word(words: tuple[str, ...]) -> None:
    assert len(stems(words)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("accelerates", "acceleration"), ("slow", "slowly"), ("bus", "bu"), ("red", "r"), ("left", "lefty"), ("is", "i")],
)
def test_words_of_another_kind_or_of_few_letters_stay_apart(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@given(st.text())
def test_any_text_has_a_stem_that_is_no_longer(word: str) -> None:
    assert len(stem(word)) <= len(word)


def test_words_that_deny_or_point_are_no_function_words() -> None:
    assert FUNCTION_WORDS.isdisjoint({"not", "no", "never", "left", "right", "up", "down"})
