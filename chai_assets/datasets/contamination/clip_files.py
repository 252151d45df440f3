"""Features of clips that have none in the tables: a benchmark's files, and clips that an earlier version stored.

Each is read once: its features stay in a file of the cache, also when a check is stopped halfway.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from chai_assets.ingestion.local_features.packed import VERSION
from chai_resources.errors import UnusableInput
from chai_resources.media_store import MediaStore

MOST_FRAMES = 600
"""Of a long film so many frames are looked at, all over it: one a second for ten minutes."""
_CACHED = pl.Schema({"name": pl.String, "bytes": pl.Int64, "changed": pl.Int64, "features": pl.String})

_KEPT_AT_ONCE = 200
"""Files after which what was read is kept: some minutes of work."""
_Identity = tuple[str, int, int]
_Known = dict[_Identity, str | None]
Progress = Callable[[int, int], None]
"""Told how many files were read, and of how many."""


class ClipUnreadable(UnusableInput):
    """A file that should be a clip is none; the text names it and the remedy."""


@dataclass(frozen=True)
class ClipFile:
    """A file to read, and what tells whether it is the one that was read before."""

    name: str
    bytes: int
    changed: int
    opened: Callable[[], AbstractContextManager[Path]]

    @classmethod
    def on_disk(cls, path: Path) -> "ClipFile":
        """A file of this machine."""
        told = path.stat()
        return cls(str(path.absolute()), told.st_size, told.st_mtime_ns, lambda: nullcontext(path))

    @classmethod
    def stored(cls, media: MediaStore, key: str) -> "ClipFile":
        """A clip of the media store, whose content its key names."""
        return cls(f"{media.root}/{key}", 0, 0, lambda: media.local_copy(key))

    @property
    def identity(self) -> _Identity:
        return self.name, self.bytes, self.changed


def read_features(
    files: Sequence[ClipFile], cache: Path, progress: Progress = lambda done, of: None
) -> list[str | None]:
    """The features of each file in order; None for one whose pictures are plain. Raises ClipUnreadable."""
    place = cache / f"clip-features-{VERSION}.parquet"
    known = _cached(place)
    todo = [file for file in {one.identity: one for one in files}.values() if file.identity not in known]
    read: _Known = {}
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for done, (file, features) in enumerate(zip(todo, pool.map(_read, todo), strict=True), 1):
                read[file.identity] = features
                progress(done, len(todo))
                if done % _KEPT_AT_ONCE == 0:
                    _keep(place, read)
    finally:
        _keep(place, read)
    known |= read
    return [known[file.identity] for file in files]


def _read(file: ClipFile) -> str | None:
    from av.error import FFmpegError

    with file.opened() as path:
        try:
            return features_of(path)
        except FFmpegError as error:
            raise ClipUnreadable(f"{file.name} cannot be read ({error}): fetch it again, or take it out") from error
        except IndexError:
            raise ClipUnreadable(f"{file.name} has no picture: fetch it again, or take it out") from None


def features_of(path: Path) -> str | None:
    """The features of a video file; None if its pictures are plain. Raises FFmpegError, IndexError without a video."""
    # Video libraries take half a second to import, which every run and code server would pay.
    import av

    from chai_assets.ingestion.local_features.extract import FeatureCollector, sample_parts

    collector = FeatureCollector()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        seconds = (container.duration or 0) / av.time_base
        wanted = [part * seconds for part in sample_parts(seconds, MOST_FRAMES)]
        last = None
        for last in container.decode(stream):
            at = last.time or 0.0
            if wanted and at >= wanted[0]:
                collector.add(last)
                wanted = [time for time in wanted if time > at]
        if last is None:
            raise IndexError
        if wanted:
            collector.add(last)
    return collector.packed()


def _cached(place: Path) -> _Known:
    try:
        rows = pl.read_parquet(place, schema=_CACHED) if place.exists() else pl.DataFrame(schema=_CACHED)
    except pl.exceptions.PolarsError:
        return {}  # it is written again
    return {row[:3]: row[3] for row in rows.iter_rows()}


def _keep(place: Path, read: _Known) -> None:
    """Adds to what the file holds by now, since another check may have added to it."""
    if not read:
        return
    rows = [(*identity, features) for identity, features in (_cached(place) | read).items()]
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_suffix(f".{os.getpid()}.part")
    pl.DataFrame(rows, schema=_CACHED, orient="row").write_parquet(unfinished)
    unfinished.rename(place)
