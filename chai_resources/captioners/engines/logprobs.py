"""How likely a model was to say Yes: the first token's raw log-probabilities, and what follows from them. Pure.

Raw means of all tokens, before any choice is cut down; vLLM gives them so unless its `--logprobs-mode` says otherwise.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from chai_resources.captioners.calls.network_captioner import CallFailed
from chai_resources.captioners.protocol import CaptionError

TOP = 20
"""Likeliest tokens that are asked for: the most that OpenAI, vLLM and Gemini give."""
_IMPOSSIBLE = -9000.0
"""OpenAI and vLLM write -9999 for a token whose probability they do not tell."""
# White space as SentencePiece and byte-level vocabularies write it, where a server shows the raw token.
_SPACE = " \t\r\n\u2581\u0120\u010a"

Logprobs = Mapping[str, float | None]


def of_choices(choices: Iterable[str], tokens: Mapping[str, float]) -> dict[str, float | None]:
    """The log-probability of each choice, of the likeliest first tokens of an answer; None if it is not among them.

    "Yes", " Yes", "yes" and "YES" are tokens of their own that say the same, so their probabilities are added: case
    and the white space around a token do not count. Anything else does ("Y" and "Yes," are no Yes).
    """
    told = {token: value for token, value in tokens.items() if value > _IMPOSSIBLE}
    found: dict[str, float | None] = {}
    for choice in choices:
        same = [value for token, value in told.items() if token.strip(_SPACE).casefold() == choice.casefold()]
        found[choice] = _added(same) if same else None
    return found


def p_yes(logprobs: Logprobs) -> float:
    """The raw probability of Yes; 0 where Yes was not among the likeliest tokens."""
    value = logprobs.get("Yes")
    return 0.0 if value is None else math.exp(value)


def yes_of_both(logprobs: Logprobs) -> float | None:
    """Yes / (Yes + No): how the two compare whatever else the model might have said; None where neither was told."""
    yes, no = logprobs.get("Yes"), logprobs.get("No")
    if yes is None or no is None:
        return None if yes is no else float(no is None)
    # By the difference, which two very unlikely choices do not lose.
    return 1 / (1 + math.exp(min(700.0, no - yes)))


def _added(values: list[float]) -> float:
    """The logarithm of the sum of probabilities given by theirs; a hair above 1 is the server's rounding."""
    most = max(values)
    return min(0.0, most + math.log(sum(math.exp(value - most) for value in values)))


def no_logprobs(said: str, charged: Literal["no", "unknown"] = "no") -> CallFailed:
    """A model or server that does not tell log-probabilities: no other request can do better."""
    remedy = "set CHAI_MODEL to one that tells log-probabilities (vLLM: --max-logprobs 20, the default)"
    return CallFailed(CaptionError("retryable", "no_logprobs", f"{said}: {remedy}"), stops=True, charged=charged)
