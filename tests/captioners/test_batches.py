"""Requests asked in batches, through both real SDKs against a local server: nothing is lost, nothing paid twice."""

import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.batch_api import gemini_batches, openai_batches
from chai_resources.captioners.batch_api.pending_batches import NoteUnreadable, PendingBatches
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import CachingCaptioner, CaptionError, Request, Result
from chai_resources.media import Media
from tests.captioners.model_server import MODELS, TOKENS, Book

NAMES = ("a", "b", "c")

pytestmark = pytest.mark.parametrize("engine", MODELS)


@pytest.fixture(autouse=True)
def one_client(monkeypatch: pytest.MonkeyPatch, impatient: None):
    for module in (openai_batches, gemini_batches):  # an SDK's client takes half a second to make
        monkeypatch.setattr(module, "client_of", _once(module.client_of))


def _once(make: Any) -> Any:
    made: dict[str, Any] = {}

    def client(model: ModelChoice, *key: str) -> Any:
        return made[model.url] if model.url in made else made.setdefault(model.url, make(model, *key))

    return client


def choice(engine: str, url: str, **changes: Any) -> CaptionerChoice:
    place = f"{url}/v1" if engine == "openai" else url
    return CaptionerChoice(name=engine, model=ModelChoice(model=MODELS[engine], url=place, batches=True, **changes))


def opened(engine: str, url: str, root: Any) -> CachingCaptioner:
    return choice(engine, url).open(Media(root=str(root)))


def request(name: str) -> Request:
    sampling = {"temperature": 0}
    text = f"Describe it. {name}"
    return Request(name, f"req_{name.encode().hex():0>32}", "draft", text, {}, None, sampling, f"clip-{name}")


def run(captioner: CachingCaptioner, *names: str) -> dict[str, Result]:
    results = list(captioner.run(request(name) for name in names))
    assert sorted(result.key for result in results) == sorted(names), "one result for each request"
    return {result.key: result for result in results}


def error_of(result: Result) -> CaptionError:
    assert result.error is not None
    return result.error


def kinds(results: dict[str, Result]) -> set[str]:
    return {result.error.kind if result.error else "answered" for result in results.values()}


def test_a_batch_is_handed_in_once_waited_for_and_fetched(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served
    first = run(opened(engine, url, tmp_path), *NAMES)
    assert kinds(first) == {"waiting"}
    assert error_of(first["a"]).message.startswith(f"in batch {book.desk.batches[0].id} since 20")
    before = Media(root=str(tmp_path)).list_keys()
    assert run(opened(engine, url, tmp_path), *NAMES) == first, "a run while waiting changes nothing"
    assert Media(root=str(tmp_path)).list_keys() == before
    book.desk.end()
    fetched = run(opened(engine, url, tmp_path), *NAMES)
    assert kinds(fetched) == {"answered"}
    assert (fetched["b"].text or "").endswith("Describe it. b")
    assert (fetched["b"].tokens_in, fetched["b"].tokens_out) == TOKENS
    assert [call.batch for call in fetched["b"].calls] == [True]
    assert run(opened(engine, url, tmp_path), *NAMES) == fetched
    assert (len(book.desk.batches), book.charged.total()) == (1, 3)


@pytest.mark.parametrize("killed", ["note_job", "close"])
def test_a_run_killed_after_the_provider_took_a_batch_pays_nothing_twice(
    engine: str, killed: str, served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, book = served
    with monkeypatch.context() as broken:
        broken.setattr(PendingBatches, killed, _killed)
        with suppress(KeyboardInterrupt):
            run(opened(engine, url, tmp_path), *NAMES)
        book.desk.end()
        with suppress(KeyboardInterrupt):
            run(opened(engine, url, tmp_path), *NAMES)
    results = run(opened(engine, url, tmp_path), *NAMES, "new")
    assert kinds({name: results[name] for name in NAMES}) == {"answered"}
    assert error_of(results["new"]).kind == "waiting", "what was not in it goes out by itself"
    assert [len(batch.lines) for batch in book.desk.batches] == [3, 1]


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_batch_whose_reply_was_lost_is_found_again(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served
    book.create_faults = ["lost"]
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"waiting"}
    book.desk.end()
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"answered"}
    assert len(book.desk.batches) == 1


def test_a_batch_that_never_came_about_is_made_again_but_not_at_once(
    engine: str, served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, book = served
    book.create_faults = ["500"]
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"waiting"}
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"waiting"}
    assert not book.desk.batches, "it may still come about"
    monkeypatch.setattr("chai_resources.captioners.batch_api.batch_captioner.SETTLED", timedelta(0))
    assert len(choice(engine, url).ended_batches(Media(root=str(tmp_path)))) == 1, "a run is asked for"
    run(opened(engine, url, tmp_path), *NAMES)
    assert len(book.desk.batches) == 1


@pytest.mark.parametrize(("status", "remedy"), [("400", "not accepted"), ("401", "API_KEY"), ("404", "set CHAI_MODEL")])
def test_a_batch_that_is_refused_is_told_to_every_row_and_asked_again_by_the_next_run(
    engine: str, status: str, remedy: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    book.create_faults = [status]
    results = run(opened(engine, url, tmp_path), *NAMES)
    assert all(remedy in error_of(result).message for result in results.values())
    assert all(error_of(result).kind == "retryable" for result in results.values()), "held against no row"
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"waiting"}
    assert len(book.desk.batches) == 1


def test_lines_that_fail_have_their_kind_and_only_what_may_pass_is_asked_again(
    engine: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    book.faults |= {"busy": ["500"], "bad": ["400"], "cut": ["truncated"], "unsafe": ["blocked"]}
    names = ("busy", "bad", "cut", "unsafe", "good")
    run(opened(engine, url, tmp_path), *names)
    book.desk.end("completed" if engine == "openai" else "partial")
    results = run(opened(engine, url, tmp_path), *names)
    expected = {"busy": "retryable", "bad": "permanent", "cut": "permanent", "unsafe": "blocked", "good": ""}
    assert {name: r.error.kind if r.error else "" for name, r in results.items()} == expected
    assert [results[name].calls[0].charged for name in names] == ["no", "no", "yes", "no", "yes"]
    again = run(opened(engine, url, tmp_path), *names)
    assert error_of(again["busy"]).kind == "waiting"
    assert [len(batch.lines) for batch in book.desk.batches] == [5, 1]


@pytest.mark.parametrize(("state", "answered"), [("expired", 1), ("cancelled", 1), ("failed", 0), ("completed", 2)])
def test_what_an_ended_batch_left_out_is_told_why_and_asked_again(
    engine: str, state: str, answered: int, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    run(opened(engine, url, tmp_path), *NAMES)
    book.desk.end(state, answered)
    results = run(opened(engine, url, tmp_path), *NAMES)
    left = [error_of(result) for result in results.values() if result.error]
    assert len(left) == 3 - answered
    assert all(error.kind == "retryable" and "run again" in error.message for error in left)
    run(opened(engine, url, tmp_path), *NAMES)
    assert [len(batch.lines) for batch in book.desk.batches] == [3, 3 - answered]
    book.desk.end()
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"answered"}
    assert set(book.charged.values()) == {1}


def test_the_same_requests_make_another_batch_after_one_came_to_nothing(
    engine: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    for _ in range(3):
        assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"waiting"}
        book.desk.end("cancelled", 0)
        assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"retryable"}
    assert len({batch.name for batch in book.desk.batches}) == 3


def test_keys_of_one_request_share_a_line(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served
    twice = [request("a"), Request("other", request("a").hash, "draft", "Describe it. a", {}), request("b")]
    captioner = opened(engine, url, tmp_path)
    assert sorted(result.key for result in captioner.run(twice)) == ["a", "b", "other"]
    book.desk.end()
    assert [result.text is not None for result in captioner.run(twice)] == [True] * 3
    assert [len(batch.lines) for batch in book.desk.batches] == [2]


def test_requests_that_fill_more_than_one_file_make_more_than_one_batch(
    engine: str, served: tuple[str, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    url, book = served
    monkeypatch.setattr("chai_resources.captioners.batch_api.batch_captioner.MOST_REQUESTS", 2)
    names = [f"row-{number}" for number in range(5)]
    run(opened(engine, url, tmp_path), *names)
    assert sorted(len(batch.lines) for batch in book.desk.batches) == [1, 2, 2]
    book.desk.end()
    assert kinds(run(opened(engine, url, tmp_path), *names)) == {"answered"}


def test_a_provider_that_is_down_loses_no_batch(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served
    run(opened(engine, url, tmp_path), *NAMES)
    book.desk.end()
    book.down = True
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"retryable"}
    book.down = False
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"answered"}
    assert len(book.desk.batches) == 1


def test_a_batch_that_the_provider_forgot_is_asked_again(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served
    run(opened(engine, url, tmp_path), *NAMES)
    book.desk.batches.clear()
    assert "does not know it" in error_of(run(opened(engine, url, tmp_path), *NAMES)["a"]).message
    assert kinds(run(opened(engine, url, tmp_path), *NAMES)) == {"waiting"}


def test_a_note_that_cannot_be_read_stops_before_anything_is_asked(
    engine: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    run(opened(engine, url, tmp_path), *NAMES)
    [note] = tmp_path.glob("batches/*/requests.json")
    note.write_text("{")
    with pytest.raises(NoteUnreadable, match="delete the folder"):
        run(opened(engine, url, tmp_path), *NAMES)
    assert len(book.desk.batches) == 1


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.sets(st.sampled_from("abcdef"), min_size=1)),
        st.tuples(st.just("kill"), st.sampled_from(["begin", "note_job", "close"])),
        st.tuples(st.just("fault"), st.sampled_from(["lost", "500", "400"])),
        st.tuples(st.just("end"), st.tuples(st.sampled_from(["completed", "expired", "cancelled"]), st.integers(0, 6))),
    ),
    max_size=8,
)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(events=EVENTS)
def test_whatever_happens_every_request_ends_answered_and_paid_once(
    engine: str, served: tuple[str, Book], events: list[Any]
):
    url, book = served
    book.desk.batches.clear()
    book.charged.clear()
    book.create_faults.clear()
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr("chai_resources.captioners.batch_api.batch_captioner.SETTLED", timedelta(0))
        for what, how in events:
            if what == "end":
                book.desk.end(*how)
            elif what == "fault":
                book.create_faults = [how]
            elif what == "run":
                run(opened(engine, url, root), *how)
            else:
                with patch.context() as broken, suppress(KeyboardInterrupt):
                    broken.setattr(PendingBatches, how, _killed)
                    run(opened(engine, url, root), *"abc")
        book.create_faults.clear()
        for _ in range(4):
            book.desk.end()
            results = run(opened(engine, url, root), *"abcdef")
        assert kinds(results) == {"answered"}
        assert dict(book.charged) == {f"Describe it. {name}": 1 for name in "abcdef"}
