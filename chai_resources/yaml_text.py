"""YAML that people write, read within bounds: every fault is one line with what is wrong, where, and the remedy.

Every scalar is text, as it stands in the file: `no` is "no", 007 is "007". What type it should have is up to the model
that takes it. A file is refused before it can cost time or memory: by its size, its depth, or what its aliases
expand to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from chai_resources.errors import NotUtf8, UnusableInput, decode_utf8, one_line

NodePath = tuple[str | int, ...]
"""Keys and numbers that lead to a part of a file."""

MOST_BYTES = 1_000_000
"""Ten times the largest file of the released specification; a list of rights of 10,000 files has 800 kB."""
MOST_PARTS = 100_000
"""Keys, entries and values, what aliases stand for counted each time. As many are read in 0.4 s on one core."""
MOST_DEPTH = 50
"""The specification nests 7 deep. libyaml takes 16 s for 100,000 open brackets, and stops here instead."""
_MOST_SHOWN = 3
"""Faults of a model that one line lists."""
_MUST_BE = {"string_type": "must be a text", "tuple_type": "must be a list, such as [a, b]"}
_MUST_BE |= dict.fromkeys(
    ("model_type", "model_attributes_type", "dict_type"), "must be a mapping, such as {key: value}"
)

# libyaml reads the release ten times faster, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_NUMBER = re.compile(r"[-+0-9][0-9_:.eE+-]{99,}")
_NULLS = {"", "~", "null", "Null", "NULL"}
_TAGS = {None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}


class YamlRefused(UnusableInput):
    """Text that is no YAML to be used. `what` says it of the file: "is not YAML: ..."; the lines count from 1."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        self.line, self.what, self.remedy = line, what, remedy
        super().__init__(f"{what}, at line {line}: {remedy}")


@dataclass(frozen=True)
class Repeated:
    """A key that stands twice in one mapping: its lines."""

    key: str
    line: int
    first: int


@dataclass
class YamlText:
    """What a file says: mappings, lists and text, and the line of each part by its place."""

    value: Any = None
    lines: dict[NodePath, int] = field(default_factory=lambda: {(): 1})
    repeated: list[Repeated] = field(default_factory=list)

    def line(self, *place: str | int) -> int:
        """Line of the part at that place, or of the nearest part around it that stands in the file."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    def faults(self, error: ValidationError, keys: Iterable[str] = ()) -> str:
        """What a model refuses of the file, in one line; `keys` are those that an unknown one may be meant for."""
        found = [self._fault(detail["loc"], detail["type"], detail["msg"], keys) for detail in error.errors()]
        more = f" (and {len(found) - _MOST_SHOWN} more)" if len(found) > _MOST_SHOWN else ""
        return "; ".join(found[:_MOST_SHOWN]) + more

    def _fault(self, place: NodePath, kind: str, message: str, keys: Iterable[str]) -> str:
        message = _MUST_BE.get(kind, message)
        if kind == "extra_forbidden":
            near = get_close_matches(str(place[-1]), list(keys), n=1)
            message = f"is an unknown key: write '{near[0]}', or remove it" if near else "is an unknown key: remove it"
        elif kind == "missing":
            message = "is missing: write it"
        named, rest = [], place
        if place and isinstance(place[0], int):
            named, rest = [f"entry {place[0] + 1} ({_name(self.value[place[0]])})"], place[1:]
        at = ": ".join([*named, ".".join(one_line(part, 40) for part in rest)]).strip(": ") or "the file"
        return f"line {self.line(*place)}: {at}: {one_line(message, 200)}"


def read_yaml(path: Path, keep_empty: bool = False) -> YamlText:
    """A file's content. Raises YamlRefused for what `parse_yaml` refuses, OSError as usual."""
    if path.exists() and not path.is_file():
        raise YamlRefused(1, "is no file", "put a text file there")
    with path.open("rb") as file:
        return parse_yaml(file.read(MOST_BYTES + 1), keep_empty)


def too_large() -> YamlRefused:
    """What is said of a file of more than MOST_BYTES: for who knows its size before reading it."""
    return YamlRefused(1, f"is larger than {MOST_BYTES // 1000} kB", "split it, or remove what is not needed")


def parse_yaml(data: bytes, keep_empty: bool = False) -> YamlText:
    """The content of UTF-8 text; None for what is empty or null, or as it stands with `keep_empty`.

    Raises YamlRefused for everything else than one document of mappings, lists and text, and for what is too large, too
    deep, or refers to itself. Keys that stand twice are refused too, and left to the caller with `keep_empty`.
    """
    if len(data) > MOST_BYTES:
        raise too_large()
    text = decode_utf8(data)
    if isinstance(text, NotUtf8):
        raise YamlRefused(text.line, text.what, "save it as UTF-8")
    _refuse_unprintable(text, 1)
    try:
        _check_bounds(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise _syntax_fault(error, text) from error
    read = YamlText()
    read.value = _plain(root, (), read, keep_empty) if root else None
    if read.repeated and not keep_empty:
        again = read.repeated[0]
        what = f"has the key '{one_line(again.key, 40)}' twice, first on line {again.first}"
        raise YamlRefused(again.line, what, "keep one of them")
    return read


def _check_bounds(text: str) -> None:
    """Raises YamlRefused where a file would cost more than it may, before any of it is put together."""
    documents, parts = 0, 0
    anchors: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise YamlRefused(line, "begins a second document (---)", "keep one of them")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                what = f"refers to *{one_line(event.anchor, 40)}, which is not complete before it"
                raise YamlRefused(line, what, "write out what it stands for")
            parts += anchors[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            parts += 1
            _check_scalar(event, line)
            if event.anchor:
                anchors[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            _refuse_tag(event, line)
            opened.append((event.anchor, parts))
            parts += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                anchors[anchor] = parts - before
        if len(opened) > MOST_DEPTH:
            raise YamlRefused(line, f"nests more than {MOST_DEPTH} deep", "write it flat")
        if parts > MOST_PARTS:
            raise YamlRefused(line, f"has more than {MOST_PARTS:,} parts, aliases written out", "write less")


def _check_scalar(event: yaml.ScalarEvent, line: int) -> None:
    _refuse_tag(event, line)
    _refuse_unprintable(event.value, line)
    if not event.style and _LONG_NUMBER.fullmatch(event.value):
        what = f"has a number of {len(event.value):,} characters"
        raise YamlRefused(line, what, "write the number that is meant, or a text in quotes")


def _refuse_tag(event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
    if event.tag not in _TAGS:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        raise YamlRefused(line, f"has the tag {one_line(tag, 40)}", "remove it: everything is read as text")


def _refuse_unprintable(text: str, line: int) -> None:
    if found := _UNPRINTABLE.search(text):
        at = line + text.count("\n", 0, found.start())
        raise YamlRefused(at, f"holds the control character U+{ord(found[0]):04X}", "remove it")


def _syntax_fault(error: yaml.YAMLError, text: str) -> YamlRefused:
    mark = getattr(error, "problem_mark", None)
    what = one_line(getattr(error, "problem", None) or error, 200)
    lines = text.split("\n")
    # libyaml counts a line beyond the last where the text ends too early.
    line = min(mark.line + 1, len(lines)) if mark else 1
    remedy = "correct the indentation, or quote a text that has a colon or a hash"
    if re.match(r" *\t", lines[line - 1]):
        remedy = "indent with spaces, not with tabs"
    return YamlRefused(line, f"is not YAML: {what}", remedy)


def _plain(node: yaml.Node, place: NodePath, read: YamlText, keep_empty: bool) -> Any:
    read.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, number), read, keep_empty) for number, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, read, keep_empty)
    assert isinstance(node, yaml.ScalarNode)
    return None if not keep_empty and not node.style and node.value in _NULLS else node.value


def _mapping(node: yaml.MappingNode, place: NodePath, read: YamlText, keep_empty: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlRefused(line, "has a key that is no text", "write a word before the colon")
        key = key_node.value
        if key in values:
            read.repeated.append(Repeated(key, line, read.line(*place, key)))
            continue
        read.lines[(*place, key)] = line
        values[key] = _plain(value_node, (*place, key), read, keep_empty)
    return _merged(values, read.line(*place, "<<"))


def _merged(values: dict[str, Any], line: int) -> dict[str, Any]:
    """The mapping with what its merge key `<<` takes over: its own keys first, then the first that has the key."""
    if "<<" not in values:
        return values
    given = values.pop("<<")
    for more in given if isinstance(given, list) else [given]:
        if not isinstance(more, dict):
            raise YamlRefused(line, "merges (<<) what is no mapping", "write the keys out")
        values = {**more, **values}
    return values


def _name(entry: object) -> str:
    """An entry of a list, as a person knows it: by its id."""
    return one_line(entry.get("id", "no id") if isinstance(entry, dict) else entry, 40)
