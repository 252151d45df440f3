"""A real local HTTP server that speaks the chat completions of OpenAI and the generateContent of Gemini.

The real SDKs talk to it. What goes wrong is written beforehand: a list of faults a prompt, played one a call;
after them, and for all other prompts, it answers. It counts calls and what it would have charged.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chai_assets.demo.model_server.batches import BatchStore
from chai_assets.demo.model_server.dialects import SERVED, Dialect, GeminiDialect, OpenAIDialect, dialect_of

MODELS = {"openai": "gpt-4.1-2025-04-14", "gemini": "gemini-2.5-flash-001"}
"""A pinned model for each engine; the server answers to any name."""
TOKENS = (100, 20)
"""Prompt and completion tokens that an answer costs."""


@dataclass
class Book:
    """What the server was told to do and what it saw."""

    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Faults by a word of the prompt. Refused before any work: a status, 429-after-N and 429-after-date-N (header),
    429-body-N (Gemini's way), 429-quota, 403-file and 403-flagged (about this request alone), wrong-key, bad-video,
    blocked, logprobs-refused, structure-refused; drop hangs up. After the work: slow, cut, garbage, page, list,
    no-choices, declined, refused, empty, truncated, loop, foreign, no-logprobs, prose (whatever form is asked for),
    fenced, long (600 words)."""
    critiques: dict[str, str] = field(default_factory=dict)
    """By a word of the prompt, what is answered where a JSON schema is given; one missing remark by default."""
    likely: dict[str, dict[str, float]] = field(default_factory=dict)
    """By a word of the prompt, the first tokens with log-probabilities that it tells where they are asked for."""
    plays: dict[str, Callable[["Server", bytes], None]] = field(default_factory=dict)
    """By a word of the prompt, what is done instead of sending the answer, every time: it gets the answer's body."""
    calls: Counter[str] = field(default_factory=Counter)
    """Calls by prompt."""
    charged: Counter[str] = field(default_factory=Counter)
    """Completed answers by prompt: what a provider bills."""
    on_call: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What happens to the world when so many calls have come."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Request bodies."""
    headers: list[dict[str, str]] = field(default_factory=list)
    uploads: int = 0
    uploads_live_s: float = 48 * 3600
    """So long are files kept that are uploaded now."""
    gone: set[str] = field(default_factory=set)
    """Files that are there no longer: what is asked about one is refused."""
    upload_faults: list[str] = field(default_factory=list)
    """What goes wrong with uploads, one each: drop, or a status."""
    desk: BatchStore = field(init=False)
    """Batches; they end when a test says so."""
    create_faults: list[str] = field(default_factory=list)
    """What goes wrong with calls that create a batch: a status, or `lost` for one whose reply never comes."""
    down: bool = False
    """Whether calls about batches are answered with 503."""
    answer_s: float = 0.0
    tokens: tuple[int, int] = TOKENS
    remembers: bool = False
    """Whether a call with an idempotency key seen before is charged no second time."""
    remembered: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.desk = BatchStore(self.batch_line)

    def batch_line(self, dialect: Dialect, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What a line of a batch is answered, by the same faults as a call."""
        prompt = dialect.prompt(asked)
        fault = self.next_fault(prompt)
        if refused := _refusal(fault, dialect):
            return refused[:2]
        with self.lock:
            self.charged[prompt] += 1
        text, finish = self.said(fault, prompt, dialect.schema(asked))
        return 200, dialect.answer(text, finish, self.tokens)

    def said(self, fault: str, prompt: str, schema: dict[str, Any] | None) -> tuple[str, str]:
        """Text and finish of an answer; JSON where the call gave a schema."""
        free = f"The camera pans left. {prompt[-40:]}"
        held = next((text for word, text in self.critiques.items() if word in prompt), _REMARK)
        return _SAID.get(fault, (held if schema and fault != "prose" else free, "stop"))

    def next_fault(self, prompt: str) -> str:
        with self.lock:
            self.calls[prompt] += 1
            happens = self.on_call.pop(self.calls.total(), lambda: None)
            happens()
            for word, faults in self.faults.items():
                if word in prompt and faults:
                    return faults.pop(0)
        return ""


@contextmanager
def model_server() -> Iterator[tuple[str, Book]]:
    """Its address and its book."""
    book = Book()
    handler = type("Handler", (Server,), {"book": book})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", book
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Quiet: callers that are killed, or lose patience, hang up."""


class Server(BaseHTTPRequestHandler):
    """Answers one connection."""

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
            if any(f"/files/{name}" in json.dumps(asked) for name in self.book.gone):
                self.book.next_fault(dialect.prompt(asked))
                return self._send(*_refusal("403-file", dialect) or (500, {}))
            self._answer(dialect, asked)
        finally:
            with self.book.lock:
                self.book.at_once -= 1

    def _answer(self, dialect: Dialect, asked: dict[str, Any]) -> None:
        prompt, top = dialect.prompt(asked), dialect.top(asked)
        fault = self.book.next_fault(prompt)
        if fault == "drop":
            self.close_connection = True
            return None
        if refused := _refusal(fault, dialect):
            return self._send(*refused)
        if not self._remembered():
            with self.book.lock:
                self.book.charged[prompt] += 1
        if fault == "slow":
            return self._outlast()
        time.sleep(self.book.answer_s)
        text, finish = self.book.said(fault, prompt, dialect.schema(asked))
        first = self._first_token(prompt, top) if fault != "no-logprobs" else None
        if top and fault in ("", "no-logprobs"):
            text, finish = max(first or {"Yes": 0.0}, key=(first or {"Yes": 0.0}).__getitem__), "length"
        answer = dialect.answer(text, finish, self.book.tokens, first)
        if play := next((play for word, play in self.book.plays.items() if word in prompt), None):
            return play(self, json.dumps(answer).encode())
        if fault in _BODIES:
            return self.send_body(200, _BODIES[fault])
        if fault == "no-choices":
            return self._send(200, {**answer, **_NOTHING})
        if fault == "declined":
            return self._send(200, _declined(answer))
        if fault == "cut":
            return self._cut(json.dumps(answer).encode())
        return self._send(200, answer)

    def _first_token(self, prompt: str, top: int) -> dict[str, float] | None:
        likely = next((tokens for word, tokens in self.book.likely.items() if word in prompt), {"Yes": -0.1, "No": -3})
        return dict(sorted(likely.items(), key=lambda at: -at[1])[:top]) or None

    def _remembered(self) -> bool:
        """Whether the same call was charged before, by a server that remembers."""
        key = self.headers.get("idempotency-key") or ""
        with self.book.lock:
            known = self.book.remembers and key in self.book.remembered
            self.book.remembered.add(key)
        return known

    def _outlast(self) -> None:
        """Does not answer until the caller has lost patience."""
        self.connection.settimeout(20)
        with suppress(OSError):
            self.connection.recv(1)
        self.close_connection = True

    def _upload(self) -> None:
        if self.headers.get("x-goog-upload-command") == "start":
            fault = self.book.upload_faults.pop(0) if self.book.upload_faults else ""
            if fault == "drop":
                self.close_connection = True
                return None
            if refused := _refusal(fault, GeminiDialect()):
                return self._send(*refused)
            host = f"http://{self.headers['host']}"
            return self._send(200, {}, {"X-Goog-Upload-URL": f"{host}/upload/part", "X-Goog-Upload-Status": "active"})
        self.book.uploads += 1
        return self._send(200, {"file": self._file("PROCESSING")}, {"X-Goog-Upload-Status": "final"})

    def _file(self, state: str) -> dict[str, Any]:
        name = f"files/clip-{self.book.uploads}"
        uri = f"http://{self.headers['host']}/v1beta/{name}"
        expires = datetime.now(UTC) + timedelta(seconds=self.book.uploads_live_s)
        about = {"name": name, "uri": uri, "mimeType": "video/mp4", "state": state}
        return {**about, "expirationTime": expires.isoformat()}

    def _send(self, status: int, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> None:
        self.send_body(status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)

    def send_body(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Sends these bytes as they are."""
        plain = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        try:
            self.send_response(status)
            for name, value in {**plain, **(headers or {})}.items():
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


_BODIES = {"garbage": b"{this is no JSON", "page": b"<html>maintenance</html>", "list": b'["no", "answer"]'}
_NOTHING: dict[str, Any] = {"choices": [], "candidates": []}
_REMARK = json.dumps({"findings": [{"kind": "missing", "quote": "", "fix": "The light is soft."}]})
_LOOP = " ".join(["the camera pans left and then it goes on and on"] * 12)
_SAID = {
    "refused": ("I'm sorry, but I can't help with describing this video.", "stop"),
    "empty": ("   ", "stop"),
    "truncated": ("The camera pans left and", "length"),
    "loop": (_LOOP, "stop"),
    "long": (" ".join(["The", *(f"word{number}" for number in range(1, 600))]) + ".", "stop"),
    "fenced": ('```json\n{"findings": []}\n```', "stop"),
    "foreign": ("镜头缓慢向左移动，画面中有一个人。", "stop"),
}


def _refusal(fault: str, dialect: Dialect) -> tuple[int, dict[str, Any], dict[str, str]] | None:
    """Status, body and headers of what is refused before any work is done; None where it is not."""
    openai = isinstance(dialect, OpenAIDialect)
    if fault.startswith("429-after-date-"):
        at = format_datetime(datetime.now(UTC) + timedelta(seconds=float(fault[15:])), usegmt=True)
        return 429, dialect.error(429, "slow down"), {"Retry-After": at}
    if fault.startswith("429-after-"):
        return 429, dialect.error(429, "slow down"), {"Retry-After": fault.rpartition("-")[2]}
    if fault.startswith("429-body-"):
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.rpartition('-')[2]}s"}
        return 429, _with_details(dialect.error(429, "slow down"), info), {}
    if fault == "429-quota":
        if openai:
            code = "insufficient_quota"
            return 429, {"error": {"message": "you have used it up", "type": code, "code": code}}, {}
        violation = {"@type": "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}
        return 429, _with_details(dialect.error(429, "used up"), violation), {}
    if fault == "wrong-key":
        if openai:
            return 401, dialect.error(401, "Incorrect API key provided"), {}
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        return 400, _with_details(dialect.error(400, "API key not valid"), reason), {}
    if fault == "403-file":
        return 403, dialect.error(403, "You do not have permission to access the File clip or it may not exist."), {}
    if fault == "403-flagged":
        return 403, dialect.error(403, 'The model requires moderation and the input was flagged for "violence"'), {}
    if fault[:3].isdigit():
        return int(fault[:3]), dialect.error(int(fault[:3]), f"made to fail with {fault}"), {}
    if fault == "logprobs-refused":
        return 400, dialect.error(400, "logprobs are not enabled for this model"), {}
    if fault == "structure-refused":
        named = "response_format" if openai else "responseJsonSchema"
        return 400, dialect.error(400, f"{named} is not supported by this model"), {}
    if fault == "bad-video":
        return 400, dialect.error(400, "the video cannot be decoded"), {}
    if fault == "blocked":
        if openai:
            return 400, {"error": {"message": "flagged", "type": "invalid_request_error", "code": "content_filter"}}, {}
        return 200, {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": SERVED}, {}
    return None


def _with_details(body: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    return {"error": {**body["error"], "details": [detail]}}


def _declined(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with a refusal in the field that is for it, and no text."""
    if "choices" in answer:
        message = {"role": "assistant", "content": None, "refusal": "I will not describe this."}
        return {**answer, "choices": [{**answer["choices"][0], "message": message}]}
    return {**answer, "candidates": [{"index": 0, "finishReason": "SAFETY"}]}
