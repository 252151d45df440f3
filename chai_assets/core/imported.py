"""What tells an imported corpus from a batch of our own work: the name of its batch, and nothing else."""

import re

import polars as pl

from chai_resources.errors import UnusableInput

IMPORT = "import-"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,72}\Z")


class ImportRefused(UnusableInput):
    """A corpus cannot be imported as asked; the text says why and what to do."""


def import_batch(name: str) -> str:
    """The batch of the corpus of that name. Raises ImportRefused for a name that cannot be part of one."""
    if not _NAME.match(name):
        raise ImportRefused(
            f"a corpus cannot be named {name!r}: use lower-case letters, digits, dots, dashes and underscores, "
            "at most 73 characters"
        )
    return f"{IMPORT}{name}"


def is_import(batch: str) -> bool:
    """Whether a batch holds an imported corpus: the loop hands out no work for it and measures nothing by it."""
    return batch.startswith(IMPORT)


def own_work() -> pl.Expr:
    """Keeps the rows of our own work, where a table is read over all batches."""
    return ~pl.col("batch").str.starts_with(IMPORT)
