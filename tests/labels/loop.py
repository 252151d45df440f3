"""The loop of one clip's aspect without services: real pages, readers, guard's rules and walk; rows in memory."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from chai_assets.annotation.push import AssignedTask
from chai_assets.annotation.task_data import TaskContext
from chai_assets.core.ids import canonical_json, record_id
from chai_assets.critique import page as critique_page
from chai_assets.critique.label_questions import contradictions
from chai_assets.critique.tasks import correction_rows, critique_reader, critique_task_builder
from chai_assets.drafting.draft import complete_draft, pending_drafts
from chai_assets.inference.pending import PendingRequest
from chai_assets.labeling import page as labeling_page
from chai_assets.labeling.tasks import label_reader, label_task_builder
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from chai_assets.review.tasks import feedback_reader, feedback_task_builder, review_reader, review_task_builder
from chai_assets.revision.revise import complete_revision, pending_revisions
from chai_assets.spec.compile import derive
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.spec.versioning.releases import releases_in
from chai_assets.workflow.item_state import Standing, Turn
from chai_assets.workflow.labels_in_force import labels_in_force
from chai_assets.workflow.records import BatchRecords
from chai_assets.workflow.walk import standings
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.environment import CHECKOUT
from chai_resources.media import Media
from chai_resources.people import People, Person

PAGES: dict[str, Any] = {
    "primitives": labeling_page,
    "critique": critique_page,
    "review": review_page,
    "feedback": feedback_page,
}
START = datetime(2026, 5, 1, tzinfo=UTC)

_ENTRY = importlib.util.spec_from_file_location("answers", CHECKOUT / "deploy" / "label_studio" / "answers.py")
assert _ENTRY is not None
assert _ENTRY.loader is not None
guard = importlib.util.module_from_spec(_ENTRY)
_ENTRY.loader.exec_module(guard)


def _person(name: str, role: Any) -> Person:
    return Person(id=name, name=name.title(), email=f"{name}@example.com", roles=(role,))


TEAM = People(
    everyone=(_person("ann", "annotator"), _person("rev", "reviewer"), _person("rae", "reviewer")),
)


@dataclass
class Loop:
    """One clip, of which one aspect is worked on."""

    home: Path
    aspect: str = "camera"
    clip_id: str = "clp_1"
    _numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.releases = releases_in()
        self.lineage = Lineage(self.releases, self.releases.newest)
        self.spec = self.lineage.spec
        clip: Any = {"clip_id": self.clip_id, "batch": "b", "name": "clip", "fps": 25.0, "duration_s": 2.0}
        clip |= {"media_key": f"clips/{self.clip_id}.mp4", "source_id": "src_1"}
        self.clips = {self.clip_id: clip}
        self.records = BatchRecords([clip], [], [], [], [], [], [])
        self.tasks = TaskContext(self.spec, self.clips, Media(root=str(self.home)), TEAM)
        self.clock = START

    @property
    def item(self) -> Standing:
        """Where the aspect stands."""
        return next(item for item in self.items if item.aspect == self.aspect)

    @property
    def items(self) -> list[Standing]:
        return standings(self.records, self.lineage)

    @property
    def states(self) -> dict[str, str]:
        """The states of the primitives by the label in force."""
        return derive(self.spec.aspects[self.aspect], self.item.answers)

    def contradicting(self) -> list[str]:
        """What the approved caption says against the labels in force and nobody explained."""
        item = self.item
        if item.candidate is None or item.approval is None:
            return []
        explained = item.approval["contradicts"] or [] if item.approval["label_stands"] else []
        found = contradictions(item.candidate.text, lexicon_of(self.spec, self.aspect), self.states)
        return [row["says"] for row in found if row["primitive"] not in explained]

    def write(self) -> None:
        """The model writes what the item waits for."""
        model, items = OfflineCaptioner(), [self.item]
        for pending in pending_drafts(items, self.spec, self.clips, model, set()):
            self.records.drafts.append(complete_draft(self._written(pending)))  # type: ignore[arg-type]
        for pending in pending_revisions(items, self.spec, self.clips, model, set()):
            self.records.revisions.append(complete_revision(items)(self._written(pending)))  # type: ignore[arg-type]

    def _written(self, pending: PendingRequest) -> dict[str, Any]:
        self.clock += timedelta(seconds=1)
        request = pending.request
        [result] = OfflineCaptioner().run([request])
        assert result.text is not None
        row = {**pending.base, "text": result.text, "model": result.model, "served_revision": result.served_revision}
        row |= {"sampling": canonical_json(request.sampling), "prompt_hash": record_id("request", p=request.prompt)}
        return {**row, "template_hash": request.template_hash, "recorded_at": self.clock}

    def task(self) -> AssignedTask | None:
        """The task that the item waits for."""
        turn = self.item.waiting
        return None if turn is None else self._build(turn)

    def _build(self, turn: Turn) -> AssignedTask | None:
        builders: dict[str, Any] = {
            "primitives": label_task_builder,
            "critique": critique_task_builder,
            "review": review_task_builder,
            "feedback": feedback_task_builder,
        }
        return builders[turn.kind](self.tasks)(self.item, turn)

    def submit(self, answer: Callable[[str, dict[str, Any]], list[dict[str, Any]]]) -> str:
        """The assignee answers the waiting task, through the guard and the collector; the kind of task.

        Raises guard.NoAnswer where the page would refuse, Malformed where only the collector does.
        """
        turn, made = self.item.waiting, self.task()
        assert turn is not None
        assert made is not None
        data = json.loads(json.dumps(made.task.data))
        result = json.loads(json.dumps(answer(turn.kind, data)))
        guard.check_answer({"result": result}, PAGES[turn.kind].config(), data, draft=False)
        row = self._read(turn.kind, data, result, made.assignee)
        row |= self._event(turn.key) | {"clip_id": self.clip_id, "aspect": self.aspect, "batch": "b"}
        tables: dict[str, list[Any]] = {"primitives": self.records.labels, "critique": self.records.critiques}
        tables |= {"review": self.records.reviews, "feedback": self.records.feedback}
        tables[turn.kind].append(row)
        if turn.kind == "critique":
            self.records.corrections += correction_rows([row])  # type: ignore[arg-type]
        return turn.kind

    def _read(self, kind: str, data: Any, result: Any, person: Person) -> dict[str, Any]:
        texts = {draft["draft_id"]: draft["text"] for draft in self.records.drafts}
        readers: dict[str, Any] = {
            "primitives": label_reader(self.releases, lambda: labels_in_force(self.records)),
            "critique": critique_reader(texts, self.releases),
            "review": review_reader(),
            "feedback": feedback_reader(),
        }
        return readers[kind](data, result, person)

    def _event(self, key: str) -> dict[str, Any]:
        self.clock += timedelta(seconds=1)
        number = next(self._numbers)
        event: Any = {"event_id": f"evt_{number}", "what": "submitted", "annotation_id": number, "epoch": None}
        event["updated_at"] = self.clock
        self.records.events.append(event)
        return {"event_id": event["event_id"], "chai_key": key, "submitted_at": self.clock, "recorded_at": self.clock}

    def recall(self) -> None:
        """A lead takes the approved caption back."""
        self.clock += timedelta(seconds=1)
        approval = self.item.approval
        assert approval is not None
        row: Any = {"batch": "b", "decision_id": f"dec_{next(self._numbers)}", "kind": "recall", "author": "lea"}
        row |= {"clip_id": self.clip_id, "aspect": self.aspect, "refers_to": approval["review_id"], "value": None}
        row |= {"triple_id": None, "reason": "Look again.", "recorded_at": self.clock}
        self.records.decisions.append(row)

    def delete(self, event_id: str) -> None:
        """The annotation of an answer is deleted in Label Studio."""
        self.clock += timedelta(seconds=1)
        row = next(row for row in self.records.events if row["event_id"] == event_id)
        gone: Any = {**row, "event_id": f"evt_{next(self._numbers)}", "what": "deleted", "updated_at": self.clock}
        self.records.events.append(gone)
