"""Publishes a dataset and kills its own process before the n-th write: run by the tests of publishing.

python -m tests.datasets.write.publish_and_die <root> <clips> <write to die before, from 0; none: -1>
"""

import os
import signal
import sys
import threading
from pathlib import Path

from chai_assets.datasets.write.file_writers import HashedFile
from chai_assets.datasets.write.publish import publish
from chai_resources.media import Media
from tests.datasets.factory import many


def main(root: str, clips: int, fatal: int) -> None:
    writes, lock = 0, threading.Lock()

    def die_when_due() -> None:
        nonlocal writes
        with lock:
            if writes == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            writes += 1

    write, put_file, put_bytes = HashedFile.write, Media.put_file, Media.put_bytes
    rename, replace = os.rename, os.replace

    def counted_write(self: HashedFile, data: bytes) -> int:
        die_when_due()
        return write(self, data)

    def counted_put_file(self: Media, key: str, path: Path) -> None:
        die_when_due()
        put_file(self, key, path)

    def counted_put_bytes(self: Media, key: str, data: bytes) -> None:
        die_when_due()
        put_bytes(self, key, data)

    def counted_rename(old: Path, new: Path) -> None:
        die_when_due()
        rename(old, new)

    def counted_replace(old: Path, new: Path) -> None:
        die_when_due()
        replace(old, new)

    HashedFile.write = counted_write  # pyright: ignore
    if root.startswith("s3://"):
        Media.put_file, Media.put_bytes = counted_put_file, counted_put_bytes  # pyright: ignore
    else:
        # Between the bytes of a dataset, or of its pointer, and their name: the worst moments a folder has.
        os.rename, os.replace = counted_rename, counted_replace  # pyright: ignore
    published = publish(many(clips), root)
    print(published.manifest.dataset_id, writes)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
