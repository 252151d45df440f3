"""What the last export held, as far as the next one is compared with it."""

import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from chai_assets.datasets.manifest import MANIFEST
from chai_resources.media import Media, MediaError

LATEST = "latest.json"
_READ = ["id", "aspect", "rating", "final"]


def last_export(store: Media) -> pl.DataFrame | None:
    """The triples of the current dataset in the store: triple_id, aspect, rating, words; None where there is none.

    Raises MediaError where the store does not answer, or where the dataset is not as its manifest says.
    """
    if not store.exists(LATEST):
        return None
    try:
        folder = json.loads(store.get_bytes(LATEST))["dataset_id"]
        manifest = json.loads(store.get_bytes(f"{folder}/{MANIFEST}"))
        paths = [file["path"] for file in manifest["files"] if file["path"].endswith(".parquet")]
        parts = [rows for path in paths if (rows := _triples(store, f"{folder}/{path}")) is not None]
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise MediaError(f"the current dataset in {store.root} cannot be read ({error}): fetch it again") from error
    return pl.concat(parts).unique("triple_id", keep="first", maintain_order=True) if parts else None


def _triples(store: Media, key: str) -> pl.DataFrame | None:
    """The triples of a file, None where it holds something else."""
    with store.local_copy(key) as copy:
        if not set(_READ) <= set(pq.read_schema(copy).names):
            return None
        rows = pl.read_parquet(copy, columns=_READ)
    words = pl.col("final").str.count_matches(r"\S+")
    return rows.select(pl.col("id").alias("triple_id"), "aspect", "rating", words=words)
