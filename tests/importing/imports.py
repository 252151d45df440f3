"""Imports a small corpus into tables of a test, and reads back what it became."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chai_assets.importing.importer import ImportOutcome, import_corpus
from chai_assets.importing.labels import CorpusLabels
from chai_assets.importing.records import Corpus
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables
from tests.importing.corpora import Files, folder_of

BATCH = "import-small"


@dataclass
class Place:
    """Where a test imports to."""

    home: Path
    corpus: Corpus = field(default_factory=lambda: Corpus(BATCH, lambda name: f"p-{name.split()[0].lower()}"))

    @property
    def tables(self) -> Tables:
        """The tables, opened anew: nothing is remembered from one import to the next."""
        return Tables(root=str(self.home / "tables"))

    def take(self, files: Files, labels: CorpusLabels | None = None) -> ImportOutcome:
        return self.take_from(folder_of(files, self.home / "corpus"), labels)

    def take_from(self, path: Path, labels: CorpusLabels | None = None) -> ImportOutcome:
        return import_corpus(self.corpus, path, self.tables, self.home / "imports" / "small", labels=labels)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables.rows(table, BATCH)

    def files(self) -> dict[str, dict[str, Any]]:
        """The report's rows by path."""
        return {row["path"]: row for row in self.rows("import_files")}

    def reasons(self, path: str) -> set[str]:
        return set(filter(None, (self.files()[path]["reason"] or "").split(", ")))

    def versions(self) -> dict[str, int]:
        """Every table's Delta version: unchanged where nothing was written."""
        return {name: self.tables.version(name) for name in TABLES}


def accounted(done: ImportOutcome, files: int) -> Counter[str]:
    """Asserts that records and report rows are as many as the files; returns how many of each."""
    for row in done.files:
        assert row["record_id"] or row["reason"], row
    counts = Counter("record" if row["record_id"] else "report row" for row in done.files)
    assert counts.total() == files, counts
    return counts
