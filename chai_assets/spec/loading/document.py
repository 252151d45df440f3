"""A YAML file of the specification, with the line of each of its parts, so that a problem can name its line.

Every scalar is read as text (`no` stays "no"); what type it should have is up to `spec/models.py`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chai_resources.errors import UnusableInput

# libyaml reads the release ten times faster, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

NodePath = tuple[str | int, ...]
"""Keys and numbers that lead to a part of a file."""


@dataclass(frozen=True, order=True)
class SpecProblem:
    """What is wrong, on which line of which file, and the remedy."""

    file: str
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} - {self.remedy}"


class SpecError(UnusableInput):
    """A specification that cannot be used. The text lists every problem, one a line."""

    def __init__(self, problems: list[SpecProblem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Document:
    """A file's content as plain values, and the line of each part by its place in them."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises SpecError where it is missing, no YAML, or repeats a key."""
        self.file = path.name
        self._lines: dict[NodePath, int] = {(): 1}
        self._problems: list[SpecProblem] = []
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
        except OSError as error:
            raise SpecError([SpecProblem(self.file, 1, f"cannot be read: {error.strerror}", "add the file")]) from error
        except UnicodeDecodeError as error:
            raise SpecError([SpecProblem(self.file, 1, "is not UTF-8 text", "save it as UTF-8")]) from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            what = getattr(error, "problem", None) or str(error).replace("\n", " ")
            line = mark.line + 1 if mark else 1
            remedy = "correct the indentation, or quote a text that has a colon or a hash"
            raise SpecError([SpecProblem(self.file, line, f"is not YAML: {what}", remedy)]) from error
        self.value = self._plain(root, ()) if root else {}
        if self._problems:
            raise SpecError(self._problems)

    def line(self, *place: str | int) -> int:
        """Line of the part at that place, or of the nearest part around it that stands in the file."""
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def problem(self, place: NodePath, message: str, remedy: str) -> SpecProblem:
        """A problem of the part at that place."""
        return SpecProblem(self.file, self.line(*place), message, remedy)

    def _plain(self, node: yaml.Node, place: NodePath) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*place, number)) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        return node.value

    def _mapping(self, node: yaml.MappingNode, place: NodePath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in values:
                first = self.line(*place, key)
                message = f"key '{key}' stands twice, first on line {first}"
                self._problems.append(SpecProblem(self.file, line, message, "keep one of them"))
                continue
            self._lines[(*place, key)] = line
            values[key] = self._plain(value_node, (*place, key))
        return values
