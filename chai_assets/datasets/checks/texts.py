"""Whether captions are captions, and in English, for a million of them. Pure.

Polars looks through all of them for what might be wrong; only those texts are judged one by one.
"""

import polars as pl

from chai_assets.linting.refusals import BLANK, REFUSAL, refusal_in
from chai_resources.captioners.calls.language import other_language

LOOKED_AT = 10_000
"""Distinct captions whose language is judged: two seconds, and a share of 1 % in another language is not missed."""
# Letters of scripts other than Latin: a caption with some is always judged.
_OTHER_SCRIPTS = r"[\p{Cyrillic}\p{Arabic}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Devanagari}\p{Thai}\p{Bengali}]"

# Word ends by ASCII letters: fifty times faster on texts with a curly quote, and finds no less.
_REFUSAL = REFUSAL.replace(r"\b", r"(?-u:\b)")


def is_caption(texts: pl.Series) -> pl.Series:
    """Whether each text is more than a refusal or a blank; an empty one is another check's business."""
    suspicious = texts.filter((texts.str.contains(_REFUSAL) | texts.str.contains(BLANK)).fill_null(False)).unique()
    refusals = [text for text in suspicious if text.strip() and refusal_in(text)]
    return ~texts.is_in(refusals).fill_null(False)


def english(texts: pl.Series) -> pl.Series:
    """Whether each text may be English: of the distinct texts, a sample that is the same each time was judged."""
    distinct = texts.drop_nulls().unique()
    foreign = distinct.filter(distinct.str.contains(_OTHER_SCRIPTS))
    # Lowest hashes first: a choice that depends on the texts alone, not on their order.
    chosen = distinct.to_frame("text").sort(pl.col("text").hash(0), "text").head(LOOKED_AT)["text"]
    other = [text for text in pl.concat([foreign.head(LOOKED_AT), chosen]).unique() if other_language(text)]
    return ~texts.is_in(other).fill_null(False)
