"""Delta Lake tables: append rows, read rows, pin versions. What the tables mean is in `schemas.py`.

Append-only and at-least-once: a row may be appended twice after a crash, so every read takes distinct keys,
earliest first. One append is one atomic commit; readers never see half of it.
"""

import gc
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from pydantic import PrivateAttr

from chai_resources.environment import s3_options
from chai_resources.errors import Unavailable
from chai_resources.schemas import TABLES, Table


class TablesUnreachable(Unavailable):
    """The store of the tables cannot be read or written; the text names the table and the remedy."""


def now() -> datetime:
    """The time of writing, UTC, microseconds: the value of `recorded_at`."""
    return datetime.now(UTC)


def as_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows as dictionaries.

    All that is made here lives on, and its number would set the garbage collector off time and again over
    everything alive, which takes longer than making the rows: it rests meanwhile.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return frame.to_dicts()
    finally:
        if collecting:
            gc.enable()


class Tables(dg.ConfigurableResource):
    """All tables under one root, a folder or an `s3://bucket/prefix`; the same code for both."""

    root: str
    _opened: dict[str, DeltaTable] = PrivateAttr(default_factory=dict)
    _frames: dict[tuple[str, str], tuple[int, pl.DataFrame]] = PrivateAttr(default_factory=dict)
    _pinned: dict[str, int] = PrivateAttr(default_factory=dict)

    @cached_property
    def _options(self) -> dict[str, str]:
        if self.root.startswith("s3://"):
            return s3_options()
        Path(self.root).mkdir(parents=True, exist_ok=True)
        return {}

    def at(self, versions: Mapping[str, int]) -> "Tables":
        """The same tables, where those named are read as they were at these versions."""
        pinned = Tables(root=self.root)
        pinned._pinned = dict(versions)
        return pinned

    def uri(self, name: str) -> str:
        """Where a table lies. Raises KeyError for a table that has no schema."""
        return f"{self.root.rstrip('/')}/{TABLES[name].name}"

    def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Appends rows in one commit; returns how many. No rows, no commit.

        `recorded_at` is filled in where a row lacks it. Raises pyarrow.ArrowInvalid for a row that does not
        fit the schema, TablesUnreachable if the store does not answer.
        """
        table, given = TABLES[name], list(rows)
        if not given:
            return 0
        data = self._as_arrow(table, given)
        # All is in `data` by now, and a commit takes memory of its own.
        del given
        with self._reachable(name):
            self._commit(name, table, data)
        return data.num_rows

    def read(
        self,
        name: str,
        batch: str | None = None,
        columns: Sequence[str] | None = None,
        version: int | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Distinct rows by the table's key, the earliest of each, in order of writing; all batches or one.

        `where` keeps the rows for which it holds and spares reading the others. `version` reads
        the table as it was then. A table that was never written (version -1) reads as empty
        with its schema's columns.
        """
        table = TABLES[name]
        version = self._pinned.get(name) if version is None else version
        wanted = tuple(columns or table.schema.names)
        with self._reachable(name):
            delta = self._open(name, version)
            if delta is None:
                return self._empty(table).select(wanted)
            kept = self._frames.get((name, batch)) if batch and where is None else None
            if kept is not None and kept[0] == delta.version() and set(wanted) <= set(kept[1].columns):
                return kept[1].select(wanted)
            rows = pl.scan_delta(delta)
            needed = {*wanted, table.key, "recorded_at"}
            if batch is not None:
                rows = rows.filter(pl.col("batch") == batch)
                needed |= table.light
            if where is not None:
                rows = rows.filter(where)
            rows = rows.with_columns(self._not_written_yet(table, delta))
            in_order = rows.select(sorted(needed)).collect().sort("recorded_at", maintain_order=True)
        found = in_order.unique(table.key, keep="first", maintain_order=True)
        if batch is not None and where is None:
            # The assets of one run read the same batch many times; whole tables are too large to keep.
            self._frames[name, batch] = (delta.version(), found)
        return found.select(wanted)

    def scan(self, name: str, version: int) -> pl.LazyFrame:
        """Every row as it was appended at that version, to be read in parts by its filters.

        Neither distinct nor in order, and nothing is kept: for readers of tables that no memory holds.
        """
        table = TABLES[name]
        with self._reachable(name):
            delta = self._open(name, version)
            if delta is None:
                return self._empty(table).lazy()
            return pl.scan_delta(delta).with_columns(self._not_written_yet(table, delta)).select(table.schema.names)

    def rows(self, name: str, batch: str | None = None, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """`read`, as dictionaries."""
        return as_rows(self.read(name, batch, columns))

    def append_new(self, name: str, rows: Iterable[Mapping[str, Any]], batch: str | None = None) -> int:
        """Appends the rows whose key the table does not hold yet; returns how many were new."""
        key = TABLES[name].key
        fresh = {row[key]: row for row in rows}
        if not fresh:
            return 0
        known = set(self.read(name, batch, columns=[key])[key])
        return self.append(name, [row for value, row in fresh.items() if value not in known])

    def version(self, name: str) -> int:
        """The table's Delta version; -1 if it was never written."""
        with self._reachable(name):
            delta = self._open(name)
            return -1 if delta is None else delta.version()

    def maintain(self, name: str) -> dict[str, Any]:
        """Compacts a table's small files and drops those no version of the last 30 days needs."""
        with self._reachable(name):
            table = self._open(name)
            if table is None:
                return {"table": name, "files_removed": 0, "vacuumed": 0}
            compacted = table.optimize.compact()
            vacuumed = table.vacuum(retention_hours=24 * 30, dry_run=False)
        return {"table": name, "files_removed": compacted["numFilesRemoved"], "vacuumed": len(vacuumed)}

    def _open(self, name: str, version: int | None = None) -> DeltaTable | None:
        """The table now, or as it was at a version; None where it was never written."""
        if version == -1:
            return None
        try:
            if version is not None:
                return DeltaTable(self.uri(name), version, storage_options=self._options)
            if name not in self._opened:
                self._opened[name] = DeltaTable(self.uri(name), storage_options=self._options)
            elif self._moved_on(name, self._opened[name].version()):
                self._opened[name].update_incremental()
            return self._opened[name]
        except TableNotFoundError:
            return None

    def _moved_on(self, name: str, version: int) -> bool:
        """Whether a table may be past a version.

        Commits are files named by version, without a gap, and the next one is looked for here; Delta itself lists
        the whole log, which takes longer with every commit. Of a log that was cleaned up nothing can be told.
        """
        if self.root.startswith("s3://"):
            return True
        log = Path(self.uri(name), "_delta_log")
        return (log / f"{version + 1:020}.json").exists() or not (log / f"{version:020}.json").exists()

    def _commit(self, name: str, table: Table, data: pa.Table) -> None:
        # Two first writers race to create the table: the loser's commit conflicts once and then appends.
        for attempt in (1, 2, 3):
            try:
                # A table that is open here knows its log; by address it would read the whole log again.
                write_deltalake(
                    self._open(name) or self.uri(name),
                    data,
                    mode="append",
                    partition_by=["batch"] if table.partitioned else None,
                    schema_mode="merge",
                    storage_options=self._options,
                    commit_properties=CommitProperties(max_commit_retries=20),
                )
                return
            except CommitFailedError:
                if attempt == 3:
                    raise

    @classmethod
    def _not_written_yet(cls, table: Table, delta: DeltaTable) -> list[pl.Expr]:
        """Nulls for columns that the schema gained after the last append to the table."""
        stored = {field.name for field in delta.schema().fields}
        types = cls._empty(table).schema
        return [pl.lit(None, types[name]).alias(name) for name in table.schema.names if name not in stored]

    @staticmethod
    def _as_arrow(table: Table, rows: list[Mapping[str, Any]]) -> pa.Table:
        known = set(table.schema.names)
        for row in rows:
            if not row.keys() <= known:
                raise KeyError(f"table {table.name} has no column {sorted(row.keys() - known)}")
        columns: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in table.schema.names}
        written = now()
        columns["recorded_at"] = [time or written for time in columns["recorded_at"]]
        return pa.Table.from_pydict(columns, schema=table.schema)

    @staticmethod
    def _empty(table: Table) -> pl.DataFrame:
        # `pl.from_arrow` would import pandas, which costs 50 MB and 0.2 s.
        return pl.DataFrame(schema=pl.Schema(table.schema))

    @contextmanager
    def _reachable(self, name: str):
        try:
            yield
        except (DeltaError, OSError) as error:
            where = "check the S3 endpoint and credentials" if self.root.startswith("s3://") else "check the folder"
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise TablesUnreachable(
                f"table {name} at {self.uri(name)} cannot be reached: {where}, then run again; nothing was lost "
                f"({said[-1].strip()})"
            ) from error
