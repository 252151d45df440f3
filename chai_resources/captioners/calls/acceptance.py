"""Which answers of a model never reach a person: empty, cut off, refused, going round in circles, other language.

Pure. A text that passes may still be a bad caption: that is for people to say.
"""

import json
import re
from collections import Counter
from typing import Any

from chai_resources.captioners.protocol import CaptionError

_FINISHED = frozenset({"stop", "eos_token", "end_turn", ""})
_REFUSED = frozenset({"refusal", "content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii"})
_REFUSED |= {"image_safety", "model_armor"}
_CUT_OFF = frozenset({"length", "max_tokens"})

# Only at the start: a caption may well quote a sign that says sorry.
_REFUSAL = re.compile(
    r"\W*(i(?:['’]?m| am) (?:very sorry|sorry|not able|unable)\b|sorry,|sorry i\b|i (?:can(?:no|['’])t|won['’]t)\b"
    r"|as an ai\b|unfortunately, i\b|i do not have the ability\b)",
    re.IGNORECASE,
)
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_FORM = "try CHAI_MODEL_STRUCTURED=yes, or another model"
_RUN = 8
"""Words of a run that is counted."""
_TIMES = 4
"""So often does no caption repeat a run of that length; a model that loops does."""
_FOREIGN = 0.2
"""Share of letters outside the Latin script from which on a text is not English. A quoted sign stays far below."""


def fault(text: str, finish_reason: str, structured: bool = False) -> CaptionError | None:
    """Why this answer may not be used, with the remedy; None where it may. Finish reasons in small letters.

    `structured`: it has to be a JSON object.
    """
    if finish_reason in _CUT_OFF:
        return _permanent("truncated", "the answer was cut off at the token limit: raise CHAI_MODEL_MAX_TOKENS")
    if finish_reason in _REFUSED:
        return CaptionError("blocked", "refused", f"the model stopped with {finish_reason}: caption this clip by hand")
    if finish_reason not in _FINISHED:
        return CaptionError("retryable", "unfinished", f"the model stopped with {finish_reason}: run again")
    if not text.strip():
        return _permanent("empty", "the model answered nothing: try another model")
    if _REFUSAL.match(text):
        return CaptionError("blocked", "refused", f"the model refused ({text.strip()[:80]!r}): caption it by hand")
    if structured and json_object(text) is None:
        return _permanent("no_json", f"the answer is not the JSON that was asked for ({text.strip()[:40]!r}): {_FORM}")
    if not structured and _circles(text):  # the names of fields repeat themselves
        return _permanent("repeated", "the answer goes round in circles: try another model or sampling")
    if _foreign(text) > _FOREIGN:
        return _permanent("language", f"the answer is not English ({text.strip()[:40]!r}): say so in the prompt")
    return None


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that an answer is, in a code fence or without; None where it is none."""
    fenced = _FENCE.fullmatch(text.strip())
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _permanent(code: str, message: str) -> CaptionError:
    return CaptionError("permanent", code, message)


def _circles(text: str) -> bool:
    said = text.lower().split()
    runs = Counter(tuple(said[at : at + _RUN]) for at in range(len(said) - _RUN + 1))
    return any(times >= _TIMES for times in runs.values())


def _foreign(text: str) -> float:
    letters = [letter for letter in text if letter.isalpha()]
    # The Latin script ends with its extended part B.
    return sum(ord(letter) > 0x24F for letter in letters) / max(1, len(letters))
