"""Names of the files in a store of datasets, and of those in a dataset that more than one module speaks of.

Every dataset is a folder of the store, named by its id. What a split's folder holds is listed in
`write/task_tables.py` and `write/trainer_formats.py`.
"""

from chai_assets.datasets.read.verify import MANIFEST as MANIFEST
from chai_assets.datasets.read.verify import NAME as VERIFY_SCRIPT
from chai_assets.datasets.read.verify import ROWS as TRIPLES_JSONL

LATEST = "latest.json"
"""Beside the datasets: names the one that passed the checks last."""
TRIPLES = "triples.parquet"
"""The canonical rows; `triples.jsonl` holds the same ones."""
PRIMITIVES = "primitives.parquet"
"""The labels: a row for each primitive of each aspect of a clip."""
CARD = "README.md"
DATASET_INFO = "dataset_info.json"
"""LLaMA-Factory's list of the files."""
PACK_INDEX = "pack.json"
"""Lists the shards of a pack; where it lies is a pack, and the dataset in a folder beside it."""

__all__ = [
    "CARD",
    "DATASET_INFO",
    "LATEST",
    "MANIFEST",
    "PACK_INDEX",
    "PRIMITIVES",
    "TRIPLES",
    "TRIPLES_JSONL",
    "VERIFY_SCRIPT",
]
