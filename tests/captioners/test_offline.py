"""The offline engine: real sentences, deterministic, one bad request never another's trouble."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_resources.captioners.engines.edits import words
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Request, Result
from tests.captioners.findings import cases, mark, prose


def ask(task: Any, context: Any, prompt: str = "Describe the video.") -> Result:
    [result] = OfflineCaptioner().run([Request("k", "req_00", task, prompt, context)])
    return result


def draft(*statements: str) -> str | None:
    return ask("draft", {"aspect": "camera", "statements": list(statements), "upstream": {}}).text


def test_a_draft_says_each_statement_once_and_joins_two_of_one_subject():
    said = ["The camera pans left.", "The camera tilts up.", "the movement is slow", "The camera pans left."]
    assert draft(*said) == "The camera pans left and tilts up. The movement is slow."


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The camera lens is wide.", "The camera is static."),
        ("The camera pans left, then stops.", "The camera tilts up."),
        ("The camera pans left and right.", "The camera tilts up."),
        ("The dog is brown.", "The camera is static."),
    ],
)
def test_sentences_that_could_read_wrong_together_stay_apart(first: str, second: str):
    assert draft(first, second) == f"{first} {second}"


def test_without_statements_there_is_a_permanent_error_that_says_what_to_do():
    result = ask("draft", {"aspect": "camera", "statements": ["", " ."], "upstream": {}})
    assert result.text is None
    assert result.error is not None
    assert result.error.kind == "permanent"
    assert "answer at least one attribute" in result.error.message


def test_a_critique_that_leaves_no_word_is_an_error_and_not_an_empty_caption():
    text = "The camera pans left."
    result = ask("revise", {"draft": text, "findings": [mark(text, text, "", kind="redundant")]})
    assert result.error is not None
    assert result.error.code == "nothing_to_say"


def test_a_merge_begins_with_the_camera_and_says_no_sentence_twice():
    captions = [
        {"aspect": "subject", "text": "Mr. Fox, a brown dog, sits. The sky is blue."},
        {"aspect": "spatial", "text": "Mr. Fox is in the middle.\nThe sky is blue."},
        {"aspect": "camera", "text": "The camera is static."},
    ]
    merged = ask("merge", {"captions": captions}).text
    assert merged == ("The camera is static. Mr. Fox, a brown dog, sits. The sky is blue. Mr. Fox is in the middle.")


def test_one_malformed_request_is_an_error_with_its_key_and_the_others_go_on():
    good: dict[str, Any] = {"aspect": "camera", "statements": ["It is day."], "upstream": {}}
    contexts: list[Any] = [good, {}, {"statements": 3}, None, {"statements": [None]}, good]
    requests = [Request(f"k{n}", f"req_{n}", "draft", "", context) for n, context in enumerate(contexts)]
    requests.append(dataclasses.replace(requests[0], key="k6", task="sing"))  # type: ignore[arg-type]
    results = list(OfflineCaptioner().run(requests))
    assert [result.key for result in results] == [f"k{n}" for n in range(7)]
    assert [result.error is None for result in results] == [True, False, False, False, False, True, False]
    assert {result.error.kind for result in results if result.error} == {"permanent"}


def test_requests_are_answered_as_they_come_and_not_collected_first():
    def endless():
        while True:
            yield Request("k", "h", "draft", "", {"aspect": "a", "statements": ["It is day."], "upstream": {}})

    assert next(OfflineCaptioner().run(endless())).text == "It is day."


def test_tokens_are_counted_as_words():
    context = {"aspect": "a", "statements": ["It is day."], "upstream": {}}
    result = ask("draft", context, prompt="Describe  the video.")
    assert (result.tokens_in, result.tokens_out) == (3, 3)


@settings(max_examples=100)
@given(cases())
def test_a_revision_is_a_text_with_words_or_an_error_and_always_the_same(case: tuple[str, list[dict]]):
    context = {"draft": case[0], "findings": case[1]}
    first, second = ask("revise", context), ask("revise", context)
    assert first == second
    assert (first.text is None) != (first.error is None)
    assert first.text is None or words(first.text)


@settings(max_examples=100)
@given(st.lists(prose, max_size=5))
def test_a_draft_keeps_every_word_of_its_statements_in_order(statements: list[str]):
    text = draft(*statements) or ""
    told = [word.text for word in words(text)]
    for statement in statements:
        wanted = iter(told)
        assert all(word.text in wanted for word in words(statement))
