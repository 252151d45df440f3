"""A version of the specification with all versions before it: whether what was made under an older one still holds.

Every record names the version it was made under. The loop asks here whether that still counts, so that a new release
touches exactly the rows whose meaning it changes. What two versions of an aspect have in common is in `carry.py`.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from chai_assets.core.prompts import Templates, WritingTask
from chai_assets.core.rows import LabelRow
from chai_assets.spec.models import Aspect, Spec
from chai_assets.spec.versioning.carry import (
    CaptionContent,
    CarriedAnswers,
    asks_the_same,
    caption_content,
    carry,
    means_the_same,
    unchanged,
)
from chai_assets.spec.versioning.releases import Releases


class Lineage:
    """The specification in one version, and the versions before it."""

    def __init__(
        self, releases: Releases, version: str, redo_upstream: bool = False, templates: Templates | None = None
    ) -> None:
        """Raises SpecError where a version is missing or was changed after its release.

        `redo_upstream`: a caption whose upstream captions were corrected is written again, even if people have
        worked on it. `templates`: those that models are asked with; without them whatever was written is kept.
        """
        self._releases = releases
        self._history = list(releases.through(version))
        self.spec: Spec = self._history[-1]
        self.redo_upstream = redo_upstream
        self.templates = templates or Templates()
        self._carried: dict[tuple[str, str], CarriedAnswers] = {}

    @property
    def depends_on(self) -> dict[str, list[str]]:
        """The aspects in order, each with those it rests on."""
        return {aspect.id: list(aspect.depends_on) for aspect in self.spec.aspects.values()}

    def replaced(self, task: WritingTask, template: str | None) -> bool:
        """Whether another template took the place of the one that a model's row was written with."""
        return self.templates.replaced(task, template)

    def question_versions(self, aspect: str) -> list[str]:
        """The versions in which the questions of an aspect came to mean what they mean, oldest first.

        The last one is what its labeling tasks are named after: a release that asks nothing new makes no new task.
        """
        return self._question_versions[aspect]

    @cached_property
    def _question_versions(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        before: Mapping[str, Aspect] = {}
        for spec in self._history:
            for name, aspect in spec.aspects.items():
                if name not in before or _asks_anew(before[name], aspect):
                    found.setdefault(name, []).append(spec.version)
            before = spec.aspects
        return found

    def carried_answers(self, label: LabelRow) -> CarriedAnswers:
        """The answers of a label, carried over to this version."""
        return self._answers_under(label, self.spec.version)

    def draft_still_valid(self, draft: Mapping[str, Any], made_from: LabelRow, label: LabelRow) -> bool:
        """Whether a draft still says what is to be said under this version.

        `made_from` is the label it was made from, `label` the current one: the answer to a later asking, or the
        same asking, perhaps edited since. An edit alone does not undo a draft here; what a release changed does.
        """
        was = draft["spec_version"]
        asked_again = made_from["chai_key"] != label["chai_key"]
        if was == self.spec.version and not asked_again:
            return True
        now = label if asked_again else made_from
        return self._content(made_from, was) == self._content(now, self.spec.version)

    def compatible(self, aspect: str, version: str) -> bool:
        """Whether captions of an aspect made under another version count as made under this one."""
        if version == self.spec.version:
            return True
        then = self._releases.load(version).aspects.get(aspect)
        return then is not None and aspect in self.spec.aspects and unchanged(then, self.spec.aspects[aspect])

    def _content(self, label: LabelRow, version: str) -> CaptionContent:
        aspect = self._aspect(version, label["aspect"])
        return caption_content(aspect, self._answers_under(label, version).answers)

    def _answers_under(self, label: LabelRow, version: str) -> CarriedAnswers:
        given = {answer["attribute"]: answer["values"] for answer in label["answers"]}
        if label["spec_version"] == version:
            return CarriedAnswers(given)
        key = (label["label_id"], version)
        if key not in self._carried:
            old, new = (self._aspect(each, label["aspect"]) for each in (label["spec_version"], version))
            self._carried[key] = carry(old, new, given)
        return self._carried[key]

    def _aspect(self, version: str, aspect: str) -> Aspect:
        spec = self.spec if version == self.spec.version else self._releases.load(version)
        return spec.aspects[aspect]


def _asks_anew(old: Aspect, new: Aspect) -> bool:
    """Whether some answer given under `old` may not do under `new`."""
    before = {attribute.id: attribute for attribute in old.attributes}
    if any(a.id not in before or not asks_the_same(before[a.id], a) for a in new.attributes):
        return True
    known = {primitive.id: primitive for primitive in old.primitives}
    exclusive = {name for p in new.primitives for name in (p.id, *p.excludes) if p.excludes}
    # What gives a primitive that rules another out decides which answers can stand together.
    return any(p.id in exclusive and (p.id not in known or not means_the_same(known[p.id], p)) for p in new.primitives)
