"""From the sentence by which a specification states a primitive to a pattern of its near relatives.

"The palette is warm." is also "the palette remains very warm" and "a warm palette"; what a caption says of its own
subject ("The subject swims.") counts where the main subject does it.
"""

import re

from chai_assets.linting.phrase_patterns import inflected, normalize, verb_of
from chai_assets.linting.wordings import Wording
from chai_assets.spec.models import SLOT, Primitive

_IS = r"(?:is|are|was|were|remains?|stays?|looks?|appears?|becomes?)"
_ADVERBS = r"(?: (?:\w+ly|very|quite|also|still|always|clearly|rather)|)"
_ABOUT_SUBJECT = re.compile(r"(?:the (?:main )?subjects?|the person|the two people) ")
_WORD = re.compile(r"[\w'-]+")
_FEWEST_WORDS = 4
"""Words that must stand before a slot: with fewer, what is left says nothing of the primitive."""


def wording_of(primitive: Primitive) -> Wording | None:
    """The wording that its sentence makes; None where it has none or says too little without what fills it."""
    if not primitive.says:
        return None
    slot = SLOT.search(primitive.says)
    plain = normalize(primitive.says[: slot.start()] if slot else primitive.says).strip(" .,:")
    if len(plain.split()) < (_FEWEST_WORDS if slot else 2):
        return None
    about = _ABOUT_SUBJECT.match(plain)
    if about:
        return Wording((primitive.id,), _predicate(plain[about.end() :].split()), "acts")
    return Wording((primitive.id,), _sentence(re.sub(r"^(?:the|an?) ", "", plain).split()))


def _sentence(words: list[str]) -> str:
    """A thing and what is said of it; also as the thing's attribute, where it is one word."""
    place = next((n for n, word in enumerate(words) if n and (word in ("is", "are") or _finite(word))), None)
    if place is None:
        return _spelled(words)
    thing, said = _spelled(words[:place]), words[place:]
    pattern = f"{thing}{_predicate(said, before=' ')}"
    if said[0] in ("is", "are") and len(said) == 2 and place == 1:
        pattern += f"|{_spelled(said[1:])} {thing}"
    return pattern


def _predicate(words: list[str], before: str = "") -> str:
    """The verb in its forms and what follows; before it an adverb may stand."""
    first, rest = words[0], words[1:]
    after = f" {_spelled(rest)}" if rest else ""
    adverbs = _ADVERBS if before else ""
    return f"{adverbs}{before}{_in_its_forms(first)}{_ADVERBS}{after}"


def _in_its_forms(word: str) -> str:
    """A verb as it may be inflected; what is no plain word, such as "(mostly)" or "5%", as it stands."""
    if word in ("is", "are"):
        return _IS
    verb = verb_of(word) or word.removesuffix("s")
    return inflected(verb) if verb and _WORD.fullmatch(verb) else _spelled([word])


def _finite(word: str) -> bool:
    return word.endswith("s") and verb_of(word) is not None


def _spelled(words: list[str]) -> str:
    """The words with articles left open, "centre" and "center" alike."""
    parts = []
    for word in words:
        escaped = re.escape(word).replace(r"\-", "[ -]").replace("centre", "cent(?:re|er)").replace("colour", "colou?r")
        parts.append(r"(?:an?|the|its)" if word in ("a", "an", "the") else escaped)
    return " ".join(parts)
