"""The rows of a published dataset, some at a time: as they are, and gathered by clip with the clip's whole caption."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from chai_assets.datasets.file_names import TRIPLES
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.task_tables import MERGED
from chai_resources.errors import UnusableInput

ROWS_AT_ONCE = 20_000
"""Rows in memory at once: about 40 MB of text."""
WHOLE_QUESTION = "Describe the video."
"""What a whole caption answers, for loaders that want a question beside it."""
_OLDER_MERGED = "merged_captions.jsonl"
"""Where datasets without tables by task have the whole captions."""


class NothingToConvert(UnusableInput):
    """A dataset cannot be packed or converted; the text says why and what to do."""


@dataclass(frozen=True)
class ClipSample:
    """A clip with everything that a dataset says of it."""

    clip_id: str
    split: str
    video: str
    """Key of the clip in the media store."""
    caption: str
    """The whole caption; where none was merged, the captions of its aspects, a paragraph each."""
    rows: list[dict[str, Any]]
    """Its canonical rows."""

    @property
    def video_name(self) -> str:
        """The clip's file beside its caption: what stands before the first dot is the same for both."""
        return f"{self.clip_id}{PurePosixPath(self.video).suffix or '.mp4'}"

    def about(self) -> dict[str, Any]:
        """What the JSON beside a clip says."""
        first = self.rows[0]
        same = ("source_id", "licence", "rights", "rights_until", "purposes")
        return {
            "clip_id": self.clip_id,
            "split": self.split,
            "video": self.video,
            "caption": self.caption,
            "question": WHOLE_QUESTION,
            "answers": [self.caption],
            "captions": {row["aspect"]: row["final"] for row in self.rows},
            **{name: first.get(name) for name in same},
            "triples": self.rows,
        }


def row_batches(dataset: PublishedDataset) -> Iterator[pl.DataFrame]:
    """The canonical rows in their order, ROWS_AT_ONCE at a time. Raises DatasetNotFound for a damaged file."""
    with dataset.readable(TRIPLES) as path:
        for batch in pq.ParquetFile(path).iter_batches(ROWS_AT_ONCE):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame


def merged_captions(dataset: PublishedDataset, split: str) -> pl.DataFrame:
    """The whole captions of a split, with the columns that the dataset has of them; none if it holds no such file.

    Raises DatasetNotFound for a damaged file.
    """
    held = {entry["path"] for entry in dataset.manifest["files"] if entry["rows"]}
    for name, read in ((MERGED, pl.read_parquet), (_OLDER_MERGED, pl.read_ndjson)):
        if f"{split}/{name}" in held:
            with dataset.readable(f"{split}/{name}") as path:
                return read(path)
    return pl.DataFrame(schema={"clip_id": pl.String, "merged_id": pl.String, "caption": pl.String})


def samples(dataset: PublishedDataset) -> Iterator[ClipSample]:
    """Every clip once, in the order of the rows. A clip's rows follow each other, as the export has sorted them."""
    whole: dict[str, str] = {}
    for split in SPLITS:
        whole |= dict(merged_captions(dataset, split).select("clip_id", "caption").iter_rows())
    held: list[dict[str, Any]] = []
    for batch in row_batches(dataset):
        for row in batch.iter_rows(named=True):
            if held and held[0]["clip_id"] != row["clip_id"]:
                yield _sample(held, whole)
                held = []
            held.append(row)
    if held:
        yield _sample(held, whole)


def _sample(rows: list[dict[str, Any]], whole: dict[str, str]) -> ClipSample:
    first = rows[0]
    caption = whole.get(first["clip_id"]) or "\n\n".join(row["final"] for row in rows)
    return ClipSample(first["clip_id"], first["split"], first["video"], caption, rows)


def json_bytes(value: object) -> bytes:
    """JSON as it is written beside a clip."""
    return json.dumps(value, ensure_ascii=False).encode()
