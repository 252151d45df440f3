"""Publishes a dataset and kills its own process before the n-th write: run by the tests of publishing.

python -m tests.datasets.publish_and_die <root> <clips> <write to die before, from 0; none: -1>
"""

import os
import signal
import sys
from pathlib import Path

from chai_assets.datasets.publish import publish
from chai_resources.media import Media
from tests.datasets.factory import many


def main(root: str, clips: int, fatal: int) -> None:
    writes = 0

    def die_when_due() -> None:
        nonlocal writes
        if writes == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        writes += 1

    put_file, put_bytes, replace = Media.put_file, Media.put_bytes, os.replace

    def counted_put_file(self: Media, key: str, path: Path) -> None:
        die_when_due()
        put_file(self, key, path)

    def counted_put_bytes(self: Media, key: str, data: bytes) -> None:
        die_when_due()
        put_bytes(self, key, data)

    def counted_replace(part: Path, target: Path) -> None:
        die_when_due()
        replace(part, target)

    if root.startswith("s3://"):
        Media.put_file, Media.put_bytes = counted_put_file, counted_put_bytes  # pyright: ignore
    else:
        # Between the bytes of a file and its name: the worst moment a folder has.
        os.replace = counted_replace  # pyright: ignore
    published = publish(many(clips), root)
    print(published.manifest.dataset_id, writes)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
