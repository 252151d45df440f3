"""Labelling tasks from items, and labels from what people submit. Pure."""

from typing import Any

from chai_assets.chain import Row, Standing, Turn
from chai_assets.collect import Interpret
from chai_assets.handing_out import HandOut
from chai_assets.labeling import page
from chai_assets.pages import Malformed
from chai_assets.push import Assigned, Build
from chai_assets.records import label_id
from chai_assets.spec.compile import check_answers, derive, labelling_rows
from chai_assets.spec.models import Spec
from chai_resources.people import Person


def label_tasks(hand_out: HandOut) -> Build:
    """Builds the labelling task of an item: its aspect's questions."""
    rows = {aspect.id: labelling_rows(aspect) for aspect in hand_out.spec.aspects.values()}

    def build(item: Standing, turn: Turn) -> Assigned:
        return hand_out.assigned(item, turn, hand_out.annotator(item), page.task_data(rows[item.aspect]))

    return build


def label_reader(spec: Spec) -> Interpret:
    """Reads a submitted page into the columns of the `primitives` table."""

    def read(data: dict[str, Any], result: list[Any], author: Person) -> Row:
        if data.get("spec_hash") != spec.hash:
            raise Malformed(
                f"answered under specification {data.get('spec_version')}, and {spec.version} is in force",
                "set CHAI_SPEC_VERSION to the version the task was made under, or let it be answered again",
            )
        labels = page.read(data, result)
        aspect = spec.aspects[data["aspect"]]
        problems = [] if labels.problem else check_answers(aspect, labels.answers)
        if problems:
            raise Malformed("; ".join(problems), "open the task again, correct these answers and submit")
        states = {} if labels.problem else derive(aspect, labels.answers)
        row = {
            "clip_id": data["clip_id"],
            "aspect": aspect.id,
            "spec_version": spec.version,
            "spec_hash": spec.hash,
            "answers": [{"attribute": key, "values": values} for key, values in labels.answers.items()],
            "states": [{"primitive": name, "state": state} for name, state in states.items()],
            "problem": labels.problem,
            "note": labels.note,
            "author": author.id,
        }
        return {**row, "label_id": label_id(row)}

    return read
