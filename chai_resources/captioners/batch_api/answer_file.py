"""Reading a batch's file of answers: one JSON object a line, each paid for, whatever the lines beside it are."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from chai_resources.captioners.calls.answer_body import parsed, plain, word

LONGEST_LINE = 8 << 20
"""Bytes; an answer is a thousandth of it."""


@dataclass(frozen=True)
class AnswerLine:
    """The line that answers a request, or what is wrong with it; without a `key` it answers none that was asked."""

    number: int
    key: str
    value: Any = None
    fault: str = ""


def answer_lines(file: BinaryIO, name: str, asked: Collection[str]) -> Iterator[AnswerLine]:
    """Every line that is not blank, in order; `name` is the field that holds the request's hash.

    Lines end where the file says so, and not at the separators that texts may hold.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            yield AnswerLine(number, _named(line, name, asked), fault=f"line {number} is longer than any answer")
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
        elif line.strip(b" \t\r\n\xef\xbb\xbf\x00"):
            yield _read(number, line, name, asked)


def _read(number: int, line: bytes, name: str, asked: Collection[str]) -> AnswerLine:
    try:
        value = parsed(line)
    except ValueError as error:
        fault = f"line {number} is no JSON ({plain(error, 100)})"
        return AnswerLine(number, _named(line, name, asked), fault=fault)
    key = word(value, name)
    if key not in asked:
        return AnswerLine(number, "", fault=f"line {number} answers nothing that was asked ({plain(key, 60)!r})")
    return AnswerLine(number, key, value)


def _named(line: bytes, name: str, asked: Collection[str]) -> str:
    """The request that a broken line was for, where that can still be read."""
    found = re.search(rb'"%s"\s*:\s*"([^"\\]{1,200})"' % name.encode(), line)
    key = found[1].decode("utf-8", "replace") if found else ""
    return key if key in asked else ""
