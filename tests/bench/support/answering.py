"""People who answer at once: every task the platform pushes arrives in Label Studio answered and closed.

For filling a deployment quickly with true history. Answers cost one import instead of a request each, so
thousands of items come through the whole loop in minutes; what they say varies with the item.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

from chai_assets.critique import page as critique_page
from chai_assets.critique.findings import Finding
from chai_assets.labeling import page as labeling_page
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.label_studio import LabelStudio, Task
from chai_resources.label_studio.client import CHUNK
from tests.world import plain_answers

Result = list[dict[str, Any]]

_MISSED = "A bird crosses the sky from left to right while the light fades."


class AnsweringLabelStudio(LabelStudio):
    """The client, but what it imports has been answered by its assignee; closing is done already."""

    accounts: dict[str, str]
    """E-mail by account key."""

    def _import(self, project_id: int, batch: str, tasks: list[Task]) -> dict[str, int]:
        ids: dict[str, int] = {}
        for first in range(0, len(tasks), CHUNK):
            chunk = tasks[first : first + CHUNK]
            body = [self._form(task, batch) for task in chunk]
            reply = self._api.send("POST", f"/api/projects/{project_id}/import", body, return_task_ids="true")
            ids |= dict(zip([task.chai_key for task in chunk], reply["task_ids"], strict=True))
        return ids

    def _form(self, task: Task, batch: str) -> dict[str, Any]:
        data = {**task.data, "chai_key": task.chai_key, "chai_batch": batch, "chai_state": "closed"}
        who = {"email": self.accounts[data["assignee"]]}
        annotation = {"result": ANSWERS[data["chai_kind"]](data), "completed_by": who, "lead_time": 180.0}
        return {"data": data, "annotations": [annotation]}

    def _change(self, task_id: int, fields: dict[str, str], key: str | None) -> None:
        """Arrived closed."""


def _lot(data: dict[str, Any], of: int) -> int:
    """A number below `of` that an item always draws."""
    item = f"{data['clip_id']}/{data['aspect']}"
    return int(hashlib.sha256(item.encode()).hexdigest()[:8], 16) % of


@cache
def _plain(aspect: str) -> dict[str, list[str]]:
    return plain_answers(load_spec().aspects[aspect])


def _label(data: dict[str, Any]) -> Result:
    return labeling_page.write(data, labeling_page.Labels(_plain(data["aspect"]), None, None))


def _critique(data: dict[str, Any]) -> Result:
    """Seven of ten drafts need a revision at once, and whatever a reviewer sent back."""
    if data["seen_revision_id"] or (_lot(data, 10) >= 7 and not data["remarks"]):
        return critique_page.write(data, critique_page.CritiqueAnswer(5, ()))
    draft_id, draft = data["draft_id"], data["draft"]
    findings = (
        Finding.mark(draft_id, draft, "imprecise", 0, draft.index(" "), "Throughout the shot the"),
        Finding.missing(draft_id, _MISSED),
    )
    return critique_page.write(data, critique_page.CritiqueAnswer(3, findings))


def _review(data: dict[str, Any]) -> Result:
    """One of three drafts that were called perfect is rejected."""
    ticks = tuple((finding["finding_id"], True) for finding in data["findings"])
    if data["revision_id"] is None and _lot(data, 10) == 9:
        answer = review_page.ReviewAnswer("reject", ticks, (_MISSED,), ("critique_incomplete",), None)
    else:
        answer = review_page.ReviewAnswer("approve", ticks, (), (), None)
    return review_page.write(data, answer)


def _feedback(data: dict[str, Any]) -> Result:
    return feedback_page.write(data, feedback_page.FeedbackAnswer("understood", None))


ANSWERS: dict[str, Callable[[dict[str, Any]], Result]] = {
    "primitives": _label,
    "critique": _critique,
    "review": _review,
    "feedback": _feedback,
}
