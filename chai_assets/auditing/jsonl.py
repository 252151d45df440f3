"""Reads any JSONL, plain or gzipped, line by line: a bad line is reported with its number and reading goes on.

Which field holds what is given or detected from the first rows. Memory does not grow with the file.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from chai_resources.errors import UnusableInput

LONGEST_LINE = 8 << 20
"""Bytes of the longest line that is read: no caption is as long, and a file without line ends would fill memory."""
PEEKED = 200
"""Rows from which fields are detected."""
MESSAGES = ("messages", "conversations")
"""Fields that hold a conversation; the text is its last turn by the assistant."""
CAPTIONS = (
    "caption",
    "final",
    "final_caption",
    "chosen",
    "post_caption",
    "revision",
    "text",
    "description",
    "answer",
    "response",
)
CRITIQUES = ("critique", "final_feedback", "feedback", "critique_text", "comment", "text", "response")
DRAFTS = ("draft", "pre_caption", "initial_caption", "caption", "answer")
ASPECTS = ("aspect", "caption_type", "task", "type")
_PUBLISHED = "; a file of a published dataset is read with --as NAME (`chai audit published` lists them)"
_ASSISTANT = ("assistant", "gpt", "model")
_USER = ("user", "human")


class AuditRefused(UnusableInput):
    """The file cannot be audited at all; the text says why and what to do."""


@dataclass(frozen=True)
class BadLine:
    """A line that could not be used."""

    line: int
    reason: str


@dataclass(frozen=True)
class JsonRow:
    """An object of the file and the number of its line, from 1."""

    line: int
    data: dict[str, Any]


ByteProgress = Callable[[int], None]
"""Told the number of bytes of the file read so far."""


def read_rows(path: Path, progress: ByteProgress = lambda done: None) -> Iterator[JsonRow | BadLine]:
    """Every line of the file as a row or a problem; empty lines are neither. Raises AuditRefused."""
    if path.is_dir():
        raise AuditRefused(f"{path} is a folder: name a file in it; a dataset of ours has triples.jsonl")
    if path.suffix == ".csv":
        raise AuditRefused(f"{path} is CSV: audit a JSONL file; a dataset of ours has triples.jsonl{_PUBLISHED}")
    try:
        raw = path.open("rb")
    except OSError as error:
        raise AuditRefused(f"{path} cannot be read ({error.strerror}): check the path and its rights") from error
    with raw:
        head = raw.read(4)
        if head == b"PAR1":
            raise AuditRefused(
                f"{path} is Parquet: audit a JSONL file; a dataset of ours has triples.jsonl{_PUBLISHED}"
            )
        zipped = head[:2] == b"\x1f\x8b"
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if zipped else raw
        number = 0
        while True:
            number += 1
            try:
                line = _next_line(stream)
            except (EOFError, OSError, zlib.error) as error:
                yield BadLine(number, f"the file breaks off or is damaged here ({error}): fetch it again")
                return
            if line is None:
                yield BadLine(number, f"longer than {LONGEST_LINE >> 20} MB: is this a file of one JSON object a line?")
            elif not line:
                return
            elif line.strip(b" \t\r\n\xef\xbb\xbf"):
                yield _parsed(number, line)
            if not number % 500:
                progress(raw.tell())


def _next_line(stream: BinaryIO | gzip.GzipFile) -> bytes | None:
    """The next line, empty at the end, None where it is too long (it is then skipped)."""
    line = stream.readline(LONGEST_LINE)
    if len(line) < LONGEST_LINE or line.endswith(b"\n"):
        return line
    while rest := stream.readline(LONGEST_LINE):
        if rest.endswith(b"\n"):
            break
    return None


def _parsed(number: int, line: bytes) -> JsonRow | BadLine:
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return BadLine(number, f"not UTF-8 (byte {error.start}): convert the file")
    except json.JSONDecodeError as error:
        return BadLine(number, f"no JSON ({error.msg}, column {error.colno})")
    except (ValueError, RecursionError):
        return BadLine(number, "JSON that is nested too deeply or holds too long a number")
    return (
        JsonRow(number, data) if isinstance(data, dict) else BadLine(number, f"no object but a {type(data).__name__}")
    )


@dataclass(frozen=True)
class Fields:
    """Which field holds the text, the draft it is about and the aspect; empty where there is none."""

    text: str
    draft: str = ""
    aspect: str = ""


def detect_fields(
    found: Iterator[JsonRow | BadLine],
    fields: Fields,
    names: Sequence[str],
    drafts: Sequence[str],
    check: Callable[[Sequence[dict[str, Any]]], None] = lambda rows: None,
):
    """The fields, those not given detected from the first rows, and all that `found` yields, the first rows included.

    Raises AuditRefused, naming the fields there are, where no field holds text; and what `check` raises of the first
    rows where the field of the text is not given.
    """
    first = list(islice(found, PEEKED))
    seen = [row.data for row in first if isinstance(row, JsonRow)]
    if not seen:
        why = next((f"line {p.line}: {p.reason}" for p in first if isinstance(p, BadLine)), "it is empty")
        raise AuditRefused(f"no line of the file holds a JSON object ({why}): give one object a line{_PUBLISHED}")
    if not fields.text:
        check(seen)
    text = fields.text or _most_filled(seen, (*names, *MESSAGES))
    if not text or not any(text_at(row, text) for row in seen):
        there = storable(", ".join(sorted({key for row in seen for key in row})[:30]))
        raise AuditRefused(
            f"no text {f'under {text}' if text else 'was recognized'}: name its field, one of {there}{_PUBLISHED}"
        )
    draft = fields.draft or _most_filled(seen, [name for name in drafts if name != text])
    aspect = fields.aspect or _most_filled(seen, ASPECTS)
    return Fields(text, draft, aspect), _chained(first, found)


def _chained(first: list[JsonRow | BadLine], rest: Iterator[JsonRow | BadLine]) -> Iterator[JsonRow | BadLine]:
    yield from first
    yield from rest


def _most_filled(seen: list[dict[str, Any]], names: Sequence[str]) -> str:
    """The name under which most rows hold text, the earlier one of equals; empty if none does."""
    filled = {name: sum(bool(text_at(row, name)) for row in seen) for name in names}
    best = max(filled, key=lambda name: filled[name], default="")
    return best if best and filled[best] else ""


def text_at(data: dict[str, Any], field: str) -> str | None:
    """The text under a field (`a.b` for a field of a field), of a conversation the assistant's last turn."""
    value: Any = data
    for name in [field] if field in data else field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict) and _who(value) in _ASSISTANT:
        value = [value]  # an answer beside its conversation, as LLaMA-Factory's pairs have it
    if isinstance(value, list):
        value = _last_turn(value, _ASSISTANT)
    return storable(value) if isinstance(value, str) else None


def storable(text: str) -> str:
    """The text with a mark for half a character: JSON can hold one, which can neither be hashed nor printed."""
    return text.encode("utf-8", "replace").decode()


def question_at(data: dict[str, Any], field: str) -> str:
    """Of a conversation under a field what the user asked last; empty if it is none."""
    value = data.get(field)
    asked = _last_turn(value, _USER) if isinstance(value, list) else None
    return storable(asked) if isinstance(asked, str) else ""


def _last_turn(value: list[Any], by: Sequence[str]) -> Any:
    """What was said last by one of these, parts put together; None if they said nothing."""
    turns = [turn for turn in value if isinstance(turn, dict) and _who(turn) in by]
    said = turns[-1].get("content", turns[-1].get("value")) if turns else None
    if isinstance(said, list):
        return "".join(part["text"] for part in said if isinstance(part, dict) and _is_text(part.get("text")))
    return said


def _who(turn: dict[str, Any]) -> Any:
    return turn.get("role", turn.get("from"))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def aspect_of(value: str | None, known: Sequence[str]) -> str:
    """The aspect that a field names, as `motion` in `subject_motion_dynamics`; empty if it names none."""
    named = [part for part in (value or "").lower().replace("-", "_").replace(" ", "_").split("_") if part in known]
    return named[-1] if named else ""
