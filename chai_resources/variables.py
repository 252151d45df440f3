"""How a setting is declared: its environment variable and its words stand at its field, and nowhere else.

A model of settings is a pydantic model whose fields carry a `Variable`, or are such models themselves. Reading it from
variables, writing it as variables, and what is said of a value that does not fit all follow from that. Which settings
there are, and what they mean, is said where the models are.
"""

import difflib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, get_args

from annotated_types import Ge, Gt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from chai_resources.environment import PREFIX
from chai_resources.errors import UnusableInput

M = TypeVar("M", bound=BaseModel)

_NEAR = 0.8
"""Names as alike as this, without their prefix, are one name misspelled. What a cluster sets for a service of its own
is less alike: CHAI_DAGSTER_SERVICE_PORT has 0.75 of CHAI_DAGSTER_PORT."""


class SettingsUnusable(UnusableInput):
    """Variables that cannot be used as settings; the text names each with the remedy, in one line."""


@dataclass(frozen=True)
class Variable:
    """The variable of a field. A field that is true or false is said in two words of its own."""

    name: str
    no: str = ""
    yes: str = ""

    def value(self, text: str) -> str | bool:
        """What is given to the field. Raises SettingsUnusable for a word that is neither of the two."""
        if not self.yes:
            return text
        if text not in (self.no, self.yes):
            raise SettingsUnusable(_none_of(self.name, text, (self.no, self.yes)))
        return text == self.yes

    def text(self, value: object) -> str:
        """A value of the field as the variable has it."""
        if self.yes:
            return self.yes if value else self.no
        if isinstance(value, tuple):
            return "-".join(f"{part:g}" for part in value)
        return str(value)


def read_settings(model: type[M], variables: Mapping[str, str]) -> M:
    """The settings that these variables say; what none says has its default. Raises SettingsUnusable."""
    try:
        return model.model_validate(_values(model, variables))
    except ValidationError as error:
        # A default that is worked out of a value which is wrong is no second problem.
        own = (details for details in error.errors() if details["type"] != "default_factory_not_called")
        raise SettingsUnusable("; ".join(_problem(model, details) for details in own)) from None


def as_variables(settings: BaseModel) -> dict[str, str]:
    """The variables that say these settings."""
    said: dict[str, str] = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            said |= as_variables(value)
        else:
            variable = _variable(field)
            said[variable.name] = variable.text(value)
    return said


def names_of(model: type[BaseModel]) -> Iterator[str]:
    """The variables of all fields of a model of settings."""
    for field in model.model_fields.values():
        if nested := _nested(field):
            yield from names_of(nested)
        else:
            yield _variable(field).name


def refuse_misspelled(given: Iterable[str], known: Iterable[str]) -> None:
    """Raises SettingsUnusable for a name that is nearly one that is known; one that is far from all is told once.

    A misspelled setting would not hold, and nobody would see it. A name that is like none of ours may be for another
    program, or set by a cluster for its own services, and stops nothing.
    """
    names = {name.removeprefix(PREFIX): name for name in known}
    wrong: list[str] = []
    for name in sorted(set(given) - set(names.values())):
        own = name.removeprefix(PREFIX)
        [nearest] = difflib.get_close_matches(own, names, n=1, cutoff=0)
        if difflib.SequenceMatcher(None, own, nearest).ratio() >= _NEAR:
            wrong.append(f"{name} is no setting, but nearly {names[nearest]}: rename it, or unset it")
        else:
            _tell_unknown(name, names[nearest])
    if wrong:
        raise SettingsUnusable("; ".join(wrong))


@cache
def _tell_unknown(name: str, nearest: str) -> None:
    logging.getLogger("chai").warning("%s is no setting of this platform and does nothing (nearest: %s)", name, nearest)


def _values(model: type[BaseModel], variables: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if nested := _nested(field):
            values[name] = _values(nested, variables)
        elif text := variables.get(_variable(field).name):
            values[name] = _variable(field).value(text)
    return values


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _variable(field: FieldInfo) -> Variable:
    return next(part for part in field.metadata if isinstance(part, Variable))


def _problem(model: type[BaseModel], details: ErrorDetails) -> str:
    """What is wrong with one variable, with the remedy."""
    field = model.model_fields[str(details["loc"][0])]
    for part in details["loc"][1:]:
        if nested := _nested(field):
            field = nested.model_fields[str(part)]
    name, value = _variable(field).name, details["input"]
    if details["type"] == "literal_error":
        return _none_of(name, value, get_args(field.annotation))
    default = "" if field.default_factory else f" for {_variable(field).text(field.default)}"
    if details["type"] == "value_error":
        return f"{name}={value} {details.get('ctx', {}).get('error')}, or unset it{default}"
    return f"{name}={value} is no {_wanted(field)}: set one, or unset it{default}"


def _none_of(name: str, value: object, words: Iterable[str]) -> str:
    return f"{name}={value} is none of {', '.join(words)}: set one of them, or unset it"


def _wanted(field: FieldInfo) -> str:
    """The number that a field takes, in words."""
    kind = "whole number" if field.annotation is int else "number"
    if any(isinstance(part, Gt) for part in field.metadata):
        return f"{kind} above 0"
    return f"{kind} from 0 up" if any(isinstance(part, Ge) for part in field.metadata) else kind
