"""What the last export held, as far as the next one is compared with it."""

import json

import polars as pl
import pyarrow.parquet as pq

from chai_assets.datasets.manifest import MANIFEST
from chai_resources.media import Media

LATEST = "latest.json"
_READ = ["id", "aspect", "rating", "final"]


def last_export(store: Media) -> pl.DataFrame | None:
    """The triples of the current dataset in the store: triple_id, aspect, rating, words; None where there is none.

    Raises MediaError where the store does not answer, or where the dataset lacks a file that its manifest names.
    """
    if not store.exists(LATEST):
        return None
    folder = json.loads(store.get_bytes(LATEST))["dataset_id"]
    manifest = json.loads(store.get_bytes(f"{folder}/{MANIFEST}"))
    parts = []
    for path in (file["path"] for file in manifest["files"] if file["path"].endswith(".parquet")):
        with store.local_copy(f"{folder}/{path}") as copy:
            if set(_READ) <= set(pq.read_schema(copy).names):
                parts.append(pl.from_arrow(pq.read_table(copy, columns=_READ)))
    if not parts:
        return None
    words = pl.col("final").str.count_matches(r"\S+")
    return pl.concat(parts).select(pl.col("id").alias("triple_id"), "aspect", "rating", words=words).unique("triple_id")
