"""Flags on a caption's words: loose terms, contradictions of the labels, guesses, moods, talk about the video.

Pure functions of a text, its aspect's lexicon and the states of the primitives. A flag is a hint to a person and
never stops a caption. Where a pattern cannot be sure there is no flag: precision comes before completeness.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from chai_assets.core.text import FUNCTION_WORDS
from chai_assets.linting.lexicon import Lexicon, Phrase
from chai_assets.linting.phrase_patterns import normalize
from chai_assets.linting.wording import ADVICE, WORDING
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import SLOT, Primitive

FlagKind = Literal["contradiction", "loose_term", "hedge", "subjective", "first_person", "meta"]
FLAG_KINDS: tuple[FlagKind, ...] = ("contradiction", "loose_term", "hedge", "subjective", "first_person", "meta")
PrimitiveStates = Mapping[str, str]

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')
_SENTENCE = re.compile(r"[^.!?;]+")
_NEGATED = re.compile(
    r"(?:\b(?:no|not|without|never|neither|nor|none|rather than|instead of|lack(?:s|ing)?|avoid(?:s|ing)?|"
    r"free (?:of|from)|cannot|absence of)\b|n't\b)[^,;:]{0,45}$"
)
_ROUGHLY = re.compile(
    r"\b(?:almost|nearly|near|semi|quasi|mostly|like|resembl\w+|as if|for a moment|briefly)[ -](?:an? )?$"
)
_LATER = re.compile(
    r"\b(?:end(?:s|ing)?|then|before|into|transition\w*|shift\w*|becom\w+|settl\w+|chang\w+|later|eventually|until|"
    r"turns?|turning|reach\w*|return\w*|conclud\w+|finish\w*|final\w*|reveal\w*|back)\b|\bto\b(?: \S+){0,4} ?$"
)
_FIRST = re.compile(r"\b(?:starts?|starting|begins?|beginning|initial(?:ly)?|first|opens?|opening)\b")
_CAMERA = re.compile(r".*\b(?:camera|shot|lens|drone|viewpoint|framing)\b", re.DOTALL)
_SOMEONE = re.compile(
    r"\b(?:who|which|that|whose|he|she|they)\b|\b(?:as|while|when|until|where|because|and|but) "
    r"(?:the|a|an|his|her|their|its|two|three|several|one|another|some|both|people)\b"
)
# "The shot shows a person walking in and turning to the right": it is the person who turns.
_SHOWS = re.compile(r"\b(?:captures|shows|depicts|features|watches)\b[^,]*$")
_MAY_PRECEDE = re.compile(
    r"(?:^|[,:—–-]|\b(?:and|then|while|before|by|after|or|to|also|it|camera|drone|camera's|but|\w+ly|"
    r"starts?|begins?|continues?|keeps?|is|slight|slow|fast|quick|gentle|smooth|a|an|some|with|by|of|first|again))\s*$"
)
_IMAGE = r"(?:camera|picture|image|shot|view|footage|video|frame|framing|perspective|angle|horizon)"
_SHOWN = re.compile(
    r"\b(?:(?:seen|filmed|shot|viewed|captured|taken|recorded)(?: \w+){0,2}"
    r"|(?:camera|shot|lens|drone|view|viewpoint)(?: (?:is|stands|sits|hovers|rests|remains|stays|starts|begins|looks?|"
    r"looking|points?|pointing|held|kept|placed|positioned|mounted|set))*(?: \w+ly)?(?: (?:at|from|very|quite|about))*"
    r"(?: (?:an?|the))?) $"
)
_OF_IMAGE = re.compile(
    rf"(?: (?:and|but) [\w-]+)? (?:camera )?{_IMAGE}s?\b|(?: \w+ly)? camera (?:movement|motion|work)\b"
)
_IMAGE_IS = re.compile(rf"\b{_IMAGE} (?:is|looks|becomes|remains|stays|gets)(?: \w+ly| very| quite| too)? $")


@dataclass(frozen=True)
class Flag:
    """One doubt about the words text[start:end] (code points, end exclusive), and what to do about it.

    `primitive` is the id of the primitive it is about: what the labels deny, or what the loose words stand for.
    """

    kind: FlagKind
    quote: str
    start: int
    end: int
    message: str
    primitive: str | None = None

    def __str__(self) -> str:
        return f"“{' '.join(self.quote.split())}” {self.message}"


@dataclass(frozen=True)
class _Mention:
    """A place of the text where a phrase of the lexicon stands; `denied` where the text says that it is not so."""

    start: int
    end: int
    phrase: Phrase
    denied: bool


def lint_caption(text: str, lexicon: Lexicon, states: PrimitiveStates | None = None) -> list[Flag]:
    """The flags on a caption of the lexicon's aspect, in text order; none overlaps another.

    `states` are the primitives' states as `compile.derive` gives them, None where the clip is not labeled. Without
    them there are no contradictions, and a word counts as loose only if it has no other meaning. Quoted text is left
    alone.
    """
    reading = _Reading(text, lexicon, states)
    kept: list[Flag] = []
    flags = [*reading.about_terms(), *reading.about_wording()]
    for flag in sorted(flags, key=lambda f: (FLAG_KINDS.index(f.kind), f.start, -f.end)):
        if rest := _beside(kept, flag, text):
            kept.append(rest)
    return sorted(kept, key=lambda f: f.start)


def _beside(kept: Sequence[Flag], flag: Flag, text: str) -> Flag | None:
    """The flag on those of its words that no weightier flag is about; None where nothing is left to be said of."""
    over = [(other.start, other.end) for other in kept if other.start < flag.end and flag.start < other.end]
    if not over:
        return flag
    edges = [flag.start, *(edge for span in sorted(over) for edge in span), flag.end]
    left = [match for start, end in zip(edges[::2], edges[1::2], strict=True) for match in _words(text, start, end)]
    start, end = max(left, key=lambda span: span[1] - span[0], default=(0, 0))
    if text[start:end].lower() in FUNCTION_WORDS or start == end:
        return None
    return replace(flag, quote=text[start:end], start=start, end=end)


def _words(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretch of words within text[start:end], without what stands around them; nothing where there is none."""
    if start < end and (match := re.search(r"\w(?:.*\w)?", text[start:end], re.DOTALL)):
        yield start + match.start(), start + match.end()


def primitives_named_in(text: str, lexicon: Lexicon) -> set[str]:
    """Primitives that the caption speaks of, by their term or a loose word, and does not deny."""
    mentions = _Reading(text, lexicon, None).mentions
    return {
        name for mention in mentions if not mention.denied for name in (*mention.phrase.terms, *mention.phrase.loose)
    }


class _Reading:
    """One caption being linted: its text, its quotations and the primitives that it mentions."""

    def __init__(self, text: str, lexicon: Lexicon, states: PrimitiveStates | None) -> None:
        self.text, self.lexicon, self.states = text, lexicon, states
        self.plain = normalize(text)
        self.quoted = [m.span() for m in _QUOTED.finditer(text)] if '"' in text or "“" in text else []

    @cached_property
    def mentions(self) -> list[_Mention]:
        """Phrases that count where they stand, in text order; whole sentences of the specification count as one."""
        lexicon = self.lexicon
        found = []
        for match in lexicon.pattern.finditer(self.plain):
            start, end = match.span()
            phrase = lexicon.phrases[(match.lastindex or 1) - 1]
            if not self._inside(self.quoted, start) and self._counts(phrase, start, end):
                found.append(_Mention(start, end, phrase, bool(_NEGATED.search(self._before(start)))))
        whole = list(self._whole_sentences())
        spans = [(m.start, m.end) for m in whole]
        found = [m for m in found if not self._inside(spans, m.start)] if spans else found
        return sorted([*found, *whole], key=lambda m: m.start)

    @cached_property
    def named(self) -> set[str]:
        """Primitives that the caption names by their term."""
        return {name for m in self.mentions if not m.denied for name in m.phrase.terms}

    def about_terms(self) -> Iterator[Flag]:
        """Loose terms, and contradictions of the labels."""
        for mention in self.mentions:
            if mention.denied:
                continue
            phrase = mention.phrase
            present = [name for name in phrase.loose if self.states and self.states.get(name) == PRESENT]
            if not present and self._denied_by_labels(mention):
                yield self._contradiction(mention)
            elif self._is_loose(mention, present):
                yield self._loose(mention, present or list(phrase.loose))

    def about_wording(self) -> Iterator[Flag]:
        """Guesses, moods, the writer, and talk about the video; words that the specification uses are none."""
        for match in WORDING.finditer(self.plain):
            start, end = match.span()
            kind, words = match.lastgroup, match.group()
            if self._inside(self.quoted, start) or f" {words} " in self.lexicon.own_words:
                continue
            quote = self.text[start:end]
            # "US" is a country, and "I" a numeral but for its verb.
            if (kind == "first_person" and words == "us" and quote != "us") or kind is None:
                continue
            yield Flag(kind, quote, start, end, ADVICE[kind])  # type: ignore[arg-type]

    def _whole_sentences(self) -> Iterator[_Mention]:
        for match in _SENTENCE.finditer(self.plain):
            sentence = match.group().strip()
            name = self.lexicon.sentences.get(sentence)
            if name is not None:
                start = match.start() + match.group().index(sentence)
                phrase = Phrase(sentence, (name,), (), "none")
                yield _Mention(start, start + len(sentence), phrase, False)

    def _counts(self, phrase: Phrase, start: int, end: int) -> bool:
        """Whether the phrase stands where it says something of the primitive."""
        if phrase.gate == "none":
            return True
        if phrase.gate in ("picture", "shown"):
            before = self._before(start)
            shown = phrase.gate == "shown" and ("camera" in self.plain[start:end] or _SHOWN.search(before))
            return bool(shown or _OF_IMAGE.match(self.plain, end) or _IMAGE_IS.search(before))
        about_camera = self._about_camera(start, end)
        return about_camera if phrase.gate == "camera" else not about_camera

    def _about_camera(self, start: int, end: int) -> bool:
        """Whether it is the camera that does what text[start:end] says."""
        if "camera" in self.plain[start:end]:
            return True
        before = self._before(start)
        camera = _CAMERA.match(before)
        if camera is None and not re.match(r" ?(?:it|then|next|after that|finally|initially|this)\b", before):
            return False
        between = before[camera.end() :] if camera else before
        if re.match(r"\w+ing\b", self.plain[start:end]) and _SHOWS.search(between):
            return False
        return not _SOMEONE.search(between) and bool(_MAY_PRECEDE.search(before))

    def _denied_by_labels(self, mention: _Mention) -> bool:
        """Whether the labels deny every primitive that the words can mean, where they stand."""
        phrase = mention.phrase
        meant = phrase.terms or (
            phrase.loose if phrase.gate in ("none", "shown", "camera") and " " in phrase.text else ()
        )
        if not meant or not self._all_absent(meant) or _ROUGHLY.search(self._before(mention.start)):
            return False
        if any(self._has_parts(name) for name in meant):
            return False
        opposed = [other for name in meant for other in self._opposed(name)]
        if not phrase.terms and self.named & set(opposed):
            return False
        # A single word, or a loose one, is said of many things: it takes the opposite to make it wrong.
        if (not phrase.terms or not re.search(r"[ -]", phrase.text)) and not opposed:
            return False
        if any(name in self.lexicon.at_start for name in meant):
            return self._of_the_start(mention, meant, opposed)
        excluded = {name for one in meant for name in self.lexicon.primitives[one].excludes}
        return not excluded or not self._tells_of(excluded, mention)

    def _of_the_start(self, mention: _Mention, meant: Sequence[str], opposed: Sequence[str]) -> bool:
        """Whether the words tell how the shot begins, and not what it comes to."""
        before = self._before(mention.start)
        changes = [name for one in meant for name in self.lexicon.at_start.get(one, ())]
        if any((self.states or {}).get(name) == PRESENT for name in changes) and not _FIRST.search(before):
            return False
        return not _LATER.search(before) and not self._named_before(mention, opposed)

    def _is_loose(self, mention: _Mention, present: Sequence[str]) -> bool:
        phrase = mention.phrase
        if not phrase.loose:
            return False
        if self.states is None:
            return not phrase.terms and phrase.gate in ("none", "shown", "camera")
        if not present or self.named & set(present):
            return False
        if " " not in phrase.text and phrase.gate == "camera" and self._term_in_sentence(mention):
            return False  # "pans left, following him": the movement has its name
        return not phrase.terms or (
            self._all_absent(phrase.terms) and self._of_the_start(mention, phrase.terms, present)
        )

    def _all_absent(self, names: Sequence[str]) -> bool:
        return self.states is not None and all(self.states.get(name) == ABSENT for name in names)

    def _term_in_sentence(self, mention: _Mention) -> bool:
        begin = mention.start - len(self._before(mention.start))
        return any(begin <= m.start < mention.start and m.phrase.terms for m in self.mentions)

    def _contradiction(self, mention: _Mention) -> Flag:
        meant = mention.phrase.terms or mention.phrase.loose
        name = next((name for name in meant if self._opposed(name)), meant[0])
        primitive = self.lexicon.primitives[name]
        message = f"says {primitive.term}, which the labels deny"
        instead = self._instead(primitive)
        if instead:
            told_apart = f" {primitive.confused_with[instead.id]}" if instead.id in primitive.confused_with else ""
            message += f"; they have {instead.term}.{told_apart} In its place: {_as_said(instead)}"
        else:
            message += ": take it out, or correct the label."
        return self._flag("contradiction", mention, message, name)

    def _instead(self, denied: Primitive) -> Primitive | None:
        """What the labels have in place of a primitive: its opposite, or what it is taken for and the caption lacks."""
        opposed = self._opposed(denied.id)
        taken_for = [name for name in denied.confused_with if (self.states or {}).get(name) == PRESENT]
        unsaid = [name for name in (*opposed, *taken_for) if name not in self.named]
        chosen = next(iter(unsaid or opposed), None)
        return self.lexicon.primitives.get(chosen) if chosen else None

    def _loose(self, mention: _Mention, meant: Sequence[str]) -> Flag:
        found = [self.lexicon.primitives[name] for name in meant]
        if len(found) == 1:
            message = f"is loose for {found[0].term}. Write: {_as_said(found[0])}"
        else:
            message = f"is loose: write {' or '.join(dict.fromkeys(p.term for p in found))}."
        return self._flag("loose_term", mention, message, meant[0])

    def _flag(self, kind: FlagKind, mention: _Mention, message: str, name: str) -> Flag:
        quote = self.text[mention.start : mention.end]
        return Flag(kind, quote, mention.start, mention.end, message, name)

    def _has_parts(self, name: str) -> bool:
        """Whether the labels have all that a movement is made of."""
        parts = self.lexicon.made_of.get(name, ())
        return bool(parts) and all((self.states or {}).get(part) == PRESENT for part in parts)

    def _opposed(self, name: str) -> list[str]:
        """What the labels have in place of a primitive."""
        states = self.states or {}
        return [other for other in self.lexicon.opposites[name] if states.get(other) == PRESENT]

    def _named_before(self, mention: _Mention, names: Sequence[str]) -> bool:
        """Whether the caption names one of them earlier: a later name is then how the shot goes on."""
        return any(m.start < mention.start and set(names) & {*m.phrase.terms} for m in self.mentions)

    def _tells_of(self, names: set[str], mention: _Mention) -> bool:
        """Whether the caption also names one of them: the words then tell of a part of the shot only."""
        return any(m != mention and not m.denied and names & {*m.phrase.terms, *m.phrase.loose} for m in self.mentions)

    def _before(self, start: int) -> str:
        """The sentence up to a place."""
        begin = max(self.plain.rfind(stop, 0, start) for stop in (".", "!", "?", ";"))
        return self.plain[begin + 1 : start]

    @staticmethod
    def _inside(spans: Sequence[tuple[int, int]], place: int) -> bool:
        return any(start <= place < end for start, end in spans)


def _as_said(primitive: Primitive) -> str:
    """Its sentence; its term where the sentence wants a text, or where it has none."""
    return primitive.says if primitive.says and not SLOT.search(primitive.says) else f"{primitive.term}."
