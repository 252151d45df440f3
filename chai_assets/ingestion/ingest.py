"""Turns the videos of one batch into rows and stored clips, file by file, in an order that a re-run repeats exactly.

Only the order of the steps belongs here. Reading a file, finding shots, encoding and comparing them are in the
modules beside this one.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TypeVar

from chai_assets.core.ids import record_id
from chai_assets.core.rows import ClipRow, NewRow, SourceRow
from chai_assets.ingestion.encode import Encoded
from chai_assets.ingestion.files.cut import ClipRules, cut
from chai_assets.ingestion.files.limits import Limits
from chai_assets.ingestion.files.listing import Listing, VideoFile, list_folder
from chai_assets.ingestion.files.names import shown
from chai_assets.ingestion.files.original import Changed, original
from chai_assets.ingestion.files.scratch import work_folder
from chai_assets.ingestion.files.workers import Workers
from chai_assets.ingestion.moving_picture import StoredClips, moving_picture
from chai_assets.ingestion.perceptual_hash import KnownShot, ShotIndex
from chai_assets.ingestion.probe import BadVideo
from chai_assets.ingestion.rights import RIGHTS_FILE, FolderRights, Right, folder_rights
from chai_assets.ingestion.rights_changes import RightsChange, SourceRights
from chai_assets.ingestion.shots import Scan, Shot
from chai_resources.media import Media

T = TypeVar("T")
R = TypeVar("R")

_WORKERS = min(4, os.cpu_count() or 1)
"""Files in work at once: each keeps one core busy, and one decoded video's frames in memory."""

_MOST_COMPARED = 16
"""Clips that look like a shot and are compared with it frame by frame, 0.1 to 1 s each. Before a fixed camera thousands
look alike; what is not compared counts as different."""


@dataclass(frozen=True)
class StoredRows:
    """The rows of the tables `sources` and `clips`, of every batch: none of it is stored again."""

    sources: Iterable[SourceRow] = ()
    clips: Iterable[ClipRow] = ()


@dataclass
class FileOutcome:
    """The rows of one file, whose media are stored already.

    Append `rights_changes` before `clips`, so that no clip stands without the limits that were said of it. Append
    `sources` last: a file counts as done once its source row is there, so that a crash in between does the file again.
    """

    name: str
    rights_changes: list[NewRow] = field(default_factory=list)
    sources: list[NewRow] = field(default_factory=list)
    clips: list[NewRow] = field(default_factory=list)
    problems: list[NewRow] = field(default_factory=list)


def ingest(
    batch: str,
    uri: str,
    media: Media,
    stored: StoredRows,
    rules: ClipRules,
    listing: Listing | None = None,
    limits: Limits | None = None,
) -> Iterator[FileOutcome]:
    """Ingests the videos of a folder or `s3://` prefix, by name; nothing is yielded for what is stored already.

    Rows are those of the tables `sources`, `clips`, `ingest_problems` and `rights_changes`, without `recorded_at`. A
    broken file, or one that is left out, yields its problem again on every run, with the same id. What lies in the
    folder is looked up where it is not given. Raises MediaError if folder or store do not answer, ReadingFailed where
    this machine fails, and ValueError for an unknown detector.
    """
    folder = Media(root=uri)
    listing = listing or list_folder(folder)
    sources = list(stored.sources)
    rights = folder_rights(folder, (row["name"] for row in sources if row["batch"] == batch))
    rows = _RowBuilder(batch, folder, media, rights, StoredRows(sources, stored.clips), rules)
    for name, kind, reason in rights.problems:
        yield FileOutcome(name, problems=[rows.problem(name, kind, reason)])
    if listing.left_out:
        yield FileOutcome("", problems=[rows.problem(each.name, each.kind, each.reason) for each in listing.left_out])
    workers = Workers(limits or Limits())
    with work_folder() as work:
        reader = _Reader(folder, work, rules, rows.source_ids(), workers)
        for done in _in_order(reader.read, enumerate(listing.videos), workers.close):
            outcome = rows.add(done)
            shutil.rmtree(done.work, ignore_errors=True)
            if outcome:
                yield outcome


@dataclass
class _ReadFile:
    """A file that was read: what is wrong with it, or its scan and encoded shots; neither if it is stored already."""

    entry: VideoFile
    work: Path
    source_id: str = ""
    bad: BadVideo | None = None
    scan: Scan | None = None
    encoded: dict[int, Encoded] = field(default_factory=dict)


class _Reader:
    """Reads files side by side, each in a process that may die of it. It handles bytes and pictures, not rows."""

    def __init__(self, folder: Media, work: Path, rules: ClipRules, known: set[str], workers: Workers) -> None:
        self._folder, self._work, self._rules, self._workers = folder, work, rules, workers
        self._claims = dict.fromkeys(known, -1)
        self._lock = Lock()

    def read(self, numbered: tuple[int, VideoFile]) -> _ReadFile:
        """Hashes, scans and encodes one file. Raises only what is not the fault of the file itself."""
        number, entry = numbered
        done = _ReadFile(entry, self._work / str(number))
        done.work.mkdir()
        try:
            with original(self._folder, entry, done.work) as file:
                done.source_id = file.source_id
                if self._claim(file.source_id, number):
                    made = self._workers.call(cut, file.path, self._rules, done.work, size=entry.bytes)
                    done.scan, done.encoded = made.scan, made.encoded
        except Changed as bad:
            # What was hashed is no file any more, of which another could be a copy.
            done.bad, done.scan, done.source_id = bad, None, ""
        except BadVideo as bad:
            done.bad = bad
        return done

    def _claim(self, source_id: str, number: int) -> bool:
        """Whether the file must be decoded: not if it is known or a copy of a file earlier in the order."""
        with self._lock:
            first = self._claims.get(source_id, number)
            self._claims[source_id] = min(first, number)
        return first >= number


class _RowBuilder:
    """Turns files that were read into rows, one after the other, and remembers what it has stored."""

    def __init__(
        self, batch: str, folder: Media, media: Media, rights: FolderRights, stored: StoredRows, rules: ClipRules
    ) -> None:
        self._batch, self._folder, self._media = batch, folder, media
        self._rights, self._rules = rights, rules
        self._sources = {row["source_id"]: (row["batch"], shown(row["name"])) for row in stored.sources}
        self._recorded = {row["source_id"]: Right(str(row["rights"]), str(row["licence"])) for row in stored.sources}
        self._index = ShotIndex((_known_shot(row), row["phash"]) for row in stored.clips)
        self._stored_clips = StoredClips(media)

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
            reason += self._other_rights(done, first)
            outcome.problems.append(self.problem(name, "duplicate", reason))
            return outcome
        if done.source_id:
            self._sources[done.source_id] = (self._batch, name)
        if done.scan is None:
            bad = done.bad or BadVideo(
                "broken", "was a copy of a file that changed meanwhile; it is read by the next run"
            )
            outcome.problems.append(self.problem(name, bad.kind, bad.reason))
            return outcome
        for shot in done.scan.shots:
            self._add_shot(done, shot, outcome)
        outcome.sources.append(self._source_row(done, done.scan))
        outcome.rights_changes += self._limits(done)
        return outcome

    def _limits(self, done: _ReadFile) -> list[NewRow]:
        """The last day and the purposes that are said of the file: rows of sources and clips hold neither."""
        name, right = done.entry.key, self._rights.of(done.entry.key)
        source = SourceRights(self._batch, done.source_id, name, Right(right.rights, right.licence), 0)
        if right == source.stands:
            return []
        return [RightsChange(source, right, self._folder.uri(RIGHTS_FILE)).row()]

    def _other_rights(self, done: _ReadFile, first: tuple[str, str]) -> str:
        """What to say of a copy whose rights are said to be others than those of the file that was ingested."""
        if self._rights.said is None:
            return ""
        said, recorded = self._rights.of(done.entry.key), self._recorded.get(done.source_id)
        if first[0] == self._batch:
            stands = self._rights.of(first[1])
        elif recorded:
            # What else is said of a file of another batch is in that batch's rights file.
            said, stands = Right(said.rights, said.licence), recorded
        else:
            return ""
        differ = [
            f"its {name} {'stay' if name.endswith('s') else 'stays'} {old}: {new} is said of this copy"
            for (name, old), new in zip(stands.shown().items(), said.shown().values(), strict=True)
            if old != new
        ]
        return f" ({'; '.join(differ)})" if differ else ""

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
        if same := self._same_shot(clip, length, done.source_id):
            reason = (
                f"{_position(shot)} shows the same shot as clip {same.name} ({same.clip_id}); "
                "it is not stored again, nothing needs doing"
            )
            outcome.problems.append(self.problem(name, "same_shot", reason, shot))
            return
        row = self._clip_row(done, shot, clip)
        self._media.put_file(row["media_key"], clip.path)
        self._media.put_bytes(row["thumb_key"], clip.thumb)
        shot_known = KnownShot(row["clip_id"], done.source_id, row["name"], row["duration_s"], row["media_key"])
        self._index.add(shot_known, clip.signature)
        outcome.clips.append(row)

    def _same_shot(self, clip: Encoded, length: float, source_id: str) -> KnownShot | None:
        """The stored clip of another source that shows the same shot."""
        alike = self._index.alike(clip.signature, length, source_id)[:_MOST_COMPARED]
        if not alike:
            return None
        seen = moving_picture(clip.path)
        return next((known for known in alike if self._stored_clips.same(seen, known.media_key)), None)

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
            "features": clip.features,
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
            "notes": " ".join(scanned.notes) or None,
        }


def _length_problem(shot: Shot, rules: ClipRules) -> tuple[str, str] | None:
    """Kind and reason if a shot lies outside the length window."""
    if rules.keeps(shot):
        return None
    if shot.seconds < rules.shortest_s:
        limit, kind = f"shorter than {rules.shortest_s:g} s", "too_short"
    else:
        limit, kind = f"longer than {rules.longest_s:g} s", "too_long"
    return kind, f"{_position(shot)} is {limit} and is skipped; widen CHAI_CLIP_SECONDS to keep such shots"


def _position(shot: Shot) -> str:
    return f"shot {shot.number} ({shot.start_s:.3f} to {shot.end_s:.3f} s)"


def _milliseconds(shot: Shot) -> tuple[int, int]:
    return round(shot.start_s * 1000), round(shot.end_s * 1000)


def _known_shot(row: ClipRow) -> KnownShot:
    return KnownShot(row["clip_id"], row["source_id"], row["name"], row["duration_s"], row["media_key"])


def _in_order(work: Callable[[T], R], items: Iterable[T], stop: Callable[[], None]) -> Iterator[R]:
    """Results in the order of the items, worked on side by side but never far ahead of the reader.

    What is being worked on when the reader ends is brought to an end by `stop`.
    """
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
        pool.shutdown(wait=False, cancel_futures=True)
        stop()
        pool.shutdown()
