"""Reading what a server sent, whatever it sent: JSON of any form, and results in which nothing can do harm.

Answers are paid by the time they are read, so nothing here raises for one odd value: it counts as not there.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from chai_resources.captioners.protocol import Call, CaptionError, Result

MOST_TOKENS = 10_000_000
"""Of one call; a server that tells of more has counted wrong."""
LONGEST_RAW = 1_000_000
"""Characters of an answer that are kept as it came."""
_LONGEST_MESSAGE, _LONGEST_NAME = 1_000, 200
_DIGITS = 18
_HALF = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parsed(data: bytes | str) -> Any:
    """The JSON value of what a server sent; a number that no column holds reads as null.

    Raises ValueError for what is no JSON.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    try:
        return json.loads(
            text.lstrip("\ufeff"),
            strict=False,
            parse_int=lambda digits: int(digits) if len(digits) <= _DIGITS else None,
            parse_float=_finite,
            parse_constant=lambda name: None,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def at(value: Any, *path: str | int) -> Any:
    """What stands at a path of names and places; None where there is nothing of the kind."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
    return value


def items(value: Any, *path: str | int) -> list[Any]:
    """The list at a path; an empty one where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def word(value: Any, *path: str | int) -> str:
    """The text at a path; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def count(value: Any, *path: str | int) -> int:
    """The number of tokens at a path; 0 where there is none that can be meant."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= MOST_TOKENS:
        return 0
    return int(found)


def number(value: Any, *path: str | int) -> float | None:
    """The finite number at a path."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def plain(text: object, longest: int = _LONGEST_MESSAGE) -> str:
    """A text as a message or a name may hold it: short, and of characters that can be stored and seen."""
    said = text if isinstance(text, str) else str(text)
    seen = _UNSEEN.sub(" ", storable(said[: longest + 1]))
    return seen if len(seen) <= longest else f"{seen[: longest - 2]} …"


def storable(text: str) -> str:
    """A text that UTF-8 can hold: half characters are spelt out."""
    return text.encode("utf-8", "backslashreplace").decode() if _HALF.search(text) else text


def harmless(result: Result) -> Result:
    """A result that every table and store takes, whatever the server put into it."""
    error = result.error and CaptionError(
        result.error.kind, plain(result.error.code, _LONGEST_NAME), plain(result.error.message)
    )
    return replace(
        result,
        served_revision=plain(result.served_revision, _LONGEST_NAME),
        finish_reason=plain(result.finish_reason, _LONGEST_NAME),
        error=error,
        raw=None if result.raw is None else storable(result.raw[:LONGEST_RAW]),
        calls=tuple(_harmless_call(call) for call in result.calls),
    )


def _harmless_call(call: Call) -> Call:
    return replace(call, outcome=plain(call.outcome, _LONGEST_NAME))


def plain_error(status: int, body: bytes) -> bytes:
    """The body of a refusal in the one form that both SDKs read: an object with an object `error`."""
    try:
        value = parsed(body)
    except ValueError:
        value = None
    # Gemini wraps it in a list where a stream was meant.
    value = value[0] if isinstance(value, list) and value else value
    error = at(value, "error")
    if not isinstance(error, dict):
        named = value if isinstance(value, dict) else {}
        said = error if isinstance(error, str) else word(named, "message") or word(named, "detail")
        error = {**_named(named), "message": said or body[:_LONGEST_MESSAGE].decode("utf-8", "replace")}
    details = [part for part in items(error, "details") if isinstance(part, dict)]
    message = error.get("message") if isinstance(error.get("message"), str) else json.dumps(error)[:_LONGEST_MESSAGE]
    plainly: dict[str, Any] = {**_named(error), "message": plain(message or f"status {status}")}
    return json.dumps({"error": {**plainly, **({"details": details[:20]} if details else {})}}).encode()


def _named(error: dict[str, Any]) -> dict[str, Any]:
    return {name: _short(error[name]) for name in ("code", "status", "type", "param") if _is_name(error.get(name))}


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _short(value: str | int) -> str | int:
    return plain(value, _LONGEST_NAME) if isinstance(value, str) else value


def joined_text(parts: Iterable[Any], kinds: tuple[str, ...]) -> str:
    """The text of a message's parts: of those that are plain text, or have one of these types or none."""
    said = (part if isinstance(part, str) else word(part, "text") for part in parts if _is_text(part, kinds))
    return "".join(said)


def _is_text(part: Any, kinds: tuple[str, ...]) -> bool:
    return isinstance(part, str) or at(part, "type") is None or at(part, "type") in kinds
