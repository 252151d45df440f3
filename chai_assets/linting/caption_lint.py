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
from chai_assets.linting.lexicon import TURNS, Lexicon
from chai_assets.linting.reading import Mention, Reading
from chai_assets.linting.wording import ADVICE, WORDING
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import SLOT, Primitive

FlagKind = Literal["contradiction", "loose_term", "hedge", "subjective", "first_person", "meta"]
FLAG_KINDS: tuple[FlagKind, ...] = ("contradiction", "loose_term", "hedge", "subjective", "first_person", "meta")
PrimitiveStates = Mapping[str, str]

_ROUGHLY = re.compile(
    r"\b(?:almost|nearly|near|semi|quasi|mostly|like|resembl\w+|as if|for a moment|briefly)[ -](?:an? )?$"
)
_ALMOST_STILL = "slight-camera-drift"
"""What "mostly static" may mean: a softened word is no mistake beside it."""
_SOFTENED = re.compile(r"\b(?:mostly|largely|nearly|almost|mainly|primarily|predominantly|virtually|essentially)\b")
_LATER = re.compile(
    r"\b(?:end(?:s|ing)?|then|before|into|transition\w*|shift\w*|becom\w+|settl\w+|chang\w+|later|eventually|until|"
    r"turns?|turning|reach\w*|return\w*|conclud\w+|finish\w*|final\w*|reveal\w*|back)\b|\bto\b(?: \S+){0,4} ?$"
)
_FIRST = re.compile(r"\b(?:starts?|starting|begins?|beginning|initial(?:ly)?|first|opens?|opening)\b")
# Words by which a caption tells one part of a shot from another.
_IN_PARTS = re.compile(
    r"\b(?:then|before|until|initially|first|begin(?:s|ning)?|start(?:s|ing)?|end(?:s|ing)?|later|after(?:wards?)?|finally|"
    r"eventually|once|midway|briefly|stops?|halts?|remainder|rest of|subsequently|next|when|while|as)\b"
)


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


def lint_caption(text: str, lexicon: Lexicon, states: PrimitiveStates | None = None) -> list[Flag]:
    """The flags on a caption of the lexicon's aspect, in text order; none overlaps another.

    `states` are the primitives' states as `compile.derive` gives them, None where the clip is not labeled. Without
    them there are no contradictions, and a word counts as loose only if it has no other meaning. Quoted text is left
    alone.
    """
    reading = _Judge(text, lexicon, states)
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
    mentions = [m for m in Reading(text, lexicon).mentions if not m.denied and not (m.wording and m.wording.loose)]
    return {name for mention in mentions for name in (*mention.phrase.terms, *mention.phrase.loose)}


class _Judge(Reading):
    """One caption being linted: what it says beside the states of the primitives."""

    def __init__(self, text: str, lexicon: Lexicon, states: PrimitiveStates | None) -> None:
        super().__init__(text, lexicon)
        self.states = states
        self._present = {name for name, state in (states or {}).items() if state == PRESENT}

    def _matters(self, number: int) -> bool:
        """Only where the labels have one of its primitives, or have what makes it wrong beside their denial."""
        if self.states is None:
            return False
        wording = self.lexicon.wordings[number]
        if not self._present.isdisjoint(wording.primitives):
            return True
        beside = self.lexicon.wrong_beside[number]
        return not wording.loose and (beside is None or not self._present.isdisjoint(beside))

    def about_terms(self) -> Iterator[Flag]:
        """Loose terms, and contradictions of the labels."""
        for mention in self.mentions:
            phrase = mention.phrase
            if mention.denied:
                had = [name for name in phrase.terms if self._has(name)]
                if mention.outright and had and not self.named & set(had):
                    yield self._denial(mention, had[0])
                continue
            present = [name for name in phrase.loose if self._has(name)]
            if not present and self._denied_by_labels(mention):
                yield self._contradiction(mention)
            elif self._is_loose(mention, present):
                yield self._loose(mention, present or list(phrase.loose))

    def about_wording(self) -> Iterator[Flag]:
        """Guesses, moods, the writer, and talk about the video; words that the specification uses are none."""
        for match in WORDING.finditer(self.plain):
            start, end = match.span()
            kind, words = match.lastgroup, match.group()
            if self.inside(self.quoted, start) or f" {words} " in self.lexicon.own_words:
                continue
            quote = self.text[start:end]
            # "US" is a country, and "I" a numeral but for its verb.
            if (kind == "first_person" and words == "us" and quote != "us") or kind is None:
                continue
            yield Flag(kind, quote, start, end, ADVICE[kind])  # type: ignore[arg-type]

    def _has(self, name: str) -> bool:
        return name in self._present

    def _denied_by_labels(self, mention: Mention) -> bool:
        """Whether the labels deny every primitive that the words can mean, where they stand."""
        phrase = mention.phrase
        meant = phrase.terms or (
            phrase.loose if phrase.gate in ("none", "shown", "camera") and " " in phrase.text else ()
        )
        if not meant or not self._lacking.issuperset(meant) or any(map(self._has_parts, meant)):
            return False
        excluded = {name for one in meant for name in self.lexicon.primitives[one].excludes}
        if self._is_softened(mention) and (self._has(_ALMOST_STILL) or not any(map(self._has, excluded))):
            return False
        opposed = [other for name in meant for other in self._opposed(name)]
        if not self._says_enough(mention, meant, opposed):
            return False
        if any(name in self.lexicon.at_start for name in meant):
            return self._at_odds_in_time(mention, meant, opposed)
        return not excluded or not self._tells_of(excluded, mention)

    def _says_enough(self, mention: Mention, meant: Sequence[str], opposed: Sequence[str]) -> bool:
        """Whether the words are exact enough for the labels to deny them, given what these have in their place."""
        phrase, wording = mention.phrase, mention.wording
        if wording is None:
            if not phrase.terms and self.named & set(opposed):
                return False
            # A single word, or a loose one, is said of many things: it takes the opposite to make it wrong.
            exact = phrase.terms and phrase.of_words
            return bool(exact or opposed or any(map(self._taken_for, meant)))
        rivals = [name for one in meant for name in self.lexicon.opposites[one]]
        rivals += wording.needs if isinstance(wording.needs, tuple) else ()
        had = [name for name in rivals if self._has(name)]
        if wording.place != "none" and self.named & set(had):
            return False
        if wording.needs == "other":
            return bool(opposed)
        if wording.needs == "none":
            return not any(self._has(name) for one in meant for name in self.lexicon.siblings[one])
        return wording.needs == "nothing" or any(map(self._has, wording.needs))

    @cached_property
    def _lacking(self) -> set[str]:
        """The primitives that the labels say do not hold, and those that there is nothing to hold of."""
        states = self.states or {}
        ruled_out = {name for name, by in self.lexicon.ruled_out_by.items() if any(map(self._has, by))}
        return {name for name, state in states.items() if state == ABSENT or name in ruled_out}

    def _taken_for(self, name: str) -> bool:
        """Whether the labels have what the primitive is confused with and cannot stand beside."""
        return any(pair.exclusive and self._has(pair.other) for pair in self.lexicon.hard_negatives.get(name, ()))

    def _is_softened(self, mention: Mention) -> bool:
        within = self.plain[mention.start : mention.end]
        return bool(_ROUGHLY.search(self.before(mention.start)) or _SOFTENED.search(within))

    def _at_odds_in_time(self, mention: Mention, meant: Sequence[str], opposed: Sequence[str]) -> bool:
        """Whether the words are wrong of the part of the shot that they tell of: its beginning, or what it comes to."""
        before = self.before(mention.start)
        changes = [name for one in meant for name in self.lexicon.at_start.get(one, ())]
        later = bool(_LATER.search(before)) or self._named_before(mention, opposed)
        if not later and (not any(map(self._has, changes)) or _FIRST.search(before)):
            return True
        return bool(opposed) and self._changes_the_other_way(meant[0], opposed[0], changes)

    def _changes_the_other_way(self, name: str, begun: str, changes: Sequence[str]) -> bool:
        """Whether the labels have the shot change from `begun` in the direction away from `name`."""
        order, turns = self.lexicon.order, [TURNS[c] for c in changes if self._has(c) and c in TURNS]
        if len(turns) != 1 or name not in order or begun not in order:
            return False
        return (order[name] - order[begun]) * turns[0] < 0

    def _is_loose(self, mention: Mention, present: Sequence[str]) -> bool:
        phrase = mention.phrase
        if not phrase.loose or (mention.wording and self.states is None):
            return False
        if self.states is None:
            return not phrase.terms and phrase.gate in ("none", "shown", "camera")
        if not present or self.named & set(present):
            return False
        if " " not in phrase.text and phrase.gate == "camera" and self._term_in_sentence(mention):
            return False  # "pans left, following him": the movement has its name
        return not phrase.terms or (
            self._lacking.issuperset(phrase.terms) and self._at_odds_in_time(mention, phrase.terms, present)
        )

    def _term_in_sentence(self, mention: Mention) -> bool:
        begin = mention.start - len(self.before(mention.start))
        return any(begin <= m.start < mention.start and m.phrase.terms for m in self.mentions)

    def _contradiction(self, mention: Mention) -> Flag:
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

    def _denial(self, mention: Mention, name: str) -> Flag:
        primitive = self.lexicon.primitives[name]
        message = f"is said not to be so, but the labels have {primitive.term}. Write: {_as_said(primitive)}"
        return self._flag("contradiction", mention, message, name)

    def _instead(self, denied: Primitive) -> Primitive | None:
        """What the labels have in place of a primitive: its opposite, or what it is taken for and the caption lacks."""
        opposed = self._opposed(denied.id)
        taken_for = [pair.other for pair in self.lexicon.hard_negatives[denied.id] if self._has(pair.other)]
        unsaid = [name for name in (*opposed, *taken_for) if name not in self.named]
        chosen = next(iter(unsaid or opposed), None)
        return self.lexicon.primitives.get(chosen) if chosen else None

    def _loose(self, mention: Mention, meant: Sequence[str]) -> Flag:
        found = [self.lexicon.primitives[name] for name in meant]
        if len(found) == 1:
            message = f"is loose for {found[0].term}. Write: {_as_said(found[0])}"
        else:
            message = f"is loose: write {' or '.join(dict.fromkeys(p.term for p in found))}."
        return self._flag("loose_term", mention, message, meant[0])

    def _flag(self, kind: FlagKind, mention: Mention, message: str, name: str) -> Flag:
        quote = self.text[mention.start : mention.end]
        return Flag(kind, quote, mention.start, mention.end, message, name)

    def _has_parts(self, name: str) -> bool:
        """Whether the labels have all that a movement is made of."""
        parts = self.lexicon.made_of.get(name, ())
        return bool(parts) and all(map(self._has, parts))

    def _opposed(self, name: str) -> list[str]:
        """What the labels have in place of a primitive."""
        return [other for other in self.lexicon.opposites[name] if self._has(other)]

    def _named_before(self, mention: Mention, names: Sequence[str]) -> bool:
        """Whether the caption names one of them earlier: a later name is then how the shot goes on."""
        return any(m.start < mention.start and set(names) & {*m.phrase.terms} for m in self.mentions)

    def _tells_of(self, names: set[str], mention: Mention) -> bool:
        """Whether the caption also names one of them: the words then tell of a part of the shot only."""
        return bool(_IN_PARTS.search(self.plain)) and any(
            m != mention and not m.denied and names & {*m.phrase.terms, *m.phrase.loose} for m in self.mentions
        )


def _as_said(primitive: Primitive) -> str:
    """Its sentence; its term where the sentence wants a text, or where it has none."""
    return primitive.says if primitive.says and not SLOT.search(primitive.says) else f"{primitive.term}."
