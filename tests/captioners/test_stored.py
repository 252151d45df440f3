"""Stored answers: a request is asked once, whatever is killed, repeated or run at the same time."""

import dataclasses
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from chai_resources.captioners.calls.answer_store import StoredAnswers, answer_key
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Call, Capabilities, Captioner, CaptionError, Request, Result
from chai_resources.media import Media


class Counting(Captioner):
    """An engine that writes down what it is asked, and answers as told."""

    model, revision, capabilities = "counting", "7", Capabilities()

    def __init__(self, breaks_at: int | None = None, error: CaptionError | None = None) -> None:
        self.asked: list[str] = []
        self.breaks_at = breaks_at
        self.error = error

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        for request in requests:
            if len(self.asked) == self.breaks_at:
                raise ConnectionError("the engine is gone")
            self.asked.append(request.hash)
            text = None if self.error else f"answer to {request.hash}"
            yield Result(request.key, self.model, "7b", text, "stop", 5, 3, 1.5, self.error)


class Paid(Counting):
    """An engine that answers with this text, in this call."""

    def __init__(self, call: Call, text: str) -> None:
        super().__init__()
        self._call, self._text = call, text

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        for result in super().run(requests):
            yield dataclasses.replace(result, text=self._text, calls=(self._call,))


def request(number: int, key: str = "") -> Request:
    return Request(key or f"k{number}", f"req_{number:032x}", "draft", "prompt", {})


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(root=str(tmp_path / "media"))


def test_a_request_is_asked_once_ever_and_the_stored_answer_is_the_same_in_full(media: Media):
    first = list(StoredAnswers(Counting(), media).run([request(1), request(2)]))
    again = Counting()
    second = list(StoredAnswers(again, media).run([request(2, "other"), request(1)]))
    assert again.asked == []
    assert second == [dataclasses.replace(first[1], key="other"), first[0]]
    assert first[0].served_revision == "7b"


def test_who_asked_the_same_and_came_second_hands_on_the_first_answer_and_what_both_cost(media: Media):
    mine, theirs = (Call(f"2026-01-01T00:00:0{second}+00:00", "answered", "yes", 5, 0, 3) for second in (1, 2))

    class Slow(Counting):
        def run(self, requests: Iterable[Request]) -> Iterator[Result]:
            for result in super().run(requests):
                list(StoredAnswers(Paid(theirs, "theirs"), media).run([request(1)]))
                yield dataclasses.replace(result, calls=(mine,))

    [result] = StoredAnswers(Slow(), media).run([request(1)])
    assert (result.text, result.calls) == ("theirs", (theirs, mine))


def test_requests_of_one_hash_are_asked_once_and_each_key_gets_its_answer(media: Media):
    engine = Counting()
    requests = [
        request(1, "a"),
        request(1, "b"),
        request(2, "a"),
        *(request(n) for n in range(3, 200)),
        request(1),
    ]
    results = list(StoredAnswers(engine, media).run(requests))
    assert len(engine.asked) == len(set(engine.asked)) == 199
    assert sorted(r.key for r in results) == sorted(r.key for r in requests)
    assert all(r.text and r.text.startswith("answer") for r in results)


def test_what_an_engine_answered_before_it_broke_off_is_not_asked_again(media: Media):
    requests = [request(n) for n in range(100)]
    engine = Counting(breaks_at=70)
    with pytest.raises(ConnectionError):
        list(StoredAnswers(engine, media).run(requests))
    after = Counting()
    assert len(list(StoredAnswers(after, media).run(requests))) == 100
    assert sorted(engine.asked + after.asked) == sorted(r.hash for r in requests)


def test_an_answer_is_published_before_it_is_handed_on(media: Media):
    results = StoredAnswers(Counting(), media).run([request(1), request(2)])
    next(results)
    assert media.exists(answer_key(request(1).hash))
    assert not media.exists(answer_key(request(2).hash))


@pytest.mark.parametrize(("kind", "asked"), [("permanent", 1), ("blocked", 1), ("retryable", 2)])
def test_only_an_error_that_can_pass_is_asked_again(media: Media, kind, asked: int):
    engine = Counting(error=CaptionError(kind, "code", "why"))
    captioner = StoredAnswers(engine, media)
    first, second = [next(captioner.run([request(1)])) for _ in range(2)]
    assert len(engine.asked) == asked
    assert first == second
    assert first.error == CaptionError(kind, "code", "why")


@pytest.mark.parametrize("content", [b"", b'{"text": "half', b"[]", b"\xff", b'{"request_hash": "req_x", "text": 1}'])
def test_a_corrupt_answer_is_an_error_that_names_the_object_and_is_not_asked_again(media: Media, content: bytes):
    key = answer_key(request(1).hash)
    media.put_bytes(key, content)
    engine = Counting()
    found = {result.key: result for result in StoredAnswers(engine, media).run([request(1), request(2)])}
    bad, good = found["k1"], found["k2"]
    assert bad.error is not None
    assert key in bad.error.message
    assert "delete it" in bad.error.message
    assert bad.error.kind == "retryable"
    assert (good.text, engine.asked) == (f"answer to {request(2).hash}", [request(2).hash])


def test_requests_are_read_as_the_engine_takes_them_and_never_all_at_once(media: Media):
    read = 0

    def many() -> Iterator[Request]:
        nonlocal read
        for read in range(1, 10_001):
            yield request(read)

    next(StoredAnswers(Counting(), media).run(many()))
    assert read < 100


def test_of_two_writers_both_hand_on_the_answer_published_first(media: Media):
    barrier = threading.Barrier(2)

    class Racing(Counting):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def run(self, requests: Iterable[Request]) -> Iterator[Result]:
            for result in super().run(requests):
                barrier.wait(timeout=10)
                yield dataclasses.replace(result, text=self.name)

    texts: list[str | None] = []

    def work(name: str) -> None:
        texts.extend(r.text for r in StoredAnswers(Racing(name), media).run([request(1)]))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 2
    assert len(set(texts)) == 1


def test_a_request_that_the_engine_passes_over_is_a_retryable_error(media: Media):
    class Silent(Counting):
        def run(self, requests: Iterable[Request]) -> Iterator[Result]:
            return iter(())

    [result] = StoredAnswers(Silent(), media).run([request(1)])
    assert result.key == "k1"
    assert result.error is not None
    assert result.error.kind == "retryable"


def test_the_wrapper_shows_its_engine(media: Media):
    stored = StoredAnswers(OfflineCaptioner(), media)
    assert (stored.model, stored.revision) == (OfflineCaptioner.model, OfflineCaptioner.revision)


def test_the_answer_as_it_came_is_stored_beside_a_text_that_is_not_all_of_it(media: Media):
    raw = "<think>A half: \ud83d</think>answer\x00"

    class Wrapped(Counting):
        def run(self, requests: Iterable[Request]) -> Iterator[Result]:
            yield from (dataclasses.replace(result, raw=raw) for result in super().run(requests))

    [clean] = StoredAnswers(Counting(), media).run([request(1)])
    [wrapped] = StoredAnswers(Wrapped(), media).run([request(2)])
    [again] = StoredAnswers(Counting(), media).run([request(2)])
    assert b'"raw"' not in media.get_bytes(answer_key(request(1).hash)), "as answers were always stored"
    assert (clean.raw, wrapped.text, again.text) == (
        None,
        "answer to " + request(2).hash,
        "answer to " + request(2).hash,
    )
    assert again.raw == "<think>A half: \\ud83d</think>answer\x00"
