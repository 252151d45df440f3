"""What the body of a write may hold, whoever sends it: JSON that can be stored, and listed again afterwards.

Label Studio stores half a character or a number that is not finite, and from then on every list with that task is an
error. Here such a body is refused first, in words for the person who sent it. What an answer may say is in answers.py.
"""
# pyright: reportMissingImports=false

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

READS = {"GET", "HEAD", "OPTIONS"}
# What a labeling page or a form sends; 500 texts of 4,000 characters would be twice that, and no page has them.
LARGEST_BODY = 1_000_000
LARGE_BODIES = re.compile(r"/api/(projects/\d+/(re)?import|tasks|predictions)/?\Z")
"""Where tasks come in: the service account alone writes there, a thousand tasks at once."""
ONE_ANSWER = re.compile(r"/api/annotations/\d+/?\Z")
DEEPEST = 32
"""Lists and objects within one another: the pages' answers have five, and Label Studio fails from some hundred on."""
LARGEST_NUMBER = 2**53
"""Whole numbers beyond it are others in a browser, and from 2**63 on no database takes them."""
PARSED_AGAIN = {"result"}
"""Keys whose text Label Studio reads as JSON."""
READ_AS_NUMBER = {"lead_time", "score"}
"""Keys whose text Label Studio reads as a number."""


class Unstorable(ValueError):
    """A body that Label Studio cannot store or list again; the words are shown to who sent it."""


class StorableBodies:
    """Django middleware. Must come before the role guard, which reads bodies too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in READS:
            try:
                _check(request)
            except Unstorable as why:
                return JsonResponse({"detail": str(why)}, status=400)
        return self.get_response(request)


def check_json(text: str) -> Any:
    """The value of a JSON text. Raises Unstorable if it cannot be stored or meant, JSONDecodeError if it is no JSON."""
    try:
        value = json.loads(
            text, parse_constant=_no_number, parse_float=_finite, parse_int=_whole, object_pairs_hook=_object
        )
    except RecursionError:
        raise Unstorable(_TOO_DEEP) from None
    _check_value(value)
    return value


_TOO_DEEP = f"the request has more than {DEEPEST} lists and objects within one another"


def _check(request: HttpRequest) -> None:
    if re.search(r"\d{19}", request.path_info):
        raise Unstorable("no such page: a number in the address is too long")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not LARGE_BODIES.match(request.path_info) and (not length.isdecimal() or int(length[:19]) > LARGEST_BODY):
        raise Unstorable(f"the request is larger than {LARGEST_BODY:,} bytes; shorten what was typed, and submit again")
    if request.content_type == "application/x-www-form-urlencoded":
        if b"%00" in request.body or b"\0" in request.body:
            raise Unstorable("the form holds a character that no text can have (NUL); type it anew")
    elif "json" in (request.content_type or "").lower() and request.body.strip():
        try:
            text = request.body.decode("utf-8")
        except UnicodeDecodeError:
            raise Unstorable("the request is not UTF-8") from None
        with suppress(json.JSONDecodeError):  # Label Studio reads it the same way, and says so itself
            body = check_json(text)
            # Out of its project, an answer can be neither read nor changed any more, by anybody.
            if ONE_ANSWER.match(request.path_info) and isinstance(body, dict) and not body.get("project", True):
                raise Unstorable("an answer must stay in its project")


def _check_value(value: Any) -> None:
    """Raises Unstorable for a text, a name or a result within the value that Label Studio would fail on."""
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, list):
                below += item
            elif isinstance(item, dict):
                for key, held in item.items():
                    _check_text(key)
                    if isinstance(held, str):
                        _check_named(key, held)
                    if key == "result":
                        _check_result(held)
                below += item.values()
        if not below:
            return
        level = below
    raise Unstorable(_TOO_DEEP)


def _check_result(result: object) -> None:
    """A draft of what is no answer is stored, and then no answer beside it can be any more."""
    if isinstance(result, list) and not all(map(_is_region, result)):
        raise Unstorable("the result holds something that is no answer; load the page again")


def _is_region(part: Any) -> bool:
    """Whether a part of a result has the form by which Label Studio counts and deletes it."""
    if not isinstance(part, dict) or not isinstance(part.get("value", {}), dict):
        return False
    return all(isinstance(part.get(name, ""), str) for name in ("from_name", "to_name", "type"))


def _check_named(key: str, text: str) -> None:
    """A text that Label Studio reads as something else must be storable as that."""
    if key in PARSED_AGAIN and text.strip():
        try:
            _check_result(check_json(text))
        except json.JSONDecodeError:
            raise Unstorable(f"{key} is a text that is not JSON") from None
    if key in READ_AS_NUMBER:
        try:
            _finite(text)
        except (ValueError, OverflowError):
            raise Unstorable(f"{key} is not a number") from None


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Unstorable("a text holds a character that no text can have (NUL); type it anew")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unstorable("a text holds half a character, perhaps of an emoji; type it anew") from None


def _no_number(name: str) -> float:
    raise Unstorable(f"{name} is no number that can be stored")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unstorable(f"{text[:20]} is no number that can be stored")
    return number


def _whole(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST_NUMBER:
        raise Unstorable(f"the whole number {text[:20]} is too large")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Unstorable(f"the request says {twice[:40]!a} twice")
    return found
