"""Versions of answers that Label Studio accepted and keeps until they are archived, and the mark that is left there.

`deploy/label_studio/accepted.py` is the other side. A Label Studio without it keeps the newest version only.
"""

from dataclasses import dataclass
from typing import Any, TypedDict

from chai_resources.label_studio.api import Api
from chai_resources.label_studio.errors import LabelStudioRefused

_PATH = "/api/chai/accepted"


class AcceptedVersion(TypedDict):
    """A version of an annotation as it was accepted, with the task's id and data at that time."""

    id: int
    task: int
    data: dict[str, Any]
    annotation: dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """What waits to be archived of a project's batch, oldest first, and the mark that was left there last."""

    versions: list[AcceptedVersion]
    mark: str | None
    kept: bool = True
    """Whether this Label Studio keeps versions and marks at all."""


def accepted_versions(api: Api, project_id: int, batch: str) -> Accepted:
    """What waits to be archived of a batch."""
    versions: list[AcceptedVersion] = []
    while True:
        after = versions[-1]["id"] if versions else 0
        try:
            page = api.get(_PATH, project=project_id, batch=batch, after=after)
        except LabelStudioRefused as refused:
            if refused.status != 404:
                raise
            return Accepted([], None, kept=False)
        versions += page["accepted"]
        if not page["more"]:
            return Accepted(versions, page["mark"])


def confirm_archived(api: Api, project_id: int, batch: str, ids: list[int], mark: str) -> None:
    """Have these versions removed, since they are archived, and leave a new mark."""
    api.send("POST", _PATH, {"project": project_id, "batch": batch, "archived": ids, "mark": mark})
