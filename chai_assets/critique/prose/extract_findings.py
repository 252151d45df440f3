"""Findings recovered from a critique in prose: what it asks for, as remarks on words of the draft.

Only what the text supports is taken: words that stand in the draft at one span, and what to write instead in
the writer's own words. A wrong finding makes a caption worse and the prose is kept beside it, so where anything
is in doubt there is no finding.
"""

import re
from collections.abc import Iterator

from chai_assets.critique.findings import Finding, MarkKind, in_order
from chai_assets.critique.prose.contrasts import find_contrasts
from chai_assets.critique.prose.edit_requests import EditRequest, find_edit_requests
from chai_assets.critique.prose.locate_quotes import DraftPhrases, Span, claim_span, without_article
from chai_assets.critique.prose.quotations import passages
from chai_resources.captioners.engines.edits import word_texts, words

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
    phrases = DraftPhrases(draft)
    found: list[Finding] = []
    claimed: list[tuple[int, int]] = []
    for request in _requests_in(text, phrases):
        if not request.old:
            found.append(Finding.missing(draft_id, request.new))
            continue
        placed = _placed(request, phrases)
        if placed is None or not claim_span(placed[0], claimed):
            continue
        span, fix = placed
        found.append(Finding.mark(draft_id, draft, _kind(request), span.start, span.end, fix))
    return in_order(found)


def _requests_in(text: str, phrases: DraftPhrases) -> Iterator[EditRequest]:
    for passage in passages(text, phrases.contains):
        yield from find_edit_requests(passage)
        yield from find_contrasts(passage.prose, phrases)


def _placed(request: EditRequest, phrases: DraftPhrases) -> tuple[Span, str] | None:
    """Where a request applies, and what to put there; None where that is not certain or nothing would change."""
    within = phrases.locate(request.within) if request.within else None
    span = phrases.locate(request.old, within)
    fix = _fix(request.new)
    if span is None or fix is None:
        return None
    if span.bare:
        fix = without_article(fix)
    elif fix != without_article(fix) and request.old.strip() == without_article(request.old).strip():
        # "red car" shall read "a blue car" where the draft says "the red car": its article goes as well.
        before = _ARTICLE_BEFORE.search(phrases.draft, max(0, span.start - 8), span.start)
        span = Span(before.start(), span.end) if before else span
    span = _with_repeated(span, fix, phrases.draft)
    if word_texts(fix) == word_texts(phrases.draft[span.start : span.end]):
        return None
    return span, fix


def _with_repeated(span: Span, fix: str, draft: str) -> Span:
    """The span with the words behind it that the fix ends in as well: they would else stand there twice."""
    fix_words, after = word_texts(fix), words(draft[span.end : span.end + len(fix)])
    for size in range(min(len(fix_words), len(after)), 0, -1):
        end = span.end + after[size - 1].end
        if fix_words[-size:] == [word.text for word in after[:size]] and not _PAUSE.search(draft, span.end, end):
            return Span(span.start, end)
    return span


def _fix(new: str) -> str | None:
    """The words to put, less the punctuation of the sentence they were quoted in; None where they are cut short."""
    new = " ".join(new.split())
    if new.startswith(("...", "…")) or new.endswith(("...", "…")):
        return None
    cleaned = new.strip(" ,;:").removesuffix(".").strip(" ,;:")
    return None if new and not word_texts(cleaned) else cleaned


def _kind(request: EditRequest) -> MarkKind:
    """Words that shall go without another in their span are an opinion or superfluous."""
    if _OPINION.search(request.about):
        return "subjective"
    if not request.new or _SUPERFLUOUS.search(request.about):
        return "redundant"
    return "imprecise" if _IMPRECISE.search(request.about) else "wrong"
