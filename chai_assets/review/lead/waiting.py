"""What waits for a lead and for nobody else: clips that were set aside, and questions that were answered `unsure`."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from chai_assets.core.imported import own_work
from chai_assets.core.rows import ClipRow, read_rows
from chai_assets.review.lead.find import ItemName
from chai_assets.spec.models import UNSURE
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import standings_of
from chai_resources.tables import Tables


@dataclass(frozen=True)
class SetAside:
    """An item that is out of the loop: the problem that was reported of its clip, or a lead's reason."""

    item: ItemName
    clip: str
    problem: str
    note: str
    by: str


@dataclass(frozen=True)
class Doubt:
    """A question that an annotator was unsure of, with the note left on the page."""

    item: ItemName
    clip: str
    question: str
    note: str
    by: str


@dataclass
class Waiting:
    """All that waits for a lead."""

    set_aside: list[SetAside] = field(default_factory=list)
    unsure: list[Doubt] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The lists as JSON values."""
        return {
            name: [{**asdict(one), "item": str(one.item)} for one in rows]
            for name, rows in (("set_aside", self.set_aside), ("unsure", self.unsure))
        }


def waiting_for_lead(tables: Tables, release: SpecRelease) -> Waiting:
    """What waits for a lead in all batches of our own work, in the order of batches, clips and aspects."""
    found = Waiting()
    for batch in sorted(set(tables.read("clips", columns=["batch"], where=own_work())["batch"])):
        add_waiting(found, tables, batch, standings_of(tables, release, batch))
    return found


def add_waiting(found: Waiting, tables: Tables, batch: str, items: Iterable[Standing]) -> None:
    """Adds what waits among the items of one batch."""
    clips = {row["clip_id"]: row["name"] for row in read_rows(tables, ClipRow, batch, columns=["clip_id", "name"])}
    for item in items:
        name, clip = ItemName(batch, item.clip_id, item.aspect), clips[item.clip_id]
        label, by_lead = item.label, item.decisions.set_aside
        if item.stage == "set_aside" and by_lead:
            found.set_aside.append(SetAside(name, clip, "by a lead", by_lead["reason"], by_lead["author"]))
        elif item.stage == "set_aside" and label:
            found.set_aside.append(SetAside(name, clip, label["problem"] or "", label["note"] or "", label["author"]))
        elif label and item.given_label and item.stage != "dropped":
            settled = item.decisions.settled_of(item.given_label)
            found.unsure += [
                Doubt(name, clip, question, label["note"] or "", label["author"])
                for question, values in item.answers.items()
                if UNSURE in values and question not in settled
            ]
