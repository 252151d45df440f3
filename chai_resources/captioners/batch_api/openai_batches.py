"""The engine `openai` by batches: files of chat completions that are answered within a day at half the price."""

import json
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chai_resources.captioners.batch_api.answer_file import AnswerLine, answer_lines
from chai_resources.captioners.batch_api.batch_captioner import BatchAnswer, BatchCaptioner, ProviderBatch
from chai_resources.captioners.batch_api.pending_batches import PendingBatches
from chai_resources.captioners.calls.answer_body import at, count, items, plain, word
from chai_resources.captioners.calls.api_keys import key_of
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.calls.network_captioner import CallFailed
from chai_resources.captioners.engines.openai_engine import (
    API,
    ChatRequestBuilder,
    client_of,
    failures,
    read_answer,
    refused,
    revision_of,
)
from chai_resources.captioners.protocol import CaptionError, Request
from chai_resources.media_store import MediaStore

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

_OURS = "chai_batch"
"""Key of the metadata that holds our name of a batch."""
_UNDER_WAY = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_WHY = {
    "expired": "the provider did not get to it within a day",
    "cancelled": "it was cancelled at the provider's",
    "gone": "the provider does not know it any more",
}


def pending_batches_of(choice: ModelChoice, media: MediaStore) -> PendingBatches:
    """The notes on this model's batches."""
    return PendingBatches(media, f"{(choice.url or API).rstrip('/')} {choice.model}")


def openai_batch_captioner(choice: ModelChoice, media: MediaStore) -> BatchCaptioner:
    """The engine for this model. Raises ModelRefused where it is not pinned or the key is missing."""
    choice.check()
    choice.require_one_server()
    return BatchCaptioner(
        _ChatBatches(client_of(choice, key_of(choice, "OPENAI_API_KEY")), choice, media),
        pending_batches_of(choice, media),
        model=choice.model,
        revision=revision_of(choice),
        parallel=choice.parallel,
    )


class _ChatBatches:
    """A `Provider` of chat completions."""

    most_bytes = 190_000_000
    """The limit is 200 MB."""

    def __init__(self, client: "openai.OpenAI", choice: ModelChoice, media: MediaStore) -> None:
        self._client, self._choice, self._builder = client, choice, ChatRequestBuilder(choice, media)

    def line(self, request: Request) -> bytes:
        body = self._builder.body(request)
        line = {"custom_id": request.hash, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    def upload(self, path: Path) -> str:
        with self._failures():
            return self._client.files.create(file=path, purpose="batch").id

    def create(self, file: str, name: str) -> str:
        import openai

        try:
            with self._failures():
                batch = self._client.batches.create(
                    completion_window="24h",
                    endpoint="/v1/chat/completions",
                    input_file_id=file,
                    metadata={_OURS: name},
                )
        except CallFailed as failed:
            if isinstance(failed.__cause__, openai.InternalServerError):
                raise replace(failed, charged="unknown") from failed
            raise
        return batch.id

    def find(self, name: str) -> str | None:
        with self._failures():
            batches = self._client.batches.list(limit=100)
            return next((batch.id for batch in batches if (batch.metadata or {}).get(_OURS) == name), None)

    def look(self, job: str) -> ProviderBatch:
        import openai

        try:
            with self._failures():
                batch = self._client.batches.retrieve(job)
        except CallFailed as failed:
            if isinstance(failed.__cause__, openai.NotFoundError):
                return ProviderBatch(job, "gone", under_way=False, why=_WHY["gone"])
            raise
        files = tuple(name for name in (batch.output_file_id, batch.error_file_id) if name)
        return ProviderBatch(job, batch.status, batch.status in _UNDER_WAY, _why(batch), files)

    def answers(self, job: ProviderBatch, asked: Collection[str]) -> Iterator[AnswerLine]:
        for file in job.files:
            with tempfile.TemporaryFile() as copy:
                with self._failures(), self._client.files.with_streaming_response.content(file) as content:
                    for piece in content.iter_bytes():
                        copy.write(piece)
                copy.seek(0)
                yield from answer_lines(copy, "custom_id", asked)

    def read(self, request: Request, line: Any) -> BatchAnswer:
        status, body = count(line, "response", "status_code"), at(line, "response", "body")
        if status == 200 or items(body, "choices"):
            return read_answer(request, self._choice.model, body)
        error = at(body, "error") or at(line, "error")
        code, said = at(error, "code"), word(error, "message") or plain(error or body or "no answer")
        if not status:
            return CallFailed(CaptionError("retryable", str(code or "batch"), f"{said}: run again"))
        return refused(status, code if isinstance(code, str) else None, plain(said), request=request)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """A server without batches is told of as such."""
        try:
            with failures(self._choice.place):
                yield
        except CallFailed as failed:
            if failed.error.code == "404":
                message = f"{self._choice.place} does not take batches: set CHAI_MODEL_MODE=live"
                raise replace(failed, error=replace(failed.error, message=message)) from failed.__cause__
            raise


def _why(batch: "Batch") -> str:
    errors = (batch.errors.data if batch.errors else None) or []
    return "; ".join(str(error.message) for error in errors[:3]) or _WHY.get(batch.status, "")
