"""Finds the local features of a clip's frames: corners over several sizes of the picture, spread over all of it."""

import math
from collections.abc import Iterable

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from chai_assets.ingestion.local_features.packed import PATCH, SIDE, FrameFeatures, describe, pack

LONG_SIDE = 256
"""Pixels of the picture in which corners are looked for: a quarter of the time that 512 take."""
_FACTOR, _LEVELS = 1.2, 7
"""The picture is looked at in sizes down to a third, so that what a crop enlarges is met again."""
_LOOKED_AT = 400
_ACROSS, _DOWN, _EACH = 6, 4, 3
"""Of each of 6 x 4 fields the three strongest corners: a sharp logo must not have them all."""
_APART = 6
"""Pixels: corners that are nearer are one corner seen in two sizes."""
_STEP = 2.0
"""Pixels between the cells of a patch. Measured on crops to 70 % of the sides, of 15 pictures: 2 matches 8 corners,
3 7, 4 6."""
_BORDER = 24
"""Gray level up to which rows and columns at the rim are bars, not picture."""
_STILL = 2.0
"""Mean gray levels by which a frame differs from the last one that was kept if it shows anything new."""
_MOST_FRAMES = 24
"""Of the longest clips; a pan of 20 s takes 50 KB, a fixed camera 3 KB."""


def sample_parts(seconds: float, most: int = _MOST_FRAMES) -> list[float]:
    """Where in a clip of that length, 0 to 1, it is looked at: once a second, twice at least."""
    count = min(most, max(2, math.ceil(seconds)))
    return [(number + 0.5) / count for number in range(count)]


class FeatureCollector:
    """The features of one clip, frame by frame; frames that show nothing new are left out."""

    def __init__(self) -> None:
        self._small = VideoReformatter()
        self._corners = cv2.ORB.create(_LOOKED_AT, _FACTOR, _LEVELS, 12, 0, 2, cv2.ORB_HARRIS_SCORE, 24, 8)
        self._frames: list[FrameFeatures] = []

    def add(self, frame: VideoFrame) -> None:
        """Looks at a frame, in its storing form."""
        scale = LONG_SIDE / max(frame.width, frame.height)
        wide, high = (max(PATCH, round(side * scale)) for side in (frame.width, frame.height))
        self._look_at(self._small.reformat(frame, wide, high, "gray", interpolation="AREA").to_ndarray())

    def packed(self) -> str | None:
        """The column of the clip; None if no frame had anything to go by."""
        return pack(self._frames) if self._frames else None

    def _look_at(self, gray: np.ndarray) -> None:
        gray = without_bars(gray)
        small = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        if self._frames and np.abs(small.astype(np.int16) - self._frames[-1].small).mean() < _STILL:
            return
        places = _strongest(self._corners.detect(gray, None), gray.shape)
        if not len(places):
            return
        height, width = gray.shape
        in_frame = np.clip(places[:, :2] / (width, height) * 256, 0, 255)
        packed = np.concatenate([in_frame, places[:, 2:]], axis=1).astype(np.uint8)
        self._frames.append(FrameFeatures(width / height, small, describe(_patches(gray, places)), packed))


def without_bars(gray: np.ndarray) -> np.ndarray:
    """The picture without black bars at its rims; as it is if nothing else would be left."""
    rows, columns = (np.flatnonzero(_shows_something(gray, axis)) for axis in (1, 0))
    if len(rows) < PATCH * 4 or len(columns) < PATCH * 4:
        return gray
    return np.ascontiguousarray(gray[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _shows_something(gray: np.ndarray, axis: int) -> np.ndarray:
    # One of 20 pixels: a logo in a bar is part of the bar.
    return np.count_nonzero(gray > _BORDER, axis=axis) > gray.shape[axis] / 20


def _strongest(found: Iterable[cv2.KeyPoint], shape: tuple[int, ...]) -> np.ndarray:
    """Of these corners those to keep, as rows of x, y (pixels) and level."""
    rows = np.array([(*one.pt, one.octave, one.response) for one in found], dtype=np.float64).reshape(-1, 4)
    rows = rows[np.argsort(-rows[:, 3], kind="stable")]
    spots = (rows[:, :2] // _APART).astype(np.int64)
    _, first = np.unique(spots[:, 0] * 10_000 + spots[:, 1], return_index=True)
    rows = rows[np.sort(first)]
    height, width = shape
    across = np.minimum(rows[:, 0] * _ACROSS // width, _ACROSS - 1)
    field = across + _ACROSS * np.minimum(rows[:, 1] * _DOWN // height, _DOWN - 1)
    order = np.argsort(field, kind="stable")
    ordered = field[order]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return rows[order[rank < _EACH], :3]


def _patches(gray: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The 8 x 8 cells around each place, in the size of its level."""
    height, width = gray.shape
    offsets = (np.arange(PATCH) - (PATCH - 1) / 2) * _STEP
    patches = np.empty((len(places), PATCH, PATCH), dtype=np.int16)
    for level in np.unique(places[:, 2]):
        scale = _FACTOR**level
        size = (max(1, round(width / scale)), max(1, round(height / scale)))
        sized = gray if level == 0 else cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
        sized = cv2.blur(sized, (3, 3))
        at = np.flatnonzero(places[:, 2] == level)
        columns, rows = (
            np.clip(np.rint(places[at, axis, None] / scale + offsets), 0, sized.shape[1 - axis] - 1).astype(np.int64)
            for axis in (0, 1)
        )
        patches[at] = sized[rows[:, :, None], columns[:, None, :]]
    return patches
