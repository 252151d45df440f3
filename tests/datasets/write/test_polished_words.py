"""Which polished words a dataset takes: the newest of each critique, or none where the newest has a fault."""

from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from chai_assets.datasets.select.export_inputs import polished_critiques_of

ROWS = [
    # critique, recorded, text, fault
    ("once", 1, "better", None),
    ("twice", 1, "old", None),
    ("twice", 2, "new", None),
    ("worse", 1, "old", None),
    ("worse", 2, "new", "a quotation is missing"),
    ("mended", 1, "old", "a quotation is missing"),
    ("mended", 2, "new", None),
]


@pytest.mark.parametrize(
    ("critiques", "taken"), [("polished", {"once": "better", "twice": "new", "mended": "new"}), ("written", {})]
)
def test_the_newest_counts_and_a_fault_in_it_leaves_the_written_words(critiques: str, taken: dict[str, str]):
    schema = ["critique_id", "recorded_at", "text", "fault"]
    table = pl.DataFrame(ROWS, schema=schema, orient="row").with_columns(batch=pl.lit("b"), polished_id=pl.lit("p"))
    export = SimpleNamespace(polished_critiques=table, selection=SimpleNamespace(critiques=critiques))
    found = polished_critiques_of(cast(Any, export), cast(Any, SimpleNamespace(batches=["b"])))
    assert dict(found.iter_rows()) == taken
