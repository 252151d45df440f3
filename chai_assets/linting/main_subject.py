"""Whom a caption is about, and whether words of it speak of that subject: no parser, only the first thing it names.

Meant to be sure rather than complete: where another person or thing may be meant, the answer is no.
"""

import re
from bisect import bisect_left
from functools import cached_property

from chai_assets.linting.wordings import Place

_A = r"(?:an?|one|two|three|four|five|six|seven|several|some|many|both|dozens|hundreds|thousands|the|no)"
_STOP = (
    r"(?:with|in|on|at|of|to|from|by|for|and|or|but|as|while|who|which|that|whose|where|when|into"
    r"|onto|over|under|behind"
    r"|beside|near|through|towards?|across|along|around|past|between|before|after|than|is|are|was|were|has|have|then)\b"
)
_WORD = rf"(?!{_STOP})[\w'-]+"
_NOUNS = re.compile(rf"\b{_A} (?:of |(?:group|crowd|pair|couple|number) of )?"
                    rf"(?:(?:large|small|dense|huge) (?:group|crowd) of )?({_WORD}(?: {_WORD}){{0,4}})")  # fmt: skip
_PICTURE = re.compile(
    r"\b(?:camera|shots?|video|scene|frame|view|image|footage|clip|picture|framing|composition"
    r"|background|foreground|lens"
    r"|angle|perspective|focus|depth|light|lighting|close-?up|angle|closeup|setting|subjects? stands|film|start|end)\b"
)
_PLACED_BEFORE = re.compile(
    r"\b(?:in|at|on|inside|near|under|from|against|through|along|before|behind|beside|to|into) $"
)
_ENDS_NOUN = re.compile(r"\w+(?:ing|ed|[^su\W]s)$")
_PLURAL = re.compile(r"^(?:two|three|four|five|six|seven|several|some|many|both|dozens|hundreds|thousands)\b")
_PLURALS = re.compile(r"(?:\w+s|(?:wo)?men|people|children|sheep|deer|police)$")

_ADVERBS = (
    r"(?:(?:\w+ly|also|then|now|is|are|has|have|been|being|still|again|always|both|all|starts? to"
    r"|begins? to|continues? to"
    r"|starts?|begins?|continues?|keeps?|just|only|first|next|soon|further|briefly|can be|very|quite"
    r"|each|together),? )*"
)
_MODIFIED = r"(?: (?:with|in|wearing|of|on|from|holding|carrying) (?:[\w'-]+ ){0,4}?[\w'-]+,?)?"
_PRONOUN = r"(?:he|she|they|it)"
_LEAD = (
    r"(?:(?:then|next|now|finally|after that|initially|first|here|later|at first|suddenly),? |(?:in"
    r"|at|on|inside|near|under|as|after)\b[^,.]*, )*"
)
_SHOWN = (
    r"(?:[^.]*\b(?:shows?|showing|of|captures?|features?|depicts?|follows?|frames?|framing|places?"
    r"|placing|keeps?|puts?|positions?|as|with) )?"
)
_ANEW = re.compile(
    r"\b(?:who|which|whose)\b|(?:\b(?:as|while|when|until|where|because|and|but)|,) "
    r"(?:the|a|an|his|her|their|its|two|three|several|one|another|some|people|it|he|she|they)\b"
)
_OTHERS = re.compile(r"\b(?:another|second|third|other|others)\b")
_MOVING = re.compile(
    r"\b(?:walk|run|mov|com|driv|rid|head|advanc|swim|fl(?:y|ies|ew)|drift|step|rac|march|strid"
    r"|gallop|jog|crawl|roll|glid|travel"
    r"|pass|cross|go(?:es|ing)?|wander|hurr|rush|skat|sail|climb|danc|pac|work|weav|act|turn|ran\b|strol)\w*"
)
_LOOKING = re.compile(r"\b(?:look|gaz|star|fac|point|glanc|smil|wav|turn|lean|gestur|speak|talk)(?:s|es|ing|ed|e)?\b")
# "The rider appears in silhouette": what stands between says only that it is there.
_IN_A_WAY = re.compile(r"(?:in|with|as|at|on|over|again|by)\b|hand|repeatedly")
_DOES = re.compile(
    r"(?<= )(?:stand|sit|lie|appear|wait|pose|remain|stay|act|do(?:es)?|is shown|is seen|are shown"
    r"|are seen)\w*(?: so)? $"
)
_OWNED = re.compile(
    r"\b(?:at|to|with|by|of|beside|near|behind|toward|from|for|and) (?:a|an|the|his|her|their|its|another|some)\b"
)
_THING = re.compile(r"\b(?:a|an|the|his|her|their|its|another|some|two)\b")


_HEAD = re.compile(rf"{_LEAD}{_SHOWN}({_PRONOUN}|(?:the|an?|one|two|three|several|some|four|five) )")
_LEADS = re.compile(_LEAD)
_ITSELF = re.compile(rf"^(?:{_PRONOUN}|\w+ (?:{_WORD} ){{0,3}}?{_WORD})\b")
_JUST_BEFORE = re.compile(rf"{_MODIFIED} ?{_ADVERBS}")
_AND_THEN = re.compile(rf"(?:,|\band|\bthen|\bbefore) {_ADVERBS}$")
_END = re.compile(r"[.!?;:]")
_THE_SUBJECT = re.compile(r"(?:the|both|two) (?:main |only |central |two |three )*(?:subjects?|figures? is|people)\b")
_HE = re.compile(rf"{_PRONOUN}\b")
_A_NEW_ONE = re.compile(r"(?:an?|one|two|three|several|some|four|five) ")


class MainSubject:
    """The main subject of one caption: the words of the first thing that it names, pictures and places aside."""

    def __init__(self, plain: str) -> None:
        self._plain = plain

    @cached_property
    def _first(self) -> tuple[int, int, frozenset[str]]:
        """Where it is named first, and the words it is called by; an empty span where nothing is named."""
        for match in _NOUNS.finditer(self._plain):
            if _PLACED_BEFORE.search(self._plain, 0, match.start()):
                continue
            if _OTHERS.match(match[1]):
                continue
            called = _noun(match.group(), match[1].split())
            if not called or _PICTURE.search(" ".join(called)):
                continue
            end = match.start(1) + len(" ".join(called))
            return match.start(), end, frozenset(called)
        return 0, 0, frozenset()

    def is_meant(self, place: Place, start: int, end: int) -> bool:
        """Whether the words plain[start:end] say something of the main subject, in the way that `place` names."""
        if place == "named":
            begin, stop, called = self._first
            after = self._plain[end : end + 12]
            return bool(called) and begin <= start < stop and self._names(start, end, after)
        before = self._before(start)
        if place == "placed":
            return self._subject_then(before, places=True) or self._fronted(before, end)
        if place == "moves":
            tail = before[-60:]
            if not _MOVING.search(tail) or _LOOKING.search(tail):
                return False
            return self._subject_then(before, places=False, anything=True)
        if _IN_A_WAY.match(self._plain, start):
            before = _DOES.sub("", before)
        return self._subject_then(before, places=False)

    def _names(self, start: int, end: int, after: str) -> bool:
        begin, stop, _ = self._first
        last = end >= stop or not re.match(r" \w", after) or re.match(rf" {_STOP}", after)
        partial = re.match(r"(?:'s|,? and (?:a|an|the|one|two|three)\b)", after)
        return bool(last or start <= begin + 4) and not partial

    def _subject_then(self, before: str, *, places: bool, anything: bool = False) -> bool:
        """Whether the sentence so far is the main subject and what it does, up to the words."""
        match = _HEAD.match(before)
        if match is None:
            return False
        rest = before[match.start(1) :]
        if "camera" in rest or _ANEW.search(rest) or _OTHERS.search(rest) or not self._same(rest):
            return False
        rest = _ITSELF.sub("", rest, count=1)
        if anything:
            return True
        if places:
            return not _OWNED.search(rest) and len(_THING.findall(rest)) <= 0
        if _JUST_BEFORE.fullmatch(rest + " " * (not rest.endswith(" "))):
            return True
        return bool(_AND_THEN.search(rest))

    def _same(self, rest: str) -> bool:
        """Whether the words name the main subject: by itself, as "the subject", or by a pronoun where it is alone."""
        called = self._first[2]
        if _THE_SUBJECT.match(rest):
            return True
        if _HE.match(rest):
            return "another " not in self._plain and "second " not in self._plain
        if not called:
            return False
        head = set(re.findall(r"[\w'-]+", rest)[:6])
        if _A_NEW_ONE.match(rest):
            return self._plain.find(rest) <= self._first[0] <= self._plain.find(rest) + len(rest)
        return bool(head & called)

    def _fronted(self, before: str, end: int) -> bool:
        """Whether a place opens the sentence and the main subject follows: "On the left, a baker kneads"."""
        if not _LEADS.fullmatch(before):
            return False
        after = re.match(
            r"(?: of the frame)?,? (?:(?:\w+s|is|are) )?((?:the|an?|one|two|three|several) [\w' -]+)", self._plain[end:]
        )
        if after is None:
            return False
        begin, _, called = self._first
        words = set(after[1].split()[:4])
        return end + after.start(1) == begin or (after[1].startswith("the ") and bool(words & called))

    def _before(self, start: int) -> str:
        passed = bisect_left(self._ends, start)
        return self._plain[self._ends[passed - 1] + 1 if passed else 0 : start].lstrip()

    @cached_property
    def _ends(self) -> list[int]:
        return [match.start() for match in _END.finditer(self._plain)]


def _noun(whole: str, found: list[str]) -> list[str]:
    """The words of a thing up to its noun: no verb after it."""
    if _PLURAL.match(whole) or " of " in whole:
        for number, word in enumerate(found):
            if _PLURALS.match(word):
                return found[: number + 1]
        return found[:1]
    for number, word in enumerate(found):
        if number and _ENDS_NOUN.match(word):
            return found[:number]
    return found
