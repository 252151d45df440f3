"""The labels in force: of every aspect of a clip the one label that counts now. Pure Polars, lazy.

Whatever is made of labels beside the loop (files of datasets, coverage) takes them from here and from nowhere else.
Where an item stands is decided in `workflow/walk.py`, which looks at one batch at a time and at people's turns.
"""

import polars as pl

from chai_assets.annotation.events import deleted_events

COLUMNS = ["batch", "clip_id", "aspect", "label_id", "spec_version", "answers", "states", "author"]


def labels_in_force(labels: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
    """COLUMNS of one row of `primitives` for each aspect of a clip: the latest answer to the newest questions.

    `events` are rows of `annotation_events` of the same batches: answers that were deleted there do not count. An
    aspect that was set aside has a label without states.
    """
    asked_in = pl.col("chai_key").str.split(":").list.last().str.splitn(".", 3)
    version = [
        asked_in.struct.field(f"field_{part}").cast(pl.Int32, strict=False).alias(f"v{part}") for part in range(3)
    ]
    newest = (
        labels.join(deleted_events(events), on="event_id", how="anti")
        .with_columns(version)
        .sort("v0", "v1", "v2", "submitted_at", "event_id")
        .unique(["clip_id", "aspect"], keep="last", maintain_order=True)
    )
    return newest.select(COLUMNS)
