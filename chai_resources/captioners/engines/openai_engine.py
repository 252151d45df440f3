"""The engine `openai`: OpenAI, or any server that speaks its chat completions (vLLM among them).

OpenAI has no video part, so a clip goes out as frames; a server that takes `video_url` gets the clip whole.
The clip comes first in the message, so that the requests of a clip share a prefix.
"""

import base64
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chai_resources.captioners.calls.answer_body import at, count, items, joined_text, number, parsed, plain, word
from chai_resources.captioners.calls.api_keys import key_of
from chai_resources.captioners.calls.model_choice import (
    ModelChoice,
    garbled,
    no_structure,
    unreachable,
    unreadable_clip,
)
from chai_resources.captioners.calls.network_captioner import CallFailed, CallingCaptioner
from chai_resources.captioners.engines.clip_payload import OncePerClip
from chai_resources.captioners.engines.fleet import CONNECT_S, Fleet
from chai_resources.captioners.engines.frames import sampled_frames
from chai_resources.captioners.engines.logprobs import TOP, no_logprobs, of_choices
from chai_resources.captioners.protocol import Capabilities, CaptionError, ClipMedia, Identity, Request, Result
from chai_resources.media_store import MediaError, MediaStore

if TYPE_CHECKING:
    import openai

API = "https://api.openai.com/v1"
"""Named, so that no variable of the SDK's own sends calls elsewhere."""
_BLOCKED = ("content_filter", "content_policy_violation")
_FORM = ("response_format", "json_schema", "structured output")
"""What servers call the form of an answer when they refuse to keep to it."""
_TEXT_PARTS = ("text", "output_text")


def openai_captioner(choice: ModelChoice, media: MediaStore) -> CallingCaptioner:
    """The engine for this model. Raises ModelRefused where it is not pinned or the key is missing."""
    who = identity_of(choice)
    fleet = Fleet(
        {
            server.place: Chat(client_of(server, key_of(server, "OPENAI_API_KEY")), server, media)
            for server in choice.servers()
        }
    )
    return CallingCaptioner(
        fleet,
        model=who.model,
        revision=who.revision,
        capabilities=who.capabilities,
        pace=choice.pace,
        begin=fleet.begin,
    )


def identity_of(choice: ModelChoice) -> Identity:
    """Who answers. Raises ModelRefused where it is not pinned."""
    choice.check()
    return Identity(choice.model, revision_of(choice), Capabilities(network=True, logprobs=True))


def client_of(server: ModelChoice, key: str) -> "openai.OpenAI":
    """The SDK, talking to this server with this key."""
    import openai

    from chai_resources.captioners.calls.bounded_http import BoundedClient

    return openai.OpenAI(
        api_key=key,
        base_url=server.url or API,
        http_client=BoundedClient(server.timeout_s, CONNECT_S),
        max_retries=0,  # retries are counted, paced and bounded in `network_captioner.py`
    )


def revision_of(choice: ModelChoice) -> str:
    """What, besides the model, decides an answer."""
    view = "whole video" if choice.whole_video else f"{choice.fps:g} fps, at most {choice.frames} frames"
    return f"chat-1 ({view}, {choice.max_tokens} tokens)"


class ChatRequestBuilder:
    """Makes the body of a call: the clip first, then the prompt.

    `by_path`: the server may read clips from the media store's folder by itself.
    """

    def __init__(self, choice: ModelChoice, media: MediaStore, by_path: bool = False) -> None:
        self._choice, self._media, self._by_path = choice, media, by_path
        self._payloads: OncePerClip[list[dict[str, Any]]] = OncePerClip(choice.clips_at_once)

    def body(self, request: Request) -> dict[str, Any]:
        """The body of a chat completion. Raises CallFailed for a clip that cannot be read."""
        content = [*self._clip(request), {"type": "text", "text": request.prompt}]
        messages = [{"role": "user", "content": content}]
        body = {"model": self._choice.model, "messages": messages, **self._length(request), **request.sampling}
        if request.schema and self._choice.structured:
            form = {"name": request.task, "schema": request.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def _length(self, request: Request) -> dict[str, Any]:
        if not request.choices:
            return {"max_completion_tokens": self._choice.max_tokens}
        return {"max_completion_tokens": 1, "logprobs": True, "top_logprobs": TOP}

    def _clip(self, request: Request) -> list[dict[str, Any]]:
        if (clip := request.media) is None:
            return []
        try:
            return self._payloads.get(clip.key, lambda: self._parts(clip))
        except (MediaError, OSError, ValueError) as error:
            raise unreadable_clip(request, error) from error

    def _parts(self, clip: ClipMedia) -> list[dict[str, Any]]:
        with self._media.local_copy(clip.key) as path:
            if self._choice.whole_video:
                url = _path_uri(path) if self._by_path else _data_uri(path.read_bytes(), clip.mime)
                return [{"type": "video_url", "video_url": {"url": url}}]
            frames = sampled_frames(path, self._choice.fps, self._choice.frames)
        return [{"type": "image_url", "image_url": {"url": _data_uri(frame, "image/jpeg")}} for frame in frames]


@contextmanager
def failures(place: str, request: Request | None = None) -> Iterator[None]:
    """Turns what the SDK raises into CallFailed."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        retry = retry_after(error.response.headers)
        raise refused(error.status_code, error.code, plain(error.message), retry, request) from error
    except openai.APIConnectionError as error:
        raise unreachable(error.__cause__ or error, place) from error
    except (openai.APIError, ValueError) as error:
        raise garbled(f"an answer that is none: {error}") from error


class Chat:
    """One chat completion a call."""

    def __init__(self, client: "openai.OpenAI", choice: ModelChoice, media: MediaStore, by_path: bool = False) -> None:
        self._client, self._choice, self._builder = client, choice, ChatRequestBuilder(choice, media, by_path)

    def __call__(self, request: Request) -> Result:
        body = self._builder.body(request)
        with failures(self._choice.place, request):
            # A server that remembers it answers a repeated call without doing the work twice.
            answer = self._client.chat.completions.with_raw_response.create(
                **body, extra_headers={"Idempotency-Key": request.hash}
            )
            said = answer.http_response.content
        return read_answer(request, self._choice.model, json_of(said))


def _data_uri(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _path_uri(path: Path) -> str:
    path.stat()  # a missing clip is this row's own error, as where it is read here
    return path.as_uri()


def json_of(body: bytes) -> Any:
    """The JSON that a server sent as an answer. Raises CallFailed for what is none."""
    try:
        return parsed(body)
    except ValueError as error:
        raise garbled(
            f"an answer that is none ({plain(error, 100)}): {plain(body[:80].decode('utf-8', 'replace'))!r}"
        ) from error


def read_answer(request: Request, model: str, answer: Any) -> Result:
    """Reads a completion leniently: compatible servers leave fields out, or fill them in their own way.

    Raises CallFailed where there is no completion.
    """
    choice = next((each for each in items(answer, "choices") if isinstance(each, dict)), None)
    if choice is None:
        if error := at(answer, "error"):  # routers answer 200 with the error of the model behind them
            raise _refused_inside(error, request)
        raise garbled("an answer without choices")
    refusal = _refusal(choice)
    served = "/".join(part for part in (word(answer, "model"), word(answer, "system_fingerprint")) if part)
    finish = "refusal" if refusal else word(choice, "finish_reason").lower()
    first = _first_token(choice) if request.choices else {}
    if request.choices and finish in ("stop", "length"):
        finish = "stop"  # one token was asked for
        if not first:
            raise no_logprobs("it answered without log-probabilities", charged="unknown")
    return Result(
        key=request.key,
        model=model,
        served_revision=served,
        text=_text(choice) or max(first, key=first.__getitem__, default=""),
        finish_reason=finish,
        tokens_in=count(answer, "usage", "prompt_tokens"),
        tokens_cached=count(answer, "usage", "prompt_tokens_details", "cached_tokens"),
        tokens_out=count(answer, "usage", "completion_tokens"),
        logprobs=of_choices(request.choices, first),
    )


def _text(choice: dict[str, Any]) -> str:
    """The text of a message: a string, or a list of parts. What it reasons (`reasoning_content`) is no part of it."""
    content = at(choice, "message", "content")
    if isinstance(content, list):
        return joined_text(content, _TEXT_PARTS)
    return content if isinstance(content, str) else word(content, "text") or word(choice, "text")


def _refusal(choice: dict[str, Any]) -> str:
    parts = items(choice, "message", "content")
    return word(choice, "message", "refusal") or next((word(p, "refusal") for p in parts if word(p, "refusal")), "")


def _first_token(choice: dict[str, Any]) -> dict[str, float]:
    """The likeliest first tokens of an answer with their log-probabilities; none where the server gives none."""
    first = at(choice, "logprobs", "content", 0)
    told = ((word(top, "token"), number(top, "logprob")) for top in (*items(first, "top_logprobs"), first))
    return {token: value for token, value in told if token and value is not None}


def _refused_inside(error: Any, request: Request) -> CallFailed:
    """An error that came as an answer: its code is a status, or a name."""
    code = at(error, "code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    said = error if isinstance(error, str) else word(error, "message")
    return refused(status, code if isinstance(code, str) else None, plain(said), request=request)


def refused(
    status: int, named: str | None, said: str, pause: float | None = None, request: Request | None = None
) -> CallFailed:
    """What a status other than 200 means for the request, and for all others."""
    code, judge = str(named or status), _BY_STATUS.get(status)
    if code in _BLOCKED or (status == 403 and "input was flagged" in said):  # routers in front of models say it so
        return CallFailed(CaptionError("blocked", code, f"refused on content: {said}; caption this clip by hand"))
    if code == "insufficient_quota" or code.startswith("billing") or status == 402:
        remedy = "raise the quota or set another key, then run again"
        return CallFailed(CaptionError("retryable", code, f"the quota is used up ({said}): {remedy}"), stops=True)
    if request and request.choices and status in (400, 403) and "logprobs" in said:
        return no_logprobs(said)
    if request and request.schema and status == 400 and any(word in said for word in _FORM):
        return no_structure(code, said)
    if code in _BY_CODE:
        return _BY_CODE[code](code, said)
    if code == "unsupported_parameter":
        return _stop("this server does not take what the engine sends; set CHAI_MODEL to another model")(code, said)
    if judge:
        return judge(code, said)
    if _too_much(status, code, said):
        remedy = "lower CHAI_MODEL_FRAMES, or set CHAI_MODEL to one that takes more"
        return CallFailed(CaptionError("permanent", code, f"the request is too large ({said}): {remedy}"))
    if status == 429 or status >= 500 or status in (408, 409, 425, 499):
        return CallFailed(CaptionError("retryable", code, said), retry_after_s=pause)
    return CallFailed(CaptionError("permanent", code, f"the request is not accepted: {said}"))


def _too_much(status: int, code: str, said: str) -> bool:
    """Whether a request is too large by itself: it would be in an hour as well."""
    return status == 413 or code == "context_length_exceeded" or (status == 429 and "Request too large" in said)


def retry_after(headers: Any) -> float | None:
    """Seconds the server asks to wait, from Retry-After; None where it does not say."""
    return pause_of(headers.get("retry-after", ""))


def pause_of(said: str) -> float | None:
    """Seconds from now, said as a number or as an HTTP date; 0 for the past, None for what is neither."""
    try:
        seconds = float(said)
    except ValueError:
        try:
            at = parsedate_to_datetime(said)
        except (ValueError, OverflowError):
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _stop(remedy: str) -> Callable[[str, str], CallFailed]:
    return lambda code, said: CallFailed(CaptionError("retryable", code, f"{said}: {remedy}"), stops=True)


# Nothing was charged, and every other request would fail alike: not held against the row.
_BY_STATUS = {
    401: _stop("set OPENAI_API_KEY, then run again"),
    403: _stop("this key may not use the model; ask for access or set CHAI_MODEL"),
    404: _stop("set CHAI_MODEL to a model the server has (and CHAI_MODEL_URL to the right server)"),
    405: _stop("set CHAI_MODEL_URL to the address of the API, with /v1"),
    410: _stop("set CHAI_MODEL to a model the server still has"),
    426: _stop("set CHAI_MODEL_URL to the address that the server names"),
    501: _stop("set CHAI_MODEL_URL to a server of chat completions"),
} | dict.fromkeys(range(300, 400), _stop("the server sends calls elsewhere: set CHAI_MODEL_URL to where it sends them"))
_BY_CODE = {
    "invalid_api_key": _BY_STATUS[401],
    "model_not_found": _BY_STATUS[404],
    "model_decommissioned": _BY_STATUS[410],
    "unsupported_country_region_territory": _stop("ask from a country that the provider serves"),
}
