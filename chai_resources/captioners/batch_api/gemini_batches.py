"""The engine `gemini` by batches: files of generateContent requests, answered within a day at half the price."""

import json
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chai_resources.captioners.batch_api.answer_file import AnswerLine, answer_lines
from chai_resources.captioners.batch_api.batch_captioner import BatchAnswer, BatchCaptioner, ProviderBatch
from chai_resources.captioners.batch_api.pending_batches import PendingBatches
from chai_resources.captioners.calls.answer_body import at
from chai_resources.captioners.calls.model_choice import ModelChoice, garbled
from chai_resources.captioners.calls.network_captioner import CallFailed
from chai_resources.captioners.engines.gemini_engine import (
    API,
    GenerateRequestBuilder,
    as_raised,
    client_of,
    failures,
    read_answer,
    refused,
    revision_of,
)
from chai_resources.captioners.protocol import Request
from chai_resources.media_store import MediaStore

if TYPE_CHECKING:
    from google import genai

_ENDED = frozenset({"succeeded", "partially_succeeded", "failed", "cancelled", "expired"})
_WHY = {
    "expired": "the provider did not get to it in time",
    "cancelled": "it was cancelled at the provider's",
    "failed": "the provider could not work on it",
    "gone": "the provider does not know it any more",
}


def pending_batches_of(choice: ModelChoice, media: MediaStore) -> PendingBatches:
    """The notes on this model's batches."""
    return PendingBatches(media, f"{(choice.url or API).rstrip('/')} {choice.model}")


def gemini_batch_captioner(choice: ModelChoice, media: MediaStore) -> BatchCaptioner:
    """The engine for this model. Raises ModelRefused where it is not pinned or the key is missing."""
    return BatchCaptioner(
        _GenerateBatches(client_of(choice), choice, media),
        pending_batches_of(choice, media),
        model=choice.model,
        revision=revision_of(choice),
        parallel=choice.parallel,
    )


class _GenerateBatches:
    """A `Provider` of generateContent; requests go out as a file always, which holds few as well as many."""

    most_bytes = 1_000_000_000
    """The limit is 2 GB; half of it is uploaded again at less cost."""

    def __init__(self, client: "genai.Client", choice: ModelChoice, media: MediaStore) -> None:
        self._client, self._choice, self._builder = client, choice, GenerateRequestBuilder(client, choice, media)

    def line(self, request: Request) -> bytes:
        contents, config = self._builder.body(request)
        how: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_none": True}
        body = {"contents": [contents.model_dump(**how)], "generationConfig": config.model_dump(**how)}
        return json.dumps({"key": request.hash, "request": body}, ensure_ascii=False).encode() + b"\n"

    def upload(self, path: Path) -> str:
        from google.genai import types

        with failures(self._choice.place):
            name = self._client.files.upload(
                file=path, config=types.UploadFileConfig(mime_type="application/jsonl")
            ).name
        if not name:
            raise garbled("an upload without a name")
        return name

    def create(self, file: str, name: str) -> str:
        from google.genai import errors, types

        try:
            with failures(self._choice.place):
                config = types.CreateBatchJobConfig(display_name=name)
                job = self._client.batches.create(model=self._choice.model, src=file, config=config).name
        except CallFailed as failed:
            if isinstance(failed.__cause__, errors.ServerError):
                raise replace(failed, charged="unknown") from failed
            raise
        if not job:
            raise garbled("a batch without a name")
        return job

    def find(self, name: str) -> str | None:
        with failures(self._choice.place):
            jobs = self._client.batches.list(config={"page_size": 100})
            return next((job.name for job in jobs if job.display_name == name), None)

    def look(self, job: str) -> ProviderBatch:
        from google.genai import errors

        try:
            with failures(self._choice.place):
                found = self._client.batches.get(name=job)
        except CallFailed as failed:
            cause = failed.__cause__
            if isinstance(cause, errors.ClientError) and cause.code == 404:
                return ProviderBatch(job, "gone", under_way=False, why=_WHY["gone"])
            raise
        # The API says BATCH_STATE_..., the SDK JOB_STATE_... of those that it knows.
        state = str(found.state.value if found.state else "").rpartition("STATE_")[2].lower()
        file = found.dest.file_name if found.dest else None
        return ProviderBatch(job, state, state not in _ENDED, _WHY.get(state, ""), (file,) if file else ())

    def answers(self, job: ProviderBatch, asked: Collection[str]) -> Iterator[AnswerLine]:
        for file in job.files:
            with tempfile.TemporaryFile() as copy:
                with failures(self._choice.place):
                    self._client.files.download(file=file, destination=copy)  # pyright: ignore[reportArgumentType, reportCallIssue]
                copy.seek(0)
                yield from answer_lines(copy, "key", asked)

    def read(self, request: Request, line: Any) -> BatchAnswer:
        if error := at(line, "error"):
            return refused(as_raised(error))
        return read_answer(request, self._choice.model, at(line, "response"))
