"""The engine `gemini`: Google's models by the google-genai SDK, which watch the clip as video.

A clip up to the inline limit goes out in the request; a longer one is uploaded once, so that the requests of a
clip share it, and once more where the provider has it no longer. The clip comes first, so that they share a prefix too.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from chai_resources.captioners.calls.answer_body import at, count, items, joined_text, number, plain, word
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
from chai_resources.captioners.engines.fleet import CONNECT_S
from chai_resources.captioners.engines.logprobs import TOP, no_logprobs, of_choices
from chai_resources.captioners.engines.openai_engine import json_of, pause_of, retry_after
from chai_resources.captioners.protocol import Capabilities, CaptionError, ClipMedia, Identity, Request, Result
from chai_resources.media_store import MediaError, MediaStore

if TYPE_CHECKING:
    from google import genai
    from google.genai import types

API = "https://generativelanguage.googleapis.com"
"""Named, so that no variable of the SDK's own sends calls elsewhere."""
API_VERSION = "v1beta"
INLINE_BYTES = 15_000_000
"""The limit of a request is 20 MB, and base64 adds a third to the clip."""
UPLOADS = 10_000
"""Uploaded clips that are known at a time; one that is forgotten is uploaded again."""
_FORM = ("response_json_schema", "responseJsonSchema", "response_mime_type", "response schema", "JSON mode")
"""What the API calls the form of an answer when a model cannot keep to it."""
OUTLIVES = timedelta(minutes=10)
"""An upload that the provider keeps for less is made again: a call and its retries take minutes."""
OUTLIVES_IN_BATCHES = timedelta(hours=24)
"""The same where a batch may take a day to come to it."""
FILE_GONE = "file_gone"
FILE_NOT_READY = "file_not_ready"
_OF_A_FILE = "permission to access the File"
"""How a 403 begins that is about a file, expired or another key's, and not about the key or the model."""
_A_FILE = re.compile(r"\bfiles/|\bthe file\b|\bfile\b.{0,80}\bnot (?:found|exist)", re.IGNORECASE)
"""How a refusal names a file: a model is never named so."""
_OF_THE_ACCOUNT = re.compile(r"billing|location|region|country|free tier|plan|account|terms", re.IGNORECASE)
_USED_UP = re.compile(r"PerDay|limit: 0\b|prepayment|credits|spending cap|billing account", re.IGNORECASE)
"""A quota that no pause within a run brings back."""
_POLL_S = 1.0
_READY_S = 120.0
"""A file that is not ready by then is asked for again by the next run."""


def gemini_captioner(choice: ModelChoice, media: MediaStore) -> CallingCaptioner:
    """The engine for this model. Raises ModelRefused where it is not pinned or the key is missing."""
    client, who = client_of(choice), identity_of(choice)
    return CallingCaptioner(
        _Generate(client, choice, media),
        model=who.model,
        revision=who.revision,
        capabilities=who.capabilities,
        pace=choice.pace,
    )


def identity_of(choice: ModelChoice) -> Identity:
    """Who answers. Raises ModelRefused where it is not pinned, or where several servers are named."""
    choice.check()
    choice.require_one_server()
    return Identity(choice.model, revision_of(choice), Capabilities(network=True, logprobs=True))


def client_of(choice: ModelChoice) -> "genai.Client":
    """The SDK's client. Raises ModelRefused."""
    from google import genai
    from google.genai import types

    from chai_resources.captioners.calls.bounded_http import BoundedClient

    choice.check()
    choice.require_one_server()
    return genai.Client(
        api_key=key_of(choice, "GEMINI_API_KEY"),
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=choice.url or API,
            api_version=API_VERSION,
            timeout=int(choice.timeout_s * 1000),
            httpx_client=BoundedClient(choice.timeout_s, CONNECT_S),
            # Retries are counted, paced and bounded in `network_captioner.py`.
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )


def revision_of(choice: ModelChoice) -> str:
    """What, besides the model, decides an answer."""
    return f"generate-1 (video at {choice.fps:g} fps, {choice.max_tokens} tokens)"


@contextmanager
def failures(place: str, request: Request | None = None) -> Iterator[None]:
    """Turns what the SDK raises into CallFailed."""
    from google.genai import errors

    from chai_resources.captioners.calls.bounded_http import BeyondBounds

    try:
        yield
    except errors.APIError as error:
        raise refused(error, request) from error
    except CallFailed:
        raise
    except Exception as error:
        # The SDK lets its HTTP library's errors through, whose classes are not part of its interface.
        of_the_network = type(error).__module__.startswith(("httpx", "httpcore"))
        if of_the_network or isinstance(error, OSError | BeyondBounds):
            raise unreachable(error, place) from error
        raise garbled(plain(f"an answer that is none: {error!r}")) from error


class GenerateRequestBuilder:
    """Makes the body of a call: the clip first, then the prompt."""

    def __init__(self, client: "genai.Client", choice: ModelChoice, media: MediaStore) -> None:
        self._client, self._choice, self._media = client, choice, media
        self._payloads: OncePerClip[types.Part] = OncePerClip(choice.clips_at_once)
        self._uploads: OncePerClip[types.FileData] = OncePerClip(UPLOADS)
        self._expire: dict[str, datetime] = {}
        self._outlives = OUTLIVES_IN_BATCHES if choice.batches else OUTLIVES

    def body(self, request: Request) -> tuple["types.Content", "types.GenerateContentConfig"]:
        """Contents and configuration. Raises CallFailed for a clip that cannot be read or uploaded."""
        from google.genai import types

        try:
            with failures(self._choice.place):
                parts = [*self._clip(request), types.Part(text=request.prompt)]
        except CallFailed as failed:
            # Nothing was generated yet, so nothing is billed.
            raise replace(failed, charged="no") from failed
        config = types.GenerateContentConfig(**self._length(request), **self._form(request), **request.sampling)
        return types.Content(role="user", parts=parts), config

    def forget(self, key: str, gone: Callable[["types.FileData"], bool]) -> None:
        """Lets a clip be uploaded again where this holds of its upload."""
        self._uploads.drop(key, gone)
        self._payloads.drop(key, lambda part: part.file_data is not None and gone(part.file_data))

    def _length(self, request: Request) -> dict[str, Any]:
        if not request.choices:
            return {"max_output_tokens": self._choice.max_tokens}
        return {"max_output_tokens": 1, "response_logprobs": True, "logprobs": TOP}

    def _form(self, request: Request) -> dict[str, Any]:
        if not request.schema or not self._choice.structured:
            return {}
        return {"response_mime_type": "application/json", "response_json_schema": request.schema}

    def _clip(self, request: Request) -> list["types.Part"]:
        if (clip := request.media) is None:
            return []
        try:
            self.forget(clip.key, self._expires)
            return [self._payloads.get(clip.key, lambda: self._part(clip))]
        except (MediaError, OSError) as error:
            raise unreadable_clip(request, error) from error

    def _expires(self, file: "types.FileData") -> bool:
        """Whether the provider has a file no longer, or not for long."""
        end = self._expire.get(file.file_uri or "")
        return end is not None and end - datetime.now(UTC) < self._outlives

    def _part(self, clip: ClipMedia) -> "types.Part":
        from google.genai import types

        watched = types.VideoMetadata(fps=self._choice.fps)
        with self._media.local_copy(clip.key) as path:
            if path.stat().st_size <= INLINE_BYTES:
                blob = types.Blob(data=path.read_bytes(), mime_type=clip.mime)
                return types.Part(inline_data=blob, video_metadata=watched)
            file = self._uploads.get(clip.key, lambda: self._uploaded(clip, path))
            return types.Part(file_data=file, video_metadata=watched)

    def _uploaded(self, clip: ClipMedia, path: Path) -> "types.FileData":
        """The clip as a file of the provider's."""
        from google.genai import types

        file = self._client.files.upload(file=path, config=types.UploadFileConfig(mime_type=clip.mime))
        deadline = time.monotonic() + _READY_S
        while file.state == types.FileState.PROCESSING and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            file = self._client.files.get(name=file.name or "")
        if file.state == types.FileState.FAILED:
            message = f"the provider cannot read the clip {clip.key}: ingest it again"
            raise CallFailed(CaptionError("permanent", "media", message))
        if file.state == types.FileState.PROCESSING or not file.uri:
            raise CallFailed(CaptionError("retryable", "media", f"the clip {clip.key} is not ready yet"))
        if file.expiration_time:
            self._expire[file.uri] = file.expiration_time
        return types.FileData(file_uri=file.uri, mime_type=clip.mime)


class _Generate:
    """One generate_content a call."""

    def __init__(self, client: "genai.Client", choice: ModelChoice, media: MediaStore) -> None:
        self._client, self._choice, self._builder = client, choice, GenerateRequestBuilder(client, choice, media)

    def __call__(self, request: Request) -> Result:
        contents, config = self._builder.body(request)
        try:
            with failures(self._choice.place, request):
                # As it came: the SDK would throw a whole answer away for one number that it did not expect.
                answer = self._client.models.generate_content(
                    model=self._choice.model,
                    contents=[contents],
                    config=config.model_copy(update={"should_return_http_response": True}),
                )
                said = (answer.sdk_http_response and answer.sdk_http_response.body) or ""
        except CallFailed as failed:
            if failed.error.code in (FILE_GONE, FILE_NOT_READY) and request.media:
                used = (contents.parts or [])[0].file_data
                self._builder.forget(request.media.key, lambda file: file == used)
            raise
        return read_answer(request, self._choice.model, json_of(said.encode()))


def read_answer(request: Request, model: str, answer: Any) -> Result:
    """Reads an answer leniently. Raises CallFailed for one that holds none, or a refusal of the prompt."""
    if isinstance(answer, list) and answer:  # as a stream would send it
        answer = answer[0]
    usage = at(answer, "usageMetadata")
    if reason := word(answer, "promptFeedback", "blockReason").lower():
        message = f"the model refused the clip or its prompt ({plain(reason, 60)}): caption it by hand"
        raise CallFailed(CaptionError("blocked", reason, message))
    candidate = next((each for each in items(answer, "candidates") if isinstance(each, dict)), None)
    if candidate is None:
        if error := at(answer, "error"):
            raise refused(as_raised(error), request)
        raise garbled("an answer without candidates")
    finish = word(candidate, "finishReason").lower()
    # Thoughts are billed as output and are no part of the answer.
    parts = [part for part in items(candidate, "content", "parts") if at(part, "thought") is not True]
    text = joined_text(parts, ())
    first = _first_token(candidate) if request.choices else {}
    if request.choices and finish in ("stop", "max_tokens"):
        finish = "stop"  # one token was asked for
        if not first:
            said = "it answered without log-probabilities (a model that thinks first has no token left to answer)"
            raise no_logprobs(said, charged="unknown")
    return Result(
        key=request.key,
        model=model,
        served_revision=word(answer, "modelVersion"),
        text=text or max(first, key=first.__getitem__, default=""),
        finish_reason=finish,
        tokens_in=count(usage, "promptTokenCount"),
        tokens_cached=count(usage, "cachedContentTokenCount"),
        tokens_out=count(usage, "candidatesTokenCount") + count(usage, "thoughtsTokenCount"),
        logprobs=of_choices(request.choices, first),
    )


def _first_token(candidate: dict[str, Any]) -> dict[str, float]:
    """The likeliest first tokens of an answer with their log-probabilities; none where the server gives none.

    The chosen token may be missing among the likeliest.
    """
    told = at(candidate, "logprobsResult")
    tokens = [*items(told, "topCandidates", 0, "candidates"), *items(told, "chosenCandidates")[:1]]
    likely = ((word(each, "token"), number(each, "logProbability")) for each in tokens)
    return {token: value for token, value in likely if token and value is not None}


def as_raised(error: Any) -> Any:
    """An error that stands in an answer as the SDK would have raised it: gRPC codes become HTTP's."""
    code = count(error, "code")
    status = word(error, "status") or ("FAILED_PRECONDITION" if code == 9 else str(code))
    said = error if isinstance(error, str) else word(error, "message")
    details = {"error": error if isinstance(error, dict) else {}}
    return SimpleNamespace(
        code=_HTTP.get(code, code or 500), status=status, message=said, details=details, response=None
    )


_HTTP = {1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500}
_HTTP |= {14: 503, 15: 500, 16: 401}
"""HTTP statuses by the gRPC codes that stand in answer files."""


def refused(error: Any, request: Request | None = None) -> CallFailed:
    """What an error of the SDK means for the request, and for all others."""
    code, details = int(error.code or 0), str(error.details)
    status, said = plain(error.status or code, 60), plain(error.message or error)
    if request and request.choices and code == 400 and "logprobs" in said.lower():
        return no_logprobs(said)
    if request and request.schema and code == 400 and any(name in said for name in _FORM):
        return no_structure(status, said)
    if (code == 403 and _OF_A_FILE in said) or (code == 404 and _A_FILE.search(said)):
        return _passing(FILE_GONE, f"{said}: run again to upload the clip again")
    if status == "FAILED_PRECONDITION":
        return _not_yet(status, said)
    if code in (401, 403) or "API_KEY_INVALID" in details:
        return _stop(status, f"{said}: set GEMINI_API_KEY, then run again")
    if code == 404 or code == 410:
        return _stop(status, f"{said}: set CHAI_MODEL to a model that exists")
    if code == 402 or (code == 429 and _USED_UP.search(details + said)):
        return _stop("quota", f"the quota is used up ({said}): raise it or run again tomorrow")
    if code == 413 or "exceeds the maximum number of tokens" in said or "payload size exceeds" in said:
        remedy = "lower CHAI_MODEL_FPS, or ingest shorter clips"
        return CallFailed(CaptionError("permanent", status, f"the request is too large ({said}): {remedy}"))
    if 300 <= code < 400 or code in (405, 501):
        return _stop(status, f"{said}: set CHAI_MODEL_URL to the address of the API")
    if code in (408, 409, 425, 429, 499) or code >= 500 or not code:
        return CallFailed(CaptionError("retryable", status, said), retry_after_s=_wanted_pause(error))
    return CallFailed(CaptionError("permanent", status, f"the request is not accepted: {said}"))


def _not_yet(status: str, said: str) -> CallFailed:
    """What has to come about first: a file that is being read passes, what the account lacks is for a person."""
    if "ACTIVE" in said or _A_FILE.search(said):
        return _passing(FILE_NOT_READY, f"{said}: run again to upload the clip again")
    if _OF_THE_ACCOUNT.search(said):
        return _stop(status, f"{said}: see to the account's billing and region, then run again")
    return _passing(status, f"{said}: run again")


def _passing(code: str, message: str) -> CallFailed:
    return CallFailed(CaptionError("retryable", code, message))


def _stop(code: str, message: str) -> CallFailed:
    return CallFailed(CaptionError("retryable", code, message), stops=True)


def _wanted_pause(error: Any) -> float | None:
    """The pause a server asks for: in the header, or in the body as RetryInfo ("17s")."""
    headers = getattr(error.response, "headers", None)
    if headers is not None and (pause := retry_after(headers)) is not None:
        return pause
    delays = (word(part, "retryDelay") for part in items(error.details, "error", "details"))
    return next((pause_of(delay.removesuffix("s")) for delay in delays if delay), None)
