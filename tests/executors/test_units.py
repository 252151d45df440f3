"""Units: nothing is left out, nothing is in two, and what is answered is not asked again."""

from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_resources.captioners.protocol import Call, CaptionError, ClipMedia, Request, Result
from chai_resources.executors.units import TRIED, WANTED, UnitStore, plan_units
from chai_resources.media_store import MediaStore

CLIPS = st.integers(0, 12)
ASKED = st.dictionaries(st.integers(0, 60).map(lambda n: f"req_{n:03}"), CLIPS.map(lambda n: f"clip_{n:02}"))


def wanted_of(asked: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame(list(asked.items()), schema=WANTED, orient="row")


def tried_of(tried: list[tuple[str, bool]]) -> pl.DataFrame:
    return pl.DataFrame(tried, schema=TRIED, orient="row")


@given(
    ASKED,
    st.lists(st.tuples(st.integers(0, 60).map(lambda n: f"req_{n:03}"), st.booleans()), max_size=60),
    st.integers(1, 5),
)
def test_every_request_without_a_final_answer_is_in_exactly_one_unit(asked, tried, size):
    planned = plan_units(wanted_of(asked), tried_of(tried), size)
    done = {request for request, final in tried if final}
    assert sorted(planned["request_hash"]) == sorted(set(asked) - done)
    for _, hashes in planned.group_by("unit").agg("request_hash").iter_rows():
        assert len({asked[each] for each in hashes}) <= size
    clips = [(unit, asked[request]) for unit, request in planned.iter_rows()]
    assert len({clip for _, clip in clips}) == len(set(clips))  # the requests of a clip stay together


@given(ASKED, st.integers(1, 5), st.randoms())
def test_the_same_work_has_the_same_units_in_whatever_order_it_is_given(asked, size, random):
    shuffled = list(asked.items())
    random.shuffle(shuffled)
    assert plan_units(wanted_of(asked), tried_of([]), size).equals(
        plan_units(wanted_of(dict(shuffled)), tried_of([]), size)
    )


def test_work_that_failed_gets_a_new_unit_for_its_old_one_holds_the_failure():
    asked = wanted_of({"req_1": "clip_1"})
    names = {plan_units(asked, tried_of([("req_1", False)] * tries), 4)["unit"][0] for tries in range(3)}
    assert len(names) == 3


@settings(max_examples=20)
@given(st.text(), st.sampled_from(["retryable", "permanent", "blocked", None]))
def test_requests_and_answers_are_read_as_they_were_written(tmp_path_factory, text, kind):
    store = UnitStore(MediaStore(root=str(tmp_path_factory.mktemp("media"))), "a batch")
    request = Request("k", "req_1", "draft", text, {"said": [text]}, ClipMedia("clips/a.mp4", "video/mp4", 2.5, 25.0))
    store.ask("unit_1", [request])
    assert store.asked("unit_1") == [request]
    error = CaptionError(kind, "code", text) if kind else None
    calls = (Call("2026-01-01T00:00:00+00:00", "answered", "yes", 7, 3, 2, 1.5),)
    result = Result("req_1", "m", "r", None if error else text, "stop", 7, 2, 1.5, error, 3, calls)
    assert store.publish("unit_1", [result])
    assert list(store.answers("unit_1")) == [("req_1", kind != "retryable", result)]


def test_of_two_who_publish_a_unit_the_first_is_kept(tmp_path: Path):
    store = UnitStore(MediaStore(root=str(tmp_path)), "batch")
    assert store.publish("unit_1", [Result("req_1", "m", "r", "first")])
    assert not store.publish("unit_1", [Result("req_1", "m", "r", "second")])
    assert [result.text for _, _, result in store.answers("unit_1")] == ["first"]
    assert store.published() == ["unit_1"]
