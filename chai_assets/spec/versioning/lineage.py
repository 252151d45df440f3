"""A released version with all that came before it: what is asked for under it, and what older records are worth.

This is how the loop sees the specification. Every record names the version it was made under; here it is
decided whether its meaning still holds, so that a new release touches exactly the rows it changes.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from chai_assets.core.prompts import Templates, WritingTask
from chai_assets.spec.models import Aspect, Spec
from chai_assets.spec.versioning.carry import Carried, Said, asks_the_same, carry, means_the_same, said, unchanged
from chai_assets.spec.versioning.releases import Releases

Row = Mapping[str, Any]


class Lineage:
    """The specification in one version, and the versions before it."""

    def __init__(
        self, releases: Releases, version: str, redo_upstream: bool = False, templates: Templates | None = None
    ) -> None:
        """Raises SpecError where a version is missing or was changed after its release.

        `redo_upstream`: a caption whose upstream captions were corrected is written again, even if people have
        worked on it. `templates`: those that models are asked with; without them whatever was written stands.
        """
        self._releases = releases
        self._history = list(releases.through(version))
        self.spec: Spec = self._history[-1]
        self.redo_upstream = redo_upstream
        self.templates = templates or Templates()
        self._carried: dict[tuple[str, str], Carried] = {}

    @property
    def depends_on(self) -> dict[str, list[str]]:
        """The aspects in order, each with those it rests on."""
        return {aspect.id: list(aspect.depends_on) for aspect in self.spec.aspects.values()}

    def replaced(self, task: WritingTask, template: str | None) -> bool:
        """Whether another template took the place of the one that a model's row was written with."""
        return self.templates.replaced(task, template)

    def asked_in(self, aspect: str) -> list[str]:
        """The versions in which the questions of an aspect came to mean what they mean, oldest first.

        The last one is what its labeling tasks are named after: a release that asks nothing new makes none.
        """
        return self._asked_in[aspect]

    @cached_property
    def _asked_in(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        before: Mapping[str, Aspect] = {}
        for spec in self._history:
            for name, aspect in spec.aspects.items():
                if name not in before or _asks_anew(before[name], aspect):
                    found.setdefault(name, []).append(spec.version)
            before = spec.aspects
        return found

    def carried(self, label: Row) -> Carried:
        """The answers of a label as they stand in this version."""
        return self._under(label, self.spec.version)

    def stands(self, draft: Row, made_from: Row, label: Row) -> bool:
        """Whether a draft still says what is to be said.

        `made_from` is the label it was made from, `label` the current one: the answer to a later asking, or the
        same asking, perhaps edited since. An edit alone does not undo a draft here; what a release changed does.
        """
        was = draft["spec_version"]
        asked_again = made_from["chai_key"] != label["chai_key"]
        if was == self.spec.version and not asked_again:
            return True
        now = label if asked_again else made_from
        return self._said(made_from, was) == self._said(now, self.spec.version)

    def compatible(self, aspect: str, version: str) -> bool:
        """Whether captions of an aspect made under another version count as made under this one."""
        if version == self.spec.version:
            return True
        then = self._releases.load(version).aspects.get(aspect)
        return then is not None and aspect in self.spec.aspects and unchanged(then, self.spec.aspects[aspect])

    def _said(self, label: Row, version: str) -> Said:
        aspect = self._aspect(version, label["aspect"])
        return said(aspect, self._under(label, version).answers)

    def _under(self, label: Row, version: str) -> Carried:
        given = {answer["attribute"]: answer["values"] for answer in label["answers"]}
        if label["spec_version"] == version:
            return Carried(given)
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
