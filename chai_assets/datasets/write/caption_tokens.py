"""Merged captions cut to what a video generator reads.

Wan reads 512 umT5 tokens and silently drops the rest. So tokens are counted beforehand, and a cut caption says so.
"""

import re
from itertools import accumulate

import polars as pl

from chai_assets.core.token_count import END_TOKEN, GENERATOR_TOKENS, TokenCounter
from chai_assets.datasets.select.canonical_rows import LeftOut, left_out
from chai_assets.datasets.write.formats import escape_reserved

# Begins with the space, which is searched for fastest; white space is single by then.
_SENTENCE_END = re.compile(r""" (?:(?<=[.!?…] )|(?<=[.!?…]["'”’)] ))""")


def fit_to_token_limit(
    merged: pl.DataFrame, count: TokenCounter, limit: int = GENERATOR_TOKENS
) -> tuple[pl.DataFrame, list[LeftOut]]:
    """Merged captions with `tokens`, `fits` and `prompt`: the caption as a generator is to read it.

    A caption over the limit is cut after its last whole sentence under it, rather than left out: the sentences
    stand in the order of the aspects, so what is lost is the least, and half a sentence would teach the generator
    to stop in the middle. `prompt` is null where not even the first sentence is short enough; such clips are counted
    as left out.
    """
    squeezed = escape_reserved(pl.col("caption")).str.replace_all(r"[\s\p{Cc}]+", " ").str.strip_chars()
    texts = merged.select(squeezed).to_series().to_list()
    tokens = count.count(texts)
    fits = [length <= limit for length in tokens]
    cut = iter(_truncate([text for text, fit in zip(texts, fits, strict=True) if not fit], count, limit))
    prompts = [(text or None) if fit else next(cut) for text, fit in zip(texts, fits, strict=True)]
    sized = merged.with_columns(
        tokens=pl.Series(tokens, dtype=pl.UInt32),
        fits=pl.Series(fits, dtype=pl.Boolean),
        prompt=pl.Series(prompts, dtype=pl.String),
    )
    lost = sized.filter(pl.col("prompt").is_null())["clip_id"]
    return sized, left_out("generator prompt", f"it is blank, or its first sentence alone is over {limit} tokens", lost)


def _truncate(texts: list[str], count: TokenCounter, limit: int) -> list[str | None]:
    """Of each text, the longest run of whole sentences from its start within the limit; None if there is none."""
    split = [_SENTENCE_END.split(text) for text in texts]
    lengths = iter(count.count([sentence for sentences in split for sentence in sentences]))
    kept = []
    for sentences in split:
        ends = accumulate([next(lengths) - END_TOKEN for _ in sentences], initial=END_TOKEN)
        kept.append(sum(1 for end in ends if end <= limit) - 1)
    # A vocabulary may count a run as longer than its sentences one by one: what was kept is counted again.
    runs = [" ".join(sentences[:number]) for sentences, number in zip(split, kept, strict=True)]
    while over := [place for place, length in enumerate(count.count(runs)) if length > limit]:
        for place in over:
            kept[place] -= 1
            runs[place] = " ".join(split[place][: kept[place]])
    return [run or None for run in runs]
