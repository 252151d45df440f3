"""The caption linter: what is flagged and what is not, on sentences of our own, and what holds of every text."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chai_assets.linting.caption_lint import FLAG_KINDS, Flag, lint_caption
from chai_assets.linting.lexicon import compile_lexicon, lexicon_of
from chai_assets.linting.lint_report import LINES, count_flags, find_flags, flag_lines
from chai_assets.spec.compile import ABSENT, PRESENT, UNDECIDED, check_answers, derive, statements
from chai_assets.spec.loading.load import load_spec_from
from chai_assets.spec.models import Aspect, Primitive
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.captioners.engines.offline import compose
from tests.spec.answers import form_answers

SPEC = load_spec()
GOLDEN = Path(__file__).with_name("small-lexicon.txt")
ASPECTS = list(SPEC.aspects.values())


def flagged(text: str, aspect: str = "camera", **states: str) -> list[tuple[str, str]]:
    """Kind and words of each flag; states by primitive with _ for -, and unnamed ones not applicable."""
    known = {name.replace("_", "-"): state for name, state in states.items()}
    return [(flag.kind, flag.quote) for flag in lint_caption(text, lexicon_of(SPEC, aspect), known)]


def labeled(aspect: str, *present: str) -> dict[str, str]:
    """States with these primitives present and all others absent."""
    names = (primitive.id for primitive in SPEC.aspects[aspect].primitives)
    return {name.replace("-", "_"): PRESENT if name in present else ABSENT for name in names}


def test_the_lexicon_of_a_small_specification_reads_as_its_golden_file() -> None:
    lines: list[str] = []
    for aspect in load_spec_from(GOLDEN.parents[1] / "spec" / "small").aspects.values():
        phrases = set()
        for phrase in compile_lexicon(aspect).phrases:
            stands_for = [f"the term of {name}" for name in phrase.terms] + [
                f"loose for {name}" for name in phrase.loose
            ]
            phrases.add(f"{phrase.text}: {', '.join(stands_for)}")
        lines += [f"[{aspect.id}]", *sorted(phrases)]
    assert "\n".join(lines) + "\n" == GOLDEN.read_text(encoding="utf-8")


CONTRADICTIONS = [
    ("The camera pans left along the fence.", ["pan-right"], "pans left"),
    ("A slow pan to the left shows the pier.", ["pan-right"], "pan to the left"),
    ("The camera is panning from right to left.", ["pan-right"], "panning from right to left"),
    ("The camera pans left to right.", ["pan-left"], "pans left to right"),
    ("An upward tilt shows the tower.", ["tilt-down"], "upward tilt"),
    ("The camera gently and slowly tilts downwards.", ["tilt-up"], "tilts downwards"),
    ("The lens zooms in on a hand.", ["zoom-out"], "zooms in"),
    ("The camera arcs counter-clockwise around a fountain.", ["arc-clockwise"], "arcs counter-clockwise"),
    ("Seen at a low angle, a tree sways.", ["high-angle"], "low angle"),
    ("From a high, eye-level angle, a desk.", ["low-angle", "eye-level-height"], "high, eye-level angle"),
    ("The camera stands at eye level.", ["hip-level-height"], "eye level"),
    ("A bird’s-eye view of a square.", ["high-angle"], "bird’s-eye view"),
    ("The depth of field is deep.", ["shallow-focus"], "The depth of field is deep"),
    ("A shallow depth of field keeps the cup sharp.", ["deep-focus"], "shallow depth of field"),
    ("The camera remains static.", ["pan-left", "slow-camera-movement"], "camera remains static"),
    ("It plays in slow motion.", ["time-lapse"], "in slow motion"),
    ("The camera zooms in past the columns.", ["dolly-in"], "zooms in"),
    ("The camera tilts up along the tower.", ["pedestal-up"], "tilts up"),
    ("The camera is fixed.", ["dolly-in"], "camera is fixed"),
    ("The camera arcs clockwise around a bench.", ["truck-left"], "arcs clockwise"),
    ("This is a static, eye-level view.", ["pan-left"], "static, eye-level view"),
    ("The shot is mostly static.", ["pan-left"], "shot is mostly static"),
    ("Seen at an extremely low angle.", ["level-angle"], "low angle"),
    ("An exceptionally shallow depth of field.", ["shallow-focus"], "exceptionally shallow depth of field"),
    (
        "The focus rests on a lamp in the foreground.",
        ["focus-on-background"],
        "focus rests on a lamp in the foreground",
    ),
    ("It keeps the boy in the background sharp.", ["focus-on-foreground"], "keeps the boy in the background sharp"),
    ("A low angle.", ["level-angle", "angle-turns-downward"], "low angle"),
    ("The camera does not pan left.", ["pan-left"], "pan left"),
    ("There is no zoom in.", ["zoom-in"], "zoom in"),
]


@pytest.mark.parametrize(("text", "present", "words"), CONTRADICTIONS)
def test_what_the_labels_deny_is_flagged(text: str, present: list[str], words: str) -> None:
    assert flagged(text, **labeled("camera", *present)) == [("contradiction", words)]


@pytest.mark.parametrize(
    ("text", "present"),
    [
        ("The camera does not zoom in.", []),
        ("There is no tilt up, and the camera never pans left.", []),
        ("Without zooming in, the camera dollies in.", ["dolly-in"]),
        ("The camera holds an almost level angle.", ["high-angle"]),
        ("From a high angle the camera tilts up to a low angle.", ["high-angle", "tilt-up"]),
        ("The shot starts at a high angle and ends at a level angle.", ["high-angle"]),
        ("At first the camera is static, then it pans left.", ["pan-left"]),
        ("A truck left of the road waits.", ["truck-right"]),
        ("An eye-level angle.", ["eye-level-height", "high-angle"]),
        ("The sign says “zoom in” twice.", []),
        ('A label reads "pan left".', ["pan-right"]),
        ("A slow motion of the arm.", []),
        ("The camera is fixed to a car and trucks left.", ["truck-left"]),
        ("The camera arcs clockwise around a bench.", ["truck-left", "pan-right"]),
        ("The shot is mostly static.", ["slight-camera-drift"]),
        ("A low angle.", ["level-angle", "angle-turns-upward"]),
        ("The focus shifts to a lamp in the foreground.", ["focus-on-background"]),
        ("Fixed to a cart, the camera trucks left.", ["truck-left"]),
        ("The camera does not pan left until the end.", ["pan-left"]),
        ("Lens distortion: none.", ["pan-left"]),
    ],
)
def test_what_only_resembles_a_contradiction_is_left_alone(text: str, present: list[str]) -> None:
    assert [kind for kind, _ in flagged(text, **labeled("camera", *present))] == []


def test_nothing_is_denied_by_labels_that_decide_nothing() -> None:
    assert flagged("The camera zooms in.", zoom_in=UNDECIDED) == []
    assert flagged("The camera zooms in.") == []
    assert lint_caption("The camera zooms in.", lexicon_of(SPEC, "camera")) == []


def test_a_longer_term_is_not_read_as_the_shorter_one_in_it() -> None:
    medium = labeled("spatial", "medium-close-up")
    assert flagged("A medium close-up of a baker.", "spatial", **medium) == []
    assert flagged("A close-up of a baker.", "spatial", **medium) == [("contradiction", "close-up")]


LOOSE = [
    ("The camera moves smoothly forward.", ["dolly-in"], "moves smoothly forward"),
    ("A smooth backward camera movement shows more.", ["dolly-out"], "backward camera movement"),
    ("The camera circles around a statue.", ["arc-clockwise"], "circles"),
    ("Filmed from above, a plaza.", ["high-angle"], "Filmed from above"),
    ("A motionless camera watches the door.", ["static-camera"], "motionless camera"),
    ("The camera barely moves.", ["slight-camera-drift"], "barely moves"),
    ("Shot from straight above, a straight-on angle on a lid.", ["level-angle"], "straight-on"),
    ("Filmed from high in the sky, a delta.", ["aerial-height"], "high in the sky"),
    ("A gentle camera movement along the quay.", ["slow-camera-movement"], "gentle camera movement"),
    ("It moves to the left.", ["truck-left"], "moves to the left"),
    ("A blurry background sets him off.", ["shallow-focus"], "blurry background"),
    ("A round building stands on a hill.", ["fisheye-distortion"], "round building"),
    ("A circular building stands on a hill.", ["fisheye-distortion"], "circular building"),
    ("The walls are curved.", ["barrel-distortion"], "walls are curved"),
    ("A crooked horizon.", ["dutch-angle-held"], "crooked horizon"),
]


@pytest.mark.parametrize(("text", "present", "words"), LOOSE)
def test_loose_words_for_what_the_labels_have_are_flagged(text: str, present: list[str], words: str) -> None:
    flags = lint_caption(
        text,
        lexicon_of(SPEC, "camera"),
        {name.replace("_", "-"): state for name, state in labeled("camera", *present).items()},
    )
    assert [(flag.kind, flag.quote, flag.primitive) for flag in flags if flag.quote == words] == [
        ("loose_term", words, present[0])
    ]


@pytest.mark.parametrize(
    ("text", "present"),
    [
        ("A dog moves forward.", ["dolly-in"]),
        ("The camera follows a man who moves forward.", ["dolly-in", "follow-tracking"]),
        ("The camera holds still as the cart moves forward.", ["dolly-in"]),
        ("The camera moves forward.", ["zoom-out"]),
        ("The camera moves forward: it dollies in.", ["dolly-in"]),
        ("The camera pans left, following him.", ["pan-left", "pivot-tracking"]),
        ("A lamp hangs from above.", ["high-angle"]),
        ("The camera is at eye level.", ["level-angle", "eye-level-height"]),
        ("The camera does not move forward.", ["dolly-in"]),
        ("A smooth stone lies there.", ["very-steady-camera"]),
        ("The shot shows a nurse leaving the lift and turning to the right.", ["pan-right"]),
        ("A fixed camera watches the door.", ["static-camera"]),
        ("The camera is fixed.", ["static-camera"]),
        ("A kite stands high in the sky, near the ground a dog barks.", ["aerial-height", "ground-level-height"]),
        ("A balloon floats up as a child walks forward, facing down.", ["pedestal-up", "dolly-in", "high-angle"]),
        ("She holds the cup at head height and looks at the sky.", ["eye-level-height", "worms-eye-angle"]),
        ("A round building stands on a hill.", ["deep-focus"]),
        ("A gentle movement of her hand shifts left the cup.", ["slow-camera-movement", "truck-left"]),
    ],
)
def test_loose_words_said_of_other_things_are_left_alone(text: str, present: list[str]) -> None:
    assert [kind for kind, _ in flagged(text, **labeled("camera", *present)) if kind == "loose_term"] == []


@pytest.mark.parametrize(
    ("aspect", "text", "present"),
    [
        ("scene", "Bright lamps shine on the wet, grey road.", ["daylight", "rainfall", "overcast"]),
        ("scene", "Two men stand side by side at the wide open door.", ["split-screen", "open-vista"]),
        ("subject", "Both hold a couple of apples, as many do.", ["two-subjects", "crowd-subject"]),
        ("motion", "Books are lined up; she rocks back and forth.", ["moving-in-formation", "reciprocal-activity"]),
        ("spatial", "His whole body shakes, on the left side of the bed.", ["full-shot", "frame-left"]),
    ],
)
def test_words_that_good_captions_are_full_of_are_not_loose(aspect: str, text: str, present: list[str]) -> None:
    assert flagged(text, aspect, **labeled(aspect, *present)) == []


def test_without_labels_only_words_with_no_other_meaning_are_loose() -> None:
    camera = lexicon_of(SPEC, "camera")
    flags = lint_caption("The camera pulls back from a tripod shot at eye level and zooms in.", camera)
    assert [(flag.kind, flag.quote) for flag in flags] == [("loose_term", "pulls back"), ("loose_term", "tripod shot")]


WORDING: list[tuple[str, list[tuple[str, str]]]] = [
    ("The man seems to wait.", [("hedge", "seems to")]),
    ("It is possibly a drone, or might be a plane.", [("hedge", "possibly"), ("hedge", "might be")]),
    ("Shaken as if from a cart.", [("hedge", "as if")]),
    ("A man appears from behind a tree.", []),
    ("It is likely to rain is written nowhere: a likely place.", [("hedge", "likely")]),
    ("This creates a sense of calm.", [("subjective", "creates a sense of")]),
    ("A beautiful, cinematic look.", [("subjective", "beautiful"), ("subjective", "cinematic look")]),
    ("An atmospheric shot full of tension.", [("subjective", "atmospheric"), ("subjective", "full of tension")]),
    ("A street filled with quiet menace.", [("subjective", "filled with quiet menace")]),
    ("A haunting, dreamlike view.", [("subjective", "haunting"), ("subjective", "dreamlike")]),
    ("A box full of toys stands in atmospheric haze.", []),
    ("She adjusts the feel of the clay; the air is dusty.", []),
    ("We see our house; it looks at us.", [("first_person", w) for w in ("We", "our", "us")]),
    ("A US flag, a type I fuse, a first-person view of the bus.", []),
    ("I can see a hut.", [("first_person", "I can")]),
    ("This slow-motion video shows a dog in the video.", [("meta", "This slow-motion video"), ("meta", "the video")]),
    ("Throughout the video, as the video progresses, and in this footage.", [("meta", "this footage")]),
    ("A boy plays the video game beside the video screen; the clip in her hair shines.", []),
    ("The subject enters the frame, and the shot ends.", []),
    ('A poster reads "We seem beautiful in the video".', []),
]


@pytest.mark.parametrize(("text", "expected"), WORDING)
def test_guesses_moods_the_writer_and_talk_of_the_video(text: str, expected: list[tuple[str, str]]) -> None:
    found = [(flag.kind, flag.quote) for flag in lint_caption(text, lexicon_of(SPEC, "motion"))]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "present", "expected"),
    [
        ("This slow-motion video shows a dog.", ["fast-motion"], [("contradiction", "slow-motion"), ("meta", "video")]),
        (
            "In this slow-motion video, a dog runs.",
            ["fast-motion"],
            [("contradiction", "slow-motion"), ("meta", "video")],
        ),
    ],
)
def test_talk_of_the_video_hides_nothing_that_the_labels_deny(
    text: str, present: list[str], expected: list[tuple[str, str]]
) -> None:
    assert flagged(text, **labeled("camera", *present)) == expected


@settings(max_examples=60)
@given(st.data())
def test_a_contradiction_is_flagged_whatever_else_is_wrong_around_it(data: st.DataObject) -> None:
    text, present, words = data.draw(st.sampled_from(CONTRADICTIONS))
    phrase = data.draw(st.sampled_from(["{}", "This video shows that {}", "We think that {}", "It seems that {}"]))
    around = phrase.format(text[0].lower() + text[1:])
    found = flagged(around, **labeled("camera", *present))
    quotes = [quote.lower() for kind, quote in found if kind == "contradiction"]
    assert any(quote in words.lower() for quote in quotes), "an article may be other words' business"


def test_words_of_the_specification_itself_are_no_fault() -> None:
    camera, subject = lexicon_of(SPEC, "camera"), lexicon_of(SPEC, "subject")
    assert lint_caption("The footage plays in reverse.", camera) == []
    assert lint_caption("The person appears to be a child.", subject) == []


def test_a_flag_says_what_to_write() -> None:
    camera = lexicon_of(SPEC, "camera")
    (flag,) = lint_caption("Then it pans left.", camera, {"pan-left": ABSENT, "pan-right": PRESENT})
    assert (flag.start, flag.end, flag.primitive) == (8, 17, "pan-left")
    assert str(flag) == (
        "“pans left” says pan left, which the labels deny; they have pan right. "
        "Go by the camera, not by the picture: when it pans left, the picture slides to the right. "
        "In its place: The camera pans right."
    )


def test_a_contradiction_tells_apart_what_is_taken_for_one_another() -> None:
    camera = lexicon_of(SPEC, "camera")
    zoom_in = camera.primitives["zoom-in"]
    states = {"zoom-in": ABSENT, "dolly-in": PRESENT}
    (flag,) = lint_caption("The camera zooms in past the columns.", camera, states)
    assert (flag.kind, flag.primitive) == ("contradiction", "zoom-in")
    assert zoom_in.confused_with["dolly-in"] in flag.message
    assert flag.message.endswith("In its place: The camera dollies in.")
    (flag,) = lint_caption("The camera dollies in and zooms in.", camera, states)
    assert flag.message == "says zoom in, which the labels deny: take it out, or correct the label."


def test_a_primitive_without_a_sentence_is_named_by_its_term() -> None:
    subject = lexicon_of(SPEC, "subject")
    states = {"human-subject": ABSENT, "animal-subject": PRESENT}
    (flag,) = lint_caption("A human subject waits.", subject, states)
    assert flag.message.endswith("In its place: animal subject.")


def test_offsets_are_code_points_whatever_the_text_is_made_of() -> None:
    text = "İ \U0001f430 “ﬁ” — the camera pans left."
    (flag,) = lint_caption(text, lexicon_of(SPEC, "camera"), {"pan-left": ABSENT})
    assert text[flag.start : flag.end] == "pans left"


_PIECES = [phrase for aspect in ASPECTS for p in aspect.primitives for phrase in (p.term, p.says or "", *p.loose)]
_PIECES += [text for text, *_ in CONTRADICTIONS] + [text for text, _ in WORDING]
_texts = st.lists(
    st.sampled_from(_PIECES) | st.text(max_size=12) | st.sampled_from(["not ", "the camera ", ". ", ", ", '"', "İ"]),
    max_size=12,
).map(" ".join)


@given(text=_texts, name=st.sampled_from(list(SPEC.aspects)), data=st.data())
def test_every_flag_quotes_the_words_at_its_place(text: str, name: str, data: Any) -> None:
    aspect = SPEC.aspects[name]
    state = st.sampled_from([PRESENT, ABSENT, UNDECIDED])
    names = [primitive.id for primitive in aspect.primitives]
    states = data.draw(st.none() | st.dictionaries(st.sampled_from(names), state))
    flags = lint_caption(text, lexicon_of(SPEC, aspect.id), states)
    for flag in flags:
        assert 0 <= flag.start < flag.end <= len(text)
        assert flag.quote == text[flag.start : flag.end]
        assert flag.kind in FLAG_KINDS
        assert flag.message
        assert flag.primitive is None or flag.primitive in names
    for one, other in pairwise(flags):
        assert one.end <= other.start


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.id)
def test_a_primitives_own_sentences_are_without_fault(aspect: Aspect) -> None:
    lexicon = lexicon_of(SPEC, aspect.id)
    for primitive in aspect.primitives:
        for others in (UNDECIDED, ABSENT):
            states = {p.id: PRESENT if p == primitive else others for p in aspect.primitives}
            for sentence in filter(None, (primitive.says, primitive.example)):
                assert lint_caption(sentence, lexicon, states) == [], primitive.id


@settings(max_examples=60)
@given(data=st.data(), name=st.sampled_from(list(SPEC.aspects)))
def test_a_caption_made_of_valid_answers_follows_the_specification(data: st.DataObject, name: str) -> None:
    aspect = SPEC.aspects[name]
    answers = data.draw(form_answers(aspect))
    assume(not check_answers(aspect, answers))
    text = compose(statements(aspect, answers))
    flags = lint_caption(text, lexicon_of(SPEC, aspect.id), derive(aspect, answers))
    assert [flag for flag in flags if flag.kind in ("contradiction", "loose_term")] == []


def test_a_version_with_other_primitives_has_its_own_lexicon() -> None:
    camera = SPEC.aspects["camera"]
    distorted = Primitive(
        id="curved-lens",
        sub_aspect="lens",
        term="curved lens",
        definition="Lines are curved.",
        rule="By its lines.",
        loose=("bent-straw distortion",),
        given_by={"lens": ("barrel",)},
        says="The lens curves lines.",
    )
    lexicon = compile_lexicon(camera.model_copy(update={"primitives": (*camera.primitives, distorted)}))
    (flag,) = lint_caption("It has a bent-straw distortion.", lexicon)
    assert (flag.kind, flag.quote, flag.primitive) == ("loose_term", "bent-straw distortion", "curved-lens")
    assert lint_caption("It has a bent-straw distortion.", lexicon, {"curved-lens": ABSENT}) == []


def test_a_page_shows_each_doubt_once_and_not_too_many() -> None:
    flags = [Flag("meta", "The video", at, at + 9, "speaks.") for at in (0, 20)]
    assert flag_lines(flags) == ["“The video” speaks."]
    many = [Flag("hedge", f"word{n}", n, n + 1, "is a guess.") for n in range(20)]
    lines = flag_lines([*many, Flag("contradiction", "pans left", 50, 59, "is denied.")])
    assert len(lines) == LINES
    assert lines[0] == "“pans left” is denied."
    assert lines[-1] == "and 14 more of the kind"


def test_doubts_of_rows_are_found_with_the_labels_each_was_made_from() -> None:
    text = "Slowly, the camera pans left. It seems to rain."
    rows = [{"clip_id": "clp", "aspect": "camera", "text": text, "label_id": label} for label in ("known", "unknown")]
    rows += [{**rows[0], "aspect": "sound"}, {**rows[0], "text": None}]
    doubts = find_flags(rows, {"known": {"pan-left": ABSENT}}, SPEC)
    assert [(row["kind"], row["words"]) for row in doubts] == [
        ("contradiction", "pans left"),
        ("hedge", "seems to"),
        ("hedge", "seems to"),
    ]
    assert count_flags(doubts) == dict.fromkeys(FLAG_KINDS, 0) | {"contradiction": 1, "hedge": 2}
