"""Turns the videos of one batch into rows and stored clips, file by file, in an order that a re-run repeats exactly.

Only the order of the steps belongs here. Reading a file, finding shots, encoding and comparing them are in the
modules beside this one.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TypeVar

from av.error import FFmpegError

from chai_assets.core.ids import record_id
from chai_assets.core.rows import ClipRow, NewRow, SourceRow
from chai_assets.ingestion.encode import Encoded, encode_shots
from chai_assets.ingestion.inbox import videos
from chai_assets.ingestion.perceptual_hash import KnownShot, ShotIndex
from chai_assets.ingestion.probe import BadVideo
from chai_assets.ingestion.rights import RIGHTS_FILE, Rights, read_rights
from chai_assets.ingestion.shots import Scan, Shot, scan
from chai_resources.media import Media
from chai_resources.media_store import Entry

T = TypeVar("T")
R = TypeVar("R")

_WORKERS = min(4, os.cpu_count() or 1)
"""Files in work at once: each keeps one core busy, and one decoded video's frames in memory."""


@dataclass(frozen=True)
class ClipRules:
    """How videos are cut: the shot detector, and the shortest and longest shot that is kept, in seconds."""

    detector: str = "adaptive"
    shortest_s: float = 1.0
    longest_s: float = 20.0


@dataclass(frozen=True)
class StoredRows:
    """The rows of the tables `sources` and `clips`, of every batch: none of it is stored again."""

    sources: Iterable[SourceRow] = ()
    clips: Iterable[ClipRow] = ()


@dataclass
class FileOutcome:
    """The rows of one file, whose media are stored already.

    Append `clips` and `problems` first and `sources` last: a file counts as done once its source row is there, so
    that a crash in between does the file again.
    """

    name: str
    sources: list[NewRow] = field(default_factory=list)
    clips: list[NewRow] = field(default_factory=list)
    problems: list[NewRow] = field(default_factory=list)


def ingest(batch: str, uri: str, media: Media, stored: StoredRows, rules: ClipRules) -> Iterator[FileOutcome]:
    """Ingests the videos of a folder or `s3://` prefix, by name; nothing is yielded for what is stored already.

    Rows are those of the tables `sources`, `clips` and `ingest_problems`, without `recorded_at`. A broken
    file yields its problem again on every run, with the same id. Raises MediaError if folder or store do not
    answer, and ValueError for an unknown detector.
    """
    folder = Media(root=uri)
    files = videos(folder)
    rights, wrong = read_rights(folder)
    rows = _RowBuilder(batch, folder, media, rights, stored, rules)
    if wrong:
        yield FileOutcome(RIGHTS_FILE, problems=[rows.problem(RIGHTS_FILE, "broken", wrong)])
    with tempfile.TemporaryDirectory(prefix="chai-ingest-") as work:
        reader = _Reader(folder, Path(work), rules, rows.source_ids())
        for done in _in_order(reader.read, enumerate(files)):
            outcome = rows.add(done)
            shutil.rmtree(done.work, ignore_errors=True)
            if outcome:
                yield outcome


@dataclass
class _ReadFile:
    """A file that was read: what is wrong with it, or its scan and encoded shots; neither if it is stored already."""

    entry: Entry
    work: Path
    source_id: str = ""
    bad: BadVideo | None = None
    scan: Scan | None = None
    encoded: dict[int, Encoded] = field(default_factory=dict)


class _Reader:
    """Reads files side by side. It handles bytes and pictures, not rows."""

    def __init__(self, folder: Media, work: Path, rules: ClipRules, known: set[str]) -> None:
        self._folder, self._work, self._rules = folder, work, rules
        self._claims = dict.fromkeys(known, -1)
        self._lock = Lock()

    def read(self, numbered: tuple[int, Entry]) -> _ReadFile:
        """Hashes, scans and encodes one file. Raises only what is not the fault of the file itself."""
        number, entry = numbered
        done = _ReadFile(entry, self._work / str(number))
        try:
            if not entry.bytes:
                raise BadVideo("empty", "has no bytes; copy it again")
            with self._folder.local_copy(entry.key) as path:
                done.source_id = _sha256(path)
                if self._claim(done.source_id, number):
                    done.work.mkdir()
                    self._cut(path, done)
        except BadVideo as bad:
            done.bad = bad
        return done

    def _claim(self, source_id: str, number: int) -> bool:
        """Whether the file must be decoded: not if it is known or a copy of a file earlier in the order."""
        with self._lock:
            first = self._claims.get(source_id, number)
            self._claims[source_id] = min(first, number)
        return first >= number

    def _cut(self, path: Path, done: _ReadFile) -> None:
        done.scan = scan(path, self._rules.detector)
        kept = [shot for shot in done.scan.shots if _length_problem(shot, self._rules) is None]
        try:
            done.encoded = encode_shots(path, done.scan, kept, done.work)
        except FFmpegError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            raise BadVideo("broken", f"cannot be encoded ({error.strerror}); convert it to H.264") from error


class _RowBuilder:
    """Turns files that were read into rows, one after the other, and remembers what it has stored."""

    def __init__(
        self, batch: str, folder: Media, media: Media, rights: Rights, stored: StoredRows, rules: ClipRules
    ) -> None:
        self._batch, self._folder, self._media = batch, folder, media
        self._rights, self._rules = rights, rules
        self._sources = {row["source_id"]: (row["batch"], row["name"]) for row in stored.sources}
        self._index = ShotIndex((_known_shot(row), row["phash"]) for row in stored.clips)

    def source_ids(self) -> set[str]:
        """Files that are known by their bytes."""
        return set(self._sources)

    def add(self, done: _ReadFile) -> FileOutcome | None:
        """Stores the file's clips and gives its rows; None for a file that was ingested before."""
        name = done.entry.key
        first = self._sources.get(done.source_id)
        if first == (self._batch, name):
            return None
        outcome = FileOutcome(name)
        if first:
            where = first[1] if first[0] == self._batch else f"{first[1]} of batch {first[0]}"
            reason = f"is the same file as {where}; remove one of them"
            outcome.problems.append(self.problem(name, "duplicate", reason))
            return outcome
        if done.source_id:
            self._sources[done.source_id] = (self._batch, name)
        if done.bad or done.scan is None:
            assert done.bad is not None
            outcome.problems.append(self.problem(name, done.bad.kind, done.bad.reason))
            return outcome
        for shot in done.scan.shots:
            self._add_shot(done, shot, outcome)
        outcome.sources.append(self._source_row(done, done.scan))
        return outcome

    def problem(self, name: str, kind: str, reason: str, shot: Shot | None = None) -> NewRow:
        """A row of `ingest_problems`; the same trouble found again has the same id."""
        span = _milliseconds(shot) if shot else None
        text = reason if reason.startswith(name) else f"{name} {reason}"
        return {
            "batch": self._batch,
            "problem_id": record_id("problem", batch=self._batch, name=name, what=kind, span=span, reason=text),
            "name": name,
            "kind": kind,
            "reason": text,
            "start_s": span[0] / 1000 if span else None,
            "end_s": span[1] / 1000 if span else None,
        }

    def _add_shot(self, done: _ReadFile, shot: Shot, outcome: FileOutcome) -> None:
        name = done.entry.key
        if refused := _length_problem(shot, self._rules):
            outcome.problems.append(self.problem(name, *refused, shot))
            return
        clip = done.encoded[shot.number]
        length = clip.frames / clip.fps
        if same := self._index.find(clip.signature, length, done.source_id):
            reason = (
                f"{_position(shot)} shows the same shot as clip {same.name} ({same.clip_id}); "
                "it is not stored again, nothing needs doing"
            )
            outcome.problems.append(self.problem(name, "same_shot", reason, shot))
            return
        row = self._clip_row(done, shot, clip)
        self._media.put_file(row["media_key"], clip.path)
        self._media.put_bytes(row["thumb_key"], clip.thumb)
        shot_known = KnownShot(row["clip_id"], done.source_id, row["name"], row["duration_s"])
        self._index.add(shot_known, clip.signature)
        outcome.clips.append(row)

    def _clip_row(self, done: _ReadFile, shot: Shot, clip: Encoded) -> NewRow:
        start, end = _milliseconds(shot)
        clip_id = record_id("clip", source=done.source_id, start_ms=start, end_ms=end)
        right = self._rights.of(done.entry.key)
        return {
            "batch": self._batch,
            "clip_id": clip_id,
            "source_id": done.source_id,
            "name": f"{PurePosixPath(done.entry.key).with_suffix('')}-{shot.number}",
            "shot": shot.number,
            "start_s": start / 1000,
            "end_s": end / 1000,
            "duration_s": clip.frames / clip.fps,
            "width": clip.width,
            "height": clip.height,
            "fps": clip.fps,
            "frames": clip.frames,
            "media_key": f"clips/{clip_id}.mp4",
            "thumb_key": f"thumbs/{clip_id}.webp",
            "phash": clip.signature,
            "same_as": None,
            "rights": right.rights,
            "licence": right.licence,
        }

    def _source_row(self, done: _ReadFile, scanned: Scan) -> NewRow:
        right = self._rights.of(done.entry.key)
        encoded = [done.encoded[number] for number in sorted(done.encoded)]
        return {
            "batch": self._batch,
            "source_id": done.source_id,
            "name": done.entry.key,
            "uri": self._folder.uri(done.entry.key),
            "bytes": done.entry.bytes,
            "duration_s": scanned.duration_s,
            "width": scanned.width,
            "height": scanned.height,
            "fps": scanned.fps,
            "codec": scanned.codec,
            "has_audio": scanned.has_audio,
            "hdr": any(clip.hdr for clip in encoded) if encoded else None,
            "picture": "; ".join(dict.fromkeys(change for clip in encoded for change in clip.changes)) or None,
            "rights": right.rights,
            "licence": right.licence,
        }


def _length_problem(shot: Shot, rules: ClipRules) -> tuple[str, str] | None:
    """Kind and reason if a shot lies outside the length window."""
    if shot.seconds < rules.shortest_s:
        limit, kind = f"shorter than {rules.shortest_s:g} s", "too_short"
    elif shot.seconds > rules.longest_s:
        limit, kind = f"longer than {rules.longest_s:g} s", "too_long"
    else:
        return None
    return kind, f"{_position(shot)} is {limit} and is skipped; widen CHAI_CLIP_SECONDS to keep such shots"


def _position(shot: Shot) -> str:
    return f"shot {shot.number} ({shot.start_s:.3f} to {shot.end_s:.3f} s)"


def _milliseconds(shot: Shot) -> tuple[int, int]:
    return round(shot.start_s * 1000), round(shot.end_s * 1000)


def _known_shot(row: ClipRow) -> KnownShot:
    return KnownShot(row["clip_id"], row["source_id"], row["name"], row["duration_s"])


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadVideo("broken", f"cannot be read ({error.strerror}); check its rights") from error


def _in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results in the order of the items, worked on side by side but never far ahead of the reader."""
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="ingest")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
