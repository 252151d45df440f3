"""What both providers refuse calls with, through their real SDKs: each has its kind, and what it holds up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chai_resources.captioners.protocol import ClipMedia
from tests.captioners.model_server import MODELS, Book, Server
from tests.inference.model_stage import ModelStage, wanted
from tests.ingestion.films import scene, write

pytestmark = pytest.mark.usefixtures("impatient")

PASSES, STOPS, SETTLED, BLOCKED = "passes", "stops", "settled", "blocked"
"""Tried again within bounds; nothing more is asked and no row is to blame; the row is to blame; refused on content."""


def openai(status: int, code: Any, message: str = "said", kind: str = "invalid_request_error") -> tuple[int, bytes]:
    return status, json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


def gemini(code: int, status: str, message: str = "said", *details: dict[str, Any]) -> tuple[int, bytes]:
    return code, json.dumps(
        {"error": {"code": code, "message": message, "status": status, "details": details}}
    ).encode()


QUOTA = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDay"}]}
MINUTE = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinute"}],
}
KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}

OPENAI = [
    (openai(400, None, "Invalid image"), SETTLED, "not accepted"),
    (openai(400, "context_length_exceeded", "maximum context length is 8192"), SETTLED, "CHAI_MODEL_FRAMES"),
    (openai(400, "content_policy_violation", "flagged"), BLOCKED, "by hand"),
    (openai(400, "content_filter", "flagged"), BLOCKED, "by hand"),
    (openai(400, "model_decommissioned", "gone"), STOPS, "CHAI_MODEL"),
    (openai(400, "unsupported_parameter", "max_completion_tokens"), STOPS, "CHAI_MODEL"),
    (openai(401, "invalid_api_key", "Incorrect API key"), STOPS, "OPENAI_API_KEY"),
    (openai(402, None, "Insufficient credits"), STOPS, "quota"),
    (openai(403, "unsupported_country_region_territory"), STOPS, "country"),
    (openai(403, None, "no access"), STOPS, "may not use the model"),
    (openai(404, "model_not_found", "no such model"), STOPS, "CHAI_MODEL"),
    (openai(405, None), STOPS, "CHAI_MODEL_URL"),
    (openai(408, None), PASSES, ""),
    (openai(409, None), PASSES, ""),
    (openai(410, None, "retired"), STOPS, "CHAI_MODEL"),
    (openai(413, None, "too large"), SETTLED, "CHAI_MODEL_FRAMES"),
    (openai(422, None), SETTLED, "not accepted"),
    (openai(425, None), PASSES, ""),
    (openai(429, "rate_limit_exceeded", "slow down"), PASSES, ""),
    (openai(429, "rate_limit_exceeded", "Request too large for this model: Limit 10, Requested 20"), SETTLED, "FRAMES"),
    (openai(429, "insufficient_quota", "exceeded your quota", "insufficient_quota"), STOPS, "quota"),
    (openai(429, "billing_hard_limit_reached"), STOPS, "quota"),
    (openai(499, None), PASSES, ""),
    (openai(500, None), PASSES, ""),
    (openai(502, None), PASSES, ""),
    (openai(503, None), PASSES, ""),
    (openai(504, None), PASSES, ""),
    (openai(529, None, "overloaded"), PASSES, ""),
    ((200, b'{"error": {"message": "upstream is down", "code": 502}}'), PASSES, ""),
    ((200, b'{"error": {"message": "flagged", "code": "content_filter"}}'), BLOCKED, "by hand"),
    ((200, b'{"error": {"message": "no credits", "code": 402}}'), STOPS, "quota"),
]
GEMINI = [
    (gemini(400, "INVALID_ARGUMENT", "Unable to process input image"), SETTLED, "not accepted"),
    (gemini(400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens"), SETTLED, "FPS"),
    (gemini(400, "INVALID_ARGUMENT", "API key not valid", KEY), STOPS, "GEMINI_API_KEY"),
    (gemini(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), STOPS, "region"),
    (gemini(400, "FAILED_PRECONDITION", "The free tier is not available. Enable billing."), STOPS, "billing"),
    (
        gemini(400, "FAILED_PRECONDITION", "The File abc is not in an ACTIVE state and usage is not allowed."),
        PASSES,
        "",
    ),
    (gemini(400, "FAILED_PRECONDITION", "try it later"), PASSES, ""),
    (gemini(401, "UNAUTHENTICATED"), STOPS, "GEMINI_API_KEY"),
    (gemini(403, "PERMISSION_DENIED", "the API is not enabled"), STOPS, "GEMINI_API_KEY"),
    (
        gemini(403, "PERMISSION_DENIED", "You do not have permission to access the File abc or it may not exist."),
        PASSES,
        "",
    ),
    (gemini(404, "NOT_FOUND", "models/gemini-0 is not found for API version v1beta"), STOPS, "CHAI_MODEL"),
    (gemini(404, "NOT_FOUND", "Requested entity files/abc was not found."), PASSES, ""),
    (gemini(408, "DEADLINE_EXCEEDED"), PASSES, ""),
    (gemini(409, "ABORTED"), PASSES, ""),
    (gemini(413, "INVALID_ARGUMENT", "payload size exceeds the limit"), SETTLED, "FPS"),
    (gemini(422, "INVALID_ARGUMENT"), SETTLED, "not accepted"),
    (gemini(429, "RESOURCE_EXHAUSTED", "slow down", MINUTE), PASSES, ""),
    (gemini(429, "RESOURCE_EXHAUSTED", "used up", QUOTA), STOPS, "quota"),
    (gemini(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0"), STOPS, "quota"),
    (gemini(499, "CANCELLED"), PASSES, ""),
    (gemini(500, "INTERNAL"), PASSES, ""),
    (gemini(503, "UNAVAILABLE", "The model is overloaded."), PASSES, ""),
    (gemini(504, "DEADLINE_EXCEEDED"), PASSES, ""),
    (gemini(529, "UNAVAILABLE"), PASSES, ""),
    ((200, b'{"error": {"code": 14, "message": "down"}}'), PASSES, ""),
    ((200, b'{"promptFeedback": {"blockReason": "SAFETY"}}'), BLOCKED, "by hand"),
    ((200, b'{"promptFeedback": {"blockReason": "A_NEW_REASON"}}'), BLOCKED, "by hand"),
]
REFUSALS = [("openai", *row) for row in OPENAI] + [("gemini", *row) for row in GEMINI]


@pytest.mark.parametrize(("engine", "reply", "means", "remedy"), REFUSALS)
def test_each_refusal_holds_up_what_it_is_about_and_no_more(
    engine: str, reply: tuple[int, bytes], means: str, remedy: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    left = [2 if means == PASSES else 99]

    def play(server: Server, body: bytes) -> None:
        left[0] -= 1
        server.send_body(*(reply if left[0] >= 0 else (200, body)))

    book.plays["bad"] = play
    stage = ModelStage(engine, url, tmp_path)
    outcome = stage.ask(["bad"], "run-1")
    kinds = {PASSES: [], STOPS: ["retryable"], SETTLED: ["permanent"], BLOCKED: ["blocked"]}
    assert [error["kind"] for error in outcome.errors] == kinds[means]
    assert book.calls.total() == (3 if means == PASSES else 1)
    assert all(remedy in error["message"] for error in outcome.errors)
    assert set(stage.ledger["charged"]) <= {"no", "yes"}
    good = stage.ask(["good"], "run-2")
    assert good.written == 1, "a run after it asks anew"


ENDS = {
    "STOP": ("passes", "answered"),
    "SAFETY": ("blocked", "refused"),
    "RECITATION": ("blocked", "refused"),
    "BLOCKLIST": ("blocked", "refused"),
    "PROHIBITED_CONTENT": ("blocked", "refused"),
    "SPII": ("blocked", "refused"),
    "LANGUAGE": ("permanent", "language"),
    "MAX_TOKENS": ("permanent", "truncated"),
    "MALFORMED_FUNCTION_CALL": ("passes", "answered"),
    "UNEXPECTED_TOOL_CALL": ("passes", "answered"),
    "OTHER": ("passes", "answered"),
    "A_REASON_OF_TOMORROW": ("passes", "answered"),
}


@pytest.mark.parametrize("finish", ENDS)
def test_geminis_answer_without_parts_is_asked_for_again_where_it_may_pass(
    finish: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    empty = {"candidates": [{"finishReason": finish, "content": {"role": "model"}}], "usageMetadata": {}}
    kind, code = ENDS[finish]
    left = [2]

    def play(server: Server, body: bytes) -> None:
        left[0] -= 1
        server.send_body(200, json.dumps(empty).encode() if left[0] >= 0 else body)

    book.plays["bad"] = play
    stage = ModelStage("gemini", url, tmp_path)
    outcome = stage.ask(["bad"], "run-1")
    assert [error["kind"] for error in outcome.errors] == ([] if kind == "passes" else [kind])
    assert stage.ledger.sort("called_at")["outcome"].to_list()[-1] == code
    assert set(stage.ledger["charged"]) == {"yes"}, "what came empty was paid all the same"


@pytest.mark.parametrize("engine", MODELS)
def test_an_answer_that_stays_empty_is_given_up_in_one_run_and_not_paid_again(
    engine: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    nothing = {"choices": [{"finish_reason": "stop", "message": {"content": None}}]}
    nothing["candidates"] = [{"finishReason": "STOP"}]
    book.plays["bad"] = lambda server, _: server.send_body(200, json.dumps(nothing).encode())
    stage = ModelStage(engine, url, tmp_path)
    [error] = stage.ask(["bad", "good"], "run-1").errors
    assert (error["clip_id"], error["kind"], book.calls["Describe it. bad"]) == ("bad", "permanent", 4)
    stage.ask(["bad", "good"], "run-2")
    assert book.calls.total() == 5


@pytest.mark.parametrize("engine", MODELS)
def test_what_no_run_can_read_is_asked_for_in_three_runs_and_no_more(
    engine: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    book.plays["bad"] = lambda server, _: server.send_body(200, b"<html>a page</html>")
    stage = ModelStage(engine, url, tmp_path)
    kinds = [[error["kind"] for error in stage.ask(["bad"], f"run-{run}").errors] for run in range(5)]
    assert kinds == [["retryable"], ["retryable"], ["permanent"], [], []]
    assert book.calls.total() == 12


def test_a_file_that_is_not_active_is_uploaded_again_and_holds_up_no_other(
    served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, book = served
    monkeypatch.setattr("chai_resources.captioners.engines.gemini_engine.INLINE_BYTES", 10)
    monkeypatch.setattr("chai_resources.captioners.engines.gemini_engine._POLL_S", 0.01)
    stage = ModelStage("gemini", url, tmp_path)
    stage.media.put_bytes("clips/film.mp4", write(tmp_path / "film.mp4", scene(1, 25), rate=25).read_bytes())
    status, body = gemini(
        400, "FAILED_PRECONDITION", "The File abc is not in an ACTIVE state and usage is not allowed."
    )
    left = [1]

    def play(server: Server, answer: bytes) -> None:
        left[0] -= 1
        server.send_body(*((status, body) if left[0] >= 0 else (200, answer)))

    book.plays["bad"] = play
    item = wanted("bad")
    shown = replace(item.request, media=ClipMedia("clips/film.mp4", "video/mp4", 1.0, 25.0))
    outcome = stage.ask_these([replace(item, request=shown), wanted("good")], "run-1")
    assert (outcome.written, outcome.errors, book.uploads) == (2, [], 2)
