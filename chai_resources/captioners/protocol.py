"""The Captioner protocol: keyed requests in, keyed results out, never raising for a single row.

An engine turns `Request`s into `Result`s. What an engine is asked stands twice in a request: as the `prompt`
a language model reads, and as `context`, the same facts as data, for engines that compose by rule. Engines
have one module each in `engines/`; `calls/answer_store.py` makes sure that a request is answered once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

TaskName = Literal["draft", "revise", "merge", "judge", "polish", "critique", "degrade"]
ErrorKind = Literal["retryable", "permanent", "blocked", "waiting"]


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do, so that callers ask before they rely on it."""

    network: bool = False
    """Whether calls go out and may cost money."""
    logprobs: bool = False
    """Whether it can tell the log-probabilities of `choices`; the model or its server may refuse all the same."""
    batch: bool = False
    """Whether requests are handed in for later, at the provider's price for batches."""


@dataclass(frozen=True)
class Identity:
    """Who answers, as requests' hashes have it: known without a key, and without asking."""

    model: str
    revision: str
    capabilities: Capabilities


@dataclass(frozen=True)
class ClipMedia:
    """The clip a request is about: its key in the media store, its length in seconds and its frame rate."""

    key: str
    mime: str
    duration_s: float
    fps: float


@dataclass(frozen=True)
class Request:
    """One question to a model. `hash` decides identity: two requests with one hash are one request.

    `key` is the caller's own; `cache_group` names what shares a prefix (the clip), so that an engine may keep
    such requests together. The clip comes first in any message an engine builds.

    `context` by task:
      draft   {"aspect", "statements": [sentence, ...], "upstream": {aspect: caption}}
      revise  {"draft": text, "findings": [{"finding_id", "kind", "quote", "start", "end", "fix"}, ...]}
      merge   {"captions": [{"aspect", "text"}, ...], "limit": tokens, "too_long": an earlier answer or null}
      judge   {"aspect", "caption"}
      polish  {"text", "kept": [words that stay as they are, ...]}
      critique {"aspect", "draft"}
      degrade {"variant", "draft", "critique"}

    With `choices` the answer is one token, and the result tells how likely each of them was as that token. The model
    is free to say something else: an answer held to the choices has only what is left for them.

    With a `schema` (JSON Schema) the answer is one JSON object of that form. The prompt says the form in words as
    well, for not every server can hold a model to it; what is no JSON object is a permanent error.

    What a model wraps around a text (its reasoning, control tokens, an announcement) is no part of the result's text.

    An engine answers a task that it does not offer with a permanent error.
    """

    key: str
    hash: str
    task: TaskName
    prompt: str
    context: dict[str, Any]
    media: ClipMedia | None = None
    sampling: dict[str, Any] = field(default_factory=dict)
    cache_group: str = ""
    choices: tuple[str, ...] = ()
    schema: dict[str, Any] = field(default_factory=dict)
    template_hash: str = ""
    """Hash of the template the prompt was made from; no part of the identity, for the prompt says it all."""


@dataclass(frozen=True)
class CaptionError:
    """Why a request has no text. `retryable`: ask again later; `permanent`: never; `blocked`: refused on content.

    `waiting` is no failure: the provider has the request and will answer it in its own time.
    """

    kind: ErrorKind
    code: str
    message: str


@dataclass(frozen=True)
class Call:
    """One call over the network, as the ledger keeps it. `at` is UTC, ISO 8601, and makes it one of its kind.

    `charged`: whether the provider bills it; `unknown` where an answer was lost after the work may have been done;
    `promised` while a batch is under way, until a call of the same moment says how it ended.
    """

    at: str
    outcome: str
    charged: Literal["yes", "no", "unknown", "promised"]
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    latency_ms: float = 0.0
    batch: bool = False
    """Whether it was made in a batch, which has a price of its own."""


@dataclass(frozen=True)
class Result:
    """The answer to the request of the same `key`: a text, or an error; never both.

    `tokens_in` include the cached ones. `calls` are all that were made for it; none by an engine without a network.
    """

    key: str
    model: str
    served_revision: str
    text: str | None = None
    finish_reason: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    latency_ms: float = 0.0
    error: CaptionError | None = None
    tokens_cached: int = 0
    calls: tuple[Call, ...] = ()
    logprobs: dict[str, float | None] = field(default_factory=dict)
    """Raw natural log-probability of each of `choices`; None for one that was not among the likeliest 20."""
    raw: str | None = None
    """The answer as it came, where `text` is not that: less what was only wrapping, or refused."""


class Captioner(Protocol):
    """An engine. `model` and `revision` are known before a call, so that they can enter a request's hash.

    What follows `run` is for engines with a network, or with batches; all others are content with what stands here.
    """

    model: str
    revision: str
    capabilities: Capabilities

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request, in any order; a failure is a result with an error, never an exception."""
        ...

    def keep_with(self, keep: Callable[[Result], Result]) -> bool:
        """Has `keep` store each result as soon as it is there; False where the caller has to do that.

        What `keep` gives back is handed on. An answer that was paid for is safe so, however the run ends.
        """
        return False

    def is_pending(self, request_hash: str) -> bool:
        """Whether a request is in a provider's batch under way: it costs nothing more."""
        return False

    def orphaned_results(self, hashes: Iterable[str]) -> Iterator[Result]:
        """What batches have for requests that nobody asks any more, keyed by hash; nothing is asked for it.

        No result for one that is in no batch.
        """
        return iter(())


class CachingCaptioner(Captioner, Protocol):
    """A captioner that remembers: no request that has an answer is asked again."""

    def paid(self, request: Request) -> bool:
        """Whether the request has an answer already, or is in a batch under way: it costs nothing more."""
        ...
