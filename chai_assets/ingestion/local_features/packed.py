"""Local features of a clip as the column `features` of `clips` holds them, and as arrays of many clips.

A frame is a small gray picture and some corners in it, each with a descriptor of 128 bits: what is brighter than its
neighbor in the 8 x 8 cells around the corner. The bits of a mirrored picture follow from those of the picture. numpy
only: corners are found in `extract.py`, alike clips in `search.py`.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

VERSION = 1
"""First byte of a column. Clips are compared with those of the same version; another one is as good as none."""
SIDE = 32
"""Cells along both sides of the small picture, whatever the shape of the frame."""
PATCH = 8
DESCRIPTOR_BYTES = 16

_HEAD = np.dtype([("aspect", "<f4"), ("corners", "u1")])
_CROSS = (2, 5)
"""Rows and columns of the patch whose far halves are compared: each is the other mirrored."""


@dataclass(frozen=True)
class FrameFeatures:
    """One frame: its shape (width by height), `small` (SIDE, SIDE) in gray, and n corners."""

    aspect: float
    small: np.ndarray
    descriptors: np.ndarray
    """(n, 16) bytes."""
    places: np.ndarray
    """(n, 3) bytes: x and y in 256ths of width and height, and the level of the picture pyramid."""


def pack(frames: Sequence[FrameFeatures]) -> str:
    """The column of a clip's frames: bytes as base64."""
    parts = [bytes([VERSION])]
    for frame in frames:
        parts.append(np.array([(frame.aspect, len(frame.places))], _HEAD).tobytes())
        parts += [frame.small.tobytes(), frame.descriptors.tobytes(), frame.places.tobytes()]
    return b64encode(b"".join(parts)).decode()


def unpack(column: str | None) -> list[FrameFeatures]:
    """The frames of a clip; none for a column that is empty, of another version, or damaged."""
    try:
        packed = b64decode(column or "", validate=True)
    except ValueError:
        return []
    if not packed or packed[0] != VERSION:
        return []
    frames, at = [], 1
    while at < len(packed):
        if at + _HEAD.itemsize > len(packed):
            return []
        aspect, count = np.frombuffer(packed, _HEAD, 1, at)[0].tolist()
        sizes = (SIDE * SIDE, DESCRIPTOR_BYTES * count, 3 * count)
        starts = np.cumsum([at + _HEAD.itemsize, *sizes])
        if starts[-1] > len(packed) or not 0 < aspect < np.inf:
            return []
        small, descriptors, places = (
            np.frombuffer(packed, np.uint8, size, start) for size, start in zip(sizes, starts, strict=False)
        )
        frames.append(
            FrameFeatures(
                aspect, small.reshape(SIDE, SIDE), descriptors.reshape(-1, DESCRIPTOR_BYTES), places.reshape(-1, 3)
            )
        )
        at = int(starts[-1])
    return frames


def describe(patches: np.ndarray) -> np.ndarray:
    """Descriptors (n, 16) of gray patches (n, 8, 8)."""
    near = [patches[:, :, 1:] > patches[:, :, :-1], patches[:, 1:] > patches[:, :-1]]
    far = [patches[:, _CROSS, 4:] > patches[:, _CROSS, :4], patches[:, 4:, _CROSS] > patches[:, :4, _CROSS]]
    return _packed(*near, *far)


def mirrored(descriptors: np.ndarray) -> np.ndarray:
    """Descriptors (n, 16) of the same corners in the picture mirrored from left to right."""
    bits = np.unpackbits(descriptors, axis=1)
    along, down, far_along, far_down = np.split(bits, [56, 112, 120], axis=1)
    count = len(bits)
    parts = [
        1 - along.reshape(count, 8, 7)[:, :, ::-1],
        down.reshape(count, 7, 8)[:, :, ::-1],
        1 - far_along.reshape(count, 2, 4)[:, :, ::-1],
        far_down.reshape(count, 4, 2)[:, :, ::-1],
    ]
    return _packed(*parts)


def _packed(*parts: np.ndarray) -> np.ndarray:
    """Bits of n descriptors, in parts of any shape, as bytes (n, 16)."""
    flat = [part.reshape(len(part), math.prod(part.shape[1:])) for part in parts]
    return np.packbits(np.concatenate(flat, axis=1), axis=1)


@dataclass(frozen=True)
class ClipFeatures:
    """The frames of many clips as arrays: f frames and m corners in them."""

    clip: np.ndarray
    """(f,): number of the clip of each frame."""
    aspect: np.ndarray
    """(f,): width by height."""
    small: np.ndarray
    """(f, SIDE, SIDE): gray."""
    start: np.ndarray
    """(f + 1,): number of the first corner of each frame."""
    frame: np.ndarray
    """(m,): number of the frame of each corner."""
    descriptors: np.ndarray
    """(m, 16): bytes."""
    places: np.ndarray
    """(m, 2): x and y in heights of the frame."""

    @classmethod
    def of(cls, columns: Iterable[str | None]) -> "ClipFeatures":
        """The features of clips, numbered as they come."""
        numbered = [(clip, frame) for clip, column in enumerate(columns) for frame in unpack(column)]
        frames = [frame for _, frame in numbered]
        counts = np.array([len(frame.places) for frame in frames], dtype=np.int64)
        aspect = np.array([frame.aspect for frame in frames], dtype=np.float32)
        at = np.repeat(np.arange(len(frames)), counts)
        places = np.concatenate([np.empty((0, 3), np.uint8), *(frame.places for frame in frames)])
        xy = (places[:, :2].astype(np.float32) + 0.5) / 256
        xy[:, 0] *= aspect[at]
        return cls(
            clip=np.array([clip for clip, _ in numbered], dtype=np.int64),
            aspect=aspect,
            small=np.stack([frame.small for frame in frames]) if frames else np.empty((0, SIDE, SIDE), np.uint8),
            start=np.concatenate([[0], np.cumsum(counts)]),
            frame=at,
            descriptors=np.concatenate(
                [np.empty((0, DESCRIPTOR_BYTES), np.uint8), *(frame.descriptors for frame in frames)]
            ),
            places=xy,
        )

    def mirror(self) -> "ClipFeatures":
        """The same clips mirrored from left to right."""
        places = self.places.copy()
        places[:, 0] = self.aspect[self.frame] - places[:, 0]
        return ClipFeatures(
            self.clip,
            self.aspect,
            self.small[:, :, ::-1],
            self.start,
            self.frame,
            mirrored(self.descriptors),
            places,
        )

    def corners(self, frame: int) -> slice:
        """Where the corners of a frame stand."""
        return slice(int(self.start[frame]), int(self.start[frame + 1]))
