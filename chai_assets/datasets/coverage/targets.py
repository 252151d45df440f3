"""The file of targets: how many clips shall have each primitive, in train and in eval."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chai_assets.datasets.select.splits import Split
from chai_assets.spec.models import Spec
from chai_resources.errors import UnusableInput, one_line
from chai_resources.yaml_text import YamlRefused, YamlText, read_yaml

Clips = Annotated[int, Field(ge=0, le=10**9)]


class TargetsRefused(UnusableInput):
    """The file of targets cannot be used; the text names it, what is wrong and the remedy, in one line."""


class Target(BaseModel):
    """Clips that shall have a primitive on either side; 0 where none is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    train: Clips = 1
    eval: Clips = 1

    def of(self, split: Split) -> int:
        """The target of one side."""
        return self.train if split == "train" else self.eval


class Targets(BaseModel):
    """What every primitive shall have, and what single ones shall have instead."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    default: Target = Target()
    primitives: dict[str, Target] = Field(default_factory=dict)

    def of(self, primitive: str) -> Target:
        """The target of a primitive."""
        return self.primitives.get(primitive, self.default)


def read_targets(path: str, spec: Spec) -> Targets:
    """The targets of a file; without a path, one clip of every primitive on either side. Raises TargetsRefused."""
    if not path:
        return Targets()
    try:
        text = read_yaml(Path(path))
    except (OSError, YamlRefused) as error:
        raise _refused(path, str(error)) from error
    try:
        targets = Targets.model_validate(text.value)
    except ValidationError as error:
        raise _refused(path, text.faults(error, [*Targets.model_fields, *Target.model_fields])) from error
    known = [primitive.id for aspect in spec.aspects.values() for primitive in aspect.primitives]
    if unknown := [name for name in targets.primitives if name not in set(known)]:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise _refused(path, f"{_nobody_has(unknown[0], known, text)}{more} in specification {spec.version}")
    return targets


def _nobody_has(name: str, known: list[str], text: YamlText) -> str:
    near = get_close_matches(name, known, n=1)
    meant = f", did you mean '{near[0]}'?" if near else ""
    return f"line {text.line('primitives', name)}: there is no primitive '{one_line(name, 40)}'{meant}"


def _refused(path: str, why: str) -> TargetsRefused:
    return TargetsRefused(f"the coverage targets {path} cannot be used ({why}): correct it, or CHAI_COVERAGE_TARGETS")
