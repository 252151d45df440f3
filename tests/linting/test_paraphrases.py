"""How much the linter hears: paraphrases written before its patterns, and sentences that a primitive makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from chai_assets.linting.caption_lint import lint_caption
from chai_assets.linting.generated_sentences import sentences_of, unheard
from chai_assets.linting.lexicon import compile_lexicon, lexicon_of
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import Aspect, Attribute, Option, Primitive
from chai_assets.spec.versioning.releases import load_spec

SPEC = load_spec()
PARAPHRASES: dict[str, dict[str, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("paraphrases.yaml").read_text(encoding="utf-8")
)
HEARD_AT_LEAST = 0.85
"""Share of an aspect's paraphrases; 0.91 (subject) to 1.0 (spatial) were heard when this was written."""


def denials(aspect: str, name: str) -> Iterator[dict[str, str]]:
    """Labels that deny a primitive: each other answer in its place, and no answer at all."""
    lexicon = lexicon_of(SPEC, aspect)
    absent = dict.fromkeys(lexicon.primitives, ABSENT)
    for other in lexicon.opposites[name]:
        yield absent | {other: PRESENT}
    yield absent


def contradicts(text: str, aspect: str, states: dict[str, str]) -> bool:
    return any(flag.kind == "contradiction" for flag in lint_caption(text, lexicon_of(SPEC, aspect), states))


@pytest.mark.parametrize("aspect", PARAPHRASES)
def test_most_paraphrases_of_what_labels_deny_are_flagged(aspect: str) -> None:
    pairs = [(name, text) for name, texts in PARAPHRASES[aspect].items() for text in texts]
    missed = [text for name, text in pairs if not any(contradicts(text, aspect, s) for s in denials(aspect, name))]
    assert 1 - len(missed) / len(pairs) >= HEARD_AT_LEAST, missed


@pytest.mark.parametrize("aspect", PARAPHRASES)
def test_no_paraphrase_of_what_labels_have_is_flagged(aspect: str) -> None:
    absent = dict.fromkeys(lexicon_of(SPEC, aspect).primitives, ABSENT)
    for name, texts in PARAPHRASES[aspect].items():
        for text in texts:
            assert not contradicts(text, aspect, absent | {name: PRESENT}), text


@pytest.mark.parametrize("aspect", list(SPEC.aspects.values()), ids=lambda aspect: aspect.id)
def test_what_a_primitive_makes_is_heard_and_what_it_is_confused_with_is_told_apart(aspect: Aspect) -> None:
    assert [note.primitive for note in unheard(aspect)] == []


def _primitive(name: str, term: str, says: str, **confused_with: str) -> Primitive:
    return Primitive(
        id=name,
        sub_aspect="sound",
        term=term,
        definition="It is heard.",
        rule="By ear.",
        says=says,
        given_by={"heard": (name,)},
        confused_with=confused_with,
    )


def sound() -> Aspect:
    """An aspect that no pattern was written for."""
    heard = Attribute(
        id="heard",
        sub_aspect="sound",
        question="What is heard?",
        kind="choice",
        options=(Option(id="music"), Option(id="speech")),
    )
    music = _primitive("music", "score", "The soundtrack is loud music.")
    speech = _primitive("speech", "spoken part", "A narrator talks over the picture.", music="Music has no words.")
    return Aspect(
        id="sound",
        title="Sound",
        instruction="Describe the sound.",
        policy=("Only what is heard.",),
        sub_aspects=("sound",),
        attributes=(heard,),
        primitives=(music, speech),
    )


def test_an_aspect_of_its_own_is_heard_by_its_sentences_alone() -> None:
    aspect = sound()
    lexicon, states = compile_lexicon(aspect), {"music": PRESENT, "speech": ABSENT}
    (flag,) = lint_caption("Midway a narrator slowly talks over the picture, and it ends.", lexicon, states)
    assert (flag.kind, flag.primitive) == ("contradiction", "speech")
    assert "Music has no words." in flag.message
    assert lint_caption("No narrator talks over the picture.", lexicon, states) == []
    made = sentences_of(aspect)["speech"]
    assert len(made.positive) == 2
    assert made.negative == ()
    assert set(made.confusable.values()) == {"The soundtrack is loud music."}
    assert unheard(aspect) == []
