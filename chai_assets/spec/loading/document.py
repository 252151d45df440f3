"""A YAML file of the specification, with the line of each of its parts, so that a problem can name its line.

Every scalar is read as text (`no` stays "no"); what type it should have is up to `spec/models.py`.
"""

from dataclasses import dataclass
from pathlib import Path

from chai_resources.errors import UnusableInput
from chai_resources.yaml_text import NodePath, Repeated, YamlRefused, read_yaml


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
        """Read the file. Raises SpecError where it is missing, no YAML that can be used, or repeats a key."""
        self.file = path.name
        try:
            self._text = read_yaml(path, keep_empty=True)
        except OSError as error:
            raise SpecError([SpecProblem(self.file, 1, f"cannot be read: {error.strerror}", "add the file")]) from error
        except YamlRefused as error:
            raise SpecError([SpecProblem(self.file, error.line, error.what, error.remedy)]) from error
        self.value = {} if self._text.value is None else self._text.value
        if self._text.repeated:
            raise SpecError([self._twice(again) for again in self._text.repeated])

    def line(self, *place: str | int) -> int:
        """Line of the part at that place, or of the nearest part around it that stands in the file."""
        return self._text.line(*place)

    def problem(self, place: NodePath, message: str, remedy: str) -> SpecProblem:
        """A problem of the part at that place."""
        return SpecProblem(self.file, self.line(*place), message, remedy)

    def _twice(self, again: Repeated) -> SpecProblem:
        message = f"key '{again.key}' stands twice, first on line {again.first}"
        return SpecProblem(self.file, again.line, message, "keep one of them")
