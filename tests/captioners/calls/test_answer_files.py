"""A batch's file of answers, through both real SDKs: each paid answer is used, and the broken line is named."""

import json
from pathlib import Path

import pytest

from tests.captioners.model_server import MODELS, Book
from tests.inference.model_stage import ModelStage, wanted

pytestmark = [pytest.mark.usefixtures("impatient"), pytest.mark.parametrize("engine", MODELS)]

ODD_SIGNS = "\u2028 \u2029 \u0085 \u000b \u000c \u001c \u001d \u001e"
"""Where `str.splitlines` ends a line, and a file of JSON lines does not."""


def with_text(engine: str, line: bytes, text: str, escaped: bool = False) -> bytes:
    """A line of an answer file that says this."""
    answer = json.loads(line)
    if engine == "openai":
        answer["response"]["body"]["choices"][0]["message"]["content"] = text
    else:
        answer["response"]["candidates"][0]["content"]["parts"][0]["text"] = text
    return json.dumps(answer, ensure_ascii=escaped).encode()


def lines_of(book: Book) -> list[bytes]:
    return book.desk.files[book.desk.batches[0].output].split(b"\n")[:-1]


def rewrite(book: Book, data: bytes) -> None:
    book.desk.files[book.desk.batches[0].output] = data


def test_every_paid_answer_of_an_odd_file_is_used_and_the_broken_line_is_named(
    engine: str, served: tuple[str, Book], tmp_path: Path
):
    url, book = served
    stage = ModelStage(engine, url, tmp_path, batches=True)
    names = ["raw", "escaped", "crlf", "twice", "huge", "broken", "last"]
    assert stage.ask(names, "run-1").waiting == 7
    book.desk.end()
    by_key = {json.loads(line).get("custom_id") or json.loads(line).get("key"): line for line in lines_of(book)}
    raw, escaped, crlf, twice, huge, broken, last = (by_key[wanted(name).request.hash] for name in names)
    failed = json.loads(twice)
    failed.pop("response")
    failed["error"] = {"code": 500 if engine == "gemini" else "server_error", "message": "down"}
    said = f"The camera pans left.{ODD_SIGNS} It stops."
    # A control sign within a text is against the standard, and comes all the same.
    unescaped = with_text(engine, raw, "The camera @ pans left.").replace(b"@", ODD_SIGNS.encode())
    data = b"\xef\xbb\xbf" + unescaped + b"\n\n  \n" + with_text(engine, escaped, said, escaped=True) + b"\n"
    data += crlf + b"\r\n" + json.dumps(failed).encode() + b"\n" + twice + b"\n" + twice + b"\n"
    data += huge.replace(b": 100", b": " + b"1" * 5_000) + b"\n" + broken[: len(broken) - 40] + b"\n"
    data += b'{"custom_id": "req_nobody", "key": "req_nobody"}\n[1]\n' + last
    rewrite(book, data)

    outcome = stage.ask(names, "run-2")
    texts = dict(stage.tables.read("drafts", "b1", columns=["clip_id", "text"]).iter_rows())
    assert sorted(texts) == sorted(set(names) - {"broken"})
    assert texts["escaped"] == said
    assert texts["raw"] == f"The camera {ODD_SIGNS} pans left."
    [error] = outcome.errors
    assert (error["clip_id"], error["kind"]) == ("broken", "retryable")
    assert "line 10 is no JSON" in error["message"]
    assert stage.ask(names, "run-3").waiting == 1, "only the broken one is asked again"


def test_a_cut_file_costs_the_answers_that_it_lacks_and_no_other(engine: str, served: tuple[str, Book], tmp_path: Path):
    url, book = served
    stage = ModelStage(engine, url, tmp_path, batches=True)
    names = ["a", "b", "c"]
    stage.ask(names, "run-1")
    book.desk.end()
    whole = b"\n".join(lines_of(book))
    rewrite(book, whole[: len(whole) * 2 // 3])
    outcome = stage.ask(names, "run-2")
    assert outcome.written + len(outcome.errors) == 3
    assert outcome.written >= 1
    assert all("run again" in error["message"] for error in outcome.errors)
