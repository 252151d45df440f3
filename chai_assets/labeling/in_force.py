"""The labels in force: of every aspect of a clip the one label that counts now, as frames.

Whatever is made of labels beside the loop (files of datasets, coverage) takes them from here and from nowhere else.
Batches in which a label was corrected, or a lead decided something, are walked as the loop walks them
(`workflow/walk.py`); all others are read in one sweep.
"""

import polars as pl

from chai_assets.annotation.events import deleted_events
from chai_assets.core.ids import id_prefix
from chai_assets.spec.compile import derive
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.labels_in_force import answers_of
from chai_assets.workflow.load import batches_with_moved_labels, standings_of
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

_AS_WRITTEN = ["batch", "clip_id", "aspect", "label_id", "spec_version", "answers", "states", "author"]
_PRIMITIVES = pl.Schema(TABLES["primitives"].schema)
IN_FORCE = pl.Schema({name: _PRIMITIVES[name] for name in _AS_WRITTEN} | {"given_label_id": pl.String()})
"""Columns of a label in force. `given_label_id` is that of the label as a person gave it, without corrections."""
NONE_CORRECTED = pl.DataFrame(schema=IN_FORCE)


def frame_in_force(
    labels: pl.LazyFrame, events: pl.LazyFrame, corrected: pl.DataFrame = NONE_CORRECTED
) -> pl.LazyFrame:
    """IN_FORCE of one label for each aspect of a clip: the latest answer to the newest questions, or the corrected one.

    `labels` are rows of `primitives`, `events` of `annotation_events` of the same batches: answers that were deleted
    there do not count. `corrected` is what `corrected_labels` gives. An aspect that was set aside has no states.
    """
    asked_in = pl.col("chai_key").str.split(":").list.last().str.splitn(".", 3)
    version = [
        asked_in.struct.field(f"field_{part}").cast(pl.Int32, strict=False).alias(f"v{part}") for part in range(3)
    ]
    by_lead = pl.col("event_id").str.starts_with(id_prefix("decision"))  # these count where the walk says so
    newest = (
        labels.filter(~by_lead)
        .join(deleted_events(events), on="event_id", how="anti")
        .with_columns(version)
        .sort("v0", "v1", "v2", "submitted_at", "event_id")
        .unique(["clip_id", "aspect"], keep="last", maintain_order=True)
        .with_columns(given_label_id="label_id")
        .select(IN_FORCE.names())
    )
    if corrected.is_empty():
        return newest
    walked = corrected.lazy()
    there = newest.join(walked, on=["clip_id", "aspect"], how="anti", maintain_order="left")
    # Labels of items that are not asked for here stay out, as they do without corrections.
    asked = walked.join(newest, on=["clip_id", "aspect"], how="semi", maintain_order="left")
    return pl.concat([there, asked])


def corrected_labels(tables: Tables, release: SpecRelease) -> pl.DataFrame:
    """IN_FORCE of every labeled item of the batches in which a label was corrected or a lead decided something."""
    rows = [
        row
        for batch in batches_with_moved_labels(tables)
        for item in standings_of(tables, release, batch)
        if (row := _row(batch, item, release)) is not None
    ]
    return pl.DataFrame(rows, schema=IN_FORCE, orient="row")


def _row(batch: str, item: Standing, release: SpecRelease) -> tuple[object, ...] | None:
    label = item.label
    if label is None:
        return None
    answers = answers_of(label)
    states = {}
    if not label["problem"]:
        states = derive(release.releases.load(label["spec_version"]).aspects[item.aspect], answers)
    given = item.answered_label or label
    return (
        batch,
        item.clip_id,
        item.aspect,
        label["label_id"],
        label["spec_version"],
        label["answers"],
        [{"primitive": primitive, "state": state} for primitive, state in states.items()],
        label["author"],
        given["label_id"],
    )
