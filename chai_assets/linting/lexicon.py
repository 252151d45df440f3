"""How captions name the primitives of an aspect: professional terms, and the loose words people say instead.

A lexicon is compiled from a specification, once for each hash. Whether a name is at fault in a caption is judged in
`caption_lint.py`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from chai_assets.linting.one_pattern import one_pattern
from chai_assets.linting.phrase_patterns import DIRECTIONS, loose_pattern, normalize, says_action, term_pattern, verb_of
from chai_assets.linting.says_patterns import wording_of
from chai_assets.linting.wording_index import WordingIndex
from chai_assets.linting.wordings import Wording
from chai_assets.linting.wordings.actions import ACTIONS
from chai_assets.linting.wordings.camera_work import CAMERA_WORK, LOOSELY_SAID
from chai_assets.linting.wordings.framing import FRAMING
from chai_assets.linting.wordings.places import PLACES
from chai_assets.linting.wordings.subjects import SUBJECTS
from chai_assets.spec.hard_negatives import HardNegative, hard_negatives, of_one_choice
from chai_assets.spec.models import SLOT, Aspect, Primitive, Spec

Gate = Literal["none", "camera", "picture", "shown", "other"]
"""Where a phrase counts. `none`: anywhere. `camera`: where the camera does it. `other`: where anything else does it.
`picture`: where it describes the picture. `shown`: there, and where it tells how something is filmed."""

_FIRST_OF_PLACE = frozenset(
    re.findall(r"\w+", "about above across after all at before behind below by from in on over to under with")
)
_NAMES_THE_PICTURE = re.compile(
    r"\b(?:cam|camera|drone|shots?|zoom\w*|fram(?:e|ed|ing)|picture|screen|view|video|footage|film\w*|seen|look|effect|"
    r"focus|blur\w*|sharp|bokeh|angle|pan|horizon|background|foreground|depth|shak[ey]|slow-mo|animation|distortion)\b"
)
# Loose words that good captions are full of in other meanings: the handbook names them, the linter is silent.
_COMMON = frozenset(
    re.split(
        r"\|",
        "both|many|someone|something|a couple|a mix|a bunch|the star|the boss|then shows|little one|little window|"
        "side by side|wide open|tight spot|back and forth|lined up|like a stream|like a backdrop|is done|break up|"
        "text|logo|stamp|goes|moves|is with someone",
    )
)
_SWAPS = [("left", "right"), ("right", "left"), ("in", "out"), ("out", "in"), ("up", "down"), ("down", "up")]
_SWAPS += [("clockwise", "counterclockwise"), ("counterclockwise", "clockwise")]
_HEIGHTS = "(?:eye|hip|ground|water)[ -]level|overhead|aerial"
_ANGLE_IS = r"(?:angle (?:is|remains|stays|starts|begins)(?: \w+ly)?|angled)"
_FOOTAGE = r" (?:video|footage|shot|playback|effect|sequence|clip)"

# Other professional wordings of a primitive, as patterns by its id; versions without the id do not use them.
_SAID_AS = {
    "static-camera": r"(?:static|stationary|fixed) (?:camera|shot|framing)"
    r"|(?:camera|shot|framing) (?:is|remains|stays)(?: \w+ly)? (?:static|stationary|fixed)"
    r"(?! (?:to|on|onto|in|inside)\b)",
    "dolly-in": r"doll(?:y|ies|ied|ying)(?: \w+ly)? forwards?|forward doll(?:y|ies)",
    "dolly-out": r"doll(?:y|ies|ied|ying)(?: \w+ly)? backwards?|backward doll(?:y|ies)",
    "slow-camera-movement": r"camera moves slowly|camera slowly moves|slow-moving camera",
    "fast-camera-movement": r"camera moves (?:rapidly|fast)|camera rapidly moves"
    r"|fast-moving camera",
    "very-steady-camera": r"(?:perfectly|completely|fully|very) (?:steady|stable) (?:camera|shot|picture|footage)"
    r"|(?:camera|shot|picture|footage) (?:is|remains|stays) (?:perfectly|completely|very) (?:steady|stable)",
    "shaky-camera": r"handheld shak(?:e|ing)",
    "high-angle": rf"high(?:[ -]|, )(?:(?:{_HEIGHTS})[, ]+)?angle|{_ANGLE_IS} high",
    "low-angle": rf"low(?:[ -]|, )(?:(?:{_HEIGHTS})[, ]+)?angle|{_ANGLE_IS} low",
    "level-angle": rf"level(?:[ -]|, )(?:(?:{_HEIGHTS})[, ]+)?angle|{_ANGLE_IS} level",
    "birds-eye-angle": r"bird'?s?[- ]eye(?:[ -](?:angle|view|perspective|shot))?s?",
    "worms-eye-angle": r"worm'?s?[- ]eye(?:[ -](?:angle|view|perspective|shot))?s?",
    "aerial-height": r"aerial[ -](?:height|level)",
    "overhead-height": r"overhead(?: |-)(?:level|height)",
    "deep-focus": r"(?:deep|large) depth of field|depth of field is (?:deep|large)",
    "shallow-focus": r"shallow depth of field|depth of field is shallow",
    "very-shallow-focus": r"(?:very|extremely|ultra)[- ]shallow (?:focus|depth of field)"
    r"|depth of field is (?:very|extremely) shallow",
    "dutch-angle-held": r"(?:held|fixed|constant|static) (?:dutch|canted) (?:angle|tilt)",
    "dutch-angle-varying": r"varying (?:dutch|canted) (?:angle|tilt)|(?:dutch|canted) (?:angle|tilt) var(?:ies|ying)",
    "slow-motion": rf"in slow[ -]motion|slow-motion|slow motion{_FOOTAGE}",
    "fast-motion": rf"in fast[ -]motion|fast-motion|fast motion{_FOOTAGE}",
    "time-lapse": r"time[ -]?lapse",
    "first-person-view": r"first[- ]person (?:view|perspective|shot|pov|point of view)",
}
# What a movement is made of: where the labels have all of it, it is no mistake to call it by that name.
_MADE_OF = {
    "arc-clockwise": ("truck-left", "pan-right"),
    "arc-counterclockwise": ("truck-right", "pan-left"),
    "enters-frame": ("returns-to-frame",),
    "leaves-frame": ("returns-to-frame",),
}
# Questions that do not apply to what stands still; naming a way of travel there is a mistake all the same.
_OF_TRAVEL = frozenset({"locomotion", "path"})
_NOTHING_MOVES = ("still-subject",)
TURNS = {"angle-turns-downward": -1, "angle-turns-upward": 1, "framing-tightens": 1, "framing-widens": -1}
"""Primitives of change, and which way they lead along the answers to the question that they change."""


@dataclass(frozen=True)
class Phrase:
    """One phrase: the primitives it is the professional term of, and those it is a loose word for."""

    text: str
    terms: tuple[str, ...]
    loose: tuple[str, ...]
    gate: Gate

    @cached_property
    def of_words(self) -> bool:
        """Whether it is more than a single word."""
        return " " in self.text or "-" in self.text


@dataclass(frozen=True)
class Lexicon:
    """The phrases of an aspect.

    `pattern` finds them in text made ready by `normalize`; `phrases` has the phrase of each of its groups, in order.
    `sentences` are whole sentences of the specification, without full stop, with the primitive each states.
    `opposites` are, for each primitive, those that may hold in its place. `at_start` are those that hold of the
    beginning of a shot, each with the primitives that say how it goes on. `made_of` are the movements that make up
    another one.
    `wordings` are other words of the trade for primitives, found by `wording_index` under their numbers, with what
    each counts as in `wording_phrases` and what of the labels makes it wrong in `wrong_beside` (None: their denial).
    `siblings` are the answers to the same question, `ruled_out_by` the primitives that leave nothing for it to hold
    of, `order` the place on the scale of a question about how far something goes.
    """

    aspect: str
    primitives: dict[str, Primitive]
    phrases: tuple[Phrase, ...]
    pattern: re.Pattern[str]
    sentences: dict[str, str]
    opposites: dict[str, tuple[str, ...]]
    at_start: dict[str, tuple[str, ...]]
    made_of: dict[str, tuple[str, ...]]
    wording_index: WordingIndex = field(repr=False)
    wordings: tuple[Wording, ...] = field(repr=False)
    wording_phrases: tuple[Phrase, ...] = field(repr=False)
    wrong_beside: tuple[frozenset[str] | None, ...] = field(repr=False)
    siblings: dict[str, tuple[str, ...]] = field(repr=False)
    ruled_out_by: dict[str, tuple[str, ...]]
    order: dict[str, int]
    hard_negatives: dict[str, tuple[HardNegative, ...]] = field(repr=False)
    own_words: str = field(repr=False)
    """The words of all its sentences, blanks between and around them: what is said there is no fault in a caption."""


_COMPILED: dict[tuple[str, str], Lexicon] = {}


def lexicon_of(spec: Spec, aspect_id: str) -> Lexicon:
    """The lexicon of an aspect, compiled on first use. Raises KeyError for an aspect that the spec has not."""
    key = (spec.hash, aspect_id)
    if key not in _COMPILED:
        _COMPILED[key] = compile_lexicon(spec.aspects[aspect_id])
    return _COMPILED[key]


def compile_lexicon(aspect: Aspect) -> Lexicon:
    """The lexicon of an aspect."""
    phrases, patterns = _phrases(aspect)
    pattern, numbers = one_pattern(patterns)
    says = [normalize(part.says) for part in (*aspect.primitives, *aspect.attributes) if part.says]
    wordings = _wordings(aspect)
    opposites = {primitive.id: _opposites(primitive, aspect) for primitive in aspect.primitives}
    begun = {attribute.id for attribute in aspect.attributes if "at the start" in attribute.question}
    return Lexicon(
        aspect=aspect.id,
        primitives={primitive.id: primitive for primitive in aspect.primitives},
        phrases=tuple(phrases[number] for number in numbers),
        pattern=pattern,
        sentences={
            normalize(p.says).rstrip("."): p.id for p in aspect.primitives if p.says and not SLOT.search(p.says)
        },
        opposites=opposites,
        at_start={p.id: _changes(p, aspect) for p in aspect.primitives if begun & p.given_by.keys()},
        made_of={
            name: parts for name, parts in _MADE_OF.items() if {name, *parts} <= {p.id for p in aspect.primitives}
        },
        wording_index=WordingIndex([wording.pattern for wording in wordings]),
        wordings=tuple(wordings),
        wording_phrases=tuple(map(_phrase_of, wordings)),
        wrong_beside=tuple(_wrong_beside(wording, opposites) for wording in wordings),
        siblings={primitive.id: _siblings(primitive, aspect) for primitive in aspect.primitives},
        ruled_out_by=_ruled_out_by(aspect),
        order=_order(aspect),
        hard_negatives=hard_negatives(aspect),
        own_words=" ".join(["", *re.findall(r"[\w'-]+", " ".join(says)), ""]),
    )


def _wordings(aspect: Aspect) -> list[Wording]:
    """The wordings of its primitives: those written by hand, then those that their sentences make."""
    known = {primitive.id for primitive in aspect.primitives}
    found = []
    for wording in (*SUBJECTS, *PLACES, *ACTIONS, *FRAMING, *CAMERA_WORK, *LOOSELY_SAID):
        if meant := tuple(name for name in wording.primitives if name in known):
            found.append(replace(wording, primitives=meant))
    return [*found, *filter(None, map(wording_of, aspect.primitives))]


def _phrase_of(wording: Wording) -> Phrase:
    text = " or ".join(wording.primitives)
    if wording.loose:
        return Phrase(text, (), wording.primitives, "none")
    return Phrase(text, wording.primitives, (), "none")


def _wrong_beside(wording: Wording, opposites: dict[str, tuple[str, ...]]) -> frozenset[str] | None:
    if wording.needs == "other":
        return frozenset(other for name in wording.primitives for other in opposites[name])
    return frozenset(wording.needs) if isinstance(wording.needs, tuple) else None


def _siblings(primitive: Primitive, aspect: Aspect) -> tuple[str, ...]:
    """The other answers to its questions."""
    return tuple(
        other.id
        for other in aspect.primitives
        if other.id != primitive.id and primitive.given_by.keys() & other.given_by.keys()
    )


def _ruled_out_by(aspect: Aspect) -> dict[str, tuple[str, ...]]:
    """By primitive those of which one leaves nothing that it could hold of: who remains still does not walk."""
    known = {primitive.id for primitive in aspect.primitives}
    return {
        primitive.id: tuple(name for name in _NOTHING_MOVES if name in known)
        for primitive in aspect.primitives
        if _OF_TRAVEL & primitive.given_by.keys()
    }


def _order(aspect: Aspect) -> dict[str, int]:
    """The place of each answer to a question of which another one asks how it changes."""
    changing = {
        attribute.id.removesuffix("_change") for attribute in aspect.attributes if attribute.id.endswith("_change")
    }
    scales = {
        a.id: a.options for a in aspect.attributes if any(name in a.id for name in changing) and a.kind == "choice"
    }
    places = {}
    for primitive in aspect.primitives:
        for question, wanted in primitive.given_by.items():
            if question in scales and not question.endswith("_change"):
                places[primitive.id] = [option.id for option in scales[question]].index(wanted[0])
    return places


def _phrases(aspect: Aspect) -> tuple[list[Phrase], list[str]]:
    """Phrases with what they mean, longest first, so that "medium close-up" is not read as "close-up"."""
    terms: dict[str, list[str]] = defaultdict(list)
    loose: dict[str, list[str]] = defaultdict(list)
    phrases: dict[str, str] = {}
    for primitive in aspect.primitives:
        for phrase, pattern in _terms(primitive):
            phrases.setdefault(pattern, phrase)
            terms[pattern].append(primitive.id)
    for primitive in aspect.primitives:
        for phrase in (phrase for phrase in map(normalize, primitive.loose) if phrase not in _COMMON):
            pattern = _known(phrase, phrases, terms) or loose_pattern(phrase)
            phrases.setdefault(pattern, phrase)
            loose[pattern].append(primitive.id)
    ordered = sorted(phrases, key=lambda p: (-len(re.split(r"[ -]", phrases[p])), -len(phrases[p]), p))
    by_id = {primitive.id: primitive for primitive in aspect.primitives}
    entries, of_picture = [], _tells_of_the_picture(aspect)
    for pattern in ordered:
        meant = [by_id[name] for name in (*terms[pattern], *loose[pattern])]
        gate = _gate(phrases[pattern], meant, is_term=bool(terms[pattern]), of_picture=of_picture)
        as_term, as_loose = (tuple(dict.fromkeys(ids[pattern])) for ids in (terms, loose))
        entries.append(Phrase(phrases[pattern], as_term, as_loose, gate))
    return entries, ordered


def _tells_of_the_picture(aspect: Aspect) -> bool:
    """Whether most sentences of the aspect name the picture: its loose words can be said of any thing in it too.

    Of the aspects that come with the platform 90 % or more do in two, and 34 % or fewer in the others.
    """
    says = [normalize(primitive.says) for primitive in aspect.primitives if primitive.says]
    return sum(bool(_NAMES_THE_PICTURE.search(sentence)) for sentence in says) > len(says) / 2


def _terms(primitive: Primitive) -> Iterable[tuple[str, str]]:
    """The term and the other wordings of a primitive, each with its pattern."""
    term = normalize(re.sub(r" ?\(.*\)", "", primitive.term)).strip() or normalize(primitive.term)
    # The camera's own motion may be slow too.
    if primitive.id not in ("slow-motion", "fast-motion"):
        yield term, term_pattern(term)
    if primitive.id in _SAID_AS:
        yield term, _SAID_AS[primitive.id]


def _known(phrase: str, phrases: dict[str, str], terms: dict[str, list[str]]) -> str | None:
    """The pattern of the term that this loose phrase is, in whatever inflection; None if it is no term."""
    verb, (_, _, rest) = verb_of(phrase), phrase.partition(" ")
    uninflected = f"{verb} {rest}" if verb and rest in DIRECTIONS else phrase
    return next((p for p, known in phrases.items() if known in (phrase, uninflected) and p in terms), None)


def _gate(phrase: str, meant: list[Primitive], *, is_term: bool, of_picture: bool) -> Gate:
    about_camera = any(re.match(r"The camera\b|In this dolly", primitive.says or "") for primitive in meant)
    if is_term:
        return "camera" if verb_of(phrase) in ("truck", "crane", "roll") and about_camera else "none"
    if says_action(phrase):
        return "camera" if about_camera else "other"
    if not re.search(r"[ -]", phrase):
        return "picture"
    anywhere = not of_picture or _NAMES_THE_PICTURE.search(phrase)
    return "none" if anywhere and phrase.split()[0] not in _FIRST_OF_PLACE else "shown"


def _changes(primitive: Primitive, aspect: Aspect) -> tuple[str, ...]:
    """The primitives of the question how its own goes on: `angle_change` for `angle`, `size_change` for `shot_size`."""
    about = {
        attribute.id
        for attribute in aspect.attributes
        if attribute.id.endswith("_change")
        and any(attribute.id.removesuffix("_change") in asked for asked in primitive.given_by)
    }
    return tuple(other.id for other in aspect.primitives if about & other.given_by.keys())


def _opposites(primitive: Primitive, aspect: Aspect) -> tuple[str, ...]:
    """What may hold in its place: its mirror image, and another answer to the same single choice."""
    return tuple(
        other.id
        for other in aspect.primitives
        if other is not primitive and (of_one_choice(primitive, other, aspect) or _mirrored(primitive.id, other.id))
    )


def _mirrored(one: str, other: str) -> bool:
    parts = one.split("-")
    return any(
        part == here and "-".join([*parts[:place], there, *parts[place + 1 :]]) == other
        for place, part in enumerate(parts)
        for here, there in _SWAPS
    )
