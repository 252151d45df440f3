"""The tables that every dataset holds: Parquet by task, one file a split, each a config of the card.

They carry everything that a row of the task is made of and comes from, so that trainers' files can be made of a dataset
later. Their texts are escaped like those of the trainers' files.
"""

import polars as pl

from chai_assets.datasets.write.formats import (
    HELD,
    PAIRS,
    PROVENANCE,
    TASKS,
    VIDEO,
    WHOLE,
    FileFormat,
    Task,
    chat_rows,
    list_of,
    message,
)

TABLES_FOLDER = "parquet"
"""Folder of a split that holds them."""
MERGED = f"{TABLES_FOLDER}/merged_captions.parquet"
_ROW_GROUP = 10_000
"""Small enough for viewers, which read a group at a time, and for the memory of a writer a file."""


def preference_rows(pairs: pl.DataFrame) -> pl.DataFrame:
    """Preference pairs: the task instruction, the approved caption chosen, its draft rejected."""
    turns = [
        list_of(message("user", VIDEO + pl.col("instruction"))).alias("prompt"),
        list_of(message("assistant", pl.col("final"))).alias("chosen"),
        list_of(message("assistant", pl.col("draft"))).alias("rejected"),
        list_of("video").alias("videos"),
    ]
    return pairs.select(*turns, "id", *PROVENANCE, *HELD)


def _table_of(task: Task) -> FileFormat:
    path = f"{TABLES_FOLDER}/{task.name}.parquet"
    return FileFormat(path, task.row, task.name, lambda exchanges: chat_rows(exchanges, HELD), row_group=_ROW_GROUP)


TASK_TABLES = (
    *map(_table_of, TASKS),
    FileFormat(
        f"{TABLES_FOLDER}/preference.parquet",
        "the task instruction, the approved caption chosen and its draft rejected",
        PAIRS,
        preference_rows,
        row_group=_ROW_GROUP,
    ),
)
"""Made from canonical rows."""

MERGED_TABLES = (
    FileFormat(
        MERGED,
        "a clip's whole caption, merged from its approved ones, with its length in the generator's tokens",
        WHOLE,
        lambda merged: merged,
        row_group=_ROW_GROUP,
    ),
)
"""Made from the merged captions, as `caption_tokens.fit_to_token_limit` gives them."""
