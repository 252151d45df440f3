"""Lists tasks page by page, filtered and ordered by Label Studio: by id, or by when they last changed.

A page begins where the one before ended, not at a page number, so tasks that come or go meanwhile shift nothing.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from chai_resources.label_studio.api import Api
from chai_resources.label_studio.errors import LabelStudioRefused

PAGE = 500
"""Tasks a page. Label Studio needs 2-4 ms for each whole one, so a page stays far below the time-out of reads."""

# Columns of a whole task that nobody reads. They cost Label Studio as much as all others together, `drafts` even a
# query a task. Named one by one, because `include` would also thin out the annotations, which are archived whole.
UNUSED_COLUMNS = ["drafts", "predictions", "predictions_results", "predictions_score", "predictions_model_versions"]
UNUSED_COLUMNS += [
    "annotations_results",
    "annotations_ids",
    "annotators",
    "avg_lead_time",
    "draft_exists",
    "comment_authors",
]
UNUSED_COLUMNS += ["storage_filename", "file_upload", "meta"]

Filter = tuple[str, str, str, Any]
"""Field, operator, type, value, as Label Studio's Data Manager names them."""

UNLISTABLE = "unlistable"
"""Key of a task that has only this, `id` and `updated_at`: Label Studio's words when it is asked for the rest."""


def all_of(filters: list[Filter]) -> dict[str, Any]:
    """The filters as the Data Manager wants them; a task must pass every one."""
    items = [{"filter": f"filter:tasks:{f}", "operator": o, "type": t, "value": v} for f, o, t, v in filters]
    return {"conjunction": "and", "items": items}


def first_tasks(
    api: Api, project_id: int, filters: list[Filter], order: str, size: int, include: str = ""
) -> list[dict[str, Any]]:
    """The first `size` tasks in order: the columns named in `include`, or data, annotations and counts without it.

    A list fails as a whole where one task of it cannot be written out. Then that one comes with `UNLISTABLE` alone.
    """
    query = {"filters": all_of(filters), "ordering": [order]}
    try:
        return _page(api, project_id, query, size, include)
    except LabelStudioRefused as refused:
        if refused.status < 500:
            raise
        bare = _page(api, project_id, query, size, "id,updated_at")

    def fetch(ids: list[int]) -> list[dict[str, Any]]:
        chosen = {"selectedItems": {"all": False, "included": ids}, "filters": all_of([])}
        found = {task["id"]: task for task in _page(api, project_id, chosen, len(ids), include)}
        return [found[task_id] for task_id in ids if task_id in found]

    with api.session.hasty():
        return _by_halves(fetch, bare)


def _by_halves(fetch: Callable[[list[int]], list[dict[str, Any]]], bare: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of these tasks that can be listed whole, and the others as they are, marked."""
    if not bare:
        return []
    try:
        return fetch([task["id"] for task in bare])
    except LabelStudioRefused as refused:
        if refused.status < 500:
            raise
        if len(bare) == 1:
            return [bare[0] | {UNLISTABLE: refused.words}]
    half = len(bare) // 2
    return [*_by_halves(fetch, bare[:half]), *_by_halves(fetch, bare[half:])]


def _page(api: Api, project_id: int, query: dict[str, Any], size: int, include: str) -> list[dict[str, Any]]:
    columns = (
        {"fields": "task_only", "include": include} if include else {"fields": "all", "omit": ",".join(UNUSED_COLUMNS)}
    )
    # Not the SDK's `tasks.list`, which makes models of a page: 311 ms instead of 233 for 500 whole tasks, 449 instead
    # of 218 for 1,000 light ones. A page of its models is a mix of classes, with times parsed in some.
    # `resolve_uri`: addresses in the data are wanted as they were pushed, not rewritten for a browser.
    paging = {"page": 1, "page_size": size, "resolve_uri": "false"}
    return api.get("/api/tasks/", project=project_id, query=json.dumps(query), **paging, **columns)["tasks"]


def tasks_by_id(api: Api, project_id: int, filters: list[Filter], include: str) -> Iterator[dict[str, Any]]:
    """Every task that passes the filters, by id."""
    last = 0
    while True:
        after: list[Filter] = [*filters, ("id", "greater", "Number", last)]
        page = first_tasks(api, project_id, after, "tasks:id", 2 * PAGE, include)
        yield from page
        if len(page) < 2 * PAGE:
            return
        last = page[-1]["id"]


def tasks_by_change(
    api: Api, project_id: int, since: datetime, filters: list[Filter], include: str = ""
) -> Iterator[dict[str, Any]]:
    """Every task changed at or after `since`, by time of change.

    Many tasks may share one time (an import), so pages overlap, and grow while one time fills a page.
    """
    begin, size, seen = since, PAGE, set()
    while True:
        # The time first: it spares most tasks a look into their data.
        changed: list[Filter] = [("updated_at", "greater_or_equal", "Datetime", _stamp(begin)), *filters]
        page = first_tasks(api, project_id, changed, "tasks:updated_at", size, include)
        fresh = [task for task in page if (task["id"], task["updated_at"]) not in seen]
        seen.update((task["id"], task["updated_at"]) for task in fresh)
        yield from fresh
        if len(page) < size:
            return
        last = parse_time(page[-1]["updated_at"])
        if begin == last:
            size *= 2
        begin = last


def parse_time(text: str) -> datetime:
    """A time as Label Studio writes it."""
    return datetime.fromisoformat(text)


def _stamp(time: datetime) -> str:
    """A time as its filters want it: UTC, always with microseconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
