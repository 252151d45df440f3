"""Captions that share most of their words in order, found by their 8-grams. Pure.

Containment of word n-grams (Broder, "On the resemblance and containment of documents", 1997), of 8 words and from 70 %
on, as PaLM's authors call an example of a benchmark contaminated (Chowdhery et al. 2022, section 8), and at least 13
words long, as GPT-3's (Brown et al. 2020, appendix C): shorter sentences are said twice by chance.
"""

import numpy as np
import polars as pl

WORDS = 8
LEAST = 0.7
SHORTEST = 13 - WORDS + 1
"""8-grams that two captions share at least: those of 13 words in a row."""

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, with its bits spread: words in another order make another number."""


def overlapping(some: pl.Series, others: pl.Series) -> pl.DataFrame:
    """Pairs of texts that share most of the shorter one: their numbers `one` and `two`, `shared` 8-grams, `score`.

    Case and punctuation do not count. Of equal texts each is compared.
    """
    one, two = _grams(some), _grams(others)
    sizes = [side.group_by("text").agg(size=pl.len()) for side in (one, two)]
    candidates = pl.concat([_candidates(one, two), _candidates(two, one).select(one="two", two="one")]).unique()
    shared = (
        candidates.join(one, left_on="one", right_on="text")
        .join(two, left_on=["two", "gram"], right_on=["text", "gram"], how="semi")
        .group_by("one", "two")
        .agg(shared=pl.len())
    )
    for name, size in zip(("one", "two"), sizes, strict=True):
        shared = shared.join(size.rename({"text": name, "size": f"size_{name}"}), on=name)
    score = pl.col("shared") / pl.min_horizontal("size_one", "size_two")
    found = shared.with_columns(score=score).filter(pl.col("score") >= LEAST, pl.col("shared") >= SHORTEST)
    return found.select("one", "two", "shared", "score").sort("one", "two")


def _grams(texts: pl.Series) -> pl.DataFrame:
    """The distinct 8-grams of each text as numbers: `text` and `gram`; of texts too short to count none."""
    words = (
        pl.DataFrame({"words": texts.str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]+")})
        .with_row_index("text")
        .filter(pl.col("words").list.len() >= WORDS + SHORTEST - 1)
        .explode("words")
    )
    hashed, text = words["words"].hash(0).to_numpy(), words["text"].to_numpy()
    count = max(0, len(hashed) - WORDS + 1)
    gram = np.zeros(count, dtype=np.uint64)
    for place in range(WORDS):
        gram = gram * _FACTOR + hashed[place : place + count]
    whole = text[:count] == text[WORDS - 1 : WORDS - 1 + count]
    table = pl.DataFrame({"text": text[:count][whole], "gram": gram[whole]})
    return table.unique().sort("text", "gram")


def _candidates(some: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Pairs that share one of the rarest 8-grams of the former; none that shares LEAST of them can miss all of these.

    (Prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006.)
    """
    rarity = pl.concat([some, others]).group_by("gram").agg(held=pl.len())
    ranked = some.join(rarity, on="gram").sort("text", "held", "gram")
    size, place = pl.len().over("text"), pl.int_range(pl.len()).over("text")
    # Without the trifle, 7 of 10 would be rounded up to 8.
    rare = ranked.filter(place <= size - (size * LEAST - 1e-9).ceil())
    return rare.join(others, on="gram").select(one="text", two="text_right").unique()
