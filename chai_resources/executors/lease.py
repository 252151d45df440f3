"""A job's lease: its run renews it while it lives, and the job ends itself when nobody has renewed it for a while.

A run worker that is killed says no good-bye, and its job would hold its GPUs for ever. Both sides only count their
own seconds, so clocks need not agree.
"""

import threading
import time
import uuid
from contextlib import suppress
from types import TracebackType

from chai_resources.media_store import MediaError, MediaStore

RENEW_S = 5.0
PATIENCE_S = 30.0
"""A job without its run is gone within this and a few seconds; less would end jobs over a slow object store."""


class Lease:
    """Held by the run: renewed from a thread of its own, so that slow work in between does not let it lapse."""

    def __init__(self, media: MediaStore, key: str, every_s: float = RENEW_S) -> None:
        self._media, self._key, self._every_s = media, key, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease")

    def __enter__(self) -> "Lease":
        self._renew()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._over.wait(self._every_s):
            # The next one may succeed; if none does, the job ends, and the run says why.
            with suppress(MediaError):
                self._renew()

    def _renew(self) -> None:
        self._media.put_bytes(self._key, uuid.uuid4().hex.encode())


class LeaseWatch:
    """Held by the job: whether its run is gone."""

    def __init__(self, media: MediaStore, key: str, patience_s: float = PATIENCE_S) -> None:
        self._media, self._key, self._patience_s = media, key, patience_s
        self._seen, self._since, self._looked = b"", time.monotonic(), 0.0

    def lapsed(self) -> bool:
        """Whether nobody has renewed the lease for as long as patience lasts; may be asked as often as one likes."""
        now = time.monotonic()
        if now - self._looked >= RENEW_S:
            self._looked = now
            self._look(now)
        if now - self._since <= self._patience_s:
            return False
        self._look(now)  # somebody may have taken it up since
        return now - self._since > self._patience_s

    def _look(self, now: float) -> None:
        try:
            seen = self._media.get_bytes(self._key)
        except MediaError:
            return
        if seen != self._seen:
            self._seen, self._since = seen, now
