"""What an asset shows in Dagster's UI: counts, a five-row preview, links, columns. No rules of the loop here."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

PREVIEW_ROWS = 5
PREVIEW_CHARS = 160
_DULL = {
    "batch",
    "recorded_at",
    "prompt",
    "prompt_hash",
    "template_hash",
    "request_hash",
    "sampling",
    "task_data",
    "annotation",
}


def column_schema(table: str) -> dg.TableSchema:
    """The columns of a table with types and descriptions, for the asset's page."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                field.name,
                str(field.type),
                description=(field.metadata or {}).get(b"comment", b"").decode(),
                constraints=dg.TableColumnConstraints(unique=field.name == TABLES[table].key),
            )
            for field in TABLES[table].schema
        ]
    )


def preview(
    rows: Sequence[Mapping[str, Any]], at_most: int = PREVIEW_ROWS
) -> dg.TableMetadataValue | dg.TextMetadataValue:
    """The first rows, long values cut; a plain word where there are none (an empty table has no columns)."""
    if not rows:
        return dg.MetadataValue.text("no rows")
    columns = [name for name in rows[0] if name not in _DULL]
    records = [dg.TableRecord({name: _short(row.get(name)) for name in columns}) for row in rows[:at_most]]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns]))


def table_result(tables: Tables, table: str, batch: str | None, added: int, **more: Any) -> dg.MaterializeResult:
    """The result of an asset that appends to one table: rows in the partition, rows added, and a preview."""
    rows = tables.read(table, batch, columns=[name for name in TABLES[table].schema.names if name not in _DULL])
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows.height,
            "added": added,
            "preview": preview(rows.tail(PREVIEW_ROWS).to_dicts()),
            "dagster/uri": tables.uri(table),
            **more,
        }
    )


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= PREVIEW_CHARS else text[: PREVIEW_CHARS - 1] + "…"
