"""Collecting: what people submitted in Label Studio becomes archived events, then records or quarantine rows.

Three durable steps, each safe to repeat: archive every unseen version, read every archived version that is
neither a record nor a readable quarantine case, then move the bookmark. What an answer *means* is the page
module's business; here stand the rules that hold for every page: who may answer, and that nothing is lost.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from chai_assets.annotation.results import Malformed
from chai_assets.core.ids import canonical_json, record_id
from chai_assets.core.rows import EventRow, NewRow
from chai_assets.workflow.records import TaskKind
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.people import People, Person
from chai_resources.tables import Tables

# A row's update time is set before its transaction commits: what commits later than this after it would be
# passed over by a poll, and is found by the nightly full look.
OVERLAP = timedelta(seconds=60)

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

ReadAnswer = Callable[[dict[str, Any], list[Any], Person], NewRow]
"""(task data, annotation result, author) -> the record's own columns; raises Malformed."""


@dataclass(frozen=True)
class CollectReport:
    """What one look at Label Studio brought: counts, and the quarantine rows that were new."""

    versions: int
    deletions: int
    records: int
    quarantined: list[NewRow]


def bookmark_key(kind: TaskKind, batch: str) -> str:
    """Where the bookmark of a batch's last look lies; losing it costs one full look, never data."""
    return f"bookmarks/{kind}/{batch}.json"


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
    bookmark = bookmark_key(kind, batch)
    since = EPOCH if full_look else _read_bookmark(media, bookmark)
    looked_at = label_studio.server_time()
    known = tables.read("annotation_events", batch, columns=["event_id", "kind", "what", "annotation_id", "task_id"])
    seen = known.filter(known["kind"] == kind)
    project = label_studio.project(kind)
    events: list[NewRow] = []
    if project is not None:
        for task in label_studio.changed(project, since, batch):
            events += events_of(kind, batch, task, seen.filter(seen["task_id"] == task["id"]).to_dicts())
    tables.append("annotation_events", events)
    rows, bad = _read_pending(kind, table, batch, tables, read_answer, people)
    tables.append(table, rows)
    tables.append("quarantine", bad)
    media.put_bytes(bookmark, canonical_json({"since": (looked_at - OVERLAP).isoformat()}).encode())
    deletions = sum(event["what"] == "deleted" for event in events)
    return CollectReport(len(events) - deletions, deletions, len(rows), bad)


def events_of(kind: TaskKind, batch: str, task: dict[str, Any], seen: Iterable[NewRow]) -> list[NewRow]:
    """Events a task shows that are not among the `seen` ones: new versions of annotations, and annotations gone."""
    seen = list(seen)
    known = {row["event_id"] for row in seen}
    alive = {row["annotation_id"] for row in seen} - {r["annotation_id"] for r in seen if r["what"] == "deleted"}
    data = {key: value for key, value in task["data"].items() if key != "chai_state"}
    base = {"batch": batch, "kind": kind, "chai_key": str(data.get("chai_key")), "task_id": task["id"]}
    found = []
    for annotation in task["annotations"]:
        version = {"result": annotation.get("result"), "cancelled": bool(annotation.get("was_cancelled"))}
        event_id = record_id(
            "event", kind=kind, annotation=annotation["id"], updated=annotation["updated_at"], version=version
        )
        alive.discard(annotation["id"])
        if event_id in known:
            continue
        found.append(
            base
            | {
                "event_id": event_id,
                "what": "submitted",
                "annotation_id": annotation["id"],
                "account": annotation.get("completed_by"),
                "updated_by": annotation.get("updated_by"),
                "updated_at": _time(annotation["updated_at"]),
                "lead_time_s": annotation.get("lead_time"),
                "task_data": canonical_json(data),
                "annotation": canonical_json(annotation),
            }
        )
    for annotation_id in sorted(alive):
        found.append(
            base
            | {
                "event_id": record_id("event", kind=kind, annotation=annotation_id, what="deleted"),
                "what": "deleted",
                "annotation_id": annotation_id,
                "updated_at": _time(task["updated_at"]),
            }
        )
    return found


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
            rows.append(_read(event, read_answer, people))
        except Malformed as problem:
            if event["event_id"] not in known_bad:
                bad.append(_quarantine(event, problem))
    return rows, bad


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


def _read_bookmark(media: Media, key: str) -> datetime:
    try:
        return datetime.fromisoformat(json.loads(media.get_bytes(key))["since"]) if media.exists(key) else EPOCH
    except (ValueError, KeyError, TypeError):
        return EPOCH


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
