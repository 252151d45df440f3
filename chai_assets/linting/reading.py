"""What a caption says of the primitives: where phrases and wordings of its lexicon stand, and whether they count there.

A mention is what the words mean, not whether they are at fault: that is judged in `caption_lint.py`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from chai_assets.linting.lexicon import Lexicon, Phrase
from chai_assets.linting.main_subject import MainSubject
from chai_assets.linting.phrase_patterns import normalize
from chai_assets.linting.wordings import Wording

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')
_SENTENCE = re.compile(r"[^.!?;]+")
_STOP = re.compile(r"[.!?;]")
_REACH = 62
"""Characters before words in which their denial can stand: the longest denying words and as many as may follow."""
_DENYING = (
    r"(?:\b(?:no|not|without|never|neither|nor|none|rather than|instead of|lack(?:s|ing)?|avoid(?:s|ing)?|"
    r"free (?:of|from)|cannot|absence of)\b|n't\b)"
)
_DENIAL = re.compile(_DENYING)
_MAY_DENY = ("no", "n't", "never", "neither", "without", "rather", "instead", "lack", "avoid", "free ", "absence")
"""One of these is in whatever denies: they are looked for first, at a tenth of the cost."""
_NEGATED = re.compile(rf"{_DENYING}[^,;:]{{0,45}}$")
# What says outright that something is not so; "no" far before the words may deny something else.
_OUTRIGHT = re.compile(
    r"(?:\b(?:does|do|did|is|are|was|were|has|have) not|n't|\bnever|\bno|\bwithout(?: any)?)"
    r"(?: (?!on)\w+ly| any| an?| the| visible| noticeable| show| have| use| exhibit| in)* $"
)
# "A title is not laid over the picture": the denial comes after.
_DENIED_AFTER = re.compile(
    r"(?: (?:is|are|was|were|does|do|has|have))? (?:not|never)\b|(?: (?:is|are|was|were|does|do))?n't\b"
)
_FOR_A_WHILE = re.compile(r"^[^.;]{0,40}\b(?:until|at first|yet|any ?more|again|further|initially|but|only|while|as)\b")
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


class Mention(NamedTuple):
    """A place of the text where a phrase of the lexicon stands.

    `denied` where the text says that it is not so; `outright` where it does so beyond doubt. `wording` is the one that
    matched, None where a term or a loose phrase did.
    """

    start: int
    end: int
    phrase: Phrase
    denied: bool
    outright: bool = False
    wording: Wording | None = None


class Reading:
    """One caption being read: its text, its quotations and the primitives that it mentions."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text, self.lexicon = text, lexicon
        self.plain = normalize(text)
        self.quoted = [m.span() for m in _QUOTED.finditer(text)] if '"' in text or "“" in text else []
        self._subject = MainSubject(self.plain)

    @cached_property
    def mentions(self) -> list[Mention]:
        """Phrases that count where they stand, in text order; whole sentences of the specification count as one."""
        phrases = list(self._phrases())
        whole = list(self._whole_sentences())
        spans = [(m.start, m.end) for m in whole]
        found = [*phrases, *self._wordings(phrases)]
        found = [m for m in found if not self.inside(spans, m.start)] if spans else found
        return sorted([*found, *whole], key=lambda m: m.start)

    @cached_property
    def named(self) -> set[str]:
        """Primitives that the caption names by their term or in other words of the trade."""
        loosely = [m for m in self.mentions if m.phrase.loose]
        return {
            name
            for m in self.mentions
            if not m.denied
            for name in m.phrase.terms
            if m.wording is None or not any(self._as_loose(name, m, other) for other in loosely)
        }

    @staticmethod
    def _as_loose(name: str, mention: Mention, other: Mention) -> bool:
        """Whether the words are those of a loose phrase for the same primitive: no good name for it."""
        return name in other.phrase.loose and other.start < mention.end and mention.start < other.end

    def before(self, start: int) -> str:
        """The sentence up to a place."""
        passed = bisect_left(self._stops, start)
        return self.plain[self._stops[passed - 1] + 1 if passed else 0 : start]

    @cached_property
    def _denies(self) -> bool:
        """Whether it denies anything at all: most captions do not, and need not be looked through for it."""
        return any(letters in self.plain for letters in _MAY_DENY) and bool(_DENIAL.search(self.plain))

    @cached_property
    def _stops(self) -> list[int]:
        return [match.start() for match in _STOP.finditer(self.plain)]

    @staticmethod
    def inside(spans: Sequence[tuple[int, int]], place: int) -> bool:
        """Whether a place is in one of the spans."""
        return bool(spans) and any(start <= place < end for start, end in spans)

    def _matters(self, number: int) -> bool:
        """Whether anything follows from a wording, wherever it stands; a cheap look before the dear ones."""
        return number >= 0

    def _phrases(self) -> Iterator[Mention]:
        for match in self.lexicon.pattern.finditer(self.plain):
            start, end = match.span()
            phrase = self.lexicon.phrases[(match.lastindex or 1) - 1]
            if not self.inside(self.quoted, start) and self._counts(phrase, start, end):
                yield self._mention(start, end, phrase, None)

    def _wordings(self, phrases: Sequence[Mention]) -> Iterator[Mention]:
        """Wordings that count where they stand, but for those within a term that says something more exact."""
        terms = [m for m in phrases if m.phrase.terms]
        for start, end, number in self.lexicon.wording_index.find(self.plain):
            if not self._matters(number):
                continue
            wording = self.lexicon.wordings[number]
            if self.inside(self.quoted, start) or self._covered(terms, wording, start, end):
                continue
            if self._stands(wording, start, end):
                yield self._mention(start, end, self.lexicon.wording_phrases[number], wording)

    def _mention(self, start: int, end: int, phrase: Phrase, wording: Wording | None) -> Mention:
        if not self._denies:
            return Mention(start, end, phrase, False, False, wording)
        before = self.before(start)
        denied = bool(_NEGATED.search(before, max(0, len(before) - _REACH)))
        denied = denied or bool(_DENIED_AFTER.match(self.plain, end))
        outright = denied and bool(_OUTRIGHT.search(before)) and not _FOR_A_WHILE.match(self.plain[end:])
        return Mention(start, end, phrase, denied, outright, wording)

    @staticmethod
    def _covered(terms: Sequence[Mention], wording: Wording, start: int, end: int) -> bool:
        """Whether a term that stands there says it better: of the same in words enough, or something more exact."""
        for term in terms:
            if term.start < end and start < term.end:
                same = any(name in wording.primitives for name in term.phrase.terms)
                if term.phrase.of_words if same else term.start <= start and end <= term.end:
                    return True
        return False

    def _stands(self, wording: Wording, start: int, end: int) -> bool:
        if wording.place == "none":
            return True
        if wording.place == "camera":
            return self._about_camera(start, end)
        return self._subject.is_meant(wording.place, start, end)

    def _whole_sentences(self) -> Iterator[Mention]:
        for match in _SENTENCE.finditer(self.plain):
            sentence = match.group().strip()
            name = self.lexicon.sentences.get(sentence)
            if name is not None:
                start = match.start() + match.group().index(sentence)
                phrase = Phrase(sentence, (name,), (), "none")
                yield Mention(start, start + len(sentence), phrase, False)

    def _counts(self, phrase: Phrase, start: int, end: int) -> bool:
        """Whether the phrase stands where it says something of the primitive."""
        if phrase.gate == "none":
            return True
        if phrase.gate in ("picture", "shown"):
            before = self.before(start)
            shown = phrase.gate == "shown" and ("camera" in self.plain[start:end] or _SHOWN.search(before))
            return bool(shown or _OF_IMAGE.match(self.plain, end) or _IMAGE_IS.search(before))
        about_camera = self._about_camera(start, end)
        return about_camera if phrase.gate == "camera" else not about_camera

    def _about_camera(self, start: int, end: int) -> bool:
        """Whether it is the camera that does what text[start:end] says."""
        if "camera" in self.plain[start:end]:
            return True
        before = self.before(start)
        camera = _CAMERA.match(before)
        if camera is None and not re.match(r" ?(?:it|then|next|after that|finally|initially|this)\b", before):
            return False
        between = before[camera.end() :] if camera else before
        if re.match(r"\w+ing\b", self.plain[start:end]) and _SHOWS.search(between):
            return False
        return not _SOMEONE.search(between) and bool(_MAY_PRECEDE.search(before))
