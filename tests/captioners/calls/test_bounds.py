"""What a server does beyond all bounds costs its row alone, in bounded time, through both real SDKs."""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chai_resources.captioners.calls import bounded_http
from tests.captioners.model_server import MODELS, Book, Server, model_server
from tests.inference.model_stage import ModelStage

pytestmark = [pytest.mark.usefixtures("impatient"), pytest.mark.parametrize("engine", MODELS)]

Play = Callable[[Server, bytes], None]


def drip(of_the_head: bool) -> Play:
    """Sends a byte now and then, of the head or of the body."""

    def play(server: Server, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        head += b"" if of_the_head else b"Content-Length: %d\r\n\r\n" % len(body)
        with suppress(OSError):
            server.wfile.write(head)
            for byte in b"X-Slow: " + b"y" * 400 if of_the_head else body:
                server.wfile.write(bytes([byte]))
                server.wfile.flush()
                time.sleep(0.1)
        server.close_connection = True

    return play


def packed(body: bytes, name: str = "gzip") -> Play:
    return lambda server, _: server.send_body(200, body, {"Content-Encoding": name})


def endless(server: Server, body: bytes) -> None:
    """Never ends its answer."""
    server.send_response(200)
    server.send_header("Content-Type", "application/json")
    server.end_headers()
    with suppress(OSError):
        for _ in range(4_000):
            server.wfile.write(b" " * 65_536)
    server.close_connection = True


BEYOND: dict[str, tuple[Play, str]] = {
    "endless": (endless, "too_large"),
    "a bomb": (packed(gzip.compress(b" " * (1 << 26), 9)), "too_large"),
    "a deflated bomb": (packed(zlib.compress(b"[" * (1 << 26), 9), "deflate"), "too_large"),
    "packed unasked": (packed(b"whatever", "br"), "too_large"),
}


@pytest.mark.parametrize("what", BEYOND)
def test_an_answer_without_end_costs_one_error_row_and_is_asked_for_once(
    engine: str, what: str, served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, book = served
    play, code = BEYOND[what]
    monkeypatch.setattr(bounded_http, "MOST_BYTES", 1 << 20)
    book.plays["bad"] = play
    stage = ModelStage(engine, url, tmp_path)
    outcome = stage.ask(["bad", "good-1", "good-2"], "run-1")
    assert sorted(stage.made) == ["good-1", "good-2"]
    [error] = outcome.errors
    assert error["kind"] == "permanent"
    [call] = stage.ledger.filter(stage.ledger["clip_id"] == "bad").to_dicts()
    assert (call["outcome"], call["charged"]) == (code, "unknown")
    calls = book.calls.total()
    stage.ask(["bad", "good-1", "good-2"], "run-2")
    assert book.calls.total() == calls, "what was perhaps paid is not asked for again"


@pytest.mark.parametrize("of_the_head", [True, False], ids=["head", "body"])
def test_an_answer_that_drips_is_given_up_in_the_time_that_is_set(
    engine: str, of_the_head: bool, served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, book = served
    monkeypatch.setattr("chai_resources.captioners.calls.network_captioner.TRIES", 1)
    book.plays["bad"] = drip(of_the_head)
    stage = ModelStage(engine, url, tmp_path)  # whose patience is 2 s
    outcome = stage.ask(["bad", "good"], "run-1")
    [latency] = stage.ledger.filter(stage.ledger["clip_id"] == "bad")["latency_ms"]
    assert latency < 6_000, "the whole answer would take half a minute"
    assert [error["kind"] for error in outcome.errors] == ["retryable"]
    assert "timeout" in stage.ledger["outcome"].to_list()
    assert stage.made == ["good"]


def test_packed_answers_of_another_charset_and_type_are_read(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served
    wrong = {"Content-Type": "text/html; charset=latin-1"}
    book.plays |= {
        "gzip": lambda server, body: server.send_body(200, gzip.compress(body), {"Content-Encoding": "gzip", **wrong}),
        "bom": lambda server, body: server.send_body(200, b"\xef\xbb\xbf" + body, wrong),
        "spaced": lambda server, body: server.send_body(200, b"\r\n\r\n" + body + b"\r\n", wrong),
        "utf8": lambda server, body: server.send_body(200, body.replace(b"pans", "pans à gauche".encode()), wrong),
    }
    stage = ModelStage(engine, url, tmp_path)
    assert stage.ask(["gzip", "bom", "spaced", "utf8"], "run-1").written == 4
    texts = dict(stage.tables.read("drafts", "b1", columns=["clip_id", "text"]).iter_rows())
    assert "pans à gauche" in texts["utf8"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_neither_key_nor_clip_follows_a_redirect_to_another_host(
    engine: str, status: int, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    with model_server() as (elsewhere, other):
        book.plays["Describe"] = lambda server, _: server.send_body(status, b"", {"Location": elsewhere + server.path})
        outcome = ModelStage(engine, url, tmp_path).ask(["a", "b"], "run-1")
        assert not other.seen
    assert {error["kind"] for error in outcome.errors} == {"retryable"}
    assert "CHAI_MODEL_URL" in outcome.errors[0]["message"]


def test_a_redirect_on_the_same_host_is_followed(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served

    def once(server: Server, _: bytes) -> None:
        book.plays.clear()
        server.send_body(307, b"", {"Location": server.path})

    book.plays["Describe"] = once
    assert ModelStage(engine, url, tmp_path).ask(["a"], "run-1").written == 1


ODD_ERRORS: list[tuple[int, bytes, str]] = [
    (500, b"<html>" + b"x" * 100_000, "retryable"),
    (500, b'{"error": "down"}', "retryable"),
    (503, b'["down"]', "retryable"),
    (503, b'[{"error": {"code": 503, "message": "down", "status": "UNAVAILABLE"}}]', "retryable"),
    (500, b'{"error": {"message": {"a": 1}, "code": [1], "details": {"a": null}}}', "retryable"),
    (500, b'{"error": {"message": "\\ud83d\\u0000", "code": ' + b"9" * 5_000 + b"}}", "retryable"),
    (500, b"[" * 100_000, "retryable"),
    (529, b"", "retryable"),
    (422, b'{"detail": [{"loc": ["body"], "msg": "wrong"}]}', "permanent"),
    (400, b"\xff\xfe\x00", "permanent"),
    (429, b'{"error": {"details": [1, null, {"retryDelay": 5}], "message": "slow"}}', "retryable"),
]


@pytest.mark.parametrize(("status", "body", "kind"), ODD_ERRORS)
def test_an_error_of_any_form_keeps_its_status(
    engine: str, status: int, body: bytes, kind: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    book.plays["bad"] = lambda server, _: server.send_body(status, body)
    stage = ModelStage(engine, url, tmp_path)
    outcome = stage.ask(["bad", "good"], "run-1")
    assert [(error["kind"], error["clip_id"]) for error in outcome.errors] == [(kind, "bad")]
    assert len(outcome.errors[0]["message"]) <= 1_300
    assert stage.made == ["good"]
    assert set(stage.ledger.filter(stage.ledger["clip_id"] == "bad")["charged"]) == {"no"}


PARTS: dict[str, Any] = {
    "list": [{"type": "text", "text": "The camera "}, {"type": "text", "text": "pans left."}],
    "reasoning": [{"type": "reasoning", "text": "Hm."}, {"type": "output_text", "text": "The camera pans left."}],
    "strings": ["The camera ", "pans left."],
    "one": {"type": "text", "text": "The camera pans left."},
}


@pytest.mark.parametrize("what", PARTS)
def test_content_as_parts_is_the_text_that_they_hold(engine: str, what: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served

    def play(server: Server, body: bytes) -> None:
        answer = json.loads(body)
        if engine == "openai":
            answer["choices"][0]["message"] = {"content": PARTS[what], "reasoning_content": "Hm.", "role": "assistant"}
        else:
            parts = [
                {"text": "Hm.", "thought": True},
                {"text": "The camera "},
                {"inlineData": {}},
                {"text": "pans left."},
            ]
            answer["candidates"][0]["content"]["parts"] = parts
        server.send_body(200, json.dumps(answer).encode())

    book.plays["Describe"] = play
    stage = ModelStage(engine, url, tmp_path)
    assert stage.ask(["a"], "run-1").written == 1
    assert stage.tables.read("drafts", "b1")["text"].to_list() == ["The camera pans left."]
