"""How many tokens a video generator makes of a caption, and the caption cut to what the generator reads.

Wan reads 512 umT5 tokens and silently drops the rest. The count is exact with the vocabulary that CHAI_TOKENIZER
names; without one it is an estimate that errs on the long side.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from chai_assets.datasets.select.canonical_rows import LeftOut, left_out
from chai_assets.datasets.write.formats import plain

LIMIT = 512
"""Tokens that Wan's text encoder reads, the one that ends the text included."""
_END = 1
# Begins with the space, which is searched for fastest; white space is single by then.
_SENTENCE_END = re.compile(r""" (?:(?<=[.!?…] )|(?<=[.!?…]["'”’)] ))""")


class Counter(Protocol):
    """Counts tokens; `name` says in a manifest how."""

    @property
    def name(self) -> str: ...

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, the one that ends a text included."""
        ...


@dataclass(frozen=True)
class Estimate:
    """Counts without a vocabulary: five letters, a digit, a sign or any character beyond ASCII are a token each.

    Vocabularies like umT5's hold common words whole and seldom cut others finer than that, so the estimate lies
    above their counts: it rather cuts a caption that was short enough than lets the generator cut one.
    """

    name: str = "estimate (a token for up to 5 letters of a word, a digit, a sign, a character beyond ASCII)"

    def count(self, texts: list[str]) -> list[int]:
        pieces = pl.Series(texts, dtype=pl.String).str.count_matches(r"[A-Za-z]{1,5}|[^A-Za-z\s]")
        return (pieces + _END).to_list()


ESTIMATE = Estimate()


class Vocabulary:
    """Counts with a SentencePiece vocabulary: the `spiece.model` of the generator's text encoder.

    Raises ValueError where the file is none.
    """

    def __init__(self, path: Path) -> None:
        # The package has no types, and takes a while to load: only who counts with it pays.
        import sentencepiece  # pyright: ignore[reportMissingTypeStubs]

        try:
            self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(path))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, RuntimeError) as error:
            raise ValueError(
                f"CHAI_TOKENIZER={path} is no SentencePiece vocabulary ({error}): give the path of a spiece.model, "
                "or unset it to estimate token counts"
            ) from error
        self.name = f"SentencePiece vocabulary {path.name}, sha256 {digest}"

    def count(self, texts: list[str]) -> list[int]:
        return [len(pieces) + _END for pieces in self._processor.encode(texts, num_threads=os.cpu_count() or 1)]


def counter(vocabulary: str) -> Counter:
    """The counter for this setting: a vocabulary's path, or empty for the estimate."""
    return Vocabulary(Path(vocabulary)) if vocabulary else ESTIMATE


def within_limit(merged: pl.DataFrame, count: Counter, limit: int = LIMIT) -> tuple[pl.DataFrame, list[LeftOut]]:
    """Merged captions with `tokens`, `fits` and `prompt`: the caption as a generator is to read it.

    A caption over the limit is cut after its last whole sentence under it, rather than left out: the sentences
    stand in the order of the aspects, so what is lost is the least, and half a sentence would teach the generator
    to stop in the middle. `prompt` is null where not even the first sentence is short enough; such clips are counted
    as left out.
    """
    squeezed = plain(pl.col("caption")).str.replace_all(r"[\s\p{Cc}]+", " ").str.strip_chars()
    texts = merged.select(squeezed).to_series().to_list()
    tokens = count.count(texts)
    fits = [length <= limit for length in tokens]
    cut = iter(_cut([text for text, fit in zip(texts, fits, strict=True) if not fit], count, limit))
    prompts = [(text or None) if fit else next(cut) for text, fit in zip(texts, fits, strict=True)]
    sized = merged.with_columns(
        tokens=pl.Series(tokens, dtype=pl.UInt32),
        fits=pl.Series(fits, dtype=pl.Boolean),
        prompt=pl.Series(prompts, dtype=pl.String),
    )
    lost = sized.filter(pl.col("prompt").is_null())["clip_id"]
    return sized, left_out("generator prompt", f"it is blank, or its first sentence alone is over {limit} tokens", lost)


def _cut(texts: list[str], count: Counter, limit: int) -> list[str | None]:
    """Of each text, the longest run of whole sentences from its start within the limit; None if there is none."""
    split = [_SENTENCE_END.split(text) for text in texts]
    lengths = iter(count.count([sentence for sentences in split for sentence in sentences]))
    kept = []
    for sentences in split:
        ends = accumulate([next(lengths) - _END for _ in sentences], initial=_END)
        kept.append(sum(1 for end in ends if end <= limit) - 1)
    # A vocabulary may count a run as longer than its sentences one by one: what was kept is counted again.
    runs = [" ".join(sentences[:number]) for sentences, number in zip(split, kept, strict=True)]
    while over := [place for place, length in enumerate(count.count(runs)) if length > limit]:
        for place in over:
            kept[place] -= 1
            runs[place] = " ".join(split[place][: kept[place]])
    return [run or None for run in runs]
