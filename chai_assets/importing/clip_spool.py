"""Groups the files of a corpus by clip: they come in any order, and a clip's files are needed together.

They wait in a temporary file, and what they are in a temporary SQLite database, so that memory does not grow with the
corpus and no file gets a name that the corpus chose.
"""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa

from chai_assets.importing.corpus_files import CorpusFile
from chai_assets.importing.layout import CAPTIONS, FileKind, FileRole, choose_root, corpus_path, role_of
from chai_assets.importing.reasons import FileIssue

# One of a handful of prompts makes up most of every file, so packing halves what is written. By LZ4, which packs and
# unpacks 4,800 characters in 2 microseconds; zlib at its fastest packs them in 22.
_PACKER = pa.Codec("lz4_raw")


@dataclass(frozen=True)
class CaptionFile:
    """A file that has its place in the layout; `path` is unlike that of every other file."""

    path: str
    sha256: str
    role: FileRole
    data: bytes


@dataclass(frozen=True)
class RefusedFile:
    """A file that has no place, and why."""

    path: str
    sha256: str
    issue: FileIssue


class Spool:
    """The files of one corpus. A context manager: at its end the temporary files are gone."""

    def __init__(self) -> None:
        # Neither file has a name (SQLite unlinks that of a database without one): also a kill leaves nothing behind.
        # Apart from their contents rows are small, and the database sorts and renames them in memory.
        with ExitStack() as opened:
            self._db = opened.enter_context(closing(sqlite3.connect("", isolation_level=None)))
            self._contents = opened.enter_context(tempfile.TemporaryFile())
            self._opened = opened.pop_all()
        self._end = 0
        self._names = "path"
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE files (stood TEXT PRIMARY KEY, path TEXT, root TEXT, sha256 TEXT, clip TEXT, aspect TEXT,"
            " kind TEXT, size INTEGER, at INTEGER, packed INTEGER);"
            "CREATE TABLE refused (stood TEXT PRIMARY KEY, path TEXT, sha256 TEXT, reason TEXT, detail TEXT);"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def fill(self, found: Iterable[CorpusFile]) -> None:
        """Takes in all files of a corpus. A path that comes a second time is told apart by a number after it.

        Raises ImportRefused where several folders may be the corpus.
        """
        self._db.execute("BEGIN")
        for file in found:
            self._put(file)
        roots = dict(self._db.execute("SELECT root, count(*) FROM files WHERE kind != 'merged' GROUP BY root"))
        if roots:
            self._keep(choose_root(roots))
        self._contents.flush()
        self._db.execute("COMMIT")
        self._db.execute("CREATE INDEX by_clip ON files (clip, aspect, kind, path)")

    def _put(self, file: CorpusFile) -> None:
        sha256 = hashlib.sha256(file.data).hexdigest()
        role = file.refused or role_of(file.path)
        for number in range(1, 10_000):
            path = file.path if number == 1 else f"{file.path}#{number}"
            try:
                if isinstance(role, FileIssue):
                    row = (path, sha256, role.reason, role.detail)
                    self._db.execute("INSERT INTO refused VALUES (?1, ?1, ?2, ?3, ?4)", row)
                else:
                    row = (path, role.root, sha256, role.clip, role.aspect, role.kind, len(file.data), self._end)
                    packed = _PACKER.compress(file.data, asbytes=True)
                    self._db.execute(
                        "INSERT INTO files VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", (*row, len(packed))
                    )
                    self._end += self._contents.write(packed)
                return
            except sqlite3.IntegrityError:
                continue

    def _keep(self, root: str) -> None:
        """Refuses what lies in other folders of captions, and names what is left as every copy of the corpus does."""
        # Beside a corpus that was given without its own folder nothing else was given.
        merged = root if root.rpartition("/")[2] == CAPTIONS else f"{root.rpartition('/')[0]}/{CAPTIONS}".lstrip("/")
        other = FileIssue.of("other_corpus")
        outside = "FROM files WHERE root != (CASE kind WHEN 'merged' THEN ? ELSE ? END)"
        self._db.execute(
            f"INSERT INTO refused SELECT stood, path, sha256, ?, ? {outside}",
            (other.reason, other.detail, merged, root),
        )
        self._db.execute(f"DELETE {outside}", (merged, root))
        for table in ("files", "refused"):
            stood = [path for (path,) in self._db.execute(f"SELECT stood FROM {table}")]
            named = ((corpus_path(path, root), path) for path in stood)
            changed = ((name, path) for name, path in named if name != path)
            self._db.executemany(f"UPDATE {table} SET path = ? WHERE stood = ?", changed)

    def name_as_they_stand(self) -> None:
        """Names files by their whole paths, as imports once did: for a corpus that was imported so."""
        self._names = "stood"

    def count(self) -> int:
        """Files taken in, refused ones included."""
        return sum(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("files", "refused"))

    def clips(self) -> int:
        """Distinct clips that files are about."""
        return self._db.execute("SELECT count(DISTINCT clip) FROM files").fetchone()[0]

    def digest(self, names: Literal["path", "stood"] = "path") -> str:
        """Hash over all paths and contents: the same for the same corpus, whatever order it came in.

        By `path` it is the same for a folder and for a tar, by `stood` only where they are given in the same way.
        """
        whole = hashlib.sha256()
        for table in ("files", "refused"):
            for path, sha256 in self._db.execute(f"SELECT {names}, sha256 FROM {table} ORDER BY {names}"):
                whole.update(f"{path}\0{sha256}\n".encode())
        return whole.hexdigest()

    def refused(self) -> Iterator[RefusedFile]:
        """The files without a place, by path."""
        rows = self._db.execute(f"SELECT {self._names}, sha256, reason, detail FROM refused ORDER BY 1")
        for path, sha256, reason, detail in rows:
            yield RefusedFile(path, sha256, FileIssue(reason, detail))

    def by_clip(self) -> Iterator[tuple[str, list[CaptionFile]]]:
        """Each clip with all its files, by name."""
        columns = f"clip, aspect, kind, {self._names}, sha256, root, size, at, packed"
        rows = self._db.execute(f"SELECT {columns} FROM files ORDER BY 1, 2, 3, 4")
        for clip, group in groupby(rows, key=lambda row: row[0]):
            yield clip, [self._file(*row) for row in group]

    def _file(
        self,
        clip: str,
        aspect: str | None,
        kind: FileKind,
        path: str,
        sha256: str,
        root: str,
        size: int,
        at: int,
        packed: int,
    ) -> CaptionFile:
        data = _PACKER.decompress(os.pread(self._contents.fileno(), packed, at), size, asbytes=True)
        return CaptionFile(path, sha256, FileRole(clip, aspect, kind, root), data)
