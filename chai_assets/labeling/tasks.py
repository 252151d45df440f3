"""Labeling tasks from items, and labels from what people submit. Pure."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from chai_assets.annotation.collect import ReadAnswer
from chai_assets.annotation.push import AssignedTask, BuildTask
from chai_assets.annotation.results import Malformed
from chai_assets.annotation.task_data import TaskContext
from chai_assets.core.ids import label_id
from chai_assets.core.rows import LabelRow, NewRow
from chai_assets.labeling import page
from chai_assets.spec.compile import Answers, check_answers, derive, labeling_rows
from chai_assets.spec.loading.document import SpecError
from chai_assets.spec.models import Aspect, Spec
from chai_assets.spec.versioning.carry import carry
from chai_assets.spec.versioning.releases import Releases
from chai_assets.workflow.item_state import LabelTurn, Standing
from chai_assets.workflow.labels_in_force import LabelsInForce, answers_of
from chai_resources.people import Person


def label_task_builder(tasks: TaskContext) -> BuildTask[LabelTurn]:
    """Builds the labeling task of an item: its aspect's questions, or those that a release asks anew.

    Where questions are asked again, the old answers stand in them already as far as they may still be given.
    """
    rows = {aspect.id: labeling_rows(aspect) for aspect in tasks.spec.aspects.values()}

    def build(item: Standing, turn: LabelTurn) -> AssignedTask:
        data, prefill = page.task_data(rows[item.aspect]), None
        if turn.earlier is not None:
            aspect = tasks.spec.aspects[item.aspect]
            asked = _only(rows[item.aspect], turn.questions, aspect, item.answers)
            data = page.task_data(asked) | {"previous_label": turn.earlier["label_id"]}
            old = _still_possible(aspect, turn.earlier, turn.questions)
            prefill = page.write(data, page.Labels(old, None, None))
        return tasks.assign(item, turn, tasks.annotator(item), data, prefill=prefill)

    return build


def label_reader(releases: Releases, earlier: Callable[[], LabelsInForce]) -> ReadAnswer:
    """Reads a submitted page into the columns of the `primitives` table, under the version the task was made under.

    `earlier` gives the batch's labels: a page that asked only some questions is completed from the one it names.
    They are many, and read only for such a page.
    """
    known = cache(earlier)

    def read(data: dict[str, Any], result: list[Any], author: Person) -> NewRow:
        spec = _spec_of(data, releases)
        labels = page.read(data, result)
        aspect = spec.aspects[data["aspect"]]
        answers = _kept(data, aspect, releases, known) | labels.answers
        problems = [] if labels.problem else check_answers(aspect, answers)
        if problems:
            raise Malformed("; ".join(problems), "open the task again, correct these answers and submit")
        states = {} if labels.problem else derive(aspect, answers)
        row = {
            "clip_id": data["clip_id"],
            "aspect": aspect.id,
            "spec_version": spec.version,
            "spec_hash": spec.hash,
            "answers": [{"attribute": a.id, "values": answers[a.id]} for a in aspect.attributes if a.id in answers],
            "states": [{"primitive": name, "state": state} for name, state in states.items()],
            "problem": labels.problem,
            "note": labels.note,
            "author": author.id,
        }
        return {**row, "label_id": label_id(row)}

    return read


def _only(
    rows: Mapping[str, list[dict[str, Any]]], asks: Iterable[str], aspect: Aspect, kept: Answers
) -> dict[str, list[dict[str, Any]]]:
    """The rows of these questions; one that depends on an answer which stands says what that answer was."""
    wanted = set(asks)

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        asked = aspect.attribute(row["key"])
        known = [f"{name.replace('_', ' ')}: {', '.join(kept[name])}" for name in asked.applies_when if name in kept]
        if not known or len(known) < len(asked.applies_when):
            return row
        return {**row, "q": f"{asked.question} ({'; '.join(known)})"}

    return {group: [shown(row) for row in members if row["key"] in wanted] for group, members in rows.items()}


def _still_possible(aspect: Aspect, label: LabelRow, asks: Iterable[str]) -> dict[str, list[str]]:
    """Old answers to these questions that may still be given."""
    given = answers_of(label)
    attributes = {attribute.id: attribute for attribute in aspect.attributes}
    return {
        name: [v for v in given.get(name, ()) if attributes[name].kind == "text" or v in attributes[name].answers]
        for name in asks
    }


def _spec_of(data: Mapping[str, Any], releases: Releases) -> Spec:
    """The specification a task was made under. Raises Malformed."""
    version = str(data.get("spec_version"))
    try:
        spec = releases.load(version)
    except SpecError as error:
        remedy = "bring the version back into the folder of specifications (CHAI_SPECS), unchanged, and run again"
        raise Malformed(f"answered under specification {version}, which cannot be read: {error}", remedy) from error
    if data.get("spec_hash") != spec.hash:
        raise Malformed(
            f"answered under a specification {version} that is not the released one",
            "restore the released files of that version, or let the task be answered again",
        )
    return spec


def _kept(
    data: Mapping[str, Any], aspect: Aspect, releases: Releases, earlier: Callable[[], LabelsInForce]
) -> dict[str, list[str]]:
    """The answers that a page which asks again left out, from the label it names. Raises Malformed."""
    if data.get("previous_label") is None:
        return {}
    label = earlier().by_id.get(data["previous_label"])
    if label is None:
        raise Malformed(
            f"the task asks again about label {data['previous_label']}, which is not among this batch's labels",
            "delete the task, and it is pushed again",
        )
    # It may have been corrected since: what is missing then is asked for by the check of all answers.
    label = earlier().newest(label["chai_key"])
    given = answers_of(label)
    old = releases.load(label["spec_version"]).aspects[aspect.id]
    return dict(carry(old, aspect, given).answers)
