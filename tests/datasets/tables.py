"""The records that triples say they were made from, as their tables would hold them, for the tests of the checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tests.datasets.factory import frame

Rows = list[dict[str, Any]]


@dataclass
class Records:
    """Rows by table; a test spoils them."""

    tables: dict[str, Rows]

    def read(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a table, as `Tables.read` gives them."""
        return frame(table, self.tables[table]).select(columns)


def records_of(triples: Rows) -> Records:
    """Records that bear out what the triples say; none for a null id, one for an id that stands twice."""

    def table(key: str, **columns: str) -> Rows:
        rows = [{key: row[key], **{name: row[said] for name, said in columns.items()}} for row in triples if row[key]]
        return list({row[key]: row for row in rows}.values())

    chain = {"draft_id": "draft_id", "critique_id": "critique_id"}
    reviews = table("review_id", author="reviewer", revision_id="revision_id", **chain)
    return Records(
        {
            "triples": [dict(row) for row in triples],
            "drafts": table("draft_id", text="draft", clip_id="clip_id"),
            "critiques": table("critique_id", text="critique", author="annotator", draft_id="draft_id"),
            "revisions": table("revision_id", text="final", **chain),
            "reviews": [row | {"verdict": "approve"} for row in reviews],
            "clips": table("clip_id", source_id="source_id"),
            "sources": table("source_id"),
        }
    )
