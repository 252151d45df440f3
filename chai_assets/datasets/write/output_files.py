"""The files of a dataset that hold rows, and what each of them gets of a chunk's rows."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from chai_assets.datasets.file_names import PRIMITIVES, TRIPLES, TRIPLES_JSONL
from chai_assets.datasets.select.canonical_rows import CANONICAL
from chai_assets.datasets.select.primitive_rows import PRIMITIVES_SCHEMA
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.file_writers import (
    HashedFile,
    JsonLinesWriter,
    ParquetWriter,
    RowWriter,
    close_writer,
    open_row_writer,
)
from chai_assets.datasets.write.formats import WHOLE, FileFormat, made_of_triples
from chai_assets.datasets.write.manifest import FileEntry
from chai_assets.datasets.write.task_tables import MERGED_TABLES, TASK_TABLES
from chai_assets.datasets.write.trainer_formats import MERGED_FORMATS, TRAINER_FORMATS, formats_of


class OutputFiles:
    """Every file of a dataset that holds rows."""

    def __init__(self, folder: Path, dialects: tuple[str, ...]) -> None:
        self._folder = folder
        per_triple = (*TASK_TABLES, *formats_of(dialects, TRAINER_FORMATS))
        per_clip = (*MERGED_TABLES, *formats_of(dialects, MERGED_FORMATS))
        self.whole: list[RowWriter] = [
            ParquetWriter(HashedFile(folder / TRIPLES), lambda rows: rows, schema=CANONICAL),
            JsonLinesWriter(HashedFile(folder / TRIPLES_JSONL), lambda rows: rows),
        ]
        self.labels: RowWriter = ParquetWriter(HashedFile(folder / PRIMITIVES), lambda rows: rows, PRIMITIVES_SCHEMA)
        # A folder a split, so that nobody trains on eval by reading a whole file; empty files keep paths stable.
        self.per_triple = {split: self._opened(split, per_triple) for split in SPLITS}
        self.per_clip = {split: self._opened(split, per_clip) for split in SPLITS}

    def _opened(self, split: str, formats: Iterable[FileFormat]) -> list[tuple[str, RowWriter]]:
        return [(one.made_of, open_row_writer(self._folder / split / one.path, one)) for one in formats]

    @property
    def _every(self) -> list[RowWriter]:
        split = [*self.per_triple.values(), *self.per_clip.values()]
        return [*self.whole, self.labels, *(file for files in split for _, file in files)]

    @property
    def bytes(self) -> int:
        return sum(rows.file.bytes for rows in self._every)

    @property
    def rows(self) -> int:
        return self.whole[-1].rows

    def row_batches(
        self, rows: pl.DataFrame, merged: pl.DataFrame, labels: pl.DataFrame
    ) -> Iterator[tuple[RowWriter, pl.DataFrame]]:
        """What each file gets of a chunk's rows."""
        yield self.labels, labels
        yield from ((file, rows) for file in self.whole)
        # Sides without rows too: a file knows its columns from what it is given.
        for split in SPLITS:
            side = pl.col("split") == split
            files = self.per_triple[split]
            made = made_of_triples(rows.filter(side), (name for name, _ in files)) | {WHOLE: merged.filter(side)}
            yield from ((file, made[name]) for name, file in (*files, *self.per_clip[split]))

    def finish(self) -> list[FileEntry]:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda rows: close_writer(rows, self._folder), self._every))

    def abandon(self) -> None:
        for rows in self._every:
            rows.file.abandon()
