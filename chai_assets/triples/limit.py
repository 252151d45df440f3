"""How long a merged caption may be, in the tokens of the video generator that reads it."""

from functools import cached_property

import dagster as dg
from pydantic import PositiveInt

from chai_assets.core.token_count import GENERATOR_TOKENS, TokenCounter, token_counter

_WORDS_A_TOKEN = 0.65
"""For the prompt, because models count words and not tokens. The estimate finds 0.70 in plain English captions."""


class MergeLimit(dg.ConfigurableResource):
    """The limit, and how tokens are counted: just as the export does."""

    tokens: PositiveInt = GENERATOR_TOKENS
    tokenizer: str = ""
    """Path of a spiece.model; empty to estimate."""

    @property
    def words(self) -> int:
        """Words that stay under the limit."""
        return max(1, int(self.tokens * _WORDS_A_TOKEN))

    def count(self, text: str) -> int:
        """Tokens of a text. Raises ValueError for a vocabulary that is none."""
        return self._counter.count([" ".join(text.split())])[0]

    @cached_property
    def _counter(self) -> TokenCounter:
        return token_counter(self.tokenizer)
