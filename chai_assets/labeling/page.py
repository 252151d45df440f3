"""The labeling page: the questions of one aspect about a clip, each with its own answers, all from the task.

The questions come compiled from the specification; which answers fit together is its concern.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chai_assets.annotation import results as pages
from chai_assets.annotation.results import FilledPage, Malformed

PROBLEMS = ("unplayable", "transition", "unsafe")

_GROUPS = {"choices": ("choice", "choices"), "several": ("several", "choices"), "texts": ("text", "textarea")}
"""Group of rows -> stem of its control names, and their result type."""


@dataclass(frozen=True)
class Labels:
    """Answers by attribute key (none given: an empty list), the clip's problem, and a note.

    Where a problem is named the answers may be incomplete.
    """

    answers: dict[str, list[str]]
    problem: str | None
    note: str | None


def config() -> str:
    """The page's labeling configuration."""
    return pages.config(Path(__file__).with_name("page.xml"))


def task_data(rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What the page asks: the specification's rows for one aspect, as `choices`, `several` and `texts`."""
    return {group: list(rows[group]) for group in _GROUPS}


def read(data: Mapping[str, Any], result: object) -> Labels:
    """The answer a person submitted. Raises Malformed."""
    rows = list(_rows(data))
    controls = {control: (kind, f"{stem}_q_{at}") for control, kind, stem, at, _ in rows}
    filled = FilledPage.of(result, controls | {"clip_problem": ("choices", "video"), "note": ("textarea", "video")})
    problem = filled.choice("clip_problem", PROBLEMS)
    answers = {}
    for control, kind, stem, _, row in rows:
        given = filled.texts(control) if kind == "textarea" else filled.choices(control, _values(row))
        if stem != "several" and len(given) > 1:
            raise Malformed(f"{row['key']}: {len(given)} answers where one is asked for")
        if stem == "choice" and not given and problem is None:
            raise Malformed(f"{row['key']} is not answered", "answer every question, with unsure where need be")
        answers[row["key"]] = given
    return Labels(answers, problem, filled.text("note"))


def write(data: Mapping[str, Any], answer: Labels) -> list[dict[str, Any]]:
    """The result the page submits for this answer."""
    result: list[dict[str, Any]] = []
    for control, kind, stem, at, row in _rows(data):
        part = pages.texts_part if kind == "textarea" else pages.choices_part
        result += part(control, f"{stem}_q_{at}", answer.answers.get(row["key"], []))
    result += pages.choices_part("clip_problem", "video", [answer.problem] if answer.problem else [])
    return result + pages.texts_part("note", "video", [answer.note])


def _rows(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int, Mapping[str, Any]]]:
    """Each question with its control: name, result type, stem, position in its group, and the row."""
    for group, (stem, kind) in _GROUPS.items():
        for at, row in enumerate(pages.shown(data, group, list)):
            pages.shown(row, "key", str)
            yield f"{stem}_{at}", kind, stem, at, row


def _values(row: Mapping[str, Any]) -> list[str]:
    return [pages.shown(option, "value", str) for option in pages.shown(row, "options", list)]
