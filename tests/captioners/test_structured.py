"""Answers of a given form: what is sent to both SDKs, what comes of a server that cannot, and what is no JSON."""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from openai.types.shared_params import ResponseFormatJSONSchema
from pydantic import TypeAdapter

from chai_assets.datasets.evaluate.model_critiques import CRITIQUE_SCHEMA
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.acceptance import json_object
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import Request
from chai_resources.media import Media
from tests.captioners.model_server import MODELS, Book

ENGINES = list(MODELS)
FORM = Request("a", "req_a", "critique", "Say what is wrong, as JSON.", {}, schema=CRITIQUE_SCHEMA)


def run(engine: str, url: str, root: Any, *requests: Request, **more: Any) -> dict[str, Any]:
    place = url if engine == "gemini" else f"{url}/v1"
    model = ModelChoice(model=MODELS[engine], url=place, parallel=2, **more)
    captioner = CaptionerChoice(name=engine, model=model).open(Media(root=str(root)))
    return {result.key: result for result in captioner.run(requests)}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_schema_goes_out_as_each_provider_wants_it(engine: str, served: tuple[str, Book], tmp_path):
    url, book = served
    free = Request("free", "req_free", "draft", "Describe it.", {})
    results = run(engine, url, tmp_path, FORM, free)
    jsonschema.validate(json_object(results["a"].text), CRITIQUE_SCHEMA)
    assert results["free"].error is None
    by_prompt = {json.dumps(body).count("as JSON"): body for body in book.seen}
    if engine == "openai":
        form = by_prompt[1]["response_format"]
        assert TypeAdapter(ResponseFormatJSONSchema).validate_python(form)["json_schema"]["strict"]
        assert form["json_schema"]["schema"] == CRITIQUE_SCHEMA
        assert "response_format" not in by_prompt[0]
    else:
        told = by_prompt[1]["generationConfig"]
        assert (told["responseMimeType"], told["responseJsonSchema"]) == ("application/json", CRITIQUE_SCHEMA)
        assert "responseMimeType" not in by_prompt[0]["generationConfig"]


def test_the_schema_keeps_the_rules_of_strict_mode():
    for part in (CRITIQUE_SCHEMA, *CRITIQUE_SCHEMA["$defs"].values()):
        assert part["additionalProperties"] is False
        assert sorted(part["required"]) == sorted(part["properties"])
        assert not any("default" in field for field in part["properties"].values())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_that_keeps_to_no_form_stops_the_asking_and_is_asked_in_words_when_told_so(
    engine: str, served: tuple[str, Book], tmp_path
):
    url, book = served
    book.faults["as JSON"] = ["structure-refused"] * 9
    error = run(engine, url, tmp_path, FORM)["a"].error
    assert (error.kind, book.calls.total()) == ("retryable", 1)
    assert "CHAI_MODEL_STRUCTURED=no" in error.message
    book.faults["as JSON"] = ["fenced"]
    answered = run(engine, url, tmp_path, FORM, structured=False)["a"]
    assert json_object(answered.text) == {"findings": []}
    sent = json.dumps(book.seen[-1])
    assert "response_format" not in sent
    assert "responseJsonSchema" not in sent


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_no_json_is_held_against_its_row_and_asked_once(engine: str, served: tuple[str, Book], tmp_path):
    url, book = served
    book.faults["as JSON"] = ["prose"]
    other = replace(FORM, key="b", hash="req_b", prompt="Another, in JSON.")
    results = run(engine, url, tmp_path, FORM, other)
    error = results["a"].error
    assert (error.kind, error.code, results["a"].text) == ("permanent", "no_json", None)
    assert results["b"].error is None
    assert results["a"].calls[0].charged == "yes"
    assert run(engine, url, tmp_path, FORM)["a"].error == error, "asking again would cost and not help"
    assert book.calls.total() == 2


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        ('\n```json\n{"a": 1}\n```\n', {"a": 1}),
        ('```\n{"a": {}}```', {"a": {}}),
        ('{"a": 1', None),
        ("[1]", None),
        ('{"a": "half \\ud83d"}', None),
        ('{"a": "\\u0000"}', None),
        ('{"a": 1e999}', None),
        ('{"a": NaN}', None),
        pytest.param('{"a": ' + "9" * 5_000 + "}", None, id="digits"),
        pytest.param('{"a":' * 90_000, None, id="deep"),
        ('Here it is: {"a": 1}', None),
        ("", None),
    ],
)
def test_a_json_object_is_read_in_a_fence_or_without(said: str, found: Any):
    assert json_object(said) == found
