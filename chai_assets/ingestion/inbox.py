"""Where videos wait: the files of one batch, and the batches of an inbox. Nothing is opened here.

An inbox is a folder or an `s3://` prefix; each of its sub-folders is a batch of that name.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path, PurePosixPath

from chai_resources.media import Media
from chai_resources.media_store import Entry, MediaError

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"}
VIDEO_SUFFIXES |= {".ts", ".mts", ".m2ts", ".wmv", ".flv", ".ogv", ".3gp"}


@dataclass(frozen=True)
class InboxBatch:
    """A sub-folder of the inbox with videos in it; `changed_at` is the time of its newest file (UTC)."""

    name: str
    uri: str
    files: int
    changed_at: datetime


def videos(folder: Media) -> list[Entry]:
    """The video files of a folder and its sub-folders, by name; hidden and other files are left alone.

    Raises MediaError if the folder is not there or the bucket does not answer.
    """
    if not folder.is_s3 and not Path(folder.root).is_dir():
        raise MediaError(f"folder {folder.root} does not exist: make it and put the batch's videos there")
    return [entry for entry in folder.entries() if _is_video(entry.key)]


def batches(inbox: str) -> list[InboxBatch]:
    """The batches that wait in an inbox, by name; none if there is no inbox yet. Raises MediaError."""
    entries = [each for each in Media(root=inbox).entries() if "/" in each.key and _is_video(each.key)]
    found = []
    for name, group in groupby(entries, key=lambda each: each.key.partition("/")[0]):
        files = list(group)
        newest = max(each.changed_at for each in files)
        found.append(InboxBatch(name, f"{inbox.rstrip('/')}/{name}", len(files), newest))
    return found


def _is_video(key: str) -> bool:
    path = PurePosixPath(key)
    hidden = any(part.startswith(".") for part in key.split("/"))
    return not hidden and path.suffix.lower() in VIDEO_SUFFIXES
