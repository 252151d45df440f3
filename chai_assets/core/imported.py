"""What tells an imported corpus from our own work: the name of its batch, and nothing else.

Every room may ask; how a corpus is imported is the business of `chai_assets/importing`.
"""

import polars as pl

IMPORT_PREFIX = "import-"


def batch_of_corpus(name: str) -> str:
    """The batch in which the corpus of that name lies."""
    return f"{IMPORT_PREFIX}{name}"


def corpus_of_batch(batch: str) -> str:
    """The name of the corpus that lies in an imported batch."""
    return batch.removeprefix(IMPORT_PREFIX)


def is_import(batch: str) -> bool:
    """Whether a batch holds an imported corpus: the loop hands out no work for it and measures nothing by it."""
    return batch.startswith(IMPORT_PREFIX)


def imported_work() -> pl.Expr:
    """Keeps the rows of imported corpora, where a table is read over all batches."""
    return pl.col("batch").str.starts_with(IMPORT_PREFIX)


def own_work() -> pl.Expr:
    """Keeps the rows of our own work, where a table is read over all batches."""
    return ~imported_work()
