"""Answers kept for good: a request hash is asked once, ever, whatever is killed or run twice.

An answer is one object of the media store, published atomically before it is handed on. Objects present are
the truth: of two writers who asked the same, both hand on the answer that was published first.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain
from typing import Protocol

from chai_resources.captioners.calls.answer_body import harmless
from chai_resources.captioners.calls.prefetch import map_ahead
from chai_resources.captioners.protocol import CachingCaptioner, Call, Captioner, CaptionError, Request, Result

_LOOKS_AT_ONCE = 8


class AnswerStore(Protocol):
    """What is needed of a media store: atomic exclusive publishing, and reading."""

    def put_new(self, key: str, data: bytes) -> bool: ...

    def get_bytes(self, key: str) -> bytes: ...

    def exists(self, key: str) -> bool: ...


class StoredAnswers(CachingCaptioner):
    """A `Captioner` that looks among the stored answers first and asks its engine for the others.

    Texts and errors that will not change (permanent, blocked) are stored; errors that pass (retryable, waiting)
    are not, so the next run asks again. An engine that breaks off raises through; what it answered until then is
    stored.
    """

    def __init__(self, captioner: Captioner, media: AnswerStore) -> None:
        self._captioner = captioner
        self._media = media
        self._engine_keeps = captioner.keep_with(self._kept)
        self.model = captioner.model
        self.revision = captioner.revision
        self.capabilities = captioner.capabilities

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request; of requests with one hash only the first is asked.

        The engine reads on as it can take more, so requests may come from a source that has millions.
        """
        waiting: dict[str, list[Request]] = {}
        stored: deque[Result] = deque()
        asked = self._unanswered(requests, waiting, stored)
        for result in self._captioner.run(asked):
            same = waiting.pop(result.key, None)
            if same is None:
                raise RuntimeError(f"{self.model} answered {result.key} twice, or without being asked")
            kept = result if self._engine_keeps else self._kept(result)
            yield from (replace(kept, key=request.key) for request in same)
            yield from _drained(stored)
        for _ in asked:
            pass  # whatever the engine did not read has no answer either
        yield from _drained(stored)
        for request in chain.from_iterable(waiting.values()):
            yield self._failed(request.key, "no_answer", f"{self.model} gave no answer to {request.hash}")

    def paid(self, request: Request) -> bool:
        """Whether the request has an answer already, or is in a batch under way: it costs nothing more."""
        return self._captioner.is_pending(request.hash) or self._media.exists(answer_key(request.hash))

    def orphaned_results(self, hashes: Iterable[str]) -> Iterator[Result]:
        """What became of requests of batches that nobody asks any more, keyed by hash; none is asked again for it.

        No result for one that is in no batch and was never answered.
        """
        unanswered: list[str] = []
        for request_hash in hashes:
            if self._media.exists(answer_key(request_hash)):
                yield self._stored(request_hash)
            else:
                unanswered.append(request_hash)
        if unanswered:
            yield from map(self._kept, self._captioner.orphaned_results(unanswered))

    def _unanswered(
        self, requests: Iterable[Request], waiting: dict[str, list[Request]], stored: deque[Result]
    ) -> Iterator[Request]:
        """The requests to ask, by hash, for callers' keys may repeat; those that have an answer go to `stored`."""
        asked: set[str] = set()
        # Side by side: a look into a bucket takes longer than a model's share of the time between two requests.
        for request, found in map_ahead(self._found, requests, _LOOKS_AT_ONCE):
            if found is None and request.hash in asked and request.hash not in waiting:
                found = self._found(request)  # its twin was answered after the look
            if request.hash in waiting:
                waiting[request.hash].append(request)
            elif found:
                stored.append(replace(found, key=request.key))
            else:
                asked.add(request.hash)
                waiting[request.hash] = [request]
                yield replace(request, key=request.hash)

    def _found(self, request: Request) -> Result | None:
        return self._stored(request.hash) if self._media.exists(answer_key(request.hash)) else None

    def _kept(self, result: Result) -> Result:
        """The result as stored: ours, or the one that another writer published first, with our calls beside its own."""
        if result.error and result.error.kind in ("retryable", "waiting"):
            return result
        answer = {name: value for name, value in asdict(harmless(result)).items() if name != "key"}
        if answer["raw"] is None:
            del answer["raw"]  # an answer that is all text is stored as it always was
        stored = json.dumps({"request_hash": result.key, **answer}, ensure_ascii=False, indent=1).encode()
        if self._media.put_new(answer_key(result.key), stored):
            return result
        first = self._stored(result.key)
        return replace(first, calls=(*first.calls, *(call for call in result.calls if call not in first.calls)))

    def _stored(self, request_hash: str) -> Result:
        """The stored answer, keyed by its hash; one that cannot be read is an error, and not asked again."""
        key = answer_key(request_hash)
        try:
            answer = json.loads(self._media.get_bytes(key))
            if answer.pop("request_hash") != request_hash:
                raise ValueError("it answers another request")
            error = CaptionError(**answer.pop("error")) if answer["error"] else answer.pop("error")
            calls = tuple(Call(**call) for call in answer.pop("calls", ()))
            return Result(key=request_hash, error=error, calls=calls, **answer)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as reason:
            message = f"stored answer {key} cannot be read ({reason}): delete it to ask again"
            return self._failed(request_hash, "corrupt_answer", message)

    def _failed(self, key: str, code: str, message: str) -> Result:
        error = CaptionError("retryable", code, message)
        return Result(key=key, model=self.model, served_revision=self.revision, error=error)


def _drained(stored: deque[Result]) -> Iterator[Result]:
    while stored:
        yield stored.popleft()


def answer_key(request_hash: str) -> str:
    """Key of a request's answer in the media store, spread over 256 folders."""
    return f"answers/{request_hash.rpartition('_')[2][:2]}/{request_hash}.json"
