"""Yes or no with raw log-probabilities: through both real SDKs, and what is derived from them."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.answer_store import StoredAnswers
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.engines.logprobs import of_choices, p_yes, yes_of_both
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Request, Result
from chai_resources.media import Media
from tests.captioners.model_server import MODELS

pytestmark = pytest.mark.usefixtures("impatient")

CHOICES = ("Yes", "No")


def opened(engine: str, url: str, root: Path) -> StoredAnswers:
    model = ModelChoice(model=MODELS[engine], url=f"{url}/v1" if engine == "openai" else url, parallel=1)
    return CaptionerChoice(name=engine, model=model).open(Media(root=str(root)))


def question(name: str) -> Request:
    sampling = {"temperature": 0}
    hash_ = f"req_{name.encode().hex():0>32}"
    return Request(name, hash_, "judge", f"Is it right? {name}", {}, sampling=sampling, choices=CHOICES)


def ask(captioner: Any, *names: str) -> list[Result]:
    results = {result.key: result for result in captioner.run(map(question, names))}
    return [results[name] for name in names]


@pytest.mark.parametrize("engine", MODELS)
def test_a_judgment_brings_the_raw_log_probabilities_and_they_are_stored(engine: str, served, tmp_path: Path):
    url, book = served
    book.likely = {
        "sure": {"Yes": -0.2, " Yes": -3.0, "No": -2.5, "The": -5.0},
        "silent": {"The": -0.1, "A": -2.0},
        "never": {"Yes": -0.0, "No": -9999.0},
    }
    sure, silent, never = ask(opened(engine, url, tmp_path), "sure", "silent", "never")
    assert sure.error is None
    assert sure.text == "Yes"
    assert sure.logprobs["Yes"] == pytest.approx(math.log(math.exp(-0.2) + math.exp(-3.0)))
    assert sure.logprobs["No"] == pytest.approx(-2.5), "as the model said, whatever else it might have said"
    assert (silent.text, silent.logprobs) == ("The", {"Yes": None, "No": None})
    assert never.logprobs == {"Yes": 0.0, "No": None}
    again = ask(opened(engine, "http://127.0.0.1:9", tmp_path), "sure", "silent", "never")
    assert [result.logprobs for result in again] == [sure.logprobs, silent.logprobs, never.logprobs]


@pytest.mark.parametrize("engine", MODELS)
def test_one_token_is_asked_for_with_the_twenty_likeliest_and_nothing_holds_it_to_the_choices(
    engine: str, served, tmp_path: Path
):
    url, book = served
    ask(opened(engine, url, tmp_path), "a")
    body = book.seen[0]
    if engine == "openai":
        assert (body["max_completion_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)
        assert body.keys() <= {"model", "messages", "max_completion_tokens", "logprobs", "top_logprobs", "temperature"}
    else:
        asked = {"maxOutputTokens": 1, "responseLogprobs": True, "logprobs": 20, "temperature": 0}
        assert body["generationConfig"] == asked


@pytest.mark.parametrize(("fault", "charged"), [("no-logprobs", "unknown"), ("logprobs-refused", "no")])
@pytest.mark.parametrize("engine", MODELS)
def test_a_model_without_log_probabilities_stops_the_asking_and_names_the_remedy(
    engine: str, fault: str, charged: str, served, tmp_path: Path
):
    url, book = served
    book.faults["right"] = [fault] * 100
    results = ask(opened(engine, url, tmp_path), *(f"row-{number}" for number in range(20)))
    for result in results:
        assert result.error is not None
        assert (result.error.kind, result.error.code) == ("retryable", "no_logprobs")
        assert "set CHAI_MODEL to one that tells log-probabilities" in result.error.message
    assert book.calls.total() == 1, "no other request can do better"
    assert [call.charged for result in results for call in result.calls] == [charged]
    book.faults.clear()
    assert ask(opened(engine, url, tmp_path), "row-0")[0].error is None, "held against no row"


@pytest.mark.parametrize("engine", MODELS)
def test_other_faults_of_a_judgment_keep_their_kind(engine: str, served, tmp_path: Path):
    url, book = served
    book.faults |= {"refused": ["blocked"], "busy": ["429", "500"]}
    refused, busy = ask(opened(engine, url, tmp_path), "refused", "busy")
    assert refused.error is not None
    assert refused.error.kind == "blocked"
    assert busy.error is None
    assert set(busy.logprobs) == set(CHOICES)


def test_the_offline_engine_says_for_good_that_a_model_is_needed():
    [result] = OfflineCaptioner().run([question("a")])
    assert result.error is not None
    assert result.error.kind == "permanent"
    assert "CHAI_CAPTIONER" in result.error.message
    assert not OfflineCaptioner.capabilities.logprobs


SPELLINGS = ["Yes", " Yes", "yes", "YES", "\u2581Yes", "\u0120yes", "No", " no", "\u2581No", "The", "Y", "Yes,", "\n"]


@given(st.dictionaries(st.sampled_from(SPELLINGS), st.floats(-800, -3), min_size=1))
def test_spellings_of_a_choice_add_up_and_nothing_else_counts(tokens: dict[str, float]):
    found = of_choices(CHOICES, tokens)
    for choice, spellings in {"Yes": SPELLINGS[:6], "No": SPELLINGS[6:9]}.items():
        same = [tokens[token] for token in spellings if token in tokens]
        if not same:
            assert found[choice] is None
            continue
        value = found[choice]
        assert value is not None
        assert max(same) <= value <= max(same) + math.log(len(same)) + 1e-9
        assert math.exp(value) == pytest.approx(sum(map(math.exp, same)))


@given(st.none() | st.floats(-9000, 0), st.none() | st.floats(-9000, 0))
def test_what_is_derived_is_a_probability_and_says_when_nothing_was_told(yes: float | None, no: float | None):
    logprobs = {"Yes": yes, "No": no}
    of_both = yes_of_both(logprobs)
    assert 0 <= p_yes(logprobs) <= 1
    if yes is None and no is None:
        assert of_both is None
        return
    assert of_both is not None
    assert 0 <= of_both <= 1
    other = yes_of_both({"Yes": no, "No": yes})
    assert other is not None
    assert of_both + other == pytest.approx(1)
    if yes is not None and no is not None and min(yes, no) > -500:
        assert of_both == pytest.approx(math.exp(yes) / (math.exp(yes) + math.exp(no)))
