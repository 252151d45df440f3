"""Rows of the table `standings`: where each item stands at the end of a run, written where that changed. Pure.

The planner reads the latest row of each (clip, aspect), so that it need not compute a million standings anew. The rows
before show when an item came to each stage.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.rows import NewRow
from chai_assets.workflow.item_state import CritiqueTurn, Standing
from chai_resources.schemas import TABLES

_NOT_CONTENT = {"entry_id", "recorded_at"}


def standing_rows(items: Iterable[Standing], batch: str, triples: Mapping[tuple[str, str], str]) -> list[NewRow]:
    """A row for each item, without its entry id; `triples` holds the version each triple in force counts for."""
    return [_row(item, batch, triples) for item in items]


def new_entries(rows: Iterable[NewRow], known: Iterable[NewRow]) -> list[NewRow]:
    """The rows that differ from the last one known of their item, with their entry ids."""
    history: dict[tuple[str, str], list[NewRow]] = defaultdict(list)
    for row in known:
        history[row["clip_id"], row["aspect"]].append(row)
    fresh = []
    for row in rows:
        before = history[row["clip_id"], row["aspect"]]
        if before and {name: before[-1][name] for name in row} == row:
            continue
        entry = record_id("standing", clip=row["clip_id"], aspect=row["aspect"], row=row, number=len(before))
        fresh.append({**row, "entry_id": entry})
    return fresh


def latest(entries: pl.DataFrame) -> pl.DataFrame:
    """The last row of each (clip, aspect); `entries` in order of writing."""
    return entries.unique(["clip_id", "aspect"], keep="last", maintain_order=True)


def as_frame(rows: list[NewRow]) -> pl.DataFrame:
    """Rows that were not written, in the columns of the table."""
    names = [name for name in TABLES["standings"].schema.names if name not in _NOT_CONTENT]
    empty = pl.from_arrow(TABLES["standings"].schema.empty_table())
    assert isinstance(empty, pl.DataFrame)
    return pl.DataFrame(rows, schema={name: empty.schema[name] for name in names})


def _row(item: Standing, batch: str, triples: Mapping[tuple[str, str], str]) -> NewRow:
    draft = item.draft
    critiques = [turn for turn in item.turns if isinstance(turn, CritiqueTurn)]
    answered = {turn.cause for turn in critiques if turn.answer is not None or turn.unreadable is not None}
    return {
        "batch": batch,
        "clip_id": item.clip_id,
        "aspect": item.aspect,
        "stage": item.stage,
        "label_id": item.label["label_id"] if item.label else None,
        "asked_again": item.asked_again is not None,
        "draft_id": draft["draft_id"] if draft else None,
        "drafted_from": draft["label_id"] if draft else None,
        "draft_spec": draft["spec_version"] if draft else None,
        "critiqued": bool(draft and draft["draft_id"] in answered),
        "triple_spec": triples.get((item.clip_id, item.aspect)),
        "moved_upstream": list(item.stale_upstream),
        "written": _written(item),
    }


def _written(item: Standing) -> list[NewRow] | None:
    """What a model wrote for it, where every template is known: what an unknown one led to stands anyway."""
    rows = [
        {"task": task, "templates": list(writing.templates), "answered": writing.answered}
        for task, writing in item.model_texts.items()
        if all(writing.templates)
    ]
    return rows or None
