"""Bookmarks: where the last look at a batch's tasks of one kind ended, and what Label Studio is known by.

Each look that brought something, and each push, leaves a mark in Label Studio's database. A database that lacks it was
restored from an older backup, or is another one: from then on it is in a new epoch.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from chai_assets.core.ids import canonical_json
from chai_assets.workflow.records import TaskKind
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bookmark:
    """Up to where a batch's tasks of one kind were looked at."""

    since: datetime = BEGINNING
    """By Label Studio's clock; all that changed before was seen."""
    epoch: str = ""
    """Of Label Studio's database; empty for the first."""
    marks: tuple[str, ...] = ()
    """The mark that was left there last; two where a look was cut off while it left one."""
    restored: bool = False
    """Whether a restore was noticed and what it lost is not noted yet."""
    push_again: bool = False
    """Whether a restore was noticed and the tasks were not compared since."""

    def after_restore(self, mark: str | None) -> "Bookmark":
        """The bookmark to go on with in a database that has another mark than it should, or none."""
        marks = (mark,) if mark else ()
        return Bookmark(epoch=secrets.token_hex(6), marks=marks, restored=True, push_again=True)


def bookmark_key(kind: TaskKind, batch: str) -> str:
    """Where the bookmark of a batch's last look lies; losing it costs one full look, never data."""
    return f"bookmarks/{kind}/{batch}.json"


def read_bookmark(media: Media, kind: TaskKind, batch: str) -> Bookmark:
    """The bookmark as it was left; the beginning where there is none, or none that can be read."""
    key = bookmark_key(kind, batch)
    try:
        stored = json.loads(media.get_bytes(key)) if media.exists(key) else {}
        since = datetime.fromisoformat(stored.pop("since", BEGINNING.isoformat()))
        return Bookmark(since=since, **{**stored, "marks": tuple(stored.get("marks", ()))})
    except (ValueError, TypeError, AttributeError):
        return Bookmark()


def write_bookmark(media: Media, kind: TaskKind, batch: str, bookmark: Bookmark) -> None:
    """Leave the bookmark for the next look."""
    stored = {**asdict(bookmark), "since": bookmark.since.isoformat()}
    media.put_bytes(bookmark_key(kind, batch), canonical_json(stored).encode())


def leave_mark(
    media: Media,
    kind: TaskKind,
    batch: str,
    bookmark: Bookmark,
    label_studio: LabelStudio,
    project: int,
    archived: Sequence[int] = (),
) -> None:
    """Leave a new mark in Label Studio, and the bookmark with it; `archived` are versions that it need keep no longer.

    Cut off in between, the old mark is there or the new one.
    """
    mark = secrets.token_hex(8)
    write_bookmark(media, kind, batch, replace(bookmark, marks=(*bookmark.marks, mark)))
    label_studio.confirm_archived(project, batch, list(archived), mark)
    write_bookmark(media, kind, batch, replace(bookmark, marks=(mark,)))


def note_compared(media: Media, kind: TaskKind, batch: str) -> None:
    """Note that the tasks of a restored Label Studio were compared with the ledger."""
    bookmark = read_bookmark(media, kind, batch)
    if bookmark.push_again:
        write_bookmark(media, kind, batch, replace(bookmark, push_again=False))
