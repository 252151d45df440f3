"""Files of JSON lines with anything between and in their lines: each good line is read, each bad one named."""

import io
import json
import random
from pathlib import Path
from typing import Any

from chai_assets.auditing.jsonl import JsonRow, read_rows
from chai_assets.importing.labels import read_labels
from chai_resources.captioners.batch_api.answer_file import answer_lines
from tests.fuzz.cases import Cases

SIGNS = [
    "\u2028",
    "\u2029",
    "\u0085",
    "\u000b",
    "\u000c",
    "\u001c",
    "\u001e",
    "\r",
    "\u00e9",
    "\U0001f600",
    '"',
    "\\",
    "\n",
]
BROKEN = [
    b"{",
    b'{"key": "req_x", "value":',
    b"nonsense",
    b"\xff\xfe\x00",
    b"[" * 30_000,
    b'{"key": 1}',
    b"[1]",
    b"null",
    b'"text"',
    b"{} {}",
    b"'single'",
]
BLANK = [b"", b"  ", b"\t", b"\xef\xbb\xbf"]
ENDS = [b"\n", b"\r\n", b"\n\n"]


def file_of(draw: random.Random, good: list[dict[str, Any]]) -> bytes:
    """The rows in order, with bad and blank lines among them."""
    data = b"\xef\xbb\xbf" if draw.random() < 0.3 else b""
    for row in good:
        while draw.random() < 0.3:
            data += draw.choice([*BROKEN, *BLANK]) + draw.choice(ENDS)
        text = json.dumps(row, ensure_ascii=draw.random() < 0.5, indent=None)
        data += b" " * draw.choice([0, 0, 3]) + text.encode() + draw.choice(ENDS)
    return data.rstrip(b"\r\n") if draw.random() < 0.3 else data


def rows_of(draw: random.Random) -> list[dict[str, Any]]:
    texts = (
        "".join(draw.choice([*SIGNS, "word "]) for _ in range(draw.randrange(12))) for _ in range(draw.randrange(8))
    )
    return [{"key": f"req_{number}", "caption": f"A {text}."} for number, text in enumerate(texts)]


def test_every_good_line_of_a_batchs_answers_is_read_in_order(cases: Cases):
    for name, draw in cases:
        rows = rows_of(draw)
        lines = list(answer_lines(io.BytesIO(file_of(draw, rows)), "key", {row["key"] for row in rows}))
        assert [line.value for line in lines if line.key and not line.fault] == rows, name
        assert all(f"line {line.number} " in line.fault for line in lines if line.value is None), name


def test_every_good_line_of_a_file_to_audit_is_read_in_order(cases: Cases, tmp_path: Path):
    for name, draw in cases:
        rows = rows_of(draw)
        path = tmp_path / "captions.jsonl"
        path.write_bytes(file_of(draw, rows))
        read = [row.data for row in read_rows(path) if isinstance(row, JsonRow)]
        assert [row for row in read if "caption" in row] == rows, name


def test_every_good_line_of_a_labels_file_is_read(cases: Cases, tmp_path: Path):
    for name, draw in cases:
        clips = [f"clip{draw.choice(SIGNS)}{number}.mp4" for number in range(draw.randrange(6))]
        lines = [{"primitive": f"p{number}", "present": [clip], "absent": []} for number, clip in enumerate(clips)]
        data = file_of(draw, lines)
        path = tmp_path / "labels.jsonl"
        path.write_bytes(data.replace(b"\xff\xfe\x00", b"{"))
        read = read_labels(path)
        assert {clip: list(states) for clip, states in read.states.items()} == {
            clip: [f"p{number}"] for number, clip in enumerate(clips)
        }, name
