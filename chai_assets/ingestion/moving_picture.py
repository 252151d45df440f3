"""Whether two clips show the same events, over their whole length; a signature sees three moments, each as a whole.

Before a fixed camera every hash is that of the place. What tells an empty scene from one that a person crosses is small
and brief, so every frame of both clips is compared, cell by cell.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter

from chai_resources.media_store import MediaStore

_LONG, _SHORT = 64, 36
"""Cells along the sides of a picture: a person of 2 % of the width covers one or more."""

_WINDOW_SECONDS = 0.2
"""A frame is sought so far around its time: the other clip may begin a few frames later, or have another rate. So much
at both ends is not compared, and a clip that is longer by more shows something that the other does not."""

_MOVES = 8
"""Gray levels by which a cell changes in that time if something moves through it. There the neighboring cells count as
well: at another frame rate an edge stands between."""

_DIFFERENT = 16
_CELLS = 5
"""Two clips differ if in more than 5 cells, of all frames, one has a gray value that is further than 16 levels from all
that the other shows there at that time.

Measured by the sixth largest difference. 13 clips of 3 to 4 s (pans and stills, a fixed camera, a nature film with a
moving camera at 720p, an animation of 240 x 240), each encoded again in 11 ways: CRF 30 3 to 12, half the size 2 to 19,
other frame rates 1 to 39, up to 4 frames cut off 1 to 12, a third of the size 8 to 48, CRF 36 at half the size 10 to 54
(the animation most): 125 of 143 are recognized, the rest is stored twice. 35 pairs of other events before one camera:
a person of 1 % of the picture's width 25 to 37, of 2 % 47 to 69, of 4 % 58 to 82, at another time or in another
direction 71 to 82, in other clothes 25 to 60. None is taken for the same. Colors have the same limits: a red lamp and a
green one of the same gray are more than 70 apart."""

_KEPT = 32
"""Clips of 20 s and 60 frames a second take 4.1 MB each."""


@dataclass(frozen=True)
class MovingPicture:
    """A clip in cells of 8 bits, and `times` of the frames in seconds, from 0."""

    cells: np.ndarray
    """(frames, rows, columns): gray."""
    colors: np.ndarray
    """(frames, rows, columns) of half as many rows: Cb on the left, Cr on the right."""
    times: np.ndarray


def moving_picture(path: Path) -> MovingPicture:
    """Of a clip in its storing form. Raises FFmpegError for any other file."""
    small, colored, cells, colors, times = VideoReformatter(), VideoReformatter(), [], [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            wide, high = (_LONG, _SHORT) if frame.width >= frame.height else (_SHORT, _LONG)
            cells.append(small.reformat(frame, wide, high, "gray", interpolation="AREA").to_ndarray())
            planes = colored.reformat(frame, wide, high, "yuv420p", interpolation="AREA").to_ndarray()
            # Below the gray plane, the two others fill rows of its width: each two of their rows one.
            blue, red = (half.reshape(high // 2, wide // 2) for half in np.split(planes[high:], 2))
            colors.append(np.concatenate([blue, red], axis=1))
            times.append(frame.time or 0.0)
    return MovingPicture(np.stack(cells), np.stack(colors), np.array(times))


class StoredClips:
    """The moving pictures of stored clips, by media key; those looked at last are kept."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media
        self._kept = lru_cache(maxsize=_KEPT)(self._read)

    def same(self, seen: MovingPicture, key: str) -> bool:
        """Whether the clip of that key shows the same events; one that is not there does not."""
        stored = self._kept(key)
        return stored is not None and same_events(seen, stored)

    def _read(self, key: str) -> MovingPicture | None:
        if not self._media.exists(key):
            return None
        with self._media.local_copy(key) as path:
            try:
                return moving_picture(path)
            except FFmpegError:
                return None  # somebody else's object


def same_events(one: MovingPicture, two: MovingPicture) -> bool:
    """Whether each clip shows nothing that the other does not show, at the same place and time. False in doubt."""
    lasts, longer = min(one.times[-1], two.times[-1]), abs(one.times[-1] - two.times[-1])
    if one.cells.shape[1:] != two.cells.shape[1:] or lasts < 2 * _WINDOW_SECONDS or longer > _WINDOW_SECONDS:
        return False
    brighter = round(float(np.median(two.cells)) - float(np.median(one.cells)))
    return all(
        _strange_cells(seen, shown, other, others, shift) <= _CELLS
        for seen, shown, other, others, shift in (
            (one, one.cells, two, two.cells, brighter),
            (two, two.cells, one, one.cells, -brighter),
            (one, one.colors, two, two.colors, 0),
            (two, two.colors, one, one.colors, 0),
        )
    )


def _strange_cells(seen: MovingPicture, cells: np.ndarray, other: MovingPicture, others: np.ndarray, shift: int) -> int:
    """Cells of all frames of `seen`, shifted by so many levels, of which `other` shows nothing like it at that time."""
    latest = min(seen.times[-1], other.times[-1]) - _WINDOW_SECONDS
    since = np.searchsorted(other.times, seen.times - _WINDOW_SECONDS, side="right") - 1
    until = np.searchsorted(other.times, seen.times + _WINDOW_SECONDS, side="right")
    strange = 0
    for number in np.flatnonzero((seen.times >= _WINDOW_SECONDS) & (seen.times <= latest)):
        shown = others[since[number] : until[number]]
        darkest, brightest = _range(shown.min(axis=0).astype(np.int16), shown.max(axis=0).astype(np.int16))
        here = cells[number].astype(np.int16) + shift
        strange += int(((here < darkest - _DIFFERENT) | (here > brightest + _DIFFERENT)).sum())
    return strange


def _range(darkest: np.ndarray, brightest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The range of each cell; where something moves, that of the 9 cells around it."""
    moves = brightest - darkest > _MOVES
    rows, columns = darkest.shape
    around = [(row, column) for row in range(3) for column in range(3)]
    low, high = np.pad(darkest, 1, mode="edge"), np.pad(brightest, 1, mode="edge")
    lowest = np.min([low[row : row + rows, column : column + columns] for row, column in around], axis=0)
    highest = np.max([high[row : row + rows, column : column + columns] for row, column in around], axis=0)
    return np.where(moves, lowest, darkest), np.where(moves, highest, brightest)
