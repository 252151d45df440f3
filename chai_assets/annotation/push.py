"""Pushing and closing: what items wait for exists in Label Studio once, and what was left behind is closed.

The ledger (`tasks` table) says what was done; Label Studio is asked only where the ledger shows a gap, so a
run with nothing to do does not call it. Import first, ledger second: after a crash in between, the import is
found by its key and only the ledger is completed.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypedDict, cast

import polars as pl

from chai_assets.annotation.bookmarks import Bookmark, leave_mark, note_compared, read_bookmark
from chai_assets.annotation.events import epoch_part
from chai_assets.core.ids import record_id
from chai_assets.core.rows import NewRow
from chai_assets.workflow.item_state import AnyTurn, ReviewTurn, Standing
from chai_assets.workflow.records import TaskKind
from chai_resources.label_studio import LabelStudio, Task
from chai_resources.media import Media
from chai_resources.people import Person
from chai_resources.tables import Tables, as_rows, now

OPEN = frozenset({"pushed", "reopened", "returned"})

# Closing is one request a task (0.05 s): a kill loses the ledger entries of at most this many.
CLOSED_AT_ONCE = 50

# What stays the same from one entry of a task to the next.
_ENTRY = ("chai_key", "kind", "clip_id", "aspect", "assignee", "account", "task_id")


@dataclass(frozen=True)
class AssignedTask:
    """A task ready to be pushed, and the person it is for."""

    task: Task
    assignee: Person


BuildTask = Callable[[Standing, AnyTurn], AssignedTask | None]
"""Builds the task of a turn of one kind; None where nobody may take it yet."""


class LedgerEntry(TypedDict):
    """The last entry of a task in the ledger, and how many it has."""

    chai_key: str
    kind: TaskKind
    clip_id: str
    aspect: str
    assignee: str
    account: str | None
    task_id: int
    state: str
    entries: int


@dataclass
class PushReport:
    """What a push did: keys pushed and reopened, and keys nobody could be given."""

    pushed: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)
    unassignable: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PushPlan(Generic[AnyTurn]):
    """What must change in Label Studio so that items' waiting turns have an open task."""

    push: list[tuple[Standing, AnyTurn]]
    reopen: list[str]


@dataclass(frozen=True)
class StatePlan:
    """What must change on tasks that are out, of all kinds."""

    give_back: dict[str, str]
    """Why an answer could not be read, by key: its author sees that on the task and corrects it."""
    corrected: list[str]
    """Keys of tasks given back before whose answer can be read now."""
    close: list[str]
    """Keys of open tasks that must not be answered or edited any more."""


def task_ledger(tables: Tables, batch: str, keys: Collection[str] | None = None) -> pl.DataFrame:
    """The last entry of each of a batch's tasks, or of those with these keys; in `entries` how many it has."""
    entries = tables.read("tasks", batch, columns=[*_ENTRY, "state"])
    if keys is not None:
        entries = entries.filter(pl.col("chai_key").is_in(list(keys)))
    counted = entries.with_columns(pl.len().over("chai_key").alias("entries"))
    return counted.unique("chai_key", keep="last", maintain_order=True)


def plan_push(turn_type: type[AnyTurn], items: Iterable[Standing], ledger: Iterable[LedgerEntry]) -> PushPlan[AnyTurn]:
    """Compares the turns of one kind that items wait for with the ledger of their tasks. Pure."""
    state = {entry["chai_key"]: entry["state"] for entry in ledger}
    push, reopen = list[tuple[Standing, AnyTurn]](), list[str]()
    for item in items:
        for turn in item.open_turns:
            if not isinstance(turn, turn_type):
                continue
            last = state.get(turn.key, "missing")
            if last == "missing":
                push.append((item, turn))
            elif last not in OPEN:
                reopen.append(turn.key)
    return PushPlan(push, reopen)


def plan_states(items: Iterable[Standing], ledger: Iterable[LedgerEntry]) -> StatePlan:
    """Which open tasks to give back, which were corrected, and which to close; `ledger` of the open ones. Pure."""
    last = {entry["chai_key"]: entry for entry in ledger}
    open_keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, entry in last.items():
        open_keys[entry["clip_id"], entry["aspect"]].append(key)
    plan = StatePlan({}, [], [])
    for item in items:
        keys = open_keys.pop((item.clip_id, item.aspect), [])
        for turn in item.every_turn:
            if turn.key in keys and turn.unreadable:
                plan.give_back[turn.key] = f"Please correct: {turn.unreadable['reason']}. {turn.unreadable['remedy']}"
            elif turn.key in keys and last[turn.key]["state"] == "returned":
                plan.corrected.append(turn.key)
        plan.close.extend(closable(item, keys))
    # What is left is about aspects that the specification no longer has.
    plan.close.extend(key for keys in open_keys.values() for key in keys)
    return plan


def closable(item: Standing, pushed: Iterable[str]) -> list[str]:
    """Keys of this item's pushed tasks that must not be answered or edited any more.

    A task closes when it has left the item's way (superseded), when a later person has built on it (a later
    turn is answered, or a review was asked for), and all close once the item is approved.
    """
    position = {turn.key: number for number, turn in enumerate(item.turns)}
    built_on = max(
        (n for n, turn in enumerate(item.turns) if turn.answer is not None or isinstance(turn, ReviewTurn)),
        default=-1,
    )
    if item.stage == "approved":
        built_on = len(item.turns)
    beside = item.asked_again.key if item.asked_again else None
    return [key for key in pushed if key != beside and position.get(key, -2) < built_on]


def push_tasks(
    turn_type: type[AnyTurn],
    batch: str,
    items: list[Standing],
    build: Callable[[Standing, AnyTurn], AssignedTask | None],
    *,
    tables: Tables,
    label_studio: LabelStudio,
    media: Media,
    full_look: bool = False,
) -> PushReport:
    """Gives every waiting turn of one kind its task. Raises LabelStudioDown or LabelStudioRefused.

    With `full_look`, and once after Label Studio was restored from a backup, the ledger is first compared with Label
    Studio: a task that is gone there is noted as missing, and pushed again if an item still waits for it.
    """
    kind = turn_type.kind
    bookmark = read_bookmark(media, kind, batch)
    if full_look or bookmark.push_again:
        _compare(kind, batch, tables, label_studio, bookmark)
        note_compared(media, kind, batch)
        bookmark = read_bookmark(media, kind, batch)
    waiting = [turn.key for item in items for turn in item.open_turns if turn.kind == kind]
    ledger = entries_in(task_ledger(tables, batch, waiting))
    plan = plan_push(turn_type, items, ledger)
    built = [(item, turn, build(item, turn)) for item, turn in plan.push]
    ready = {turn.key: (item, made) for item, turn, made in built if made is not None}
    entries = TaskEntries(batch, ledger)
    done = PushReport(list(ready), plan.reopen, [turn.key for _, turn, made in built if made is None])
    if ready:
        project = label_studio.require_project(kind)
        ids = label_studio.ensure_tasks(project, batch, [made.task for _, made in ready.values()])
        rows = [entries.first(kind, key, ids[key], item, made) for key, (item, made) in ready.items()]
        tables.append("tasks", rows)
        if bookmark.marks:
            leave_mark(media, kind, batch, bookmark, label_studio, project)
    for key in plan.reopen:
        label_studio.reopen(entries.last[key]["task_id"], key)
    tables.append("tasks", [entries.again(key, "reopened") for key in plan.reopen])
    return done


def update_states(batch: str, items: list[Standing], *, tables: Tables, label_studio: LabelStudio) -> StatePlan:
    """Gives back what could not be read, and closes what nobody may answer any more; returns what it did.

    Raises LabelStudioDown or LabelStudioRefused.
    """
    ledger = entries_in(task_ledger(tables, batch).filter(pl.col("state").is_in(OPEN)))
    plan = plan_states(items, ledger)
    entries = TaskEntries(batch, ledger)
    for key, why in plan.give_back.items():
        label_studio.give_back(entries.last[key]["task_id"], why, key)
    for key in plan.corrected:
        label_studio.give_back(entries.last[key]["task_id"], "", key)
    returned = [key for key in plan.give_back if entries.last[key]["state"] != "returned"]
    tables.append("tasks", [entries.again(key, "returned") for key in returned])
    tables.append("tasks", [entries.again(key, "reopened") for key in plan.corrected if key not in plan.close])
    for start in range(0, len(plan.close), CLOSED_AT_ONCE):
        chunk = plan.close[start : start + CLOSED_AT_ONCE]
        for key in chunk:
            label_studio.close(entries.last[key]["task_id"], key)
        tables.append("tasks", [entries.again(key, "closed") for key in chunk])
    return plan


def _compare(kind: TaskKind, batch: str, tables: Tables, label_studio: LabelStudio, bookmark: Bookmark) -> None:
    """Brings Label Studio and the ledger together: notes tasks that are gone, and opens or closes what it says.

    What was answered in a task that is gone stays.
    """
    project = label_studio.project(kind)
    there = label_studio.task_states(project, batch) if project else {}
    out = entries_in(task_ledger(tables, batch).filter(pl.col("kind") == kind, pl.col("state") != "missing"))
    gone = list[LedgerEntry]()
    for row in out:
        # By key as well: after a restore an id may be another task's.
        key, state = there.get(row["task_id"], ("", ""))
        if key != row["chai_key"]:
            gone.append(row)
        elif row["state"] in OPEN and state == "closed":
            label_studio.reopen(row["task_id"], key)
        elif row["state"] == "closed" and state == "open":
            label_studio.close(row["task_id"], key)
    entries = TaskEntries(batch, gone)
    tables.append("tasks", [entries.again(row["chai_key"], "missing") for row in gone])
    tables.append_new("annotation_events", [_task_gone(kind, batch, row, bookmark) for row in gone], batch)


def _task_gone(kind: TaskKind, batch: str, entry: LedgerEntry, bookmark: Bookmark) -> NewRow:
    what = "task_lost" if bookmark.push_again else "task_deleted"
    task = {"kind": kind, "task_id": entry["task_id"], "chai_key": entry["chai_key"]}
    event_id = record_id("event", kind=kind, task=entry["task_id"], what=what, **epoch_part(bookmark.epoch))
    row = {"event_id": event_id, "batch": batch, "what": what, "updated_at": now(), "epoch": bookmark.epoch or None}
    return row | task


def entries_in(ledger: pl.DataFrame) -> list[LedgerEntry]:
    """The rows of `task_ledger`, typed."""
    return cast("list[LedgerEntry]", as_rows(ledger))


class TaskEntries:
    """Makes ledger rows whose ids count the changes of a task, so that a repeated write is one entry."""

    def __init__(self, batch: str, ledger: list[LedgerEntry]) -> None:
        self.last = {row["chai_key"]: row for row in ledger}
        self._batch = batch
        self._count = {row["chai_key"]: row["entries"] for row in ledger}

    def first(self, kind: TaskKind, key: str, task_id: int, item: Standing, made: AssignedTask) -> NewRow:
        row = {"kind": kind, "chai_key": key, "clip_id": item.clip_id, "aspect": item.aspect}
        return self._entry({**row, **_given_to(made.assignee), "task_id": task_id}, "pushed")

    def again(self, key: str, state: str) -> NewRow:
        return self._entry({column: self.last[key][column] for column in _ENTRY}, state)

    def passed_to(self, key: str, person: Person) -> NewRow:
        """The task as it is, for somebody else."""
        return self._entry({**{c: self.last[key][c] for c in _ENTRY}, **_given_to(person)}, "reopened")

    def _entry(self, row: NewRow, state: str) -> NewRow:
        entry = record_id("entry", key=row["chai_key"], state=state, number=self._count.get(row["chai_key"], 0))
        return {**row, "batch": self._batch, "entry_id": entry, "state": state}


def _given_to(person: Person) -> NewRow:
    return {"assignee": person.id, "account": person.account_key}
