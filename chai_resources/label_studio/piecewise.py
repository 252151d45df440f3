"""A task that Label Studio fails to list, fetched piece by piece: what can be had of it, and what cannot.

Label Studio stores some values that it cannot write out again, such as half a character. Then it answers an error for
the task, and for every list that the task is in.
"""

import json
from dataclasses import dataclass
from typing import Any

from chai_resources.label_studio.api import Api
from chai_resources.label_studio.errors import LabelStudioRefused
from chai_resources.label_studio.listing import UNLISTABLE, UNUSED_COLUMNS, all_of


@dataclass
class Unlistable:
    """An annotation that Label Studio fails to write out, or the task itself where `annotation_id` is None."""

    task_id: int
    annotation_id: int | None
    words: str
    """What Label Studio says instead."""
    author: int | None = None
    """Id of its author's account, where it can be told."""
    account: str | None = None
    """E-mail of the author, where it can be told."""


def task_in_pieces(api: Api, project_id: int, bare: dict[str, Any]) -> dict[str, Any]:
    """The task's id, time and data (empty where they are what is bad), the annotations that can be had, and the rest.

    The rest is under the key `unlistable`.
    """
    task_id = bare["id"]
    light = _without_annotations(api, project_id, task_id) or bare
    task: dict[str, Any] = bare | {"data": light.get("data", {}), "annotations": [], UNLISTABLE: []}
    if "data" not in light:
        task[UNLISTABLE].append(Unlistable(task_id, None, bare[UNLISTABLE]))
        return task
    authors = [who["user_id"] if isinstance(who, dict) else who for who in light.get("annotators") or []]
    author = authors[0] if len(authors) == 1 else None
    for annotation_id in (int(number) for number in str(light.get("annotations_ids") or "").split(",") if number):
        try:
            with api.session.hasty():
                task["annotations"].append(api.get(f"/api/annotations/{annotation_id}/"))
        except LabelStudioRefused as refused:
            if refused.status == 404:
                continue  # deleted meanwhile
            if refused.status < 500:
                raise
            task[UNLISTABLE].append(Unlistable(task_id, annotation_id, refused.words, author))
    return task


def _without_annotations(api: Api, project_id: int, task_id: int) -> dict[str, Any] | None:
    """The task's data, and the ids of its annotations and their authors; None where even that cannot be had."""
    # `annotations_ids` is filled in lists of all columns only.
    query = json.dumps({"filters": all_of([("id", "equal", "Number", task_id)])})
    omit = ",".join({*UNUSED_COLUMNS, "annotations"} - {"annotations_ids", "annotators"})
    columns = {"fields": "all", "omit": omit, "page": 1, "page_size": 1, "resolve_uri": "false"}
    try:
        with api.session.hasty():
            found = api.get("/api/tasks/", project=project_id, query=query, **columns)["tasks"]
    except LabelStudioRefused as refused:
        if refused.status < 500:
            raise
        return None
    return found[0] if found else None
