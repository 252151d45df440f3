"""Videos under names that do not say so: `film`, `film.mp4.1`, `film.MP4~`. They are told, not taken."""

import os
import stat
from pathlib import Path

from chai_assets.ingestion.files import names
from chai_assets.ingestion.files.listing import LeftOut, Listing
from chai_resources.media import Media

MOST_LOOKED_INTO = 1000
_HEAD = 16


def disguised(folder: Media, listing: Listing) -> list[LeftOut]:
    """Files of a listing whose names say nothing and which begin as videos do; none of a bucket, where looking costs.

    At most MOST_LOOKED_INTO files are looked into.
    """
    if folder.is_s3:
        return []
    unclear = [each for each in listing.others if each.bytes and names.says_nothing(each.stored_key)]
    root = Path(folder.root).absolute()
    return [
        LeftOut(each.key, "begins as a video does, and its name does not say so; end the name in .mp4 or what it is")
        for each in unclear[:MOST_LOOKED_INTO]
        if names.begins_like_video(_head(root / each.stored_key))
    ]


def _head(path: Path) -> bytes:
    try:
        # A pipe that took the file's place would keep its reader waiting.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
            return file.read(_HEAD) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return b""
