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

    return openai.OpenAI(
        api_key=key,
        base_url=server.url or API,
        timeout=openai.Timeout(server.timeout_s, connect=min(CONNECT_S, server.timeout_s)),
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
        raise refused(error.status_code, error.code, str(error.message), retry, request) from error
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
            answer = self._client.chat.completions.create(**body, extra_headers={"Idempotency-Key": request.hash})
        return read_answer(request, self._choice.model, answer)


def _data_uri(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _path_uri(path: Path) -> str:
    path.stat()  # a missing clip is this row's own error, as where it is read here
    return path.as_uri()


def read_answer(request: Request, model: str, answer: Any) -> Result:
    """Reads a completion leniently: compatible servers leave fields out. Raises CallFailed."""
    choices = getattr(answer, "choices", None)
    if not choices:
        raise garbled("an answer without choices")
    message, usage = choices[0].message, answer.usage
    refusal = getattr(message, "refusal", None)
    served = "/".join(part for part in (answer.model, answer.system_fingerprint) if part)
    finish = "refusal" if refusal else str(choices[0].finish_reason or "").lower()
    first = _first_token(choices[0]) if request.choices else {}
    if request.choices and finish in ("stop", "length"):
        finish = "stop"  # one token was asked for
        if not first:
            raise no_logprobs("it answered without log-probabilities", charged="unknown")
    return Result(
        key=request.key,
        model=model,
        served_revision=served,
        text=message.content or max(first, key=first.__getitem__, default=""),
        finish_reason=finish,
        tokens_in=(usage.prompt_tokens if usage else None) or 0,
        tokens_cached=(getattr(usage.prompt_tokens_details, "cached_tokens", None) or 0) if usage else 0,
        tokens_out=(usage.completion_tokens if usage else None) or 0,
        logprobs=of_choices(request.choices, first),
    )


def _first_token(choice: Any) -> dict[str, float]:
    """The likeliest first tokens of an answer with their log-probabilities; none where the server gives none."""
    content = getattr(choice.logprobs, "content", None) or []
    return {top.token: top.logprob for top in (*content[0].top_logprobs, content[0])} if content else {}


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
    if code == "unsupported_parameter":
        return _stop("this server does not take what the engine sends; set CHAI_MODEL to another model")(code, said)
    if judge:
        return judge(code, said)
    if status == 429 or status >= 500 or status in (408, 409):
        return CallFailed(CaptionError("retryable", code, said), retry_after_s=pause)
    return CallFailed(CaptionError("permanent", code, f"the request is not accepted: {said}"))


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
}
