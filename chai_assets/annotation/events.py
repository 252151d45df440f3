"""Events: what a look at Label Studio shows of annotations that is not archived yet. Pure functions over rows.

An annotation is known by its id and the epoch of Label Studio's database in which it was made: after a restore from a
backup ids repeat. One that the backup brought back keeps its epoch, by which it is the same thing; one that is missing
after the restore is lost, not deleted.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from chai_assets.core.ids import canonical_json, record_id
from chai_assets.core.rows import NewRow
from chai_assets.workflow.records import TaskKind


class TaskEvents:
    """The events of one task of a batch: those that are archived, and new ones as they are found."""

    def __init__(
        self, kind: TaskKind, batch: str, task_id: int, data: Mapping[str, Any], seen: Iterable[NewRow], epoch: str
    ) -> None:
        self._kind, self._epoch = kind, epoch
        self._data = {key: value for key, value in data.items() if key != "chai_state"}
        key = str(self._data.get("chai_key"))
        self._base = {"batch": batch, "kind": kind, "chai_key": key, "task_id": task_id}
        # Under another key it is a task of an earlier epoch that had this one's id.
        self._seen = [row for row in seen if row["chai_key"] == key]
        self._known = {row["event_id"] for row in self._seen}
        self.found: list[NewRow] = []

    def add_versions(self, annotations: Iterable[Mapping[str, Any]]) -> None:
        """Take in annotations as Label Studio gives them; `found` grows by the versions that are new."""
        for annotation in annotations:
            version = {"result": annotation.get("result"), "cancelled": bool(annotation.get("was_cancelled"))}
            updated, epoch = annotation["updated_at"], self._epoch_of(annotation)
            event_id = self._id(epoch, annotation=annotation["id"], updated=updated, version=version)
            if event_id in self._known:
                continue
            self._add(
                {
                    "event_id": event_id,
                    "what": "submitted",
                    "annotation_id": annotation["id"],
                    "account": annotation.get("completed_by"),
                    "updated_by": annotation.get("updated_by"),
                    "updated_at": parse_time(updated),
                    "lead_time_s": annotation.get("lead_time"),
                    "task_data": canonical_json(self._data),
                    "annotation": canonical_json(annotation),
                    "epoch": epoch or None,
                }
            )

    def end_missing(
        self, annotations: Iterable[Mapping[str, Any]], others: Iterable[int], at: datetime, lost: bool
    ) -> None:
        """End what was alive and is neither among the task's `annotations` nor among the ids of `others`.

        It was deleted, or `lost` with the database; `at` is when that showed.
        """
        what = "lost" if lost else "deleted"
        present, unread = {(self._epoch_of(a), a["id"]) for a in annotations}, set(others)
        for epoch, annotation_id in sorted(self._alive() - present):
            if annotation_id in unread:
                continue
            event_id = self._id(epoch, annotation=annotation_id, what=what)
            ended = {"event_id": event_id, "what": what, "annotation_id": annotation_id, "updated_at": at}
            self._add({**ended, "epoch": epoch or None})

    def _alive(self) -> set[tuple[str, int]]:
        rows = [row for row in [*self._seen, *self.found] if row["annotation_id"] is not None]
        ended = {_annotation(row) for row in rows if row["what"] in ("deleted", "lost")}
        return {_annotation(row) for row in rows} - ended

    def _epoch_of(self, annotation: Mapping[str, Any]) -> str:
        """The epoch in which an annotation was made: an earlier one where it is archived with this time of making."""
        if not self._epoch:
            return ""
        for row in [*self._seen, *self.found]:
            archived = row.get("annotation") if row["annotation_id"] == annotation["id"] else None
            if archived and json.loads(archived).get("created_at") == annotation["created_at"]:
                return row["epoch"] or ""
        return self._epoch

    def _id(self, epoch: str, **parts: Any) -> str:
        return record_id("event", kind=self._kind, **parts, **epoch_part(epoch))

    def _add(self, row: NewRow) -> None:
        self._known.add(row["event_id"])
        self.found.append(self._base | row)


def _annotation(row: NewRow) -> tuple[str, int]:
    return row["epoch"] or "", row["annotation_id"]


def deleted_events(events: pl.LazyFrame) -> pl.LazyFrame:
    """event_id of every event of an annotation that was deleted; of one that was lost with the database, none."""
    # Ids of annotations repeat after Label Studio's database was restored, in another epoch.
    events = events.with_columns(pl.col("epoch").fill_null(""))
    deleted = events.filter(pl.col("what") == "deleted").select("epoch", "annotation_id").unique()
    return events.join(deleted, on=["epoch", "annotation_id"]).select("event_id").unique()


def epoch_part(epoch: str) -> dict[str, str]:
    """The epoch as a part of an id; the first one is none, so that ids from before there were epochs stay."""
    return {"epoch": epoch} if epoch else {}


def parse_time(text: str) -> datetime:
    """A time as Label Studio writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
