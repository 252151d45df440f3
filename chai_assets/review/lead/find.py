"""Finds the items that somebody names: by the id of a record or of a clip, or its beginning, or by a clip's name."""

import re
from dataclasses import dataclass

import polars as pl

from chai_assets.core.imported import is_import
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopted_version
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import batches_with_moved_labels, labels_by_id, standings_of
from chai_resources.errors import UnusableInput, one_line
from chai_resources.tables import Tables

_RECORDS = {
    "tri": ("triples", "triple_id"),
    "lbl": ("primitives", "label_id"),
    "drf": ("drafts", "draft_id"),
    "crt": ("critiques", "critique_id"),
    "rev": ("revisions", "revision_id"),
    "rvw": ("reviews", "review_id"),
    "fbk": ("feedback", "feedback_id"),
    "dec": ("lead_decisions", "decision_id"),
    "cor": ("label_corrections", "correction_id"),
    "pol": ("polished_critiques", "polished_id"),
    "evt": ("annotation_events", "event_id"),
}
"""Table and column of the ids with each prefix."""
_ID = re.compile(rf"({'|'.join(_RECORDS)})_[0-9a-f]*")
_SHORTEST = len("tri_") + 4
"""Characters of an id that are taken for one."""
_MOST_NAMED = 3


class UnknownItem(UnusableInput):
    """No item, or more than one, goes by this name; the text says which there are."""


@dataclass(frozen=True, order=True)
class ItemName:
    """One aspect of one clip."""

    batch: str
    clip_id: str
    aspect: str

    def __str__(self) -> str:
        return f"{self.clip_id}/{self.aspect}"


def find_item(tables: Tables, release: SpecRelease, name: str) -> ItemName:
    """The one item of that name: CLIP/ASPECT, or the id of a record of it. Raises UnknownItem."""
    found = find_items(tables, release, name)
    if len(found) > 1:
        raise UnknownItem(f"{name} has {len(found)} aspects: name one, as {found[0]}")
    return found[0]


def find_items(tables: Tables, release: SpecRelease, name: str) -> list[ItemName]:
    """The item of that name, or every aspect of the clip of that name. Raises UnknownItem."""
    name = name.strip()
    if _ID.fullmatch(name):
        return [item_of_record(tables, name)[1]]
    clip, slash, aspect = name.rpartition("/")
    if slash and aspect:
        batch, clip_id = _clip(tables, clip)
        aspects = _aspects(tables, release, batch, clip_id)
        if aspect not in aspects:
            raise UnknownItem(f"{clip_id} has no aspect {one_line(aspect)}: name one of {', '.join(aspects)}")
        return [ItemName(batch, clip_id, aspect)]
    batch, clip_id = _clip(tables, name)
    return [ItemName(batch, clip_id, aspect) for aspect in _aspects(tables, release, batch, clip_id)]


def item_of_record(tables: Tables, name: str) -> tuple[str, ItemName]:
    """The whole id of a record, by its beginning, and its item. Raises UnknownItem."""
    if len(name) < _SHORTEST or not _ID.fullmatch(name):
        raise UnknownItem(f"{one_line(name)!r} is no id of a record: give one such as tri_0123abcd, or CLIP/ASPECT")
    rows = _records(tables, name).unique("id").sort("id")
    if rows.is_empty():
        raise UnknownItem(f"no record {one_line(name)} is known: copy the id from the dataset, or name CLIP/ASPECT")
    if rows.height > 1:
        some = ", ".join(rows["id"][:_MOST_NAMED])
        raise UnknownItem(f"{name} is the beginning of {rows.height} ids: give more of it ({some})")
    found, *item = rows.row(0)
    return found, ItemName(*item)


def _records(tables: Tables, name: str) -> pl.DataFrame:
    """The records whose ids begin so, each with its item: id, batch, clip_id, aspect."""
    table, key = _RECORDS[name[:3]]
    whose, begins = ["batch", "clip_id", "aspect"], pl.col(key).str.starts_with(name)
    if table == "annotation_events":
        events = tables.read(table, columns=[key, "batch", "chai_key"], where=begins)
        answered = pl.col("chai_key").is_in(events["chai_key"].unique().to_list())
        tasks = tables.read("tasks", columns=["chai_key", *whose], where=answered).unique(["batch", "chai_key"])
        return events.join(tasks, on=["batch", "chai_key"]).select(pl.col(key).alias("id"), *whose)
    found = tables.read(table, columns=[key, *whose], where=begins).rename({key: "id"})
    if table == "primitives" and name not in found["id"]:
        found = pl.concat([found, _corrected_labels(tables, name).select(found.columns)])
    return found


def _corrected_labels(tables: Tables, name: str) -> pl.DataFrame:
    """The labels of such ids that stand in no table: they are made of a label and its corrections."""
    rows = [
        (label_id, batch, label["clip_id"], label["aspect"])
        for batch in batches_with_moved_labels(tables)
        for label_id, label in labels_by_id(tables, batch).items()
        if label_id.startswith(name)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("id", "batch", "clip_id", "aspect"), pl.String), orient="row")


def standing_of(tables: Tables, release: SpecRelease, item: ItemName) -> Standing | None:
    """Where an item stands; None for one of an imported corpus, or of an aspect that the specification has no more."""
    if is_import(item.batch):
        return None
    standings = standings_of(tables, release, item.batch)
    return next((one for one in standings if (one.clip_id, one.aspect) == (item.clip_id, item.aspect)), None)


def _clip(tables: Tables, name: str) -> tuple[str, str]:
    by_id = pl.col("clip_id").str.starts_with(name) if len(name) >= _SHORTEST else pl.lit(False)
    named = (pl.col("name") == name) | (pl.col("clip_id") == name)
    rows = tables.read("clips", columns=["batch", "clip_id"], where=by_id | named).unique("clip_id").sort("clip_id")
    if rows.is_empty():
        raise UnknownItem(f"no clip {one_line(name)!r} is known: give its id or its name, as CLIP/ASPECT")
    if rows.height > 1:
        some = ", ".join(f"{clip} in {batch}" for batch, clip in rows.head(_MOST_NAMED).iter_rows())
        raise UnknownItem(f"{rows.height} clips go by {name}: give the id of one ({some})")
    return rows.row(0)


def _aspects(tables: Tables, release: SpecRelease, batch: str, clip_id: str) -> list[str]:
    """The aspects of a clip: those it is worked under, and those that it has triples of."""
    had = tables.read("triples", batch, columns=["clip_id", "aspect"]).filter(pl.col("clip_id") == clip_id)["aspect"]
    if is_import(batch):
        return sorted(set(had))
    lineage = release.lineage(adopted_version(tables, batch, release.in_force))
    return list(dict.fromkeys([*lineage.depends_on, *sorted(set(had))]))
