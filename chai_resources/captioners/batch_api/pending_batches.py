"""Batches that wait at a provider, noted as objects of the media store so that none is paid for twice.

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
class PendingBatch:
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


class PendingBatches:
    """The batches of one model at one place."""

    def __init__(self, store: NoteStore, place: str) -> None:
        self._store, self._place = store, place

    def open(self) -> list[PendingBatch]:
        """Those that are not closed, by id. Raises NoteUnreadable."""
        notes: dict[str, set[str]] = defaultdict(set)
        for key in self._store.list_keys(f"{_FOLDER}/"):
            _, name, note = key.split("/")
            notes[name].add(note)
        found = (self._read(name, there) for name, there in sorted(notes.items()) if "closed.json" not in there)
        return [batch for batch in found if batch]

    def begin(self, requests: Collection[str], clips: Collection[str]) -> PendingBatch | None:
        """Notes a batch that the provider is about to be asked for; None where another run has just noted the same.

        Its id follows from the requests, and from how often the same ones came to nothing before.
        """
        base = _digest([self._place, *requests])
        keys = (key.split("/") for key in self._store.list_keys(f"{_FOLDER}/{base}"))
        closed = {name for _, name, note in keys if note.startswith(("closed", "done-"))}
        batch = PendingBatch(
            f"{base}-{len(closed) + 1}", datetime.now(UTC).isoformat(), tuple(sorted(requests)), tuple(sorted(clips))
        )
        note = {"place": self._place, "at": batch.at, "requests": batch.requests, "clips": batch.clips}
        return batch if self._publish(batch.id, "requests", note) else None

    def note_job(self, batch: PendingBatch, job: str) -> PendingBatch:
        """Notes the provider's name for a batch."""
        self._publish(batch.id, "job", {"job": job})
        return replace(batch, job=job)

    def close(self, batch: PendingBatch, why: str, done: Collection[str] | None = None) -> None:
        """Notes that nothing more is to come of a batch, or of those of its requests that are `done`."""
        note: dict[str, Any] = {"why": why, "at": datetime.now(UTC).isoformat()}
        if done is None or not set(batch.requests) - set(done):
            self._publish(batch.id, "closed", note)
        else:
            self._publish(batch.id, f"done-{_digest(done)}", {**note, "requests": sorted(done)})

    def _publish(self, name: str, note: str, content: dict[str, Any]) -> bool:
        data = json.dumps(content, ensure_ascii=False, indent=1).encode()
        return self._store.put_new(f"{_FOLDER}/{name}/{note}.json", data)

    def _read(self, name: str, there: set[str]) -> PendingBatch | None:
        key = f"{_FOLDER}/{name}/requests.json"
        try:
            note = json.loads(self._store.get_bytes(key))
            if note["place"] != self._place:
                return None
            batch = PendingBatch(name, note["at"], tuple(note["requests"]), tuple(note["clips"]))
            if "job.json" in there:
                key = f"{_FOLDER}/{name}/job.json"
                batch = replace(batch, job=json.loads(self._store.get_bytes(key))["job"])
            done: set[str] = set()
            for part in sorted(note for note in there if note.startswith("done-")):
                key = f"{_FOLDER}/{name}/{part}"
                done |= set(json.loads(self._store.get_bytes(key))["requests"])
        except (ValueError, KeyError, TypeError) as error:
            raise NoteUnreadable(
                f"{key} cannot be read ({error!r}): look the batch {name} up at the provider, then delete the folder "
                "to ask its requests again"
            ) from error
        left = tuple(request for request in batch.requests if request not in done)
        return replace(batch, requests=left, fetched=bool(done))


def _digest(requests: Collection[str]) -> str:
    return hashlib.sha256("\n".join(sorted(requests)).encode()).hexdigest()[:32]
