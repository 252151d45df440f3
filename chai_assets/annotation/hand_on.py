"""Handing on: an open task whose person may no longer do it, or whom a lead relieved of it, goes to somebody else.

The first is so when somebody leaves the people file, changes roles or gets another e-mail. What they submitted stays
theirs, and drafts stay in Label Studio. To whom it goes, the stage's own way of building its tasks decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from chai_assets.annotation.push import OPEN, BuildTask, LedgerEntry, TaskEntries, entries_in, task_ledger
from chai_assets.workflow.decisions import work_of
from chai_assets.workflow.item_state import AnyTurn, Standing
from chai_assets.workflow.records import TaskKind
from chai_resources.label_studio import LabelStudio
from chai_resources.people import People, Person
from chai_resources.tables import Tables

_REVIEWERS_DO: frozenset[TaskKind] = frozenset({"review"})


@dataclass
class HandOnReport:
    """Keys of the tasks that went to somebody else, of those that nobody else may take, and of those that stay."""

    passed: list[str] = field(default_factory=list)
    unassignable: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """They hold an answer, which could not be read or comes with the next run, or were deleted in Label Studio."""


def may_do(kind: TaskKind, assignee: str, account: str | None, people: People) -> bool:
    """Whether the person a task was given to still does this kind of work, and under that account. Pure."""
    person = _does(kind, assignee, people)
    return person is not None and account in (None, person.account_key)


def _does(kind: TaskKind, person_id: str, people: People) -> Person | None:
    """The person, if they do this kind of work."""
    person = people.by_id(person_id)
    return person if person in (people.reviewers if kind in _REVIEWERS_DO else people.annotators) else None


def _relieved(kind: TaskKind, item: Standing, assignee: str, people: People) -> bool:
    """Whether a lead gave the work to somebody else, who does it still."""
    wanted = item.decisions.assigned.get(work_of(kind), assignee)
    return wanted != assignee and _does(kind, wanted, people) is not None


def _must_pass(kind: TaskKind, item: Standing, entry: LedgerEntry, people: People) -> bool:
    assignee = entry["assignee"]
    return not may_do(kind, assignee, entry["account"], people) or _relieved(kind, item, assignee, people)


def hand_on_tasks(
    turn_type: type[AnyTurn],
    batch: str,
    items: Iterable[Standing],
    build: BuildTask[AnyTurn],
    *,
    tables: Tables,
    label_studio: LabelStudio,
    people: People,
) -> HandOnReport:
    """Gives the open tasks of one kind, whose people may no longer do them or were relieved of them, to others.

    Safe to repeat. Raises LabelStudioDown or LabelStudioRefused.
    """
    turns = {turn.key: (item, turn) for item in items for turn in item.open_turns if isinstance(turn, turn_type)}
    ledger = entries_in(task_ledger(tables, batch, turns).filter(pl.col("state").is_in(OPEN))) if turns else []
    stranded = [entry for entry in ledger if _must_pass(turn_type.kind, turns[entry["chai_key"]][0], entry, people)]
    done = HandOnReport()
    if not stranded:
        return done
    label_studio.hold_accounts_to(people.roles_by_email)  # first: nobody answers what is about to be somebody else's
    entries = TaskEntries(batch, stranded)
    rows = []
    for entry in stranded:
        key, person, excluded = entry["chai_key"], _does(turn_type.kind, entry["assignee"], people), None
        relieved = _relieved(turn_type.kind, turns[key][0], entry["assignee"], people)
        if person is None or relieved:  # or else the same person, whose e-mail is another one now
            made = build(*turns[key])
            if made is None:
                done.unassignable.append(key)
                continue
            if relieved and made.assignee == person:  # whom the lead named may not do it any more
                continue
            person, excluded = made.assignee, made.task.data["excluded"]
        if label_studio.hand_on(entry["task_id"], key, person.account_key, excluded):
            rows.append(entries.passed_to(key, person))
            done.passed.append(key)
        else:
            done.kept.append(key)
    tables.append("tasks", rows)
    return done


def batches_to_hand_on(tables: Tables, people: People) -> list[str]:
    """Batches with open tasks whose people may no longer do them, sorted."""
    columns = ["batch", "chai_key", "kind", "assignee", "account", "state"]
    last = tables.read("tasks", columns=columns).unique("chai_key", keep="last", maintain_order=True)
    given = last.filter(pl.col("state").is_in(OPEN)).select("batch", "kind", "assignee", "account").unique()
    return sorted({b for b, kind, who, account in given.iter_rows() if not may_do(kind, who, account, people)})
