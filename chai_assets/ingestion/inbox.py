"""The inbox: which folders in it are batches, what each holds, and by what a change of it is known.

An inbox is a folder or an `s3://` prefix; each of its sub-folders is a batch of that name.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chai_assets.ingestion.files import names
from chai_assets.ingestion.files.listing import Listing, VideoFile, list_bucket, list_folder
from chai_assets.ingestion.files.names import shown
from chai_resources.media import Media
from chai_resources.media_store import MediaError

MOST_NAMES = 20
"""As many names are shown of a long list, and the number of all."""

_SAMPLE = 4096
"""Bytes that are read at either end of a file: containers keep there what is written last."""


@dataclass(frozen=True)
class InboxBatch:
    """A sub-folder of the inbox, and what lies in it."""

    name: str
    uri: str
    listing: Listing

    @property
    def files(self) -> int:
        """How many videos are taken."""
        return len(self.listing.videos)

    @property
    def bytes(self) -> int:
        """Bytes of its videos."""
        return sum(each.bytes for each in self.listing.videos)

    def stamp(self) -> str:
        """16 hex digits that change with every name, size, time and version of what matters in the folder."""
        lines = [f"{each.stored_key}\0{each.bytes}\0{each.version}" for each in self._matter()]
        lines += [f"{each.name}\0{each.reason}" for each in self.listing.left_out]
        return _digest(lines)

    def fingerprint(self) -> str:
        """The same, of what the files begin and end with as well: a file may be exchanged under the same times."""
        if self.uri.startswith("s3://"):
            return self.stamp()  # has every object's ETag
        root = Path(self.uri).absolute()
        return _digest([self.stamp(), *(_sample(root / each.stored_key) for each in self._matter())])

    def _matter(self) -> Iterator[VideoFile]:
        yield from self.listing.videos
        yield from (each for each in self.listing.others if each.stored_key.lower().startswith("rights."))


@dataclass(frozen=True)
class Survey:
    """An inbox at a glance: its folders by name, and a line on each thing that lies there and is no folder."""

    folders: list[InboxBatch]
    told: list[str]

    @property
    def batches(self) -> list[InboxBatch]:
        """The folders with videos in them."""
        return [each for each in self.folders if each.files]


def survey(inbox: str) -> Survey:
    """Looks over an inbox; finds nothing if there is none yet. Raises MediaError if it cannot be read."""
    if inbox.startswith("s3://"):
        return _survey_bucket(inbox)
    root = Path(inbox).absolute()
    try:
        found = sorted(os.scandir(root), key=lambda each: each.name)
    except FileNotFoundError:
        return Survey([], [])
    except OSError as error:
        raise MediaError(f"the inbox {root} cannot be read ({error.strerror}): check its rights") from error
    folders, loose, told = [], Listing(), []
    for entry in found:
        name = shown(entry.name)
        if entry.is_symlink():
            told.append(f"{name} is a link, which is not followed: put the folder itself into the inbox")
        elif entry.is_file(follow_symlinks=False):
            loose.add(VideoFile(name, entry.name, 1, ""))
        elif not entry.is_dir(follow_symlinks=False):
            told.append(f"{name} is no folder and no file: remove it")
        elif names.is_hidden(entry.name):
            continue
        elif name != entry.name:
            told.append(f"folder {name} cannot be a batch: rename it to lower-case letters, digits, dots and dashes")
        else:
            uri = f"{inbox.rstrip('/')}/{entry.name}"
            try:
                folders.append(InboxBatch(name, uri, list_folder(Media(root=uri))))
            except MediaError as error:
                told.append(str(error))
    return Survey(folders, [*told, *_loose(loose)])


def batches(inbox: str) -> list[InboxBatch]:
    """The batches that wait in an inbox, by name; none if there is no inbox yet. Raises MediaError."""
    return survey(inbox).batches


def in_short(lines: Iterable[str], most: int = MOST_NAMES) -> str:
    """A list of names or lines as one text, cut where it is long."""
    every = list(lines)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def other_files(listing: Listing) -> str:
    """What nobody takes for videos: how many files, of which endings."""
    endings = Counter(names.suffix(each.stored_key) or "no ending" for each in listing.others)
    counted = in_short(f"{count} {ending}" for ending, count in endings.most_common())
    return f"{len(listing.others)} ({shown(counted)})" if listing.others else "none"


def _survey_bucket(inbox: str) -> Survey:
    listed = list_bucket(Media(root=inbox))
    loose = listed.pop("", Listing())
    folders = [
        InboxBatch(shown(name), f"{inbox.rstrip('/')}/{name}", listing)
        for name, listing in sorted(listed.items())
        if not names.is_hidden(name)
    ]
    return Survey(folders, _loose(loose))


def _loose(listing: Listing) -> list[str]:
    loose = [*(each.key for each in listing.videos), *(each.name for each in listing.left_out)]
    if not loose:
        return []
    return [f"{in_short(loose)}: in no folder of the inbox; put videos into a folder, which becomes a batch"]


def _sample(path: Path) -> str:
    """What a file begins and ends with, as text; a word where it cannot be read, which is for ingestion to tell."""
    try:
        # A pipe that took the file's place would keep its reader waiting.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                return "no file"
            head = file.read(_SAMPLE)
            file.seek(max(0, about.st_size - _SAMPLE))
            return hashlib.sha256(head + file.read(_SAMPLE)).hexdigest()
    except OSError as error:
        return type(error).__name__


def _digest(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.encode("utf-8", "surrogateescape") + b"\n")
    return whole.hexdigest()[:16]
