"""What every task carries whatever its page shows: which item it is, the clip to play, and who it is for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chai_assets.annotation.push import AssignedTask
from chai_assets.core.rows import ClipRow
from chai_assets.spec.handbook import publish
from chai_assets.spec.models import Spec
from chai_assets.workflow.item_state import CritiqueTurn, LabelTurn, Standing, Turn
from chai_resources.label_studio import Task
from chai_resources.media import Media
from chai_resources.people import People, Person


@dataclass(frozen=True)
class TaskContext:
    """What the tasks of a batch are made from: the specification, the clips, the media store and the team."""

    spec: Spec
    clips: Mapping[str, ClipRow]
    media: Media
    people: People

    def annotator(self, item: Standing) -> Person:
        """Who works on an item: whoever labeled it while still an annotator, else the clip's annotator."""
        author = self.people.by_id(item.label["author"]) if item.label else None
        return author if author in self.people.annotators and author else self.people.assign_annotator(item.clip_id)

    def assign(
        self,
        item: Standing,
        turn: Turn,
        person: Person,
        page: Mapping[str, Any],
        *,
        excluded: Iterable[str] = (),
        prefill: list[dict[str, Any]] | None = None,
    ) -> AssignedTask:
        """The task of a turn for a person; `page` is what its page shows, `excluded` ids of who may not answer."""
        clip, aspect = self.clips[item.clip_id], self.spec.aspects[item.aspect]
        barred = [key for other in sorted(excluded) for key in self._account_keys(other)]
        data = {
            "chai_kind": turn.kind,
            "clip_id": item.clip_id,
            "aspect": item.aspect,
            "title": f"{aspect.title}: {clip['name']}" + _occasion(turn, self.spec.version),
            "returned": "",
            "handbook": publish.link(self.spec, aspect),
            "video": self.media.url(clip["media_key"]),
            "fps": clip["fps"],
            "spec_version": self.spec.version,
            "spec_hash": self.spec.hash,
            "assignee": person.account_key,
            "excluded": barred,
            **page,
        }
        return AssignedTask(Task(turn.key, data, prefill), person)

    def _account_keys(self, person_id: str) -> tuple[str, ...]:
        person = self.people.by_id(person_id)
        return person.account_keys if person else ()


def _occasion(turn: Turn, version: str) -> str:
    if isinstance(turn, LabelTurn) and turn.questions:
        return f" (only what specification {version} asks anew; your other answers stand)"
    return f", round {turn.round}" if isinstance(turn, CritiqueTurn) and turn.round > 1 else ""
