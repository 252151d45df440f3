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
        """Who works on an item: whom a lead gave it, else who labeled it while still an annotator, else the clip's."""
        label = item.given_label
        for wanted in (item.decisions.assigned.get("annotator"), label["author"] if label else None):
            person = self.people.by_id(wanted) if wanted else None
            if person and person in self.people.annotators:
                return person
        return self.people.assign_annotator(item.clip_id)

    def reviewer(self, item: Standing, excluded: set[str]) -> Person | None:
        """Who reviews an item: whom a lead gave it, else one drawn; None where all are `excluded`.

        Whose approval was recalled is asked again only where there is nobody else.
        """
        wanted = self.people.by_id(item.decisions.assigned.get("reviewer", ""))
        if wanted and wanted in self.people.reviewers and wanted.id not in excluded:
            return wanted
        draw = f"{item.clip_id}/{item.aspect}"
        fresh = self.people.assign_reviewer(draw, excluded | item.recalled_from) if item.recalled_from else None
        return fresh or self.people.assign_reviewer(draw, excluded)

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
    if isinstance(turn, LabelTurn) and turn.sent_back:
        return f" (a lead sends it back: {turn.sent_back['reason']})"
    if isinstance(turn, LabelTurn) and turn.questions:
        return f" (only what specification {version} asks anew; your other answers stand)"
    return f", round {turn.round}" if isinstance(turn, CritiqueTurn) and turn.round > 1 else ""
