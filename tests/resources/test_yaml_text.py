"""YAML that people write: what is read of it, and the one line that says why it is refused."""

import time
from pathlib import Path

import pytest

from chai_resources.yaml_text import MOST_DEPTH, YamlRefused, parse_yaml, read_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
REFUSED: dict[str, tuple[bytes, int, str]] = {
    "an alias bomb": (LAUGHS.encode(), 5, "100,000 parts, aliases written out"),
    "a bomb of merge keys": (
        LAUGHS.replace("[", "{<<: [").replace("]", "]}").replace("x", "{k: v}").encode(),
        5,
        "parts",
    ),
    "what holds itself": (b"a: 1\nb: &b [1, *b]\n", 2, "refers to *b"),
    "an alias of nothing": (b"- *nowhere\n", 1, "refers to *nowhere"),
    "deep lists": (b"[" * 400_000, 1, "nests more than 50 deep"),
    "deep mappings": (b"{a: " * 200_000, 1, "nests more than 50 deep"),
    "deep blocks": (b"".join(b" " * n + b"a:\n" for n in range(1000)), MOST_DEPTH + 1, "nests more than 50 deep"),
    "a deep run of dashes": (b"- " * 400_000, 1, "nests more than 50 deep"),
    "a number of 5,000 digits": (b"a: 1\nb: " + b"7" * 5000, 2, "a number of 5,000 characters"),
    "a sexagesimal number without end": (b"b: 1" + b":59" * 200_000, 1, "a number of 600,001 characters"),
    "too large a file": (b"# " + b"x" * 1_000_000, 1, "larger than 1000 kB"),
    "more parts than anybody writes": (b"- a\n" * 120_000, 100_000, "100,000 parts"),
    "a tag of Python": (b"a: 1\nb: !!python/object/apply:os.system [true]\n", 2, "the tag !!python/object/apply:os.sy"),
    "a tag of one's own": (b"- !mine x\n", 1, "the tag !mine"),
    "a tag on a mapping": (b"- !!set {a}\n", 1, "the tag !!set"),
    "a key twice": (b"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", 5, "the key 'c' twice, first on line 3"),
    "a key that is a list": (b"a: 1\n? [b, c]\n: d\n", 2, "a key that is no text"),
    "a merge of a word": (b"a: 1\n<<: b\n", 2, "merges"),
    "two documents": (b"a: 1\n---\nb: 1\n", 2, "a second document"),
    "a tab": (b"a:\n\t- b\n", 2, "not with tabs"),
    "a bracket that is not closed": (b"a: 1\nb: [\n", 3, "is not YAML"),
    "a colon in a text": (b"a: b: c\n", 1, "quote a text that has a colon"),
    "a zero byte": (b"a: 1\nb: x\0y\n", 2, "U+0000"),
    "an escape of terminals": (b'a: 1\nb: "\\e[31m"\n', 2, "U+001B"),
    "half a character": (b'a: "\\ud83d"\n', 1, ""),
    "UTF-16 with its mark": ("a: 1\n".encode("utf-16"), 1, "is UTF-16 or UTF-32"),
    "UTF-16 without": ("a: 1\n".encode("utf-16-le"), 1, "is UTF-16 or UTF-32"),
    "UTF-32": ("a: 1\n".encode("utf-32-be"), 1, "is UTF-16 or UTF-32"),
    "another encoding": ("a: 1\nb: José\n".encode("cp1252"), 2, "is not UTF-8 text"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_meant_is_refused_in_one_line_at_once(what: str) -> None:
    data, line, says = REFUSED[what]
    begun = time.process_time()
    with pytest.raises(YamlRefused) as refused:
        parse_yaml(data)
    assert time.process_time() - begun < 1
    assert says in str(refused.value)
    assert f"at line {line}: " in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_every_scalar_is_the_text_that_stands_there_and_only_nothing_is_nothing() -> None:
    text = "\ufeffa: no\nb: 010\nc: 2026-13-45\nd: 1:30\n1: .nan\ne: ~\nf:\ng: ''\nh: 'null'\n"
    read = parse_yaml(text.encode()).value
    assert read == {
        **{"a": "no", "b": "010", "c": "2026-13-45", "d": "1:30", "1": ".nan"},
        **{"e": None, "f": None, "g": "", "h": "null"},
    }
    assert parse_yaml(b"# nothing\n").value is None


def test_anchors_and_merge_keys_do_what_they_do_elsewhere_and_keep_their_lines() -> None:
    read = parse_yaml(b"a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: [*a]\n")
    assert read.value == {"a": {"x": "1", "y": "2"}, "b": {"x": "1", "y": "3"}, "c": [{"x": "1", "y": "2"}]}
    assert (read.line("b", "y"), read.line("b", "x"), read.line("c", 0)) == (4, 2, 1)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "endless").symlink_to("/dev/zero")
    for path in (tmp_path / "endless", tmp_path):
        with pytest.raises(YamlRefused, match="is no file"):
            read_yaml(path)
