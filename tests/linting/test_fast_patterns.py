"""What makes the linter fast changes nothing: each quick way finds what the plain patterns find one by one."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.linting import reading, wording
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.linting.one_pattern import one_pattern
from chai_assets.linting.phrase_patterns import loose_pattern, normalize, term_pattern
from chai_assets.linting.wording_index import WordingIndex
from chai_assets.spec.models import Aspect
from tests.linting.test_caption_lint import ASPECTS, SPEC

TERMS = [term for aspect in ASPECTS for primitive in aspect.primitives for term in (primitive.term, *primitive.loose)]
_WORDS = sorted({word for aspect in ASPECTS for p in aspect.primitives for word in normalize(p.says or "").split()})
_ADVERBS = [
    "slowly",
    "straight",
    "further",
    "very",
    "and",
    "but",
    "gently",
    "quickly",
    "to the",
    "then",
    "moving",
    "turned",
]
_texts = st.lists(
    st.sampled_from(_WORDS) | st.sampled_from(_ADVERBS) | st.sampled_from(TERMS).map(normalize), max_size=14
).map(" ".join)
PATTERNS = [
    *dict.fromkeys(
        pattern for term in TERMS for pattern in (term_pattern(normalize(term)), loose_pattern(normalize(term)))
    )
]


@settings(max_examples=50)
@given(text=_texts, patterns=st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=40, unique=True))
def test_one_pattern_finds_what_plain_alternatives_do(text: str, patterns: list[str]) -> None:
    fast, numbers = one_pattern(patterns)
    found = [(*match.span(), numbers[(match.lastindex or 0) - 1]) for match in fast.finditer(text)]
    plain = re.compile(rf"(?<![\w-])(?:{'|'.join(f'({pattern})' for pattern in patterns)})(?!\w)")
    assert found == [(*match.span(), (match.lastindex or 0) - 1) for match in plain.finditer(text)]


@pytest.mark.parametrize(
    "text", ["the camera moves further away", "it moves slowly and comes back", "it turned gently", "shot is very low"]
)
@pytest.mark.parametrize("order", [1, -1])
def test_the_first_pattern_that_fits_wins_where_adverbs_may_be_read_in_two_ways(text: str, order: int) -> None:
    ends = ["further away", "away", "and comes back", "back", "gently", "to them"]
    patterns = [loose_pattern(f"{verb} {end}") for verb in ("moves", "turns") for end in ends][::order]
    fast, numbers = one_pattern([*patterns, "shot[ -]is[ -]very[ -]low", "shot (?:is|stays)(?: \\w+ly)? low"])
    plain = [re.compile(rf"(?:{pattern})(?!\w)") for pattern in patterns]
    for match in fast.finditer(text):
        if (number := numbers[(match.lastindex or 0) - 1]) < len(plain):
            assert number == next(n for n, pattern in enumerate(plain) if pattern.match(text, match.start()))


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.id)
@settings(max_examples=15)
@given(text=_texts)
def test_the_index_finds_every_wording_where_it_stands(aspect: Aspect, text: str) -> None:
    lexicon = lexicon_of(SPEC, aspect.id)
    patterns = [one.pattern for one in lexicon.wordings]
    assert list(lexicon.wording_index.find(text)) == one_by_one(patterns, text)


def test_the_index_keeps_the_order_of_alternatives_and_those_that_begin_others() -> None:
    patterns = ["walks slowly|walk(?:s|ed)?", "walks|walks on", "(?<!no )(?:a|one) man(?: on)?", "w", "(?:very )?late"]
    for text in ("he walks slowly", "walked; walks on", "a man on w", "no one man", "very late"):
        assert list(WordingIndex(patterns).find(text)) == one_by_one(patterns, text)


def one_by_one(patterns: Sequence[str], text: str) -> list[tuple[int, int, int]]:
    compiled = [re.compile(rf"(?<![\w-])(?:{pattern})(?!\w)") for pattern in patterns]
    return [
        (start, match.end(), number)
        for start in range(len(text))
        for number, pattern in enumerate(compiled)
        if (match := pattern.match(text, start))
    ]


_FAULTS = (
    "seems to|likely|most likely|as if|creates a sense of|in the video|the slow-motion video|frame by frame|we're|i can"
)
_FAULTS += (
    "|awe|awe-inspiring|striking|not|n't|free of|absence of|never|neither|nor|cannot|rather than|lacks|avoids|without"
)


@given(
    text=st.lists(st.sampled_from([*_FAULTS.split("|"), "no", "the", "of", ".", "-", "'"]), max_size=8).map(" ".join)
)
def test_looking_at_beginnings_first_misses_no_faulty_word_and_no_denial(text: str) -> None:
    whole = re.compile(re.sub(r"\(\?=.*?\)\(\?:\(\?P<", "(?:(?P<", wording.WORDING.pattern, count=1))
    assert whole.pattern != wording.WORDING.pattern
    assert [m.span() for m in wording.WORDING.finditer(text)] == [m.span() for m in whole.finditer(text)]
    denies = reading.Reading(text, lexicon_of(SPEC, "camera"))._denies
    assert denies == bool(re.search(reading._DENYING, text))


def test_blanks_and_hyphens_are_shared_by_neighbors_alone() -> None:
    fast, numbers = one_pattern(["shot up", "shot[ -]is", "shot is low"])
    match = fast.search("a shot is low")
    assert match is not None
    assert numbers[(match.lastindex or 0) - 1] == 1
