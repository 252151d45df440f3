"""What lies in a batch's folder: the videos that are taken, and by name whatever else a person may have meant.

Nothing is opened here, no link is followed out of the folder, and nothing is left out without a word.
"""

import errno
import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chai_assets.ingestion.files import names
from chai_assets.ingestion.files.names import shown
from chai_resources.media import Media
from chai_resources.media_store import MediaError

_ITS_OWN_FAULT = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
"""Errors that are the fault of what is listed, and of no disk or share."""

_PARTIAL = "is being copied or downloaded, or was left half-way; it is taken under its own name once it is complete"


@dataclass(frozen=True)
class VideoFile:
    """A file that is taken: its path in the folder as rows show it and as the store knows it, and its size in bytes.

    `version` changes whenever the file is written to, also where size and time of change stay.
    """

    key: str
    stored_key: str
    bytes: int
    version: str


@dataclass(frozen=True)
class LeftOut:
    """What is not taken although a person may have meant it: its path as shown, the reason and the remedy."""

    name: str
    reason: str
    kind: str = "left_out"


@dataclass
class Listing:
    """A folder's videos, what is left out, and the other files, which nobody takes for videos; each by name."""

    videos: list[VideoFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    others: list[VideoFile] = field(default_factory=list)
    _hidden: Counter[str] = field(default_factory=Counter)

    def add(self, file: VideoFile) -> None:
        """Sorts a regular file in by its name."""
        name = file.stored_key
        folder = name.rpartition("/")[0]
        if names.is_shadow(name):
            self.others.append(file)
        elif names.is_hidden(folder):
            self._hidden[shown(folder)] += names.means_video(name)
        elif reason := _why_not(name):
            self.left_out.append(LeftOut(file.key, reason))
        elif names.is_video(name):
            self.videos.append(file)
        else:
            self.others.append(file)

    def in_order(self) -> "Listing":
        """The same with everything in the order of its name, and a word on each hidden folder that holds videos."""
        for folder, count in self._hidden.items():
            if count:
                held = "1 video" if count == 1 else f"{count} videos"
                reason = f"is a hidden folder with {held}; name it without a dot to have them taken"
                self.left_out.append(LeftOut(folder, reason))
        return Listing(
            sorted(self.videos, key=lambda each: each.stored_key),
            sorted(self.left_out, key=lambda each: each.name),
            sorted(self.others, key=lambda each: each.stored_key),
        )


def list_folder(folder: Media) -> Listing:
    """What lies in a folder or under an `s3://` prefix, sub-folders included.

    Raises MediaError if it is not there or a link, or the store does not answer.
    """
    listing = Listing()
    if folder.is_s3:
        for entry in folder.entries():
            _add_object(listing, entry.key, entry.bytes, entry.version)
    else:
        root = Path(folder.root).absolute()
        if not root.is_dir() or root.is_symlink():
            what = "is a link, which is not followed" if root.is_symlink() else "does not exist"
            raise MediaError(f"folder {shown(str(root))} {what}: make it and put the batch's videos there")
        _Walk(root, listing).run()
    return listing.in_order()


def list_bucket(inbox: Media) -> dict[str, Listing]:
    """The same of every sub-folder of an `s3://` inbox, by name, in one listing; loose objects stand under ``""``."""
    found: dict[str, Listing] = {}
    for entry in inbox.entries():
        name, slash, key = entry.key.partition("/")
        listing = found.setdefault(name if slash else "", Listing())
        _add_object(listing, key if slash else name, entry.bytes, entry.version)
    return {name: listing.in_order() for name, listing in found.items()}


class _Walk:
    """One walk over a folder of this machine, without recursion: folders may be nested as deep as paths go."""

    def __init__(self, root: Path, listing: Listing) -> None:
        self._root, self._listing = str(root), listing
        self._real_root = os.path.realpath(root)
        self._waiting = [""]

    def run(self) -> None:
        while self._waiting:
            folder = self._waiting.pop()
            try:
                with os.scandir(f"{self._root}/{folder}") as entries:
                    for entry in entries:
                        self._visit(entry, f"{folder}/{entry.name}" if folder else entry.name)
            except FileNotFoundError:
                continue  # removed since it was listed
            except OSError as error:
                self._unlisted(folder, error)

    def _visit(self, entry: os.DirEntry[str], key: str) -> None:
        try:
            about = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return  # removed since it was listed
        except OSError as error:
            self._unlisted(key, error)
            return
        if stat.S_ISREG(about.st_mode):
            self._listing.add(_video_file(key, about))
        elif stat.S_ISDIR(about.st_mode):
            self._folder(key)
        elif names.is_hidden(key):
            return
        elif stat.S_ISLNK(about.st_mode):
            self._link(key)
        else:
            self._leave(key, f"is a {_kind(about.st_mode)}, no file; remove it")

    def _folder(self, key: str) -> None:
        # Some browsers keep what they download in a folder of the file's name.
        if names.is_partial(key):
            self._leave(key, _PARTIAL)
        else:
            self._waiting.append(key)

    def _link(self, key: str) -> None:
        path = f"{self._root}/{key}"
        means_video = names.is_video(key)
        try:
            target = os.path.realpath(path, strict=True)
            about = os.stat(target)
        except OSError as error:
            if means_video:
                reason = f"is a link that leads nowhere ({error.strerror}); put the file itself there"
                self._listing.left_out.append(LeftOut(shown(key), reason, "broken"))
            return
        if stat.S_ISDIR(about.st_mode):
            self._leave(key, "is a link to a folder, which is not followed; put the folder itself there")
        elif not stat.S_ISREG(about.st_mode):
            self._leave(key, f"is a link to a {_kind(about.st_mode)}, no file; remove it")
        elif not means_video:
            return
        elif not target.startswith(f"{self._real_root}/"):
            self._leave(key, "is a link that leads out of the batch's folder; put the file itself there")
        else:
            self._listing.add(_video_file(key, about))

    def _leave(self, key: str, reason: str) -> None:
        self._listing.left_out.append(LeftOut(shown(key), reason))

    def _unlisted(self, key: str, error: OSError) -> None:
        where = shown(f"{self._root}/{key}".rstrip("/"))
        if error.errno not in _ITS_OWN_FAULT:
            raise MediaError(
                f"{where} cannot be listed ({error.strerror}): see to the disk or the share, then run again"
            ) from error
        if not key:
            raise MediaError(f"folder {where} cannot be read ({error.strerror}): check its rights, then run again")
        remedy = "shorten its path" if error.errno == errno.ENAMETOOLONG else "give the platform the right to read it"
        self._leave(key, f"cannot be opened ({error.strerror}); {remedy}")


def _add_object(listing: Listing, key: str, size: int, version: str) -> None:
    file = VideoFile(shown(key), key, size, version)
    if any(part in ("", ".", "..") for part in key.split("/")) and names.means_video(key):
        listing.left_out.append(LeftOut(file.key or "(no name)", "has a key that is no plain path; rename it"))
    else:
        listing.add(file)


def _video_file(key: str, about: os.stat_result) -> VideoFile:
    # The time of the last change of the file's own record: a copy cannot bring that from elsewhere.
    version = f"{about.st_mtime_ns}:{about.st_ctime_ns}"
    return VideoFile(shown(key), key, about.st_size, version)


def _why_not(name: str) -> str | None:
    """Why a file of that name is left out, if a person may have meant it as a video."""
    if names.is_partial(name):
        return _PARTIAL
    if names.is_hidden(name) and names.means_video(name):
        return "is hidden; name it without a dot at the beginning to have it taken"
    if names.is_unread_video(name) and not names.is_hidden(name):
        return f"is in a form that is not read here ({names.suffix(name)}); convert it to H.264 in MP4"
    return None


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"
