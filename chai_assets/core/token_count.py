"""How many tokens a video generator makes of a text.

With the vocabulary that CHAI_TOKENIZER names the count is exact; without one it is an estimate, which errs on the
long side.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from chai_resources.errors import UnusableInput

GENERATOR_TOKENS = 512
"""Tokens that Wan's text encoder reads, the one that ends the text included."""

END_TOKEN = 1


class TokenCounter(Protocol):
    """Counts tokens; `name` says in a manifest how."""

    @property
    def name(self) -> str: ...

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text, the one that ends a text included."""
        ...


@dataclass(frozen=True)
class EstimatingCounter:
    """Counts without a vocabulary: five letters, a digit, a sign or any character beyond ASCII are a token each.

    Vocabularies like umT5's hold common words whole and seldom cut others finer than that, so the estimate lies
    above their counts: a caption may be cut that was short enough, but the generator never cuts one.
    """

    name: str = "estimate (a token for up to 5 letters of a word, a digit, a sign, a character beyond ASCII)"

    def count(self, texts: list[str]) -> list[int]:
        pieces = pl.Series(texts, dtype=pl.String).str.count_matches(r"[A-Za-z]{1,5}|[^A-Za-z\s]")
        return (pieces + END_TOKEN).to_list()


ESTIMATING_COUNTER = EstimatingCounter()


class VocabularyCounter:
    """Counts with a SentencePiece vocabulary: the `spiece.model` of the generator's text encoder.

    Raises UnusableInput where the file is none.
    """

    def __init__(self, path: Path) -> None:
        # The package has no types, and takes long to load, so only whoever needs it imports it.
        import sentencepiece  # pyright: ignore[reportMissingTypeStubs]

        try:
            self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(path))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, RuntimeError) as error:
            raise UnusableInput(
                f"CHAI_TOKENIZER={path} is no SentencePiece vocabulary ({error}): give the path of a spiece.model, "
                "or unset it to estimate token counts"
            ) from error
        self.name = f"SentencePiece vocabulary {path.name}, sha256 {digest}"

    def count(self, texts: list[str]) -> list[int]:
        return [len(pieces) + END_TOKEN for pieces in self._processor.encode(texts, num_threads=os.cpu_count() or 1)]


def token_counter(vocabulary: str) -> TokenCounter:
    """The counter for this setting: a vocabulary's path, or empty for the estimate."""
    return VocabularyCounter(Path(vocabulary)) if vocabulary else ESTIMATING_COUNTER
