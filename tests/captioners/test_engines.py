"""The engines `openai` and `gemini`, each through its real SDK against a local server: answers, faults, limits."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from chai_assets.demo.model_server.dialects import SERVED
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.acceptance import fault
from chai_resources.captioners.calls.answer_store import StoredAnswers
from chai_resources.captioners.calls.model_choice import ModelChoice, ModelRefused
from chai_resources.captioners.calls.network_captioner import CallFailed, CallingCaptioner, Pace
from chai_resources.captioners.calls.rate_limits import TokenBucket
from chai_resources.captioners.engines.frames import sampled_frames
from chai_resources.captioners.engines.openai_engine import pause_of
from chai_resources.captioners.protocol import Capabilities, Captioner, CaptionError, ClipMedia, Request, Result
from chai_resources.media import Media
from tests.captioners.model_server import MODELS, TOKENS, Book
from tests.ingestion.films import scene, write

pytestmark = pytest.mark.usefixtures("impatient")

ENGINES = ("openai", "gemini")


def choice(engine: str, url: str, **changes: Any) -> CaptionerChoice:
    place = f"{url}/v1" if engine == "openai" else url
    return CaptionerChoice(name=engine, model=ModelChoice(**({"model": MODELS[engine], "url": place} | changes)))


def opened(engine: str, url: str, root: str, **changes: Any) -> Captioner:
    return choice(engine, url, **changes).open(Media(root=root))


def request(name: str, media: ClipMedia | None = None) -> Request:
    sampling = {"temperature": 0}
    return Request(name, f"req_{name.encode().hex():0>32}", "draft", f"Describe it. {name}", {}, media, sampling)


def run(captioner: Captioner, *names: str) -> dict[str, Result]:
    results = list(captioner.run(request(name) for name in names))
    assert sorted(result.key for result in results) == sorted(names), "one result for each request"
    return {result.key: result for result in results}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_names_what_served_it_and_what_it_cost(engine: str, served: tuple[str, Book], tmp_path):
    url, book = served
    result = run(opened(engine, url, str(tmp_path)), "a")["a"]
    assert result.error is None
    assert (result.text or "").startswith("The camera pans left.")
    assert SERVED in result.served_revision
    assert (result.tokens_in, result.tokens_out) == TOKENS
    assert result.latency_ms > 0
    assert book.calls.total() == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_the_clip_comes_before_the_prompt(engine: str, served: tuple[str, Book], tmp_path):
    url, book = served
    store = Media(root=str(tmp_path))
    write(tmp_path / "clip.mp4", scene(1, 50), rate=25)
    shown = ClipMedia("clip.mp4", "video/mp4", 2.0, 25.0)
    results = list(choice(engine, url).open(store).run([request("a", shown)]))
    assert results[0].error is None
    body = book.seen[0]
    if engine == "openai":
        parts = body["messages"][0]["content"]
        assert [part["type"] for part in parts] == ["image_url"] * 4 + ["text"], "two frames a second"
        assert parts[0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    else:
        parts = body["contents"][0]["parts"]
        assert parts[0]["inlineData"]["mime_type"] == "video/mp4"
        assert parts[0]["videoMetadata"] == {"fps": 2.0}
        assert list(parts[1]) == ["text"]


def test_a_clip_is_decoded_once_for_requests_that_come_back_to_back(served, tmp_path, monkeypatch):
    url, book = served
    book.answer_s = 0.02
    decoded: list[str] = []

    def counting(path: Path, *how: Any) -> list[bytes]:
        decoded.append(path.name)
        return sampled_frames(path, *how)

    monkeypatch.setattr("chai_resources.captioners.engines.openai_engine.sampled_frames", counting)
    clips = [f"clip-{number}.mp4" for number in range(8)]
    for number, clip in enumerate(clips):
        write(tmp_path / clip, scene(number, 25), rate=25)
    asked = [request(f"{clip}-{n}", ClipMedia(clip, "video/mp4", 1.0, 25.0)) for clip in clips for n in range(5)]
    captioner = choice("openai", url, parallel=4).open(Media(root=str(tmp_path)))
    assert [result.error for result in captioner.run(asked)] == [None] * 40
    assert sorted(decoded) == clips
    pictures = {str(body["messages"][0]["content"][:-1]) for body in book.seen}
    assert len(pictures) == len(clips), "each request has its own clip's frames"


def test_a_compatible_server_can_get_the_clip_whole(served: tuple[str, Book], tmp_path):
    url, book = served
    write(tmp_path / "clip.mp4", scene(1, 25), rate=25)
    captioner = choice("openai", url, whole_video=True).open(Media(root=str(tmp_path)))
    assert next(iter(captioner.run([request("a", ClipMedia("clip.mp4", "video/mp4", 1.0, 25.0))]))).error is None
    part = book.seen[0]["messages"][0]["content"][0]
    assert part["video_url"]["url"].startswith("data:video/mp4;base64,")


def large_clip(root: Path, monkeypatch: pytest.MonkeyPatch) -> ClipMedia:
    """A clip in the store at `root` that is too large to go out within a request."""
    monkeypatch.setattr("chai_resources.captioners.engines.gemini_engine.INLINE_BYTES", 10)
    monkeypatch.setattr("chai_resources.captioners.engines.gemini_engine._POLL_S", 0.01)
    write(root / "clip.mp4", scene(1, 25), rate=25)
    return ClipMedia("clip.mp4", "video/mp4", 1.0, 25.0)


def test_a_large_clip_is_uploaded_once_for_all_its_requests(served: tuple[str, Book], tmp_path, monkeypatch):
    url, book = served
    shown = large_clip(tmp_path, monkeypatch)
    captioner = choice("gemini", url).open(Media(root=str(tmp_path)))
    results = list(captioner.run(request(name, shown) for name in "abcde"))
    assert [result.error for result in results] == [None] * 5
    assert book.uploads == 1
    assert book.seen[0]["contents"][0]["parts"][0]["fileData"]["file_uri"].endswith("/files/clip-1")


@pytest.mark.parametrize("how", ["expires", "vanishes"])
def test_a_clip_whose_upload_is_gone_is_uploaded_once_more_and_no_row_fails(
    how: str, served: tuple[str, Book], tmp_path, monkeypatch
):
    url, book = served
    shown = large_clip(tmp_path, monkeypatch)
    captioner = choice("gemini", url).open(Media(root=str(tmp_path)))
    book.uploads_live_s = 60 if how == "expires" else book.uploads_live_s
    assert [result.error for result in captioner.run([request("a", shown)])] == [None]
    book.uploads_live_s, book.gone = 48 * 3600, {"clip-1"}
    results = list(captioner.run(request(name, shown) for name in "bcdefg"))
    assert [result.error for result in results] == [None] * 6
    assert book.uploads == 2
    assert book.calls.total() == 7 if how == "expires" else book.calls.total() > 7
    assert {call.charged for result in results for call in result.calls} <= {"yes", "no"}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_clip_that_cannot_be_read_is_that_rows_error_and_costs_nothing(
    engine: str, served: tuple[str, Book], tmp_path
):
    url, book = served
    (tmp_path / "broken.mp4").write_text("no video")
    captioner = choice(engine, url).open(Media(root=str(tmp_path)))
    wanted = [request("a", ClipMedia("missing.mp4", "video/mp4", 1.0, 25.0)), request("b")]
    if engine == "openai":
        wanted.append(request("c", ClipMedia("broken.mp4", "video/mp4", 1.0, 25.0)))
    results = {result.key: result for result in captioner.run(wanted)}
    assert results["b"].error is None
    for name in results.keys() - {"b"}:
        error = results[name].error
        assert error is not None
        assert (error.kind, error.code) == ("retryable", "media")
    assert book.charged.total() == 1


def test_a_pause_that_the_server_wants_holds_every_call_of_the_model():
    now, both, told = [0.0], threading.Barrier(2), threading.Event()

    def sleep(seconds: float) -> None:
        both.wait(timeout=10)  # passes once both threads are held
        now[0] = max(now[0], 30.0)

    def call(asked: Request) -> Result:
        if asked.key == "a" and not told.is_set():
            told.set()
            raise CallFailed(CaptionError("retryable", "429", "slow down"), retry_after_s=30.0)
        # The others are out until the gate is shut: what comes after them is what is held.
        for _ in range(5_000):
            if captioner._gate._until:
                break
            time.sleep(0.001)
        return Result(asked.key, "m", "1", "The camera pans left.", "stop")

    able, pace = Capabilities(network=True), Pace(parallel=2)
    captioner = CallingCaptioner(
        call, model="m", revision="1", capabilities=able, pace=pace, sleep=sleep, clock=lambda: now[0]
    )
    results = list(captioner.run(request(name) for name in "abcdef"))
    assert [result.error for result in results] == [None] * 6
    assert now == [30.0]


@pytest.mark.parametrize("said", ["", "soon", "inf", "nan", "Mon, 99 Foo 2025 10:00:00 GMT"])
def test_a_pause_that_cannot_be_read_is_none(said: str):
    assert pause_of(said) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7.5", 7.5), ("-5", 0), ("Wed, 01 Jan 2025 00:00:00 GMT", 0), ("Fri, 01 Jan 2100 00:00:00 -0000", 1e9)],
)
def test_a_pause_is_a_number_or_a_date_and_never_negative(said: str, seconds: float):
    pause = pause_of(said)
    assert pause is not None
    assert seconds <= pause <= 3 * seconds


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_that_always_says_wait_is_left_to_the_next_run(engine: str, served, tmp_path, monkeypatch):
    url, book = served
    monkeypatch.setattr("chai_resources.captioners.calls.network_captioner.LONGEST_WAIT_S", 0.5)
    book.faults["Describe"] = ["429-after-0.2"] * 1000
    names = [f"row-{number}" for number in range(40)]
    errors = [result.error for result in run(opened(engine, url, str(tmp_path), parallel=1), *names).values()]
    assert {error.kind for error in errors if error} == {"retryable"}
    assert book.calls.total() == 3, "it waits twice, and the third pause is more than half a second"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_that_is_down_is_named(engine: str, tmp_path):
    captioner = opened(engine, "http://127.0.0.1:9", str(tmp_path), timeout_s=1.0)
    error = run(captioner, "a")["a"].error
    assert error is not None
    assert (error.kind, error.code) == ("retryable", "connection")
    assert "127.0.0.1:9" in error.message


@pytest.mark.parametrize("engine", ENGINES)
def test_no_more_calls_are_out_than_allowed_and_they_do_run_side_by_side(engine: str, served, tmp_path):
    url, book = served
    book.answer_s = 0.1
    captioner = opened(engine, url, str(tmp_path), parallel=4)
    run(captioner, *[f"row-{number}" for number in range(24)])
    assert book.most_at_once == 4


def test_a_bucket_lets_a_minutes_worth_through_and_then_the_rate():
    now, waited = [0.0], []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    bucket = TokenBucket(60, clock=lambda: now[0], sleep=sleep)
    for _ in range(60):
        bucket.take()
    assert waited == []
    bucket.take()
    bucket.take()
    assert waited == pytest.approx([1.0, 1.0])
    bucket.settle(estimated=1, used=31)
    bucket.take()
    assert waited[-1] == pytest.approx(31.0)


@pytest.mark.parametrize(
    ("name", "pinned"),
    [
        ("gpt-4o-2024-08-06", True),
        ("gemini-2.5-flash-001", True),
        ("gemini-2.5-flash-preview-09-2025", True),
        ("Qwen/Qwen3-VL-8B-Instruct@0c351dd01ed87e9c1b53cbc748cba10e6187ff3b", True),
        ("gpt-4o", False),
        ("gemini-flash-latest", False),
        ("gemini-2.5-pro", False),
        ("Qwen/Qwen3-VL-8B-Instruct", False),
    ],
)
def test_a_model_that_can_be_another_tomorrow_is_refused_unless_allowed(name: str, pinned: bool, tmp_path):
    named = CaptionerChoice(name="openai", model=ModelChoice(model=name, url="http://127.0.0.1:9/v1"))
    if pinned:
        named.open(Media(root=str(tmp_path)))
        return
    with pytest.raises(ModelRefused, match="CHAI_MODEL_UNPINNED=allow"):
        named.open(Media(root=str(tmp_path)))
    allowed = CaptionerChoice(name="openai", model=ModelChoice(model=name, url="http://127.0.0.1:9/v1", unpinned=True))
    assert isinstance(allowed.open(Media(root=str(tmp_path))), StoredAnswers)


def test_a_missing_key_or_model_is_said_before_any_call(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelRefused, match="OPENAI_API_KEY is not set"):
        CaptionerChoice(name="openai", model=ModelChoice(model=MODELS["openai"])).open(Media(root=str(tmp_path)))
    with pytest.raises(ModelRefused, match="set CHAI_MODEL"):
        CaptionerChoice(name="gemini").open(Media(root=str(tmp_path)))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_ends_early_keeps_every_answer_that_was_paid_for(engine: str, served, tmp_path):
    url, book = served
    book.answer_s = 0.05
    captioner = opened(engine, url, str(tmp_path), parallel=4)
    names = [f"row-{number:02}" for number in range(40)]
    results = captioner.run(request(name) for name in names)
    next(results)
    results.close()
    paid = book.charged.total()
    assert paid <= 8, "the calls that were out, and none after"
    run(captioner, *names)
    assert book.charged.total() == len(names), "nothing is paid for twice"
    assert paid < len(names)


def test_a_providers_key_is_sent_to_no_other_server(served, tmp_path, monkeypatch):
    url, book = served
    run(opened("openai", url, str(tmp_path)), "a")
    assert "sk-test" not in str(book.headers)
    monkeypatch.setenv("CHAI_MODEL_KEY", "own-key")
    run(opened("openai", url, str(tmp_path)), "b")
    assert "own-key" in book.headers[-1]["authorization"]


@pytest.mark.parametrize(
    "refusal",
    ["I'm unable to view the video.", "I am not able to help with that.", "Sorry I can't see it.", "I won’t do that."],
)
def test_refusals_are_told_from_captions(refusal: str):
    found = fault(refusal, "stop")
    assert found is not None
    assert found.kind == "blocked"
    assert fault('A sign says "Sorry, closed." and the camera is static.', "eos_token") is None


def test_how_the_clip_is_shown_is_part_of_what_was_asked(tmp_path):
    media = Media(root=str(tmp_path))
    shown = [choice("openai", "http://127.0.0.1:9", fps=fps).open(media).revision for fps in (1.0, 2.0)]
    assert shown[0] != shown[1]


def test_time_passes_while_a_bucket_waits():
    bucket = TokenBucket(6000)
    bucket.take(6000)
    started = time.perf_counter()
    bucket.take(20)
    assert time.perf_counter() - started >= 0.15
