"""Reads one version of the specification, and refuses one that is not sound.

All problems that can be found at once are reported at once, with file and line. Shapes are checked by the models,
agreement between the parts in `consistency.py`.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chai_assets.core.ids import canonical_json, sha256_text
from chai_assets.spec.loading.consistency import across_problems, aspect_problems
from chai_assets.spec.loading.document import Document, SpecError, SpecProblem
from chai_assets.spec.models import Aspect, Attribute, Index, Option, Primitive, Spec

INDEX = "spec.yaml"

_KEYS = sorted({key for model in (Index, Aspect, Attribute, Option, Primitive) for key in model.model_fields})
_FORMS = {
    "id": "use lower-case letters and digits, joined by _ in attributes and by - in primitives",
    "says": "write one sentence that begins with a capital or a slot and ends with a full stop",
    "version": "write it as three numbers, such as 1.0.0",
    "kind": "choose one of choice, several, text",
}
_MOST_HINTED = 100
"""Unknown keys whose nearest known one is looked up, 0.3 ms each; a file with more of them is another file."""
Model = TypeVar("Model", bound=BaseModel)


def load_spec_from(folder: Path) -> Spec:
    """The specification whose files stand in that folder. Raises SpecError with every problem found."""
    index_file = Document(folder / INDEX)
    index = _parsed(Index, index_file)
    problems = _unlisted(folder, index, index_file)
    documents: dict[str, Document] = {}
    aspects: dict[str, Aspect] = {}
    for name in dict.fromkeys(index.aspects):
        try:
            documents[name] = Document(folder / f"{name}.yaml")
            aspects[name] = _parsed(Aspect, documents[name])
        except SpecError as error:
            problems += error.problems
        else:
            problems += aspect_problems(name, aspects[name], documents[name])
    if aspects.keys() == set(index.aspects):
        problems += across_problems(aspects, documents)
    if problems:
        raise SpecError(problems)
    # The words of the files, not the models': a release keeps its hash when the code around it grows.
    content = {INDEX: index_file.value, **{name: document.value for name, document in documents.items()}}
    return Spec(version=index.version, hash=sha256_text(canonical_json(content)), aspects=aspects)


def _unlisted(folder: Path, index: Index, document: Document) -> list[SpecProblem]:
    names = sorted(path.stem for path in folder.glob("*.yaml") if path.name != INDEX)
    problems = [
        document.problem(("aspects",), f"{name}.yaml is not among the aspects", "list it or remove the file")
        for name in names
        if name not in index.aspects
    ]
    for number, name in enumerate(index.aspects):
        if name in index.aspects[:number]:
            problems.append(document.problem(("aspects", number), f"aspect '{name}' stands twice", "keep one"))
    return problems


def _parsed(model: type[Model], document: Document) -> Model:
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        faults = enumerate(error.errors())
        problems = [_problem(document, dict(detail), hint=number < _MOST_HINTED) for number, detail in faults]
        raise SpecError(problems) from error


def _problem(document: Document, detail: dict[str, Any], hint: bool) -> SpecProblem:
    place = tuple(detail["loc"])
    key = next((str(part) for part in reversed(place) if isinstance(part, str)), "the file")
    if detail["type"] == "missing":
        return document.problem(place, f"'{key}' is missing{_of(document, place)}", "write it")
    if detail["type"] == "extra_forbidden":
        near = get_close_matches(key, _KEYS, n=1) if hint else []
        remedy = f"write '{near[0]}', or remove it" if near else "remove it"
        return document.problem(place, f"unknown key '{key}'{_of(document, place)}", remedy)
    remedy = _FORMS.get(key, "correct it")
    return document.problem(place, f"'{key}'{_of(document, place)}: {detail['msg']}", remedy)


def _of(document: Document, place: tuple[str | int, ...]) -> str:
    """ " of attributes 'pan'": the entry of a list that a place lies in, by its id."""
    if len(place) < 3 or not isinstance(place[1], int):
        return ""
    entry = document.value[place[0]][place[1]]
    name = entry.get("id") if isinstance(entry, dict) else None
    return f" of {place[0]} '{name}'" if name else ""
