"""Imports a corpus into the tables: groups it by clip, converts clip after clip, appends what is not there yet.

Ids follow from content, so a second import adds nothing, and one that was killed is finished by running it again.
What a corpus becomes is decided in `convert.py`; the audit is in `integrity/`.
"""

import gc
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from chai_assets.core.rows import NewRow
from chai_assets.importing.clip_spool import Spool
from chai_assets.importing.convert import convert_clip, refused_rows
from chai_assets.importing.corpus_files import ShareProgress, files_of
from chai_assets.importing.corpus_names import ImportRefused
from chai_assets.importing.item_facts import ItemFacts
from chai_assets.importing.labels import CorpusLabels, label_rows
from chai_assets.importing.records import Corpus
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

# Rows of this many clips are appended at once: some 2,000 files, whose prompts and archived JSON fill memory.
CLIPS_AT_ONCE = 125

# The report's rows come last: a file is accounted for once its records are there.
ORDER = ("sources", "clips", "annotation_events", "drafts", "critiques", "revisions", "reviews", "triples")
ORDER += ("merged_captions", "primitives", "import_files")


@dataclass
class ImportOutcome:
    """What an import found: its files' rows without their details, the facts of its items, and rows added by table."""

    files: list[NewRow] = field(default_factory=list)
    facts: list[ItemFacts] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    """Records by table, those that were there already included."""
    added: Counter[str] = field(default_factory=Counter)
    clips: int = 0


def import_corpus(
    corpus: Corpus,
    path: Path,
    tables: Tables,
    folder: Path,
    *,
    labels: CorpusLabels | None = None,
    people: str = "",
    reading: ShareProgress = lambda share: None,
    writing: ShareProgress = lambda share: None,
) -> ImportOutcome:
    """Imports a folder or a tar. `folder` is this import's own; `people` tells how names were made into ids.

    Raises ImportRefused where the archive is broken, or another corpus was imported under this name.
    """
    with _garbage_left_till_a_write(), Spool() as spool:
        spool.fill(files_of(path, reading))
        clips = spool.clips()
        if not clips:
            raise ImportRefused(
                f"{path} holds no caption file: output_captions/<task>/<clip>_feedback.json and the like"
            )
        digest = spool.digest()
        if _noted(folder).get("corpus") == (stood := spool.digest("stood")):
            digest = stood
            spool.name_as_they_stand()
        _refuse_other_corpus(folder, {"corpus": digest, "people": people}, labels)
        store = _Store(tables, corpus.batch)
        clip_ids: dict[str, str] = {}
        for number, (clip, files) in enumerate(spool.by_clip(), 1):
            outcome = convert_clip(corpus, clip, files)
            assert len(outcome.files) == len(files), f"{clip}: {len(files)} files, {len(outcome.files)} accounted for"
            store.take(outcome.rows | {"import_files": outcome.files}, outcome.facts)
            clip_ids |= {row["name"]: row["clip_id"] for row in outcome.rows["clips"]}
            if number % CLIPS_AT_ONCE == 0:
                store.write()
            writing(number / clips)
        store.take({"import_files": list(refused_rows(corpus, spool.refused()))})
        files = spool.count()
        assert len(store.done.files) == files, f"{files} files, {len(store.done.files)} accounted for"
    if labels:
        rows, report = label_rows(corpus, labels, clip_ids)
        store.take({"primitives": rows, "import_files": report})
    store.write()
    store.done.clips = len(clip_ids)
    return store.done


class _Store:
    """Collects rows and appends those that the tables do not hold; what was held at the start is read once."""

    def __init__(self, tables: Tables, batch: str) -> None:
        self.tables = tables
        mine = pl.col("batch") == batch
        # By `where`, since a batch that is asked for by name is kept in memory whole.
        self.known = {
            name: set(tables.read(name, columns=[TABLES[name].key], where=mine)[TABLES[name].key]) for name in ORDER
        }
        held = tables.read("critiques", columns=["event_id", "critique_id"], where=mine)
        self.critiques: dict[str, str] = dict(held.iter_rows())
        self.seen: dict[str, set[str]] = {name: set() for name in ORDER}
        self.pending: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in ORDER}
        self.done = ImportOutcome()

    def take(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], facts: Iterable[ItemFacts] = ()) -> None:
        """Takes in rows, each key once. Raises ImportRefused where what a file became has another id by now."""
        for row in rows.get("critiques", ()):
            if self.critiques.get(row["event_id"], row["critique_id"]) != row["critique_id"]:
                raise ImportRefused(
                    "critiques are read otherwise by now than when this corpus was imported, and what follows from "
                    "them would be there twice: what was imported stays as it is; import it under another name"
                )
        self.done.facts += facts
        for row in rows["import_files"]:
            self.done.files.append({name: row.get(name) for name in ("path", "kind", "aspect", "record_id", "reason")})
        for name, given in rows.items():
            key = TABLES[name].key
            for row in given:
                value = row[key]
                if value not in self.seen[name]:
                    self.seen[name].add(value)
                    if value not in self.known[name]:
                        self.pending[name][value] = row
        self.done.rows = Counter({name: len(keys) for name, keys in self.seen.items()})

    def write(self) -> None:
        """Appends what is pending, one commit a table."""
        for name in ORDER:
            self.done.added[name] += self.tables.append(name, _emptied(self.pending[name]))
        gc.collect(1)


def _emptied(pending: dict[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What is pending; when it was taken nothing else holds it."""
    yield from pending.values()
    pending.clear()


@contextmanager
def _garbage_left_till_a_write() -> Iterator[None]:
    """Collects garbage at each write alone.

    Nearly all that is made lives until its write, and its number would set the collector off time and again over
    everything alive: a twelfth of an import.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _noted(folder: Path) -> dict[str, str]:
    """What was noted of the corpus that was first imported here; nothing before that."""
    noted = folder / "corpus.json"
    return json.loads(noted.read_text()) if noted.exists() else {}


def _refuse_other_corpus(folder: Path, given: dict[str, str], labels: CorpusLabels | None) -> None:
    """Refuses another corpus under a name that is taken; the first one is noted before a row is written."""
    noted, before = folder / "corpus.json", _noted(folder)
    now = given | ({"labels": labels.sha256} if labels else {})
    changed = [what for what, value in now.items() if before.get(what, value) != value]
    if changed:
        raise ImportRefused(
            f"{folder.name} is the name of another import ({', '.join(changed)} differ): what was imported stays as it "
            "is; import this under another name"
        )
    folder.mkdir(parents=True, exist_ok=True)
    partial = noted.with_name(f"{noted.name}.{os.getpid()}")
    partial.write_text(json.dumps(before | now, indent=1) + "\n")
    partial.replace(noted)
