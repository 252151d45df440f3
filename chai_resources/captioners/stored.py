"""Answers kept for good: a request hash is asked once, ever, whatever is killed or run twice.

An answer is one object of the media store, published atomically before it is handed on. Objects present are
the truth: of two writers who asked the same, both hand on the answer that was published first.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain, islice
from typing import Protocol

from chai_resources.captioners import Captioner, CaptionError, Request, Result

_AT_ONCE = 64
"""Requests handed to the engine together: enough to work on side by side, few enough to hold in memory."""


class AnswerStore(Protocol):
    """What is needed of a media store: atomic exclusive publishing, and reading."""

    def put_new(self, key: str, data: bytes) -> bool: ...

    def get_bytes(self, key: str) -> bytes: ...

    def exists(self, key: str) -> bool: ...


class StoredAnswers:
    """A `Captioner` that looks among the stored answers first and asks its engine for the others.

    Texts and errors that will not change (permanent, blocked) are stored; a retryable error is not, so the
    next run asks again. An engine that breaks off raises through; what it answered until then is stored.
    """

    def __init__(self, captioner: Captioner, media: AnswerStore) -> None:
        self._captioner = captioner
        self._media = media
        self.model = captioner.model
        self.revision = captioner.revision
        self.capabilities = captioner.capabilities

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request; of requests with one hash only the first is asked."""
        remaining = iter(requests)
        while chunk := list(islice(remaining, _AT_ONCE)):
            yield from self._run_chunk(chunk)

    def _run_chunk(self, chunk: list[Request]) -> Iterator[Result]:
        unanswered: dict[str, list[Request]] = {}
        for request in chunk:
            # A repeated request waits for its first copy, without another look at the store.
            if request.hash not in unanswered and self._media.exists(answer_key(request.hash)):
                yield replace(self._stored(request.hash), key=request.key)
            else:
                unanswered.setdefault(request.hash, []).append(request)
        # The engine knows requests by hash: the callers' keys may repeat within a chunk.
        asked = [replace(same[0], key=hash_) for hash_, same in unanswered.items()]
        for result in self._captioner.run(asked) if asked else ():
            waiting = unanswered.pop(result.key, None)
            if waiting is None:
                raise RuntimeError(f"{self.model} answered {result.key} twice, or without being asked")
            kept = self._kept(result)
            yield from (replace(kept, key=request.key) for request in waiting)
        for request in chain.from_iterable(unanswered.values()):
            yield self._failed(request.key, "no_answer", f"{self.model} gave no answer to {request.hash}")

    def _kept(self, result: Result) -> Result:
        """The result as stored: ours, or the one that another writer published first."""
        if result.error and result.error.kind == "retryable":
            return result
        answer = {name: value for name, value in asdict(result).items() if name != "key"}
        stored = json.dumps({"request_hash": result.key, **answer}, ensure_ascii=False, indent=1).encode()
        if self._media.put_new(answer_key(result.key), stored):
            return result
        return self._stored(result.key)

    def _stored(self, request_hash: str) -> Result:
        """The stored answer, keyed by its hash; one that cannot be read is an error, and not asked again."""
        key = answer_key(request_hash)
        try:
            answer = json.loads(self._media.get_bytes(key))
            if answer.pop("request_hash") != request_hash:
                raise ValueError("it answers another request")
            error = CaptionError(**answer.pop("error")) if answer["error"] else answer.pop("error")
            return Result(key=request_hash, error=error, **answer)
        except (ValueError, KeyError, TypeError, AttributeError) as reason:
            message = f"stored answer {key} cannot be read ({reason}): delete it to ask again"
            return self._failed(request_hash, "corrupt_answer", message)

    def _failed(self, key: str, code: str, message: str) -> Result:
        error = CaptionError("retryable", code, message)
        return Result(key=key, model=self.model, served_revision=self.revision, error=error)


def answer_key(request_hash: str) -> str:
    """Key of a request's answer in the media store, spread over 256 folders."""
    return f"answers/{request_hash.rpartition('_')[2][:2]}/{request_hash}.json"
