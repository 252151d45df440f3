"""The fault server's whole list against both SDKs, as a stage asks: each failure has its kind, its code and its price.

What the ledger says is held against what the server itself counted, and every run is followed by a second one.
"""

import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chai_resources.captioners.protocol import ClipMedia, ErrorKind
from chai_resources.media_store import MediaError
from tests.captioners.model_server import MODELS, Book, model_server
from tests.inference.model_stage import EACH, ModelStage, wanted
from tests.ingestion.films import scene, write
from tests.services.local import S3Server, start_s3

pytestmark = pytest.mark.usefixtures("impatient")

GOOD = None
"""The kind of a fault that passes within the run."""


@dataclass(frozen=True)
class Fault:
    """What the server plays for one row, and what must come of it. Codes of OpenAI and Gemini where they differ."""

    plays: tuple[str, ...]
    kind: ErrorKind | None
    outcomes: dict[str, tuple[str, ...]]
    """Of each call, in order, as the ledger names it; by engine."""
    charged: int = 0
    """Calls that are known to be charged."""
    unknown: int = 0
    """Calls that may have been."""
    stops: bool = False
    """Whether nothing more is asked."""


def both(*codes: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(MODELS, codes)


def refused(play: str, openai: str, gemini: str, kind: ErrorKind | None = GOOD, stops: bool = False) -> Fault:
    """Refused before any work is done, so never charged; a passing one is answered the second time."""
    then = ("answered",) if kind is GOOD else ()
    return Fault((play,), kind, {"openai": (openai, *then), "gemini": (gemini, *then)}, charged=len(then), stops=stops)


def spoilt(play: str, code: str) -> Fault:
    """The work is done and its answer lost; answered the second time."""
    return Fault((play,), GOOD, both(code, "answered"), charged=1, unknown=1)


def useless(play: str, code: str, kind: ErrorKind = "permanent") -> Fault:
    """An answer that is charged and that nobody can use."""
    return Fault((play,), kind, both(code), charged=1)


LIST = [
    refused("wrong-key", "invalid_api_key", "INVALID_ARGUMENT", "retryable", stops=True),
    refused("403", "403", "PERMISSION_DENIED", "retryable", stops=True),
    refused("404", "model_not_found", "NOT_FOUND", "retryable", stops=True),
    refused("429-quota", "insufficient_quota", "quota", "retryable", stops=True),
    refused("429-after-600", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "retryable", stops=True),
    refused("429", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    refused("429-after-0.02", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    refused("429-after-date-0", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    refused("429-after-date-600", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "retryable", stops=True),
    refused("429-after-date--600", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    refused("429-after-soon", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    refused("429-body-0.02", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    refused("429-after--5", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    refused("500", "500", "INTERNAL"),
    refused("503", "503", "UNAVAILABLE"),
    refused("bad-video", "400", "INVALID_ARGUMENT", "permanent"),
    refused("blocked", "content_filter", "safety", "blocked"),
    Fault(("500",) * 4, "retryable", {"openai": ("500",) * 4, "gemini": ("INTERNAL",) * 4}),
    Fault(("cut",) * 4, "retryable", both(*["connection"] * 4), unknown=4),
    spoilt("slow", "timeout"),
    spoilt("cut", "connection"),
    spoilt("drop", "connection"),
    spoilt("garbage", "garbled"),
    spoilt("page", "garbled"),
    spoilt("list", "garbled"),
    spoilt("no-choices", "garbled"),
    useless("refused", "refused", "blocked"),
    useless("declined", "refused", "blocked"),
    useless("empty", "empty"),
    useless("truncated", "truncated"),
    useless("loop", "repeated"),
    useless("foreign", "language"),
]


def of(stage: ModelStage, name: str) -> pl.DataFrame:
    return stage.ledger.filter(pl.col("clip_id") == name).sort("called_at")


@pytest.mark.parametrize("fault", LIST, ids=lambda fault: "+".join(fault.plays))
@pytest.mark.parametrize("engine", MODELS)
def test_every_failure_has_its_kind_its_code_and_its_price_and_the_next_run_goes_on(
    engine: str, fault: Fault, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    stage = ModelStage(engine, url, tmp_path)
    names = ["faulty", *(f"row-{number}" for number in range(20))]
    book.faults["Describe" if fault.stops else "faulty"] = list(fault.plays) * (100 if fault.stops else 1)
    outcome = stage.ask(names, "run-1")
    kinds = {error["clip_id"]: error["kind"] for error in outcome.errors}
    assert sorted([*stage.made, *kinds]) == sorted(names), "a row or an error for each, none twice"
    assert kinds.get("faulty") == fault.kind
    calls = of(stage, "faulty")
    assert tuple(calls["outcome"]) == fault.outcomes[engine]
    assert (calls["charged"].to_list().count("yes"), calls["charged"].to_list().count("unknown")) == (
        fault.charged,
        fault.unknown,
    )
    assert len(calls) == book.calls["Describe it. faulty"]
    if fault.stops:
        assert set(kinds.values()) == {"retryable"}, "held against no row"
        assert book.calls.total() <= 4, "the calls that were out when it showed, and no more"
    else:
        assert len(stage.made) == len(names) - len(kinds)
    counted(stage, book)

    book.faults.clear()
    before = book.calls["Describe it. faulty"]
    stage.ask(names, "run-2")
    lost = {"faulty"} if fault.kind in ("permanent", "blocked") else set()
    assert sorted(stage.made) == sorted(set(names) - lost)
    assert book.calls["Describe it. faulty"] == before + (fault.kind == "retryable"), "what is settled stays so"
    counted(stage, book)


@pytest.mark.parametrize(
    ("engine", "play", "kind"), [("gemini", "403-file", "retryable"), ("openai", "403-flagged", "blocked")]
)
def test_a_403_about_one_request_holds_up_no_other(
    engine: str, play: str, kind: ErrorKind, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    stage = ModelStage(engine, url, tmp_path)
    book.faults["faulty"] = [play] * 100
    names = ["faulty", *(f"row-{number}" for number in range(20))]
    outcome = stage.ask(names, "run-1")
    assert [(error["clip_id"], error["kind"]) for error in outcome.errors] == [("faulty", kind)]
    assert sorted(stage.made) == sorted(names[1:])
    counted(stage, book)


def counted(stage: ModelStage, book: Book) -> None:
    """What the ledger holds against what the server counted itself."""
    ledger = stage.ledger
    assert len(ledger) == book.calls.total(), "a row for each call"
    for prompt in book.calls:
        charged = book.charged[prompt]
        calls = ledger.filter(pl.col("clip_id") == prompt.rpartition(" ")[2])["charged"].to_list()
        known, unknown = calls.count("yes"), calls.count("unknown")
        assert known <= charged <= known + unknown
    assert ledger["cost"].sum() == pytest.approx(EACH * ledger["charged"].to_list().count("yes"))
    assert ledger.filter((pl.col("charged") == "unknown") & pl.col("cost").is_not_null()).is_empty()


PASSING = ["429", "429-after-0.02", "429-body-0.02", "500", "503", "cut", "drop", "garbage", "page", "no-choices"]
SETTLED = ["bad-video", "blocked", "refused", "declined", "empty", "truncated", "loop"]
STOPPING = ["wrong-key", "404", "429-quota", "429-after-600"]
PLAYS = st.lists(st.sampled_from(PASSING * 2 + SETTLED + STOPPING), max_size=6)


@pytest.mark.parametrize("engine", MODELS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plays=st.lists(PLAYS, min_size=1, max_size=12))
def test_whatever_fails_in_whatever_order_no_row_is_lost_or_doubled_and_the_ledger_is_the_servers(
    engine: str, plays: list[list[str]]
):
    names = [f"row-{number}." for number in range(len(plays))]
    with tempfile.TemporaryDirectory() as root, model_server() as (url, book):
        book.faults |= {name: list(faults) for name, faults in zip(names, plays, strict=True)}
        stage = ModelStage(engine, url, Path(root))
        settled: set[str] = set()
        for run in range(2):
            asked = set(names) - set(stage.made) - settled
            outcome = stage.ask(names, f"run-{run}")
            failed = [error["clip_id"] for error in outcome.errors]
            assert outcome.written + len(failed) == len(asked)
            assert len(set(failed)) == len(failed)
            settled |= {error["clip_id"] for error in outcome.errors if error["kind"] != "retryable"}
            assert len(set(stage.made)) == len(stage.made), "none twice"
            assert settled.isdisjoint(stage.made)
            counted(stage, book)
        book.faults.clear()
        stage.ask(names, "the last")
        assert sorted([*stage.made, *settled]) == sorted(names), "once it passes, one more run completes all"
        counted(stage, book)
        calls = book.calls.total()
        assert stage.ask(names, "another").written == 0
        assert book.calls.total() == calls, "what is done is asked no more"


def test_a_server_that_remembers_calls_is_not_paid_twice_for_an_answer_that_was_lost(
    served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    book.remembers = True
    book.faults |= {"slow": ["slow"], "cut": ["cut"] * 4}
    stage = ModelStage("openai", url, tmp_path)
    assert stage.ask(["slow", "cut", "plain"], "run-1").written == 2
    assert stage.ask(["slow", "cut", "plain"], "run-2").written == 1
    assert set(book.charged.values()) == {1}


def test_an_upload_that_fails_is_charged_to_nobody_and_tried_again(
    served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, book = served
    monkeypatch.setattr("chai_resources.captioners.engines.gemini_engine.INLINE_BYTES", 10)
    monkeypatch.setattr("chai_resources.captioners.engines.gemini_engine._POLL_S", 0.01)
    film = write(tmp_path / "film.mp4", scene(1, 25), rate=25).read_bytes()
    stage = ModelStage("gemini", url, tmp_path)
    stage.media.put_bytes("clips/film.mp4", film)
    book.upload_faults = ["drop", "503", "429-after-0.02"]
    asked = wanted("a")
    with_clip = replace(asked.request, media=ClipMedia("clips/film.mp4", "video/mp4", 1.0, 25.0))
    assert stage.ask_these([replace(asked, request=with_clip)], "run-1").written == 1
    assert of(stage, "a")["charged"].to_list() == ["no", "no", "no", "yes"]
    assert (book.uploads, book.charged.total()) == (1, 1)


@pytest.mark.parametrize("engine", MODELS)
def test_answers_that_a_folder_refuses_become_rows_all_the_same_and_no_more_is_asked(
    engine: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "answers").write_text("a file where the folder should be")
    names = [f"row-{number:02}" for number in range(40)]
    refused_writes(ModelStage(engine, url, tmp_path), book, names)
    (tmp_path / "media" / "answers").unlink()
    finishes(ModelStage(engine, url, tmp_path), book, names)


def refused_writes(stage: ModelStage, book: Book, names: list[str]) -> None:
    """A run over a store that refuses writes."""
    outcome = stage.ask(names, "run-1")
    assert len(stage.made) == book.charged.total() > 0, "what was paid is there"
    assert book.calls.total() <= 8, "the calls that were out, and no more"
    assert outcome.written + len(outcome.errors) == len(names)
    waiting = [error for error in outcome.errors if error["kind"] == "retryable"]
    assert len(waiting) >= len(names) - 9
    assert all("answers cannot be stored" in error["message"] and "run again" in error["message"] for error in waiting)
    counted(stage, book)


def finishes(stage: ModelStage, book: Book, names: list[str]) -> None:
    """A run after the store was mended: it asks for the rest alone."""
    stage.ask(names, "run-2")
    assert sorted(stage.made) == sorted(names)
    assert {book.charged[wanted(name).request.prompt] for name in names} == {1}, "nothing is paid for twice"
    counted(stage, book)


@pytest.fixture(scope="module")
def two_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[S3Server, dict[str, str]]]:
    """A real S3 server, and the variables of a key that may read and not write."""
    reader = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "reader-secret"}
    server = start_s3(tmp_path_factory.mktemp("s3"), readers={"reader": "reader-secret"})
    yield server, {**server.env, **reader}
    server.stop()


def test_a_bucket_that_refuses_a_write_and_then_is_gone_costs_no_second_charge(
    two_keys: tuple[S3Server, dict[str, str]], served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (server, reader), (url, book) = two_keys, served
    names = [f"row-{number:02}" for number in range(40)]
    for name, value in reader.items():
        monkeypatch.setenv(name, value)
    refused_writes(ModelStage("openai", url, tmp_path, "s3://chai/refusing"), book, names)
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    finishes(ModelStage("openai", url, tmp_path, "s3://chai/refusing"), book, names)

    # The server dies while calls are out: what they brought is written before the run fails with the remedy.
    more = [f"more-{number:02}" for number in range(40)]
    stage = ModelStage("openai", url, tmp_path, "s3://chai/refusing")
    book.on_call[book.calls.total() + 8] = lambda: os.killpg(server.process.pid, signal.SIGKILL)
    with pytest.raises(MediaError, match="AWS_ENDPOINT_URL"):
        stage.ask(more, "run-3")
    made = [name for name in stage.made if name in more]
    assert 0 < len(made) < 40
    assert len(made) == sum(book.charged[wanted(name).request.prompt] for name in more)
    counted(stage, book)
