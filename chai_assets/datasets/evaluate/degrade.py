"""Critiques made worse by rule, to measure what a good critique is worth in training.

A critique is a list of remarks, one for each sentence or list item. Each variant changes one thing and says what. All
choices follow from the triple's id, so that a triple always gives the same text. Files are written in `ablations.py`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from chai_assets.critique.findings import Finding
from chai_assets.critique.prose.extract_findings import findings_in
from chai_assets.critique.prose.locate_quotes import DraftPhrases
from chai_assets.critique.prose.quotations import quotations
from chai_assets.datasets.select.canonical_rows import CanonicalRow
from chai_assets.spec.models import SLOT, Aspect
from chai_resources.captioners.engines.edits import has_phrase, words

RuleVariant = Literal["inaccurate_insertion", "inaccurate_replacement", "incomplete_deletion", "nonconstructive"]
RULE_VARIANTS: tuple[RuleVariant, ...] = get_args(RuleVariant)

_BREAK = re.compile(r"\s*\n+\s*|(?<=[.!?…])(?<!\d\.)[\"”’')]*\s+(?=[\"“‘'(\[]?[A-Z0-9])")
_CONTRARIES: tuple[str, ...] = (
    "left|right",
    "leftward|rightward",
    "tilt up|tilt down",
    "tilts up|tilts down",
    "tilting up|tilting down",
    "upward|downward",
    "upwards|downwards",
    "forward|backward",
    "forwards|backwards",
    "top|bottom",
    "foreground|middle ground|background",
    "midground|foreground|background",
    "clockwise|counterclockwise",
    "high-angle|low-angle|level-angle",
    "high angle|low angle|level angle",
    "low|high",
    "slow|fast",
    "slowly|quickly",
    "smooth|shaky",
    "static|moving",
    "indoor|outdoor",
    "indoors|outdoors",
    "day|night",
    "man|woman",
    "one|two|three|four|five",
    "black|white|red|blue|green|yellow|brown|grey|orange|purple|pink",
)
# What stands behind these words is called wrong already: a change there would leave the remark as true as it was.
_CALLED_WRONG = re.compile(r"\b(?:not|rather than|instead of)\b[^,.;:]*|n['’]t\b[^,.;:]*", re.IGNORECASE)
_TOPIC = re.compile(
    r"\W*(?:\d+\W+)?((?:the|a|an) (?:[\w'’-]+ ){0,2}?[\w'’-]+) (?:is|are|was|were|does|do|has|have|should|moves?|"
    r"appears?|starts?|remains?|stays?)\b",
    re.IGNORECASE,
)

_ITSELF = re.compile(r"\b(?:video|captions?|descriptions?|phrase|term|word|sentence|statement)\b", re.IGNORECASE)


class VariantUnavailable(Exception):
    """There is no such variant of this critique; the message is a reason that can be counted."""


@dataclass(frozen=True)
class DegradedCritique:
    """A degraded critique, and what was changed in it."""

    text: str
    changed: str


def degrade(variant: RuleVariant, triple: CanonicalRow, aspect: Aspect) -> DegradedCritique:
    """The triple's critique in this variant. Raises VariantUnavailable if it has nothing to change."""
    made = _RULES[variant](triple, aspect)
    if made.text == triple["critique"]:
        raise VariantUnavailable("the rule leaves the critique as it is")
    return made


def remarks(critique: str) -> list[str]:
    """A critique's remarks in order; a quotation is never cut in two."""
    inside = [(start, end) for start, end, _ in quotations(critique)]
    found, begun = [], 0
    for match in _BREAK.finditer(critique):
        at = match.end() - len(match.group().lstrip("\"”’')"))
        if any(start < match.start() and match.end() < end for start, end in inside):
            continue
        found.append(critique[begun:at])
        begun = match.end()
    return [part.strip() for part in (*found, critique[begun:]) if words(part)]


def _insertion(triple: CanonicalRow, aspect: Aspect) -> DegradedCritique:
    """Claims a primitive: one that the approved caption rules out, or where there is none, one it does not tell of."""
    final = DraftPhrases(triple["final"])
    claims = {p.id: p.says for p in aspect.primitives if p.says and not SLOT.search(p.says)}
    mentioned = {p.id for p in aspect.primitives if final.contains(p.term) or (p.says and final.contains(p.says))}
    families = [{p.id for p in aspect.primitives if choice in p.given_by} for choice in _choice_attributes(aspect)]
    ruled_out = {name for family in families if family & mentioned for name in family - mentioned}
    unmentioned = claims.keys() - mentioned
    if not unmentioned:
        raise VariantUnavailable("the aspect has no primitive that the caption does not tell of")
    says = claims[_pick(sorted(unmentioned & ruled_out or unmentioned), triple, "insertion")]
    remark = f"Also mention that {says[0].lower()}{says[1:]}"
    return DegradedCritique(f"{triple['critique'].rstrip()} {remark}".strip(), f"added: {remark}")


def _replacement(triple: CanonicalRow, aspect: Aspect) -> DegradedCritique:
    """Turns what one remark asks for into a contrary of it."""
    parts = _remarks(triple["critique"])
    wrong = {
        part: list(dict.fromkeys(_contradictions(part, DraftPhrases(triple["draft"]), _contrary_words(aspect))))
        for part in parts
    }
    able = [part for part in parts if wrong[part]]
    if not able:
        raise VariantUnavailable("no remark has a word with a known contrary")
    part = _pick(able, triple, "replacement")
    turned = _pick(wrong[part], triple, "contrary")
    return DegradedCritique(triple["critique"].replace(part, turned, 1), f"replaced: {part} -> {turned}")


def _deletion(triple: CanonicalRow, aspect: Aspect) -> DegradedCritique:
    """Drops one remark."""
    parts = _remarks(triple["critique"])
    if len(parts) < 2:
        raise VariantUnavailable("the critique has a single remark")
    at = _draw(triple, "deletion", len(parts))
    gap = "\n" if "\n" in triple["critique"].strip() else " "
    return DegradedCritique(gap.join(parts[:at] + parts[at + 1 :]), f"dropped: {parts[at]}")


def _nonconstructive(triple: CanonicalRow, aspect: Aspect) -> DegradedCritique:
    """Says of each remark what is wrong and not what to do about it."""
    complaints = [complaint for part in _remarks(triple["critique"]) for complaint in _complaints(part, triple)]
    return DegradedCritique(" ".join(complaints), "what to do instead was dropped from every remark")


_RULES: dict[RuleVariant, Callable[[CanonicalRow, Aspect], DegradedCritique]] = {
    "inaccurate_insertion": _insertion,
    "inaccurate_replacement": _replacement,
    "incomplete_deletion": _deletion,
    "nonconstructive": _nonconstructive,
}


def _remarks(critique: str) -> list[str]:
    found = remarks(critique)
    if not found:
        raise VariantUnavailable("the critique has no remark")
    return found


def _complaints(remark: str, triple: CanonicalRow) -> Iterator[str]:
    found = findings_in(remark, "", triple["draft"])
    yield from (_complaint(finding) for finding in found)
    if found:
        return
    places = DraftPhrases(triple["draft"])
    quoted = [words_ for _, _, words_ in quotations(remark) if places.contains(words_)]
    if quoted:
        yield from (_faulted(text.rstrip(" .,;:"), "inaccurate") for text in quoted)
    elif (topic := _TOPIC.match(remark)) and not _ITSELF.search(topic[1]):
        name = topic[1][0].lower() + topic[1][1:]
        yield f"The way in which the caption describes {name} is inaccurate."
    else:
        yield "The caption does not describe the video fully in this respect."


def _complaint(finding: Finding) -> str:
    if finding.kind == "missing":
        return "The caption leaves out something that can be seen in the video."
    fault = {"wrong": "inaccurate", "imprecise": "imprecise", "subjective": "subjective", "redundant": "not right"}
    return _faulted(finding.quote, fault[finding.kind])


def _faulted(quote: str, fault: str) -> str:
    return f'The part of the caption that says "{quote}" is {fault}.'


def _contrary_words(aspect: Aspect) -> list[list[str]]:
    """Words of which at most one holds: those above, and the terms that answer one question of the aspect."""
    terms = [
        [p.term for p in aspect.primitives if choice in p.given_by and "(" not in p.term]
        for choice in _choice_attributes(aspect)
    ]
    return [*(family for family in terms if len(family) > 1), *(family.split("|") for family in _CONTRARIES)]


def _choice_attributes(aspect: Aspect) -> list[str]:
    """The questions with one answer."""
    return [attribute.id for attribute in aspect.attributes if attribute.kind == "choice"]


def _contradictions(remark: str, places: DraftPhrases, families: list[list[str]]) -> Iterator[str]:
    """The remark with one word replaced by a contrary that it does not hold, for each word that has one."""
    kept = [(start, end) for start, end, quoted in quotations(remark) if places.contains(quoted)]
    kept += [match.span() for match in _CALLED_WRONG.finditer(remark)]
    for family in families:
        for word in family:
            for match in re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", remark, re.IGNORECASE):
                if any(start < match.end() and match.start() < end for start, end in kept):
                    continue
                for other in family:
                    if other != word and not has_phrase(other, remark):
                        capital = other[0].upper() if match.group()[0].isupper() else other[0]
                        yield remark[: match.start()] + capital + other[1:] + remark[match.end() :]


def _draw(triple: CanonicalRow, what: str, size: int) -> int:
    return int(hashlib.sha256(f"{triple['id']} {what}".encode()).hexdigest(), 16) % size


def _pick(options: list[str], triple: CanonicalRow, what: str) -> str:
    return options[_draw(triple, what, len(options))]
