"""Reading any JSONL: a bad line is counted with its number and reason, the rest goes on, and fields are recognized."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.auditing import jsonl as reading
from chai_assets.auditing.jsonl import (
    CAPTIONS,
    AuditRefused,
    BadLine,
    Fields,
    JsonRow,
    aspect_of,
    detect_fields,
    question_at,
    read_rows,
    text_at,
)


def lines(path: Path, *content: bytes) -> Path:
    path.write_bytes(b"\n".join(content))
    return path


def test_every_kind_of_bad_line_is_named_and_the_good_ones_are_read(tmp_path: Path):
    deep = b"[" * 200_000
    given = [
        b'\xef\xbb\xbf{"caption": "one"}',
        b"",
        b'{"caption": "tw',
        b"[1]",
        b'{"caption": "\xff"}',
        deep,
        b'{"a": 2}',
    ]
    found = list(read_rows(lines(tmp_path / "a.jsonl", *given)))
    assert [row.line for row in found if isinstance(row, JsonRow)] == [1, 7]
    problems = {row.line: row.reason for row in found if isinstance(row, BadLine)}
    assert problems[3].startswith("no JSON (")
    assert problems[4] == "no object but a list"
    assert problems[5].startswith("not UTF-8 (byte 13)")
    assert "nested too deeply" in problems[6]


def test_a_line_too_long_for_any_caption_is_skipped_without_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "LONGEST_LINE", 100)
    found = list(read_rows(lines(tmp_path / "a.jsonl", b'{"a": "' + b"x" * 1000 + b'"}', b'{"a": "y"}')))
    assert isinstance(found[0], BadLine)
    assert "longer than" in found[0].reason
    assert found[1] == JsonRow(2, {"a": "y"})


def test_a_gzipped_file_is_read_whatever_it_is_called_and_a_cut_one_up_to_its_end(tmp_path: Path):
    packed = gzip.compress(b"\n".join(json.dumps({"n": n, "t": "x" * 50}).encode() for n in range(5000)))
    whole = tmp_path / "a.jsonl"
    whole.write_bytes(packed)
    assert len(list(read_rows(whole))) == 5000
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    *good, last = read_rows(tmp_path / "cut.gz")
    assert good
    assert all(isinstance(row, JsonRow) for row in good)
    assert isinstance(last, BadLine)
    assert "breaks off" in last.reason


def test_a_file_that_is_not_there_is_refused_with_its_path(tmp_path: Path):
    with pytest.raises(AuditRefused, match=r"none\.jsonl cannot be read"):
        list(read_rows(tmp_path / "none.jsonl"))


@given(st.lists(st.binary(max_size=60) | st.text(max_size=30).map(str.encode), max_size=12))
@settings(max_examples=200)
def test_no_bytes_crash_the_reader_and_no_line_is_lost(tmp_path_factory: pytest.TempPathFactory, content: list[bytes]):
    path = tmp_path_factory.mktemp("any") / "a.jsonl"
    data = b"\n".join(content)
    path.write_bytes(b" " + data)  # a first blank, or two bytes could announce gzip
    filled = [n for n, line in enumerate((b" " + data).split(b"\n"), 1) if line.strip(b" \t\r\n\xef\xbb\xbf")]
    assert [found.line for found in read_rows(path)] == filled


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_whatever_stands_under_a_field_gives_a_text_that_can_be_printed_or_none(value: Any):
    for field in ("messages", "a.b"):
        text = text_at({"messages": value, "a": {"b": value}}, field)
        assert text is None or isinstance(text.encode(), bytes), "a lone half of a character cannot be printed"


def detected(*data: dict[str, Any], fields: Fields | None = None) -> Fields:
    found = iter([JsonRow(number, row) for number, row in enumerate(data, 1)])
    return detect_fields(found, fields or Fields(""), CAPTIONS, ("draft",))[0]


def test_fields_are_those_that_most_rows_fill():
    assert detected({"caption": "", "text": "a"}, {"text": "b", "task": "subject"}) == Fields("text", "", "task")
    assert detected({"final": "a", "draft": "b", "aspect": "camera"}) == Fields("final", "draft", "aspect")
    assert detected({"caption": "a", "x": {"y": "b"}}, fields=Fields("x.y")).text == "x.y"


def test_of_a_conversation_the_last_turn_of_the_assistant_is_the_text():
    openai = {"messages": [{"role": "assistant", "content": "old"}, {"role": "assistant", "content": "new"}]}
    llava = {"conversations": [{"from": "human", "value": "say"}, {"from": "gpt", "value": "said"}]}
    parts = {"messages": [{"role": "assistant", "content": [{"type": "video"}, {"type": "text", "text": "parted"}]}]}
    assert [text_at(row, detected(row).text) for row in (openai, llava, parts)] == ["new", "said", "parted"]


def test_a_file_without_a_known_field_is_refused_naming_the_fields_it_has():
    with pytest.raises(AuditRefused, match="name its field, one of colour, size"):
        detected({"size": 1, "colour": "red"})
    with pytest.raises(AuditRefused, match="no text under nonsense"):
        detected({"caption": "red"}, fields=Fields("nonsense"))
    with pytest.raises(AuditRefused, match="line 4: no JSON"):
        detect_fields(iter([BadLine(4, "no JSON")]), Fields(""), CAPTIONS, ())


def test_a_field_or_a_question_with_half_a_character_can_be_named():
    with pytest.raises(AuditRefused) as refused:
        detected({"\ud83d": 1})
    assert "one of ?" in str(refused.value)
    assert question_at({"messages": [{"role": "user", "content": "Why \ud83d?"}]}, "messages") == "Why ??"


def test_a_task_names_the_aspect_that_it_ends_with():
    known = ["subject", "scene", "motion", "spatial", "camera"]
    assert aspect_of("subject_motion_dynamics", known) == "motion"
    assert aspect_of("Camera framing", known) == "camera"
    assert aspect_of("merged", known) == aspect_of(None, known) == ""
