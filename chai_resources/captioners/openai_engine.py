"""The engine `openai`: OpenAI, or any server that speaks its chat completions (vLLM among them).

OpenAI has no video part, so a clip goes out as frames; a server that takes `video_url` gets the clip whole.
The clip comes first in the message, so that the requests of a clip share a prefix.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chai_resources.captioners import Capabilities, CaptionError, Request, Result
from chai_resources.captioners.calling import CallFailed, CallingCaptioner
from chai_resources.captioners.frames import sampled_frames
from chai_resources.captioners.models import ModelChoice, garbled, unreachable, unreadable_clip
from chai_resources.media import Media, MediaError

if TYPE_CHECKING:
    import openai

API = "https://api.openai.com/v1"
"""Named, so that no variable of the SDK's own sends calls elsewhere."""
_BLOCKED = ("content_filter", "content_policy_violation")


def openai_captioner(choice: ModelChoice, media: Media) -> CallingCaptioner:
    """The engine for this model. Raises ModelRefused where it is not pinned or the key is missing."""
    client = client_of(choice)
    return CallingCaptioner(
        _Chat(client, choice, media),
        model=choice.model,
        revision=revision_of(choice),
        capabilities=Capabilities(network=True),
        pace=choice.pace,
    )


def client_of(choice: ModelChoice) -> "openai.OpenAI":
    """The SDK's client. Raises ModelRefused."""
    import openai

    choice.check()
    return openai.OpenAI(
        api_key=choice.key("OPENAI_API_KEY"),
        base_url=choice.url or API,
        timeout=choice.timeout_s,
        max_retries=0,  # retries are counted, paced and bounded in `calling.py`
    )


def revision_of(choice: ModelChoice) -> str:
    """What, besides the model, decides an answer."""
    shown = "whole video" if choice.whole_video else f"{choice.fps:g} fps, at most {choice.frames} frames"
    return f"chat-1 ({shown}, {choice.max_tokens} tokens)"


def chat_body(request: Request, choice: ModelChoice, media: Media) -> dict[str, Any]:
    """What a chat completion is asked with. Raises CallFailed for a clip that cannot be read."""
    content = [*_clip(request, choice, media), {"type": "text", "text": request.prompt}]
    return {
        "model": choice.model,
        "messages": [{"role": "user", "content": content}],
        "max_completion_tokens": choice.max_tokens,
        **request.sampling,
    }


@contextmanager
def failures(place: str) -> Iterator[None]:
    """Turns what the SDK raises into CallFailed."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        retry = retry_after(error.response.headers)
        raise refused(error.status_code, error.code, str(error.message), retry) from error
    except openai.APIConnectionError as error:
        raise unreachable(error.__cause__ or error, place) from error
    except (openai.APIError, ValueError) as error:
        raise garbled(f"an answer that is none: {error}") from error


class _Chat:
    """One chat completion a call."""

    def __init__(self, client: "openai.OpenAI", choice: ModelChoice, media: Media) -> None:
        self._client, self._choice, self._media = client, choice, media

    def __call__(self, request: Request) -> Result:
        body = chat_body(request, self._choice, self._media)
        with failures(self._choice.place):
            # A server that remembers it answers a repeated call without doing the work twice.
            answer = self._client.chat.completions.create(**body, extra_headers={"Idempotency-Key": request.hash})
        return read_answer(request, self._choice.model, answer)


def _clip(request: Request, choice: ModelChoice, media: Media) -> list[dict[str, Any]]:
    if request.media is None:
        return []
    try:
        with media.local_copy(request.media.key) as path:
            if choice.whole_video:
                data = base64.b64encode(path.read_bytes()).decode()
                return [{"type": "video_url", "video_url": {"url": f"data:{request.media.mime};base64,{data}"}}]
            frames = sampled_frames(path, choice.fps, choice.frames)
    except (MediaError, OSError, ValueError) as error:
        raise unreadable_clip(request, error) from error
    return [{"type": "image_url", "image_url": {"url": _data_uri(frame)}} for frame in frames]


def _data_uri(frame: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(frame).decode()}"


def read_answer(request: Request, model: str, answer: Any) -> Result:
    """Reads a completion leniently: compatible servers leave fields out. Raises CallFailed."""
    choices = getattr(answer, "choices", None)
    if not choices:
        raise garbled("an answer without choices")
    message, usage = choices[0].message, answer.usage
    refusal = getattr(message, "refusal", None)
    served = "/".join(part for part in (answer.model, answer.system_fingerprint) if part)
    return Result(
        key=request.key,
        model=model,
        served_revision=served,
        text=message.content or "",
        finish_reason="refusal" if refusal else str(choices[0].finish_reason or "").lower(),
        tokens_in=(usage.prompt_tokens if usage else None) or 0,
        tokens_cached=(getattr(usage.prompt_tokens_details, "cached_tokens", None) or 0) if usage else 0,
        tokens_out=(usage.completion_tokens if usage else None) or 0,
    )


def refused(status: int, named: str | None, said: str, pause: float | None = None) -> CallFailed:
    """What a status other than 200 means for the request, and for all others."""
    code, judge = str(named or status), _BY_STATUS.get(status)
    if code in _BLOCKED:
        return CallFailed(CaptionError("blocked", code, f"refused on content: {said}; caption this clip by hand"))
    if code == "insufficient_quota" or code.startswith("billing") or status == 402:
        remedy = "raise the quota or set another key, then run again"
        return CallFailed(CaptionError("retryable", code, f"the quota is used up ({said}): {remedy}"), stops=True)
    if code == "unsupported_parameter":
        return _stop("this server does not take what the engine sends; set CHAI_MODEL to another model")(code, said)
    if judge:
        return judge(code, said)
    if status == 429 or status >= 500 or status in (408, 409):
        return CallFailed(CaptionError("retryable", code, said), retry_after_s=pause)
    return CallFailed(CaptionError("permanent", code, f"the request is not accepted: {said}"))


def retry_after(headers: Any) -> float | None:
    """Seconds the server asks to wait, from Retry-After as a number; None where it does not say."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def _stop(remedy: str) -> Callable[[str, str], CallFailed]:
    return lambda code, said: CallFailed(CaptionError("retryable", code, f"{said}: {remedy}"), stops=True)


# Nothing was charged, and every other request would fail alike: not held against the row.
_BY_STATUS = {
    401: _stop("set OPENAI_API_KEY, then run again"),
    403: _stop("this key may not use the model; ask for access or set CHAI_MODEL"),
    404: _stop("set CHAI_MODEL to a model the server has (and CHAI_MODEL_URL to the right server)"),
}
