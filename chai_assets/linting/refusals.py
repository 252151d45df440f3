"""Texts in which a model speaks to its user instead of captioning: refusals, apologies, announcements, empty outputs.

The patterns are few and leave alone what a caption may say; signs in a scene are quoted, and quotations are skipped.
They are simple enough for Polars, which screens millions of texts with them first.
"""

import re

_CANNOT = r"(?:cannot|can(?:['’]t|\ not)|could(?:n['’]t|\ not)|won['’]t|will\ not|am\ (?:unable|not\ able)\ to)"
_CANNOT_DO = (
    r"(?:watch|access|provide|describe|help|assist|comply|fulfil+|generate|create|process|analy[sz]e|identify|view)"
)
REFUSAL = rf"""(?ix)\b(?:
    i(?:['’]m|\ am)\ (?:sorry|unable\ to|not\ able\ to|afraid\ i) | sorry,\ (?:but\ )?i\b
    | i\ {_CANNOT}\ (?:see|{_CANNOT_DO}) | (?:i\ )?apologi[sz]e\ (?:for|but|that) | my\ apologies
    | i\ (?:do\ not|don['’]t)\ have\ (?:access|the\ ability|enough\ (?:information|context))
    | as\ an?\ (?:ai|(?:large\ |multimodal\ )?language\ model)\b
    | (?:unable|not\ able)\ to\ (?:{_CANNOT_DO})\ (?:the|this|that|your|any|a)\ (?:video|image|clip|request|file)
    | no\ (?:video|image|caption|draft|feedback)\ (?:(?:was|has\ been|is)\ )?(?:provided|attached|supplied|uploaded)
    | please\ (?:provide|upload|share|attach|supply)\ (?:the|a|an|your|more|me)\b
    | here(?:['’]s|\ is|\ are)\ (?:the|a|an|your|my)\ (?:\w+\ ){{0,3}}(?:caption|description|revision|rewrite)
    | (?:sure|certainly|of\ course|absolutely)[!,]\ (?:here|i\b|let\ me)
    | let\ me\ know\ if | i\ hope\ this\ helps | feel\ free\ to\ ask
    | (?:violates?|against)\ (?:our|the|my)\ (?:content|usage|safety)\ (?:polic|guideline)
    )"""
"""For Python and for Polars; what it finds is only a refusal if it stands outside quotation marks."""

BLANK = (
    r"(?ix)^\W*(?:n/?a|none|null|nil|nan|undefined|todo|tbd|error|unknown|string|(?:no\ )?(?:caption|description))?\W*$"
)
"""A text that says nothing."""

_REFUSAL, _BLANK = re.compile(REFUSAL), re.compile(BLANK)
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”')


def refusal_in(text: str) -> str | None:
    """The words by which the text is no caption but talk of a model; a blank output as a whole; None if it is one."""
    if _BLANK.match(text):
        return text.strip() or "(no words)"
    found = _REFUSAL.search(text)
    if found is None:
        return None
    outside = _REFUSAL.search(_QUOTED.sub(lambda quoted: "_" * len(quoted.group()), text))
    return outside.group() if outside else None
