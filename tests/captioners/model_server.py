"""A real local HTTP server that speaks the chat completions of OpenAI and the generateContent of Gemini.

The real SDKs talk to it. What goes wrong is written beforehand: a list of faults a prompt, played one a call;
after them, and for all other prompts, it answers. It counts calls and what it would have charged.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chai_assets.practice.model_batches import BatchDesk
from chai_assets.practice.model_dialects import SERVED, Dialect, OpenAIDialect, dialect_of

TOKENS = (100, 20)
"""Prompt and completion tokens that an answer costs."""


@dataclass
class Book:
    """What the server was told to do and what it saw."""

    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Faults by a word of the prompt: 429, 429-after-N, 429-quota, 500, 401, 404, slow, cut, garbage, blocked,
    refused, empty, truncated, loop, foreign, no-choices, bad-video."""
    calls: Counter[str] = field(default_factory=Counter)
    """Calls by prompt."""
    charged: Counter[str] = field(default_factory=Counter)
    """Completed answers by prompt: what a provider bills."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Request bodies."""
    headers: list[dict[str, str]] = field(default_factory=list)
    uploads: int = 0
    desk: BatchDesk = field(init=False)
    """Batches; they end when a test says so."""
    create_faults: list[str] = field(default_factory=list)
    """What goes wrong with calls that create a batch: a status, or `lost` for one whose reply never comes."""
    down: bool = False
    """Whether calls about batches are answered with 503."""
    answer_s: float = 0.0
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.desk = BatchDesk(self.batch_line)

    def batch_line(self, dialect: Dialect, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What a line of a batch is answered, by the same faults as a call."""
        prompt = dialect.prompt(asked)
        fault = self.next_fault(prompt)
        if fault == "blocked":
            return _blocked(dialect)
        if fault[:3].isdigit():
            return int(fault[:3]), dialect.error(int(fault[:3]), f"made to fail with {fault[:3]}")
        with self.lock:
            self.charged[prompt] += 1
        text, finish = _SAID.get(fault, (f"The camera pans left. {prompt[-40:]}", "stop"))
        return 200, dialect.answer(text, finish, TOKENS)

    def next_fault(self, prompt: str) -> str:
        with self.lock:
            self.calls[prompt] += 1
            for word, faults in self.faults.items():
                if word in prompt and faults:
                    return faults.pop(0)
        return ""


@contextmanager
def model_server() -> Iterator[tuple[str, Book]]:
    """Its address and its book."""
    book = Book()
    handler = type("Handler", (_Handler,), {"book": book})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", book
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    book: Book
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.book.down and "batches" in self.path:
            return self._send(503, {"error": {"message": "down", "code": 503, "status": "UNAVAILABLE"}})
        reply = self.book.desk.serve("GET", self.path, self.headers, b"")
        return self._send(*(reply or (200, self._file("ACTIVE"), {})))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.endswith((":batchGenerateContent", "/batches")) and self.book.create_faults:
            fault = self.book.create_faults.pop(0)
            if fault == "lost":
                self.book.desk.serve("POST", self.path, self.headers, body)
                self.close_connection = True
                return None
            return self._send(
                int(fault), {"error": {"message": "made to fail", "code": int(fault), "status": "FAILED"}}
            )
        if reply := self.book.desk.serve("POST", self.path, self.headers, body):
            return self._send(*reply)
        if "/upload/" in self.path:
            return self._upload()
        with self.book.lock:
            self.book.at_once += 1
            self.book.most_at_once = max(self.book.most_at_once, self.book.at_once)
        try:
            asked = json.loads(body)
            self.book.seen.append(asked)
            self.book.headers.append({name.lower(): value for name, value in self.headers.items()})
            dialect = dialect_of(self.path)
            self._answer(dialect, dialect.prompt(asked))
        finally:
            with self.book.lock:
                self.book.at_once -= 1

    def _answer(self, dialect: Dialect, prompt: str) -> None:
        fault = self.book.next_fault(prompt)
        if fault.startswith("429-after-"):
            return self._send(429, dialect.error(429, "slow down"), {"Retry-After": fault.rpartition("-")[2]})
        if fault == "429-quota":
            return self._send(429, _quota(dialect))
        if fault[:3].isdigit():
            status = int(fault[:3])
            return self._send(status, dialect.error(status, f"made to fail with {status}"))
        if fault == "bad-video":
            return self._send(400, dialect.error(400, "the video cannot be decoded"))
        if fault == "blocked":
            return self._send(*_blocked(dialect))
        with self.book.lock:
            self.book.charged[prompt] += 1
        # A caller whose patience is at an end is gone by then; the work was done all the same.
        time.sleep(3 if fault == "slow" else self.book.answer_s)
        text, finish = _SAID.get(fault, (f"The camera pans left. {prompt[-40:]}", "stop"))
        answer = dialect.answer(text, finish, TOKENS)
        if fault == "garbage":
            return self._raw(200, b"{this is no JSON")
        if fault == "no-choices":
            return self._send(200, {**answer, **_NOTHING})
        if fault == "cut":
            return self._cut(json.dumps(answer).encode())
        return self._send(200, answer)

    def _upload(self) -> None:
        if self.headers.get("x-goog-upload-command") == "start":
            host = f"http://{self.headers['host']}"
            return self._send(200, {}, {"X-Goog-Upload-URL": f"{host}/upload/part", "X-Goog-Upload-Status": "active"})
        self.book.uploads += 1
        return self._send(200, {"file": self._file("PROCESSING")}, {"X-Goog-Upload-Status": "final"})

    def _file(self, state: str) -> dict[str, Any]:
        uri = f"http://{self.headers['host']}/v1beta/files/clip-1"
        return {"name": "files/clip-1", "uri": uri, "mimeType": "video/mp4", "state": state}

    def _send(self, status: int, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> None:
        self._raw(status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)

    def _raw(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _cut(self, body: bytes) -> None:
        """Promises the whole answer, sends half of it and hangs up."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        self.close_connection = True


_NOTHING: dict[str, Any] = {"choices": [], "candidates": []}
_LOOP = " ".join(["the camera pans left and then it goes on and on"] * 12)
_SAID = {
    "refused": ("I'm sorry, but I can't help with describing this video.", "stop"),
    "empty": ("   ", "stop"),
    "truncated": ("The camera pans left and", "length"),
    "loop": (_LOOP, "stop"),
    "foreign": ("镜头缓慢向左移动，画面中有一个人。", "stop"),
}


def _blocked(dialect: Dialect) -> tuple[int, dict[str, Any]]:
    if isinstance(dialect, OpenAIDialect):
        return 400, {"error": {"message": "flagged", "type": "invalid_request_error", "code": "content_filter"}}
    return 200, {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": SERVED}


def _quota(dialect: Dialect) -> dict[str, Any]:
    if isinstance(dialect, OpenAIDialect):
        code = "insufficient_quota"
        return {"error": {"message": "you have used it up", "type": code, "code": code}}
    details = [{"@type": "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]
    return {"error": {"code": 429, "message": "used up", "status": "RESOURCE_EXHAUSTED", "details": details}}
