"""Notes on batches that a provider answers later, as objects of the media store: so none is paid for twice.

A batch is a folder of objects, each published once and never changed: `requests.json` before the provider is asked
for it, `job.json` with the provider's name for it, and `closed.json` when nothing more is to come; before that, a
`done-*.json` for each part of its requests that a run fetched because it wanted no others. A run that was killed
between any two of them is gone on with by the next.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from chai_resources.errors import Unavailable

_FOLDER = "batches"


class NoteUnreadable(Unavailable, ValueError):
    """A note on a batch is not what was written; the text names it and the remedy."""


class NoteStore(Protocol):
    """What is needed of a media store."""

    def put_new(self, key: str, data: bytes) -> bool: ...

    def get_bytes(self, key: str) -> bytes: ...

    def list_keys(self, prefix: str = "") -> list[str]: ...


@dataclass(frozen=True)
class Handle:
    """One batch: its id is ours, `job` the provider's name for it; empty while nobody knows whether there is one."""

    id: str
    at: str
    """When it was begun; UTC, ISO 8601."""
    requests: tuple[str, ...]
    """Hashes of its requests that are not done."""
    clips: tuple[str, ...]
    job: str = ""
    fetched: bool = False
    """Whether a run took from it what it wanted, and this is what it did not want."""

    @property
    def age(self) -> timedelta:
        return datetime.now(UTC) - datetime.fromisoformat(self.at)


class Handles:
    """The batches of one model at one place."""

    def __init__(self, store: NoteStore, place: str) -> None:
        self._store, self._place = store, place

    def open(self) -> list[Handle]:
        """Those that are not closed, by id. Raises NoteUnreadable."""
        notes: dict[str, set[str]] = defaultdict(set)
        for key in self._store.list_keys(f"{_FOLDER}/"):
            _, name, note = key.split("/")
            notes[name].add(note)
        found = (self._read(name, there) for name, there in sorted(notes.items()) if "closed.json" not in there)
        return [handle for handle in found if handle]

    def begin(self, requests: Collection[str], clips: Collection[str]) -> Handle | None:
        """Notes a batch that the provider is about to be asked for; None where another run has just noted the same.

        Its id follows from the requests, and from how often the same ones came to nothing before.
        """
        base = _digest([self._place, *requests])
        keys = (key.split("/") for key in self._store.list_keys(f"{_FOLDER}/{base}"))
        closed = {name for _, name, note in keys if note.startswith(("closed", "done-"))}
        handle = Handle(
            f"{base}-{len(closed) + 1}", datetime.now(UTC).isoformat(), tuple(sorted(requests)), tuple(sorted(clips))
        )
        note = {"place": self._place, "at": handle.at, "requests": handle.requests, "clips": handle.clips}
        return handle if self._publish(handle.id, "requests", note) else None

    def note_job(self, handle: Handle, job: str) -> Handle:
        """Notes the provider's name for a batch."""
        self._publish(handle.id, "job", {"job": job})
        return replace(handle, job=job)

    def close(self, handle: Handle, why: str, done: Collection[str] | None = None) -> None:
        """Notes that nothing more is to come of a batch, or of those of its requests that are `done`."""
        note: dict[str, Any] = {"why": why, "at": datetime.now(UTC).isoformat()}
        if done is None or not set(handle.requests) - set(done):
            self._publish(handle.id, "closed", note)
        else:
            self._publish(handle.id, f"done-{_digest(done)}", {**note, "requests": sorted(done)})

    def _publish(self, name: str, note: str, content: dict[str, Any]) -> bool:
        data = json.dumps(content, ensure_ascii=False, indent=1).encode()
        return self._store.put_new(f"{_FOLDER}/{name}/{note}.json", data)

    def _read(self, name: str, there: set[str]) -> Handle | None:
        key = f"{_FOLDER}/{name}/requests.json"
        try:
            note = json.loads(self._store.get_bytes(key))
            if note["place"] != self._place:
                return None
            handle = Handle(name, note["at"], tuple(note["requests"]), tuple(note["clips"]))
            if "job.json" in there:
                key = f"{_FOLDER}/{name}/job.json"
                handle = replace(handle, job=json.loads(self._store.get_bytes(key))["job"])
            done: set[str] = set()
            for part in sorted(note for note in there if note.startswith("done-")):
                key = f"{_FOLDER}/{name}/{part}"
                done |= set(json.loads(self._store.get_bytes(key))["requests"])
        except (ValueError, KeyError, TypeError) as error:
            raise NoteUnreadable(
                f"{key} cannot be read ({error!r}): look the batch {name} up at the provider, then delete the folder "
                "to ask its requests again"
            ) from error
        left = tuple(request for request in handle.requests if request not in done)
        return replace(handle, requests=left, fetched=bool(done))


def _digest(requests: Collection[str]) -> str:
    return hashlib.sha256("\n".join(sorted(requests)).encode()).hexdigest()[:32]
