"""One file of the inbox while it is read: under a plain name, hashed, and seen to be the same at the end."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from chai_assets.ingestion.files.child import MACHINE
from chai_assets.ingestion.files.listing import VideoFile
from chai_assets.ingestion.files.workers import ReadingFailed
from chai_assets.ingestion.probe import BadVideo
from chai_resources.media import Media
from chai_resources.media_store import ObjectMissing

_CHUNK = 1 << 20


class Changed(BadVideo):
    """The file was written to, replaced or removed while it was read."""

    def __init__(self) -> None:
        super().__init__("broken", "changed while it was read; it is read again once it stays the same")


@dataclass(frozen=True)
class Original:
    """A file to read: a path that any library can open, and the sha256 of its bytes."""

    path: Path
    source_id: str


@contextmanager
def original(folder: Media, file: VideoFile, work: Path) -> Iterator[Original]:
    """The file under a plain name in the folder `work`, whatever its own.

    Raises BadVideo, at the latest at the end, if it is empty, cannot be read, is no file, or did not stay the same;
    ReadingFailed and MediaError for what is not its fault.
    """
    if not file.bytes:
        raise BadVideo("empty", "has no bytes; copy it again")
    if folder.is_s3:
        try:
            with folder.local_copy(file.stored_key, work) as path:
                yield Original(path, _sha256(path, file.bytes)[0])
        except ObjectMissing as missing:
            raise BadVideo("broken", f"cannot be had from the bucket ({missing}); upload it again") from missing
        return
    source = Path(folder.root).absolute() / file.stored_key
    # FFmpeg reads patterns and addresses out of names, and takes none that is no UTF-8.
    link = work / f"original{PurePosixPath(file.key).suffix.lower()}"
    link.symlink_to(source)
    source_id, before = _sha256(source, file.bytes)
    try:
        yield Original(link, source_id)
    finally:
        # Whatever was found wrong with it: what was read is no longer what is there.
        if _looks(source) != before:
            raise Changed


def _sha256(path: Path, size: int) -> tuple[str, tuple[int, ...]]:
    """The hash of a file of so many bytes, and what it looked like. Nothing but a regular file is read."""
    try:
        # A pipe would keep its reader waiting.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadVideo("broken", "is no file; remove it")
            if about.st_size != size:
                raise Changed
            digest, left = hashlib.sha256(), size
            while left and (chunk := file.read(min(left, _CHUNK))):
                digest.update(chunk)
                left -= len(chunk)
    except OSError as error:
        raise _unreadable(path, error) from error
    if left:
        raise Changed
    return digest.hexdigest(), _identity(about)


def _looks(path: Path) -> tuple[int, ...]:
    try:
        return _identity(path.stat())
    except FileNotFoundError:
        raise Changed from None
    except OSError as error:
        raise _unreadable(path, error) from error


def _identity(about: os.stat_result) -> tuple[int, ...]:
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _unreadable(path: Path, error: OSError) -> Exception:
    if error.errno in MACHINE:
        return ReadingFailed(f"{path.parent} cannot be read ({error.strerror}): see to the disk or the share")
    if isinstance(error, FileNotFoundError):
        return BadVideo("broken", "is gone since the folder was listed; put it there again if it is wanted")
    return BadVideo("broken", f"cannot be read ({error.strerror}); check its rights")
