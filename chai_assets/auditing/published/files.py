"""The rows of a published file: JSON, JSON lines, CSV, TSV or Parquet, gzipped or not, or the JSON in a tar of clips.

What a file is follows from its content; its name says nothing. A bad row is reported with its number.
"""

import csv
import gzip
import json
import tarfile
import zlib
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from chai_assets.auditing.jsonl import LONGEST_LINE, AuditRefused, BadLine, ByteProgress, JsonRow, read_rows

LARGEST_JSON = 1 << 30
"""Bytes of the largest file that is one JSON value, which is read as a whole; the largest published one has 60 MB."""
_SIDE_FILE = 1 << 20
"""Bytes of the largest JSON beside a clip in a tar."""
_LISTS = ("samples", "data", "rows", "annotations")
"""Under these an object that is a whole file holds its rows."""


def published_rows(path: Path, progress: ByteProgress = lambda done: None) -> Iterator[JsonRow | BadLine]:
    """Every row of the file, numbered from 1, or the problem with it. Raises AuditRefused.

    A file that is one JSON object is one row, unless it holds its rows in a list.
    """
    if path.is_dir():
        raise AuditRefused(f"{path} is a folder: name a file in it")
    try:
        with path.open("rb") as raw:
            head = raw.read(4)
    except OSError as error:
        raise AuditRefused(f"{path} cannot be read ({error.strerror}): check the path and its rights") from error
    if head[:4] == b"PAR1":
        return _parquet(path)
    if head[:2] == b"PK":
        raise AuditRefused(f"{path} is a zip archive: unpack it and name a file in it")
    try:
        with _opened(path) as stream:
            archive = stream.read(512)[257:262] == b"ustar"
        return _tar(path) if archive else _text(path, progress)
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
        raise AuditRefused(f"{path} breaks off or is no text ({_said(error)}): fetch it again") from error


def _parquet(path: Path) -> Iterator[JsonRow | BadLine]:
    numbers = count(1)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                yield from (JsonRow(next(numbers), row) for row in batch.to_pylist())
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise AuditRefused(f"{path} is a damaged Parquet file ({_said(error)}): fetch it again") from error


def _tar(path: Path) -> Iterator[JsonRow | BadLine]:
    """The JSON files of a tar, as they stand beside the clips of a WebDataset."""
    numbers = count(1)
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                beside = member.isfile() and member.name.endswith(".json")
                if beside and (stored := archive.extractfile(member)):
                    yield _object(next(numbers), stored.read(_SIDE_FILE))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        yield BadLine(next(numbers), f"the archive breaks off or is damaged here ({_said(error)}): fetch it again")


def _text(path: Path, progress: ByteProgress) -> Iterator[JsonRow | BadLine]:
    with _opened(path) as stream:
        first = stream.readline(LONGEST_LINE).lstrip(b"\xef\xbb\xbf \t\r\n")
        while not first and (line := stream.readline(LONGEST_LINE)):
            first = line.strip()
        more = bool(stream.read(1))
    if first[:1] not in (b"{", b"["):
        return _table(path, b"\t" if first.count(b"\t") > first.count(b",") else b",")
    if first[:1] == b"{" and more and _is_json(first):
        return read_rows(path, progress)
    return _whole(path, progress)


def _whole(path: Path, progress: ByteProgress) -> Iterator[JsonRow | BadLine]:
    """The rows of a file that is one JSON value; of one that is not, its lines."""
    with _opened(path) as stream:
        data = stream.read(LARGEST_JSON + 1)
    if len(data) > LARGEST_JSON:
        raise AuditRefused(f"{path} is one JSON value of over {LARGEST_JSON >> 30} GB: write it as one object a line")
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return read_rows(path, progress)
    progress(path.stat().st_size)
    if isinstance(value, dict):
        lists = (value.get(name) for name in _LISTS)
        value = next((rows for rows in lists if isinstance(rows, list)), [value])
    rows = value if isinstance(value, list) else []
    return (_row(number, row) for number, row in enumerate(rows, 1))


def _table(path: Path, delimiter: bytes) -> Iterator[JsonRow | BadLine]:
    csv.field_size_limit(LONGEST_LINE)
    with _opened(path) as stream:
        lines = TextIOWrapper(cast("BinaryIO", stream), encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.DictReader(lines, delimiter=delimiter.decode())
        for number in count(2):
            try:
                row = next(reader, None)
            except (csv.Error, EOFError, OSError, zlib.error) as error:
                yield BadLine(number, f"no row of a table ({_said(error)}): fetch the file again")
                return
            if row is None:
                return
            if None in row or None in row.values():
                yield BadLine(number, f"not the {len(reader.fieldnames or ())} columns of the first line")
            elif any("\ufffd" in value for value in row.values()):
                yield BadLine(number, "not UTF-8: convert the file")
            else:
                yield JsonRow(number, dict(row))


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    return gzip.open(path) if zipped else path.open("rb")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def _object(number: int, data: bytes) -> JsonRow | BadLine:
    try:
        return _row(number, json.loads(data.decode("utf-8-sig")))
    except (ValueError, RecursionError) as error:
        return BadLine(number, f"no JSON ({_said(error)})")


def _row(number: int, value: Any) -> JsonRow | BadLine:
    return (
        JsonRow(number, value) if isinstance(value, dict) else BadLine(number, f"no object but {type(value).__name__}")
    )


def _said(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).partition("\n")[0][:120]
