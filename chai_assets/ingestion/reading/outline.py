"""Whether a file ends before its own outline does: the sizes of its outermost boxes, without a look inside them."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067


def ends_early(path: Path, container: str) -> bool | None:
    """True if bytes are missing at the end, False if the file is whole, None if its kind of container does not say.

    `container` is FFmpeg's name of the format, such as "avi" or "mov,mp4,m4a,3gp,3g2,mj2".
    """
    outermost_end = _OUTLINES.get(container.partition(",")[0])
    if outermost_end is None:
        return None
    size = path.stat().st_size
    with path.open("rb") as file:
        end = outermost_end(file, size)
    return None if end is None else end > size


def _mp4_end(file: BinaryIO, size: int) -> int | None:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, name = struct.unpack(">I4s", head[:8])
        if not (name.isalnum() and name.isascii()):
            return at  # something was appended that is no box
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:])[0]
        if length < 8:
            return size  # 0: to the end of the file
        at += length
    return at if at > size else size


def _matroska_end(file: BinaryIO, size: int) -> int | None:
    at = 0
    for wanted in (_EBML, _SEGMENT):
        file.seek(at)
        head = file.read(12)
        if len(head) < 12 or int.from_bytes(head[:4]) != wanted:
            return None
        width = 9 - head[4].bit_length()
        if width > 8:
            return None
        length = int.from_bytes(head[4 : 4 + width]) & ((1 << 7 * width) - 1)
        if length == (1 << 7 * width) - 1:
            return None  # a live recording, whose length nobody knew
        at += 4 + width + length
    return at


def _avi_end(file: BinaryIO, size: int) -> int | None:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF":
            return at
        if not length:
            return None  # a recorder that never came to write it
        at += 8 + length + length % 2
    return at - 1 if at == size + 1 else at


_OUTLINES: dict[str, Callable[[BinaryIO, int], int | None]] = {
    "mov": _mp4_end,
    "matroska": _matroska_end,
    "avi": _avi_end,
}
