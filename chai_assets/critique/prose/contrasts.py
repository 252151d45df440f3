"""What a critique corrects without a quotation: "the woman is in the background, not in the foreground".

Taken only where both sides are phrases of one make (they begin with the same small word), the wrong one stands
once in the draft, and the sentence of the draft it stands in speaks of the same thing.
"""

import re
from collections.abc import Iterator

from chai_assets.critique.prose.edit_requests import EditRequest
from chai_assets.critique.prose.locate_quotes import DraftPhrases, Span
from chai_assets.critique.prose.quotations import IN_DRAFT, NOT_IN_DRAFT
from chai_resources.captioners.engines.edits import word_texts, words

_SENTENCE = re.compile(rf"[^.!?;{IN_DRAFT}{NOT_IN_DRAFT}]+")
_NOT = re.compile(r",? (?:and not|but not|not|rather than|instead of) (?!just |only |simply |merely )", re.IGNORECASE)
_AS_TOLD = re.compile(
    r",? as (?:it (?:is|was) )?(?:previously |originally |initially |currently )?(?:described|stated|mentioned|"
    r"indicated|suggested|noted|claimed)\b.*|,? (?:in|by) the (?:caption|description)\b.*|"
    r",? (?:which|while|because|since|although|though|however|so)\b.*|"
    r", (?:and|but|with|it|they|there|this|making|as)\b.*",
    re.IGNORECASE,
)
_SMALL = frozenset(
    re.findall(r"\w+", "a an the in on at from to with into of his her its their toward towards by under over")
)
_TOO_COMMON = frozenset(
    re.findall(
        r"\w+", "this that with from there their video caption camera frame scene shot side which actually positioned"
    )
)
_MOST_WORDS = 6
_NEAR = 200
"""Characters before and after the contrast that are read."""


def find_contrasts(prose: str, phrases: DraftPhrases) -> Iterator[EditRequest]:
    """A request for each contrast in a passage's prose that is certain enough."""
    for sentence in _SENTENCE.findall(prose):
        for match in _NOT.finditer(sentence):
            head = sentence[max(0, match.start() - _NEAR) : match.start()]
            old = _AS_TOLD.sub("", sentence[match.end() : match.end() + _NEAR]).strip(" ,")
            if span := _sure_place(old, phrases):
                new = _fitted(_last_like(old, head), span, phrases)
                if new and _one_subject(head.removesuffix(new), span, phrases):
                    yield EditRequest(old, new, sentence)


def _sure_place(old: str, phrases: DraftPhrases) -> Span | None:
    old_words = word_texts(old)
    if not 2 <= len(old_words) <= _MOST_WORDS or old_words[0] not in _SMALL:
        return None
    span = phrases.locate(old)
    return span if span and not span.bare else None


def _last_like(old: str, head: str) -> str:
    """The end of `head` that is a phrase like `old`, "the top of the frame" being one; empty where there is none."""
    old_words, last = word_texts(old), words(head)
    first, size = old_words[0], len(old_words) + 2
    for at in range(len(last) - 1, max(-1, len(last) - 1 - size), -1):
        if last[at].text == first and (not at or last[at - 1].text != "of"):
            return head[last[at].start :].strip(" ,")
    return ""


def _fitted(new: str, span: Span, phrases: DraftPhrases) -> str:
    """The new phrase less what the draft goes on with; empty where the two phrases do not have one extent."""
    inside = word_texts(phrases.draft[span.start : span.end])
    new_words, after = words(new), words(phrases.draft[span.end : span.end + 40])
    if not new_words or ("and" in inside) != ("and" in {word.text for word in new_words}):
        return ""
    if after and after[0].text == "of" and "of" in {word.text for word in new_words}:
        return ""
    if after and len(new_words) > 2 and new_words[-1].text == after[0].text:
        return new[: new_words[-1].start].strip(" ,")
    return new


def _one_subject(before: str, span: Span, phrases: DraftPhrases) -> bool:
    """Whether the draft's sentence around the span shares a telling word with what stands before the contrast."""
    start = phrases.draft.rfind(". ", 0, span.start) + 1
    end = phrases.draft.find(". ", span.end)
    there = set(word_texts(phrases.draft[start : end if end >= 0 else len(phrases.draft)])) - _TOO_COMMON
    return any(len(word) > 3 and word in there for word in word_texts(before))
