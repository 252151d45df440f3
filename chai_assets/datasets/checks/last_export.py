"""What the last export held, as far as the next one is compared with it."""

import json
from typing import Any

import polars as pl

from chai_assets.datasets.file_names import LATEST, MANIFEST, TRIPLES
from chai_assets.datasets.select.selection import Selection
from chai_resources.media import Media
from chai_resources.media_store import MediaError

_READ = ["id", "aspect", "rating", "final"]


def last_export(store: Media, selection: dict[str, Any]) -> pl.DataFrame | None:
    """The triples of the current dataset in the store: triple_id, aspect, rating, words; None where there is none.

    One of another selection is none to compare with.

    Raises MediaError where the store does not answer, or where the dataset is not as its manifest says.
    """
    if not store.exists(LATEST):
        return None
    try:
        folder = json.loads(store.get_bytes(LATEST))["dataset_id"]
        manifest = json.loads(store.get_bytes(f"{folder}/{MANIFEST}"))
        # What older versions did not ask about was then as it is now where nothing is said.
        if Selection().as_manifest() | manifest.get("selection", {}) != selection:
            return None
        rows = _triples(store, f"{folder}/{TRIPLES}")
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError) as error:
        raise MediaError(f"the current dataset in {store.root} cannot be read ({error}): fetch it again") from error
    return rows.unique("triple_id", keep="first", maintain_order=True)


def _triples(store: Media, key: str) -> pl.DataFrame:
    with store.local_copy(key) as copy:
        rows = pl.read_parquet(copy, columns=_READ)
    words = pl.col("final").str.count_matches(r"\S+")
    return rows.select(pl.col("id").alias("triple_id"), "aspect", "rating", words=words)
