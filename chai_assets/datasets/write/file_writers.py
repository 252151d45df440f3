"""Writers for the files of a dataset: they take rows a chunk at a time and hash what they write.

A file's bytes do not depend on how its rows were cut into chunks: JSON lines have no seams, and Parquet has row groups
of a fixed size.
"""

import errno
import hashlib
import os
from collections.abc import Callable
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from chai_assets.datasets.write.formats import FileFormat
from chai_assets.datasets.write.manifest import FileEntry

ROW_GROUP = 50_000
_JSON_ROWS_AT_ONCE = 2_000
"""Rows of JSON made at once, into memory that is used again: a few megabytes, which the processor's cache holds."""

DISK_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class HashedFile:
    """A file being written: its sha256 and its size are known when it closes."""

    closed = False

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.bytes = path, 0
        self._sha256, self._handle = hashlib.sha256(), path.open("wb", buffering=0)

    def write(self, data: bytes | memoryview) -> int:
        """Writes all of the data. Raises OSError that names the file."""
        rest = memoryview(data).cast("B")
        self._sha256.update(rest)
        self.bytes += len(rest)
        try:
            while rest:
                rest = rest[self._handle.write(rest) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        return len(data)

    def flush(self) -> None:
        """Nothing waits here; Parquet's writer asks."""

    def close(self) -> str:
        """Closes the file when its bytes are on disk; returns the sha256 of them."""
        self.closed = True
        os.fsync(self._handle.fileno())
        self._handle.close()
        return self._sha256.hexdigest()

    def abandon(self) -> None:
        """Closes the file as it is."""
        self.closed = True
        self._handle.close()


RowTransform = Callable[[pl.DataFrame], pl.DataFrame]
"""Makes the rows of a file from the rows of a chunk."""


class RowWriter(Protocol):
    """Writes rows to a file, chunk by chunk."""

    file: HashedFile
    rows: int

    def write_rows(self, table: pl.DataFrame) -> None:
        """Writes these rows after those before."""
        ...

    def finish(self) -> None:
        """Writes what is still held back."""
        ...


class JsonLinesWriter:
    """Writes JSON lines of what `make_rows` makes of the rows."""

    def __init__(self, file: HashedFile, make_rows: RowTransform) -> None:
        self.file, self.rows, self._make_rows = file, 0, make_rows

    def write_rows(self, table: pl.DataFrame) -> None:
        made, text = self._make_rows(table), BytesIO()
        for piece in made.iter_slices(_JSON_ROWS_AT_ONCE):
            text.seek(0)
            piece.write_ndjson(text)
            self.file.write(text.getbuffer()[: text.tell()])
        self.rows += len(made)

    def finish(self) -> None:
        pass


class CsvWriter:
    """Writes comma-separated values under one line of names."""

    def __init__(self, file: HashedFile, make_rows: RowTransform) -> None:
        self.file, self.rows, self._make_rows = file, 0, make_rows

    def write_rows(self, table: pl.DataFrame) -> None:
        made = self._make_rows(table)
        self.file.write(made.write_csv(include_header=not self.file.bytes).encode())
        self.rows += len(made)

    def finish(self) -> None:
        pass


class ParquetWriter:
    """Writes Parquet with row groups of that many rows (ROW_GROUP); without a schema, the first table's is used."""

    def __init__(
        self, file: HashedFile, make_rows: RowTransform, schema: pa.Schema | None = None, row_group: int | None = None
    ) -> None:
        self.file, self.rows, self._make_rows, self._schema = file, 0, make_rows, schema
        self._row_group = row_group or ROW_GROUP
        self._held: list[pl.DataFrame] = []

    @cached_property
    def _writer(self) -> pq.ParquetWriter:
        return pq.ParquetWriter(pa.PythonFile(self.file, "w"), self._schema, compression="zstd", store_schema=True)

    def write_rows(self, table: pl.DataFrame) -> None:
        made = self._make_rows(table)
        self._schema = self._schema or made.to_arrow().schema
        self._held.append(made)
        self.rows += len(made)
        if sum(map(len, self._held)) >= self._row_group:
            whole = pl.concat(self._held)
            full = len(whole) // self._row_group * self._row_group
            for start in range(0, full, self._row_group):
                self._write(whole[start : start + self._row_group])
            self._held = [whole[full:]]

    def finish(self) -> None:
        if self._held and (rest := pl.concat(self._held)).height:
            self._write(rest)
        self._writer.close()

    def _write(self, group: pl.DataFrame) -> None:
        # One chunk a column: pages are cut where chunks are, and chunks depend on the parts.
        self._writer.write_table(group.to_arrow().cast(self._schema).combine_chunks(), row_group_size=self._row_group)


def open_row_writer(path: Path, made: FileFormat) -> RowWriter:
    """A writer for the rows of a format, in the form that the file's name says."""
    file = HashedFile(path)
    if path.suffix == ".parquet":
        return ParquetWriter(file, made.make_rows, row_group=made.row_group)
    return {".jsonl": JsonLinesWriter, ".csv": CsvWriter}[path.suffix](file, made.make_rows)


def close_writer(rows: RowWriter, folder: Path) -> FileEntry:
    """Closes a writer and returns the manifest's entry of its file."""
    rows.finish()
    digest = rows.file.close()
    path = rows.file.path.relative_to(folder).as_posix()
    return FileEntry(path=path, rows=rows.rows, bytes=rows.file.bytes, sha256=digest)
