"""Collecting: what people submitted in Label Studio becomes archived events, then records or quarantine rows.

Three durable steps, each safe to repeat: archive every unseen version, read every archived version that is
neither a record nor a readable quarantine case, then move the bookmark. What an answer *means* is the page
module's business; here stand the rules that hold for every page: who may answer, and that nothing is lost.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import polars as pl
import pyarrow as pa

from chai_assets.annotation.bookmarks import BEGINNING, Bookmark, leave_mark, read_bookmark, write_bookmark
from chai_assets.annotation.events import TaskEvents, epoch_part, parse_time
from chai_assets.annotation.results import Malformed
from chai_assets.core.ids import record_id
from chai_assets.core.rows import EventRow, NewRow
from chai_assets.workflow.records import TaskKind
from chai_resources.label_studio import LabelStudio, Unlistable
from chai_resources.label_studio.accepted import Accepted
from chai_resources.media import Media
from chai_resources.people import People, Person
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

# A row's update time is set before its transaction commits: what commits later than this after it would be
# passed over by a poll, and is found by the nightly full look.
OVERLAP = timedelta(seconds=60)

_SEEN = ["event_id", "kind", "what", "annotation_id", "task_id", "chai_key", "epoch"]

ReadAnswer = Callable[[dict[str, Any], list[Any], Person], NewRow]
"""(task data, annotation result, author) -> the record's own columns; raises Malformed."""


@dataclass(frozen=True)
class CollectReport:
    """What one look at Label Studio brought: counts, and the quarantine rows that were new."""

    versions: int
    deletions: int
    records: int
    quarantined: list[NewRow]


def collect(
    kind: TaskKind,
    table: str,
    read_answer: ReadAnswer,
    *,
    batch: str,
    tables: Tables,
    label_studio: LabelStudio,
    media: Media,
    people: People,
    full_look: bool = False,
) -> CollectReport:
    """Archives and reads everything people changed in a batch's tasks of one kind since the last look.

    `full_look` ignores the bookmark and looks at every task. Raises LabelStudioDown or LabelStudioRefused.
    """
    project = label_studio.project(kind)
    looked_at = label_studio.server_time()
    before = read_bookmark(media, kind, batch)
    look = _Look(kind, batch, before, tables)
    ids: list[int] = []
    accepted = Accepted([], None, kept=False)
    if project is not None:
        accepted = label_studio.accepted(project, batch)
        if accepted.kept and before.marks and accepted.mark not in before.marks:
            # Written at once: a look that is cut off goes on in the same epoch.
            before = before.after_restore(accepted.mark)
            write_bookmark(media, kind, batch, before)
            look = _Look(kind, batch, before, tables)
        for version in accepted.versions:
            look.add_version(version["task"], version["data"], version["annotation"])
            ids.append(version["id"])
        since = BEGINNING if full_look or before.restored else before.since
        for task in label_studio.changed(project, since, batch):
            look.add_task(task)
        if before.restored:
            look.add_tasks_that_are_gone(looked_at)
    events = look.events
    tables.append("annotation_events", events)
    rows, bad = _read_pending(kind, table, batch, tables, read_answer, people)
    bad += look.unlistable_rows()
    tables.append(table, rows)
    tables.append("quarantine", bad)
    after = replace(before, since=looked_at - OVERLAP, restored=False)
    if project is not None and accepted.kept and (events or ids or not before.marks):
        here = replace(after, marks=(accepted.mark,) if accepted.mark else ())
        leave_mark(media, kind, batch, here, label_studio, project, ids)
    else:
        write_bookmark(media, kind, batch, after)
    versions = sum(event["what"] == "submitted" for event in events)
    return CollectReport(versions, len(events) - versions, len(rows), bad)


class _Look:
    """One look at a batch's tasks of one kind: the events that it finds, and what Label Studio fails to list."""

    def __init__(self, kind: TaskKind, batch: str, bookmark: Bookmark, tables: Tables) -> None:
        self._kind: TaskKind = kind
        self._batch, self._bookmark, self._tables = batch, bookmark, tables
        # After a restore annotations are told apart by what they hold, too.
        columns = [*_SEEN, "annotation"] if bookmark.epoch else _SEEN
        self._seen: dict[int, list[NewRow]] = defaultdict(list)
        known = tables.read("annotation_events", batch, columns=columns, where=pl.col("kind") == kind)
        for row in known.to_dicts():
            self._seen[row["task_id"]].append(row)
        self._listed: set[tuple[int, str]] = set()
        self._unlistable: list[tuple[str, Unlistable]] = []
        self.events: list[NewRow] = []

    def add_version(self, task_id: int, data: dict[str, Any], annotation: dict[str, Any]) -> None:
        """An accepted version, whether it still stands or not."""
        task = self._task(task_id, data)
        task.add_versions([annotation])
        self._take(task_id, task)

    def add_task(self, task: dict[str, Any]) -> None:
        """A task as Label Studio lists it: versions that are new, and annotations that are gone."""
        bad: list[Unlistable] = task.get("unlistable", [])
        self._unlistable += [(str(task["data"].get("chai_key", "")), one) for one in bad]
        if any(one.annotation_id is None for one in bad):
            return
        self._listed.add((task["id"], str(task["data"].get("chai_key"))))
        events = self._task(task["id"], task["data"])
        events.add_versions(task["annotations"])
        others = [one.annotation_id for one in bad if one.annotation_id is not None]
        events.end_missing(task["annotations"], others, parse_time(task["updated_at"]), lost=self._bookmark.restored)
        self._take(task["id"], events)

    def add_tasks_that_are_gone(self, at: datetime) -> None:
        """After a restore: what was in tasks that the backup does not have is lost."""
        for task_id, rows in list(self._seen.items()):
            for key in sorted({row["chai_key"] for row in rows}):
                if (task_id, key) not in self._listed:
                    events = self._task(task_id, {"chai_key": key})
                    events.end_missing([], [], at, lost=True)
                    self._take(task_id, events)

    def unlistable_rows(self) -> list[NewRow]:
        """Quarantine rows of what Label Studio fails to list, where there is none yet."""
        rows = [self._unlistable_row(key, one) for key, one in self._unlistable]
        if not rows:
            return []
        known = set(self._tables.read("quarantine", self._batch, columns=["event_id"])["event_id"])
        return [row for row in {row["event_id"]: row for row in rows}.values() if row["event_id"] not in known]

    def _unlistable_row(self, key: str, bad: Unlistable) -> NewRow:
        task, number = bad.task_id, bad.annotation_id
        thing = f"the task {task}" if number is None else f"the annotation {number} of task {task}"
        address = f"/api/tasks/{task}/" if number is None else f"/api/annotations/{number}/"
        again = "the next full look pushes it again" if number is None else "then its author answers the task again"
        parts = {"task": task} if number is None else {"annotation": number}
        return {
            "batch": self._batch,
            "event_id": record_id(
                "event", kind=self._kind, what="unlistable", **parts, **epoch_part(self._bookmark.epoch)
            ),
            "kind": self._kind,
            "chai_key": key,
            "task_id": task,
            "account": bad.account,
            "reason": f"Label Studio cannot list {thing}: it answers {bad.words[:200]!r}",
            "remedy": f"delete it with the service account's token (DELETE {address}); {again}",
        }

    def _task(self, task_id: int, data: dict[str, Any]) -> TaskEvents:
        return TaskEvents(self._kind, self._batch, task_id, data, self._seen.get(task_id, []), self._bookmark.epoch)

    def _take(self, task_id: int, task: TaskEvents) -> None:
        self._seen[task_id] += task.found
        self.events += task.found


def _read_pending(
    kind: TaskKind, table: str, batch: str, tables: Tables, read_answer: ReadAnswer, people: People
) -> tuple[list[NewRow], list[NewRow]]:
    """Reads archived versions that have no record yet; quarantined ones are tried again (a remedy may be in)."""
    events = tables.read("annotation_events", batch, columns=["event_id", "kind", "what"])
    wanted = set(events.filter((events["kind"] == kind) & (events["what"] == "submitted"))["event_id"])
    wanted -= set(tables.read(table, batch, columns=["event_id"])["event_id"])
    if not wanted:
        return [], []
    known_bad = set(tables.read("quarantine", batch, columns=["event_id"])["event_id"])
    rows, bad = [], []
    whole = tables.read("annotation_events", batch)
    unread = whole.filter(whole["event_id"].is_in(wanted)).to_dicts()
    for event in cast("list[EventRow]", unread):
        try:
            row = _read(event, read_answer, people)
            _check_storable(table, row)
            rows.append(row)
        except _UNREADABLE as fault:
            problem = fault if isinstance(fault, Malformed) else _unforeseen(fault)
            if event["event_id"] not in known_bad:
                bad.append(_quarantine(event, problem))
    return rows, bad


# What a page's reader raises for data that no push of ours has: one such answer must not cost the others.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def _check_storable(table: str, row: NewRow) -> None:
    """Raises ValueError or TypeError for a row that the table cannot hold: all rows of a look are appended at once."""
    pa.Table.from_pylist([row], schema=TABLES[table].schema)


def _unforeseen(fault: Exception) -> Malformed:
    what = str(fault).encode(errors="replace").decode()[:200]
    return Malformed(
        f"the answer or its task's data cannot be read ({type(fault).__name__}: {what})",
        "where the task was changed after it was pushed, delete it, and it is pushed again; else report a defect",
    )


def _read(event: EventRow, read_answer: ReadAnswer, people: People) -> NewRow:
    data, annotation = json.loads(event["task_data"] or "{}"), json.loads(event["annotation"] or "{}")
    if annotation.get("was_cancelled"):
        raise Malformed("the task was skipped, which answers nothing", "open the task again and submit an answer")
    person = author(event, data, people)
    row = read_answer(data, annotation.get("result"), person)
    shared = ("event_id", "batch", "chai_key", "lead_time_s")
    return {
        **{column: event[column] for column in shared},
        "submitted_at": event["updated_at"],
        "clip_id": data["clip_id"],
        "aspect": data["aspect"],
        "author": person.id,
        **row,
    }


def author(event: EventRow, data: dict[str, Any], people: People) -> Person:
    """The person who wrote this version. Raises Malformed where the role rules were broken.

    Label Studio's guard enforces the same rules; they are checked again because an administrator, or a server
    without the guard, can break them.
    """
    person = people.by_email(event["account"] or "")
    if person is None:
        raise Malformed(
            f"the account {event['account']} belongs to nobody in the people file",
            "add the person (or the account under `accounts`) to the people file and run again",
        )
    changed_by = event["updated_by"]
    if changed_by and people.by_email(changed_by) != person:
        raise Malformed(
            f"submitted by {event['account']} and changed by {changed_by}",
            "let the author submit it again: nobody may change another person's answer",
        )
    keys = set(person.account_keys)
    if data.get("assignee") not in keys:
        raise Malformed(
            f"{event['account']} answered a task that was given to somebody else",
            "let the assignee answer it, and check that the role guard runs",
        )
    if keys & set(data.get("excluded") or []):
        raise Malformed(
            f"{event['account']} worked on this item in an earlier step",
            "delete this annotation; a reviewer who is not its author must answer",
        )
    return person


def _quarantine(event: EventRow, problem: Malformed) -> NewRow:
    columns = ("batch", "event_id", "kind", "chai_key", "task_id", "account")
    return {**{c: event[c] for c in columns}, "reason": problem.reason, "remedy": problem.remedy}
