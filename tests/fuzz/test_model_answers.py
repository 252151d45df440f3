"""Answers of models with anything in them, through the real SDKs: a row or one error row each, and none paid twice."""

import json
import random
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.captioners.model_server import MODELS, Book, Server, model_server
from tests.fuzz.cases import Cases
from tests.inference.model_stage import ModelStage

AT_ONCE = 30
"""Cases of one run."""
GOOD = [f"good-{number:02}." for number in range(12)]

HOSTILE = [
    "null",
    "true",
    "false",
    "-1",
    "0.5",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "9" * 5_000,
    "1" + "0" * 40,
    '""',
    '"\\ud83d"',
    '"\\udc00 and \\ud800"',
    '"\\u0000"',
    '"a\\u2028b\\u0085c"',
    '"' + "x" * 50_000 + '"',
    '"' + "the same again " * 3_000 + '"',
    '"STOP"',
    '"MAX_TOKENS"',
    '"OTHER"',
    '"2026-01-01"',
    '"<think>"',
    '"```json\\n{}\\n```"',
    '"I\'m sorry."',
    '"The camera pans left."',
    "[]",
    "{}",
    "[null]",
    '[{"type": "text", "text": "The camera pans left."}]',
    '[{"type": "text", "text": {"a": 1}}]',
    '{"text": ["a"]}',
    "[" * 400 + "]" * 400,
    "[" * 60_000,
    '{"a":' * 3_000 + "1" + "}" * 3_000,
    "'single'",
    "",
]
"""What stands where something else was meant; not all of it is JSON."""


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all that a JSON value holds."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [path, *(found for name, part in inner for found in places(part, (*path, name)))]
        if path
        else [found for name, part in inner for found in places(part, (name,))]
    )


def spoilt(body: bytes, draw: random.Random) -> bytes:
    """An answer's body with one to three of its values, names or bytes changed."""
    answer = json.loads(body)
    marks = {}
    for number in range(draw.choice([1, 1, 1, 2, 3])):
        path = draw.choice(places(answer))
        holder: Any = answer
        for step in path[:-1]:
            holder = holder[step]
        if draw.random() < 0.15 and isinstance(holder, dict):
            holder.pop(path[-1])
        elif isinstance(holder, dict | list):
            holder[path[-1]] = mark = f"@{number}@"
            marks[json.dumps(mark)] = draw.choice(HOSTILE)
        if not places(answer):
            break
    text = json.dumps(answer)
    for mark, hostile in marks.items():
        text = text.replace(mark, hostile)
    data = bytearray(text.encode())
    if draw.random() < 0.15:
        data[draw.randrange(len(data))] = draw.choice([0x00, 0x80, 0xFF, 0x0A, 0x22, 0x7B])
    return bytes(data)


def headers(draw: random.Random) -> dict[str, str]:
    odd = ["text/html", "application/json; charset=utf-16", "application/json; charset=nonsense", "", "x" * 2_000]
    return {"Content-Type": draw.choice(["application/json"] * 6 + odd), "x-request-id": draw.choice(["1", "\xe9" * 9])}


@pytest.mark.parametrize("engine", MODELS)
def test_whatever_an_answer_holds_it_costs_one_row_is_paid_once_and_the_rest_goes_on(
    engine: str, cases: Cases, impatient: None
):
    drawn = iter(cases)
    while chunk := list(islice(drawn, AT_ONCE)):
        with tempfile.TemporaryDirectory() as root, model_server() as (url, book):
            names = {f"bad-{number:02}.": case for number, case in enumerate(chunk)}
            book.plays = {name: play(book, draw) for name, (_, draw) in names.items()}
            holds(ModelStage(engine, url, Path(root)), book, [*names, *GOOD], str([name for name, _ in chunk]))


def play(book: Book, draw: random.Random) -> Any:
    """Sends the same spoilt answer each time it is asked for."""
    sent: list[tuple[bytes, dict[str, str]]] = []

    def send(server: Server, body: bytes) -> None:
        sent.append(sent[0] if sent else (spoilt(body, draw), headers(draw)))
        server.send_body(200, *sent[0])

    return send


def holds(stage: ModelStage, book: Book, names: list[str], drawn: str) -> None:
    """A run, and another one after it."""
    outcome = stage.ask(names, "run-1")
    failed = [error["clip_id"] for error in outcome.errors]
    made = stage.made
    assert sorted([*made, *failed]) == sorted(names), drawn
    assert set(GOOD) <= set(made), drawn
    assert len(stage.ledger) == book.calls.total(), drawn
    assert all(times <= 4 for times in book.calls.values()), drawn
    text = json.dumps([outcome.errors, stage.tables.read("drafts", "b1")["text"].to_list()], ensure_ascii=False)
    assert text.encode(), drawn
    before = book.calls.copy()
    stage.ask(names, "run-2")
    assert book.calls == before, f"what came once is settled, and not paid again: {drawn}"
