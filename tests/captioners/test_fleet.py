"""Several servers of one model: a clip stays with its server, and a server that is down costs only a detour."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.engines.fleet import by_claim
from chai_resources.captioners.protocol import Request, Result
from chai_resources.captioners.registry import ENGINES
from chai_resources.media import Media
from tests.captioners.model_server import Book, model_server

pytestmark = pytest.mark.usefixtures("impatient")

ADDRESSES = st.lists(st.integers(0, 10_000).map("http://gpu-{}:8000/v1".format), min_size=2, max_size=9, unique=True)
ASPECTS = ("subject", "scene", "motion", "spatial", "camera")
NOBODY = "http://127.0.0.1:9/v1"


@pytest.fixture
def two() -> Iterator[list[tuple[str, Book]]]:
    with ExitStack() as stack:
        yield [stack.enter_context(model_server()) for _ in range(2)]


def engine(root: str, *addresses: str):
    choice = ModelChoice(model="qwen3-vl-8b@0c351dd", url=", ".join(addresses), parallel=4)
    return ENGINES["openai"](choice, Media(root=root))


def at(server: tuple[str, Book]) -> str:
    return f"{server[0]}/v1"


def requests_of(clips: range) -> list[Request]:
    return [
        Request(f"{clip} {aspect}", f"req_{clip}{aspect}", "draft", f"{clip} {aspect}", {}, cache_group=f"clip-{clip}")
        for clip in clips
        for aspect in ASPECTS
    ]


def asked_of(server: tuple[str, Book]) -> Counter[str]:
    """How often a server was asked about each clip."""
    counts: Counter[str] = Counter()
    for prompt, calls in server[1].calls.items():
        counts[prompt.split()[0]] += calls
    return counts


def errors(results: Iterator[Result]) -> list[str]:
    return [result.error.message for result in results if result.error]


def test_all_requests_of_a_clip_go_to_one_server_and_both_have_work(two, tmp_path):
    assert not errors(engine(str(tmp_path), *map(at, two)).run(requests_of(range(20))))
    first, second = map(asked_of, two)
    assert not first.keys() & second.keys()
    assert {*first.values(), *second.values()} == {5}
    assert min(len(first), len(second)) >= 3


def test_the_clips_of_a_server_that_is_down_go_to_the_other_until_the_next_run(two, tmp_path):
    captioner = engine(str(tmp_path), NOBODY, at(two[0]))
    tried: list[str] = []
    chat = captioner._call._calls[NOBODY]
    captioner._call._calls[NOBODY] = lambda request: (tried.append(request.key), chat(request))[1]
    results = list(captioner.run(requests_of(range(20))))
    assert not errors(iter(results))
    assert sum(asked_of(two[0]).values()) == 100
    assert 1 <= len(tried) <= 4, "the calls that were out when it showed, and none after"
    assert all(len(result.calls) == 1 for result in results), "a detour is no second call in the ledger"
    tried.clear()
    assert not errors(captioner.run(requests_of(range(20, 40))))
    assert 1 <= len(tried) <= 4, "the next run gives it another chance"


def test_where_no_server_is_up_each_row_says_so_and_the_next_run_goes_on(two, tmp_path):
    refused = errors(engine(str(tmp_path), NOBODY, "http://127.0.0.1:19/v1").run(requests_of(range(2))))
    assert len(refused) == 10
    assert all("does not answer" in message for message in refused)
    assert not errors(engine(str(tmp_path), NOBODY, at(two[0])).run(requests_of(range(2))))


def test_a_server_that_answers_with_an_error_keeps_its_clips(two, tmp_path):
    for _, book in two:
        book.faults["motion"] = ["500"] * 3
    assert not errors(engine(str(tmp_path), *map(at, two)).run(requests_of(range(6))))
    first, second = map(asked_of, two)
    assert not first.keys() & second.keys(), "its answer may be on the way: it is not asked of another as well"


@given(addresses=ADDRESSES, groups=st.lists(st.text(max_size=20), min_size=1, max_size=30), which=st.randoms())
def test_a_clip_has_one_server_and_losing_another_one_does_not_move_it(addresses, groups, which):
    shuffled = which.sample(addresses, len(addresses))
    lost = which.choice(addresses)
    left = [address for address in addresses if address != lost]
    for group in groups:
        order = by_claim(addresses, group)
        assert order == by_claim(shuffled, group)
        assert by_claim(left, group) == [address for address in order if address != lost]
