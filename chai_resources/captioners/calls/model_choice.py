"""Which model an engine asks, and how: checked when the engine is opened, before any call."""

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveFloat, PositiveInt

from chai_resources.captioners.calls.answer_body import plain
from chai_resources.captioners.calls.network_captioner import CallFailed, Pace
from chai_resources.captioners.protocol import CaptionError, Request
from chai_resources.errors import UnusableInput
from chai_resources.variables import Variable

if TYPE_CHECKING:
    from chai_resources.captioners.calls.bounded_http import BeyondBounds

# A date, a numbered revision, a commit or a checksum at the end: names that never mean another model tomorrow.
_PINNED = re.compile(r"(\d{4}-\d{2}-\d{2}|[-@]\d{2}-\d{4}|-\d{3,8}|@[0-9a-f]{7,64}|@v?\d[\w.]*)$")


class ModelRefused(UnusableInput):
    """The model cannot be used as it is configured; the text says what to set."""


class ModelChoice(BaseModel):
    """A model behind a network and how it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Variable("CHAI_MODEL")] = ""
    """Its name, pinned to a date or a number."""
    url: Annotated[str, Variable("CHAI_MODEL_URL")] = ""
    """Address of the server, or several of one model joined by commas; empty for the provider's own."""
    batches: Annotated[bool, Variable("CHAI_MODEL_MODE", no="live", yes="batch")] = False
    """Whether requests are handed in as batches, which are answered within a day at a lower price."""
    unpinned: Annotated[bool, Variable("CHAI_MODEL_UNPINNED", no="refuse", yes="allow")] = False
    """Whether a name may be used that can mean another model tomorrow."""
    whole_video: Annotated[bool, Variable("CHAI_MODEL_VIDEO", no="frames", yes="whole")] = False
    """Whether a compatible server is sent the clip whole (`video_url`); else it gets frames."""
    fps: Annotated[PositiveFloat, Variable("CHAI_MODEL_FPS")] = 2.0
    """Frames a second the model looks at."""
    frames: Annotated[PositiveInt, Variable("CHAI_MODEL_FRAMES")] = 16
    """The most frames that are sent of a clip, where frames are sent."""
    structured: Annotated[bool, Variable("CHAI_MODEL_STRUCTURED", no="no", yes="yes")] = True
    """Whether the server can hold a model to a JSON schema; else the form is asked for in words alone."""
    max_tokens: Annotated[PositiveInt, Variable("CHAI_MODEL_MAX_TOKENS")] = 2_048
    """The longest answer."""
    timeout_s: Annotated[PositiveFloat, Variable("CHAI_MODEL_TIMEOUT")] = 120.0
    """Seconds until a call is given up."""
    parallel: Annotated[PositiveInt, Variable("CHAI_MODEL_PARALLEL")] = 8
    """Calls that are out at a time."""
    requests_a_minute: Annotated[NonNegativeInt, Variable("CHAI_MODEL_RPM")] = 0
    """Requests the model may get; 0 for no limit."""
    tokens_a_minute: Annotated[NonNegativeInt, Variable("CHAI_MODEL_TPM")] = 0
    """Tokens the model may get and give; 0 for no limit."""

    vllm_python: Annotated[str, Variable("CHAI_VLLM_PYTHON")] = ""
    """Interpreter of the environment that has vLLM, for the engine `vllm`; empty for the running one."""
    vllm_args: Annotated[str, Variable("CHAI_VLLM_ARGS")] = ""
    """Further arguments of that engine's server, as a shell would take them."""

    def check(self) -> None:
        """Raises ModelRefused where no model is named, or one that can mean another tomorrow."""
        if not self.model:
            raise ModelRefused("no model is named: set CHAI_MODEL, for example to gpt-4.1-2025-04-14")
        if not self.unpinned and not _PINNED.search(self.model):
            raise ModelRefused(
                f"CHAI_MODEL={self.model} can mean another model tomorrow: name a dated or numbered one, "
                "or set CHAI_MODEL_UNPINNED=allow (what was served is recorded on every row)"
            )

    @property
    def pace(self) -> Pace:
        return Pace(self.parallel, self.requests_a_minute, self.tokens_a_minute)

    def servers(self) -> list["ModelChoice"]:
        """This choice once for each server that CHAI_MODEL_URL names."""
        addresses = [address.strip() for address in self.url.split(",") if address.strip()]
        return [self.model_copy(update={"url": address}) for address in dict.fromkeys(addresses)] or [self]

    def require_one_server(self) -> None:
        """Raises ModelRefused where CHAI_MODEL_URL names several: only live calls of `openai` are spread."""
        if len(self.servers()) > 1:
            raise ModelRefused(
                f"CHAI_MODEL_URL={self.url} names several servers, which only CHAI_CAPTIONER=openai with "
                "CHAI_MODEL_MODE=live can ask: name one"
            )

    @property
    def clips_at_once(self) -> int:
        """Clips that calls are out for at a time, where the aspects of a clip come back to back."""
        return self.parallel // 4 + 2

    @property
    def place(self) -> str:
        """The server, as messages name it."""
        return self.url or "the provider"


def unreadable_clip(request: Request, error: Exception) -> CallFailed:
    """The clip of a request cannot be read; the others go on."""
    message = f"the clip of {request.key} cannot be read: {error}"
    return CallFailed(CaptionError("retryable", "media", message), called=False)


def no_structure(code: str, said: str) -> CallFailed:
    """A model or server that cannot be held to a JSON schema: no other request can do better."""
    remedy = "set CHAI_MODEL_STRUCTURED=no, which asks for the form in words"
    return CallFailed(CaptionError("retryable", code, f"{said}: {remedy}"), stops=True)


def garbled(what: str) -> CallFailed:
    """An answer that is none; the provider has done the work and may bill it."""
    return CallFailed(CaptionError("retryable", "garbled", what), charged="unknown")


def unreachable(error: BaseException, place: str) -> CallFailed:
    """No answer, by what the HTTP library raised: the SDKs let its errors through or wrap them.

    Only where no connection came about is it certain that nothing was done.
    """
    from chai_resources.captioners.calls.bounded_http import BeyondBounds

    if isinstance(error, BeyondBounds):
        return _beyond_bounds(error)
    name = type(error).__name__
    code = "timeout" if "Timeout" in name else "connection"
    charged = "no" if name in ("ConnectError", "ConnectTimeout") else "unknown"
    return CallFailed(CaptionError("retryable", code, plain(f"{place} does not answer: {error!r}")), charged=charged)


def _beyond_bounds(error: "BeyondBounds") -> CallFailed:
    """What no answer of a sound server is. One that is too large is too large in an hour, too, and was paid."""
    if error.code == "too_large":
        message = f"{error}: try another model, or lower CHAI_MODEL_MAX_TOKENS"
        return CallFailed(CaptionError("permanent", error.code, message), charged="unknown")
    message = f"{error}, where no key is sent: set CHAI_MODEL_URL to that address if it is right"
    return CallFailed(CaptionError("retryable", error.code, message), stops=True)
