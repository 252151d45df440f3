"""The batch part of the two protocols, as a server keeps it: files handed in, batches looked up, answer files.

Whoever uses it decides when and how a batch ends, and answers its lines.
"""

import email.parser
import email.policy
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chai_assets.demo.model_server.dialects import Dialect, GeminiDialect, OpenAIDialect

Reply = tuple[int, dict[str, Any] | bytes, dict[str, str]]
AnswerLine = Callable[[Dialect, dict[str, Any]], tuple[int, dict[str, Any]]]
"""What a request body is answered: a status and a body."""
_CREATED = 1_750_000_000


@dataclass
class Batch:
    """One batch: `name` is the caller's own, `lines` are (key, request body) in order."""

    id: str
    name: str
    lines: list[tuple[str, dict[str, Any]]]
    file: str
    state: str = "in_progress"
    output: str = ""
    errors: str = ""


@dataclass
class BatchStore:
    """All files and batches of a server. With `at_once`, a batch has ended whenever it is looked at."""

    answer: AnswerLine
    at_once: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def serve(self, method: str, path: str, headers: Any, body: bytes) -> Reply | None:
        """The reply to a call that is about files of requests or batches; None for any other."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            for way, pattern, reply in _ROUTES:
                if way == method and (match := re.fullmatch(pattern, parts.path)):
                    return reply(self, match, query, headers, body)
        return None

    def end(self, state: str = "completed", answered: int | None = None) -> None:
        """Ends all batches under way: so many lines are answered, by default all; `state` in OpenAI's words."""
        with self._lock:
            for batch in self.batches:
                if batch.state == "in_progress":
                    self._end(batch, state, answered)

    def _end(self, batch: Batch, state: str, answered: int | None) -> None:
        dialect = GeminiDialect() if batch.id.startswith("batches/") else OpenAIDialect()
        good, bad = [], []
        for key, asked in batch.lines[:answered]:
            status, body = self.answer(dialect, asked)
            (good if status == 200 else bad).append(_line(dialect, key, status, body))
        if state == "expired" and isinstance(dialect, OpenAIDialect):
            error = {"code": "batch_expired", "message": "This request was not executed in time."}
            bad += [{"custom_id": key, "response": None, "error": error} for key, _ in batch.lines[len(good + bad) :]]
        if isinstance(dialect, GeminiDialect):
            good, bad = good + bad, []  # one file holds both
        batch.state = state
        batch.output, batch.errors = self._written(good), self._written(bad)

    def _written(self, lines: list[dict[str, Any]]) -> str:
        return self.keep("".join(json.dumps(line) + "\n" for line in lines).encode()) if lines else ""

    def keep(self, data: bytes) -> str:
        """Keeps a file; gives its id."""
        name = f"file-{len(self.files) + 1}"
        self.files[name] = data
        return name

    def look(self, name: str) -> Batch | None:
        batch = next((batch for batch in self.batches if batch.id == name), None)
        if batch and self.at_once and batch.state == "in_progress":
            self._end(batch, "completed", None)
        return batch


def _line(dialect: Dialect, key: str, status: int, body: dict[str, Any]) -> dict[str, Any]:
    if isinstance(dialect, OpenAIDialect):
        response = {"status_code": status, "request_id": f"req-{key}", "body": body}
        return {"id": f"batch_req_{key}", "custom_id": key, "response": response, "error": None}
    return {"key": key, **({"response": body} if status == 200 else {"error": body["error"]})}


def _missing(what: str) -> Reply:
    return 404, {"error": {"message": f"no such {what}", "code": 404, "status": "NOT_FOUND"}}, {}


# OpenAI


def _openai_upload(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply:
    head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
    data, purpose = (_bytes_of(parts[name]) for name in ("file", "purpose"))
    name = store.keep(data)
    about = {"id": name, "object": "file", "bytes": len(data), "created_at": _CREATED, "status": "processed"}
    return 200, {**about, "filename": parts["file"].get_filename(), "purpose": purpose.decode()}, {}


def _bytes_of(part: Any) -> bytes:
    return part.get_payload(decode=True)


def _openai_content(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply:
    data = store.files.get(match[1])
    return (200, data, {}) if data is not None else _missing("file")


def _openai_create(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply:
    asked = json.loads(body)
    if asked["input_file_id"] not in store.files:
        return _missing("file")
    lines = [json.loads(line) for line in store.files[asked["input_file_id"]].splitlines()]
    keyed = [(line["custom_id"], line["body"]) for line in lines]
    name = (asked.get("metadata") or {}).get("chai_batch", "")
    store.batches.append(Batch(f"batch_{len(store.batches) + 1}", name, keyed, asked["input_file_id"]))
    if len(dict(keyed)) < len(keyed):
        store.batches[-1].state = "failed"
    return 200, _openai_batch(store.batches[-1]), {}


def _openai_look(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply:
    batch = store.look(match[1])
    return (200, _openai_batch(batch), {}) if batch else _missing("batch")


def _openai_list(store: BatchStore, match: re.Match[str], query: dict[str, str], headers: Any, body: bytes) -> Reply:
    newest = store.batches[::-1]
    ids = [batch.id for batch in newest]
    start = ids.index(query["after"]) + 1 if "after" in query else 0
    page = newest[start : start + int(query.get("limit", "20"))]
    more = start + len(page) < len(newest)
    return 200, {"object": "list", "data": [_openai_batch(batch) for batch in page], "has_more": more}, {}


def _openai_batch(batch: Batch) -> dict[str, Any]:
    errors = {"object": "list", "data": [{"code": "duplicate_custom_id", "message": "an id stands there twice"}]}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "errors": errors if batch.state == "failed" else None,
        "input_file_id": batch.file,
        "completion_window": "24h",
        "status": batch.state,
        "output_file_id": batch.output or None,
        "error_file_id": batch.errors or None,
        "created_at": _CREATED,
        "request_counts": {"total": len(batch.lines), "completed": 0, "failed": 0},
        "metadata": {"chai_batch": batch.name},
    }


# Gemini


def _gemini_start(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply | None:
    if headers.get("x-goog-upload-command") != "start" or b"jsonl" not in body:
        return None
    name = store.keep(b"")
    url = f"http://{headers['host']}/upload/requests/{name}"
    return 200, {}, {"X-Goog-Upload-URL": url, "X-Goog-Upload-Status": "active"}


def _gemini_upload(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply:
    store.files[match[1]] += body
    final = "finalize" in headers["x-goog-upload-command"]
    file = {"name": f"files/{match[1]}", "mimeType": "application/jsonl", "state": "ACTIVE"}
    return 200, {"file": file}, {"X-Goog-Upload-Status": "final" if final else "active"}


def _gemini_create(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply:
    asked = json.loads(body)["batch"]
    file = asked["inputConfig"]["fileName"].removeprefix("files/")
    if file not in store.files:
        return _missing("file")
    lines = [json.loads(line) for line in store.files[file].splitlines()]
    keyed = [(line["key"], line["request"]) for line in lines]
    store.batches.append(Batch(f"batches/{len(store.batches) + 1}", asked["displayName"], keyed, file))
    return 200, _gemini_batch(store.batches[-1]), {}


def _gemini_look(store: BatchStore, match: re.Match[str], query: Any, headers: Any, body: bytes) -> Reply:
    batch = store.look(f"batches/{match[1]}")
    return (200, _gemini_batch(batch), {}) if batch else _missing("batch")


def _gemini_list(store: BatchStore, match: re.Match[str], query: dict[str, str], headers: Any, body: bytes) -> Reply:
    start, size = int(query.get("pageToken", "0")), int(query.get("pageSize", "50"))
    page = store.batches[start : start + size]
    more = {"nextPageToken": str(start + size)} if start + size < len(store.batches) else {}
    return 200, {"operations": [_gemini_batch(batch) for batch in page], **more}, {}


def _gemini_batch(batch: Batch) -> dict[str, Any]:
    words = {"completed": "SUCCEEDED", "in_progress": "RUNNING", "partial": "PARTIALLY_SUCCEEDED"}
    state = f"BATCH_STATE_{words.get(batch.state, batch.state.upper())}"
    at = datetime.fromtimestamp(_CREATED, UTC).isoformat()
    about: dict[str, Any] = {"displayName": batch.name, "state": state, "createTime": at, "model": "models/practice"}
    if batch.output:
        about["output"] = {"responsesFile": f"files/{batch.output}"}
    return {"name": batch.id, "metadata": about, "done": batch.state != "in_progress"}


_ROUTES: tuple[tuple[str, str, Callable[..., Reply | None]], ...] = (
    ("POST", r"(?:/v1)?/files", _openai_upload),
    ("GET", r"(?:/v1)?/files/(.+)/content", _openai_content),
    ("POST", r"(?:/v1)?/batches", _openai_create),
    ("GET", r"(?:/v1)?/batches/(.+)", _openai_look),
    ("GET", r"(?:/v1)?/batches", _openai_list),
    ("POST", r"/upload/v1beta/files", _gemini_start),
    ("POST", r"/upload/requests/(.+)", _gemini_upload),
    ("POST", r"/v1beta/models/(.+):batchGenerateContent", _gemini_create),
    ("GET", r"/v1beta/batches/(.+)", _gemini_look),
    ("GET", r"/v1beta/batches", _gemini_list),
    ("GET", r"/v1beta/files/(.+):download", _openai_content),
)
