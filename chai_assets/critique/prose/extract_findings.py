"""Findings recovered from a critique in prose: what it asks for, as remarks on words of the draft.

Only what the text supports is taken: words that stand in the draft at one place, and what to write instead in
the writer's own words. A wrong finding makes a caption worse and the prose is kept beside it, so where anything
is in doubt there is no finding.
"""

import re
from collections.abc import Iterator

from chai_assets.critique.findings import Finding, MarkKind, in_order
from chai_assets.critique.prose.contrasts import contrasts
from chai_assets.critique.prose.edit_requests import Ask, asks
from chai_assets.critique.prose.locate_quotes import Place, Places, claim, without_article
from chai_assets.critique.prose.quotations import passages
from chai_resources.captioners.engines.edits import words

_ARTICLE_BEFORE = re.compile(r"\b(?:the|an|a)\s+\Z", re.IGNORECASE)
_PAUSE = re.compile(r"[.,;:!?]")
_OPINION = re.compile(
    r"\b(?:subjectiv\w*|opinion\w*|speculat\w*|interpretati\w*|emotion\w*|assum\w*|mood)\b", re.IGNORECASE
)
_SUPERFLUOUS = re.compile(r"\b(?:redundan\w*|repetiti\w*|repeat\w*|unnecessary|superfluous|already)\b", re.IGNORECASE)
_IMPRECISE = re.compile(
    r"\b(?:imprecise|precision|vague|unclear|ambigu\w+|awkward|clarity|misleading|(?:more|better) (?:\w+ )?"
    r"(?:accurate(?:ly)?|precise(?:ly)?|specific(?:ally)?|clear(?:ly)?|described))\b",
    re.IGNORECASE,
)


def findings_in(text: str, draft_id: str, draft: str) -> tuple[Finding, ...]:
    """The findings that a critique's text supports, none overlapping another, as they stand in the draft.

    Of two that mark the same words the one said first counts. Never raises; the same text gives the same findings.
    """
    places = Places(draft)
    found: list[Finding] = []
    claimed: list[tuple[int, int]] = []
    for ask in _asked(text, places):
        if not ask.old:
            found.append(Finding.missing(draft_id, ask.new))
            continue
        placed = _placed(ask, places)
        if placed is None or not claim(placed[0], claimed):
            continue
        place, fix = placed
        found.append(Finding.mark(draft_id, draft, _kind(ask), place.start, place.end, fix))
    return in_order(found)


def _asked(text: str, places: Places) -> Iterator[Ask]:
    for passage in passages(text, places.stands):
        yield from asks(passage)
        yield from contrasts(passage.prose, places)


def _placed(ask: Ask, places: Places) -> tuple[Place, str] | None:
    """Where an ask applies, and what to put there; None where that is not certain or nothing would change."""
    within = places.one(ask.within) if ask.within else None
    place = places.one(ask.old, within)
    fix = _fix(ask.new)
    if place is None or fix is None:
        return None
    if place.bare:
        fix = without_article(fix)
    elif fix != without_article(fix) and ask.old.strip() == without_article(ask.old).strip():
        # "red car" shall read "a blue car" where the draft says "the red car": its article goes as well.
        before = _ARTICLE_BEFORE.search(places.draft, max(0, place.start - 8), place.start)
        place = Place(before.start(), place.end) if before else place
    place = _with_repeated(place, fix, places.draft)
    if [word.text for word in words(fix)] == [word.text for word in words(places.draft[place.start : place.end])]:
        return None
    return place, fix


def _with_repeated(place: Place, fix: str, draft: str) -> Place:
    """The place with the words behind it that the fix ends in as well: they would else stand there twice."""
    told, after = [word.text for word in words(fix)], words(draft[place.end : place.end + len(fix)])
    for size in range(min(len(told), len(after)), 0, -1):
        end = place.end + after[size - 1].end
        if told[-size:] == [word.text for word in after[:size]] and not _PAUSE.search(draft, place.end, end):
            return Place(place.start, end)
    return place


def _fix(new: str) -> str | None:
    """The words to put, less the punctuation of the sentence they were quoted in; None where they are cut short."""
    new = " ".join(new.split())
    if new.startswith(("...", "…")) or new.endswith(("...", "…")):
        return None
    cleaned = new.strip(" ,;:").removesuffix(".").strip(" ,;:")
    return None if new and not words(cleaned) else cleaned


def _kind(ask: Ask) -> MarkKind:
    """Words that shall go without another in their place are an opinion or superfluous."""
    if _OPINION.search(ask.about):
        return "subjective"
    if not ask.new or _SUPERFLUOUS.search(ask.about):
        return "redundant"
    return "imprecise" if _IMPRECISE.search(ask.about) else "wrong"
