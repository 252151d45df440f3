"""Every sentence, term and loose word that a specification may hold makes a lexicon, whatever characters it has."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chai_assets.linting.caption_lint import lint_caption
from chai_assets.linting.lexicon import compile_lexicon
from chai_assets.linting.wording_index import WordingIndex
from chai_assets.spec.compile import ABSENT
from chai_assets.spec.models import Aspect, Attribute, Option, Primitive
from tests.linting.test_fast_patterns import one_by_one

_BEGINNINGS = ["The subject ", "The main subject ", "The two people ", "The sign ", "A sign reads ", "{note} ", "A"]
_WORDS = [
    "(mostly)",
    "(a",
    "person)",
    "3|2",
    "walks",
    "swims",
    "is",
    "s",
    "[sic]",
    "5%",
    "c++",
    "\\",
    "\\|",
    "a.b",
    "?",
]
_WORDS += ["^", "$x$", "{2}", "*", "a{2}", "|", "re-enters", "don't", "\u2003", "\x1c", "(?:", "(?<!no)", "o\u0307"]
_words = st.lists(st.sampled_from(_WORDS) | st.text(min_size=1, max_size=6), min_size=1, max_size=6).map(" ".join)
_texts = _words.map(str.strip).filter(bool)
_sentences = st.tuples(st.sampled_from(_BEGINNINGS), _words).map(lambda parts: f"{parts[0]}{parts[1]}.")
_legal = _sentences.filter(lambda text: "\n" not in text)


def aspect_of(says: str, term: str = "a term", *loose: str) -> Aspect:
    """An aspect with one primitive that has these words."""
    primitive = Primitive(
        id="one", sub_aspect="x", term=term, definition="It is.", rule="By eye.", says=says, loose=loose,
        given_by={"asked": ("one",)},
    )  # fmt: skip
    asked = Attribute(id="asked", sub_aspect="x", question="What?", kind="choice", options=(Option(id="one"),))
    return Aspect(
        id="x", title="X", instruction="Say it.", policy=("Say it.",), sub_aspects=("x",), attributes=(asked,),
        primitives=(primitive,),
    )  # fmt: skip


@settings(max_examples=150)
@given(says=_legal, term=_texts, loose=_texts)
@example(says="The subject (mostly) swims.", term="a", loose="b")
@example(says="The subject (a person) walks.", term="a", loose="b")
@example(says="A sign reads 3|2.", term="a", loose="b")
@example(says="{note} is.", term="a", loose="b")
@example(says="The subject s.", term="(mostly)", loose="3|2")
@example(says="The subject \u2003.", term="\x1c-", loose="(")
def test_whatever_a_specification_says_makes_a_lexicon_that_finds_what_its_patterns_do(
    says: str, term: str, loose: str
) -> None:
    lexicon = compile_lexicon(aspect_of(says, term, loose))
    lint_caption(f"{says} {term}, {loose}.", lexicon, {"one": ABSENT})
    patterns = [wording.pattern for wording in lexicon.wordings]
    plain = says.lower()
    assert list(WordingIndex(patterns).find(plain)) == one_by_one(patterns, plain)


@pytest.mark.parametrize(
    "says",
    [
        "A sign reads 3|2.",
        "The sign (a red one) turns.",
        "The ball is 5% green.",
        "A clock shows 10:30 [local].",
    ],
)
def test_a_sentence_with_special_characters_is_heard(says: str) -> None:
    flags = lint_caption(says, compile_lexicon(aspect_of(says)), {"one": ABSENT})
    assert [flag.kind for flag in flags] == ["contradiction"]
