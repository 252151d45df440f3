"""Recognizing the same shot in another file: perceptual hashes and mean colors of three frames.

A wrong match loses a clip, a missed one costs a duplicate, so every doubt counts against a match.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image

POSITIONS = (0.25, 0.5, 0.75)
"""Where in a shot the frames are taken: its ends may be fades, or be cut a frame differently."""

_HASH_SIDE = 16
_HASH_BITS = _HASH_SIDE**2
FAR_BITS = 16
"""Of 256. Measured on 14 clips: hard re-encoding (CRF 36 at half the size) moves 2 to 16, in one case 20;
a camera moved by 1 % of the width 10 to 36, a different picture more than 100."""

FAR_COLOR = 6
"""Of 255. Re-encoding moves a frame's mean color by 2 at most; hashes see no color at all."""

_PLAIN = 5.0
"""Least detail, in gray levels, of a frame with something to hash. A gray ramp has 3, real clips 20 to 30."""

SECONDS_APART = 0.15
LENGTH_APART = 0.03
"""Two shots whose lengths differ by more than either of these, the larger one counting, are not the same."""


@dataclass(frozen=True)
class KnownShot:
    """A clip that a new shot may repeat."""

    clip_id: str
    source_id: str
    name: str
    duration_s: float


def signature(pictures: Sequence[Image.Image]) -> str | None:
    """Hash and mean color of each frame as hex, joined by `-`; None if a frame is too plain to tell."""
    if any(_detail(picture) < _PLAIN for picture in pictures):
        return None
    return "-".join(
        f"{imagehash.phash(picture, hash_size=_HASH_SIDE)}{bytes(_color(picture)).hex()}" for picture in pictures
    )


class ShotIndex:
    """The signatures of known clips, to look a new shot up in."""

    def __init__(self, shots: Iterable[tuple[KnownShot, str | None]] = ()) -> None:
        signed = [(shot, text) for shot, text in shots if text]
        self._shots = [shot for shot, _ in signed]
        self._signatures = [_parse(text) for _, text in signed]
        self._stacked: np.ndarray | None = None

    def add(self, shot: KnownShot, text: str | None) -> None:
        """Makes a clip known; one without a signature is never found."""
        if text:
            self._shots.append(shot)
            self._signatures.append(_parse(text))
            self._stacked = None

    def find(self, text: str | None, duration_s: float, source_id: str) -> KnownShot | None:
        """The first clip of another source whose three frames and length are those of the shot."""
        if not text or not self._shots:
            return None
        if self._stacked is None:
            self._stacked = np.stack(self._signatures)
        wanted = _parse(text)
        bits = np.bitwise_count(self._stacked[:, :, :-3] ^ wanted[:, :-3]).sum(axis=2)
        colors = np.abs(self._stacked[:, :, -3:].astype(np.int16) - wanted[:, -3:].astype(np.int16))
        alike = (bits <= FAR_BITS).all(axis=1) & (colors <= FAR_COLOR).all(axis=(1, 2))
        apart = max(SECONDS_APART, LENGTH_APART * duration_s)
        for number in np.flatnonzero(alike):
            shot = self._shots[number]
            if shot.source_id != source_id and abs(shot.duration_s - duration_s) <= apart:
                return shot
        return None


def _parse(text: str) -> np.ndarray:
    """A signature as one row of bytes a frame: the hash, then three bytes of color."""
    return np.array([list(bytes.fromhex(frame)) for frame in text.split("-")], dtype=np.uint8)


def _detail(picture: Image.Image) -> float:
    """Standard deviation of the gray picture from its own blur: what a hash has to go by."""
    gray = picture.convert("L").resize((64, 64), Image.Resampling.BOX)
    blurred = gray.resize((8, 8), Image.Resampling.BOX).resize((64, 64), Image.Resampling.BILINEAR)
    return float((np.asarray(gray, dtype=float) - np.asarray(blurred, dtype=float)).std())


def _color(picture: Image.Image) -> list[int]:
    mean = np.asarray(picture.convert("YCbCr").resize((16, 16), Image.Resampling.BOX)).mean(axis=(0, 1))
    return [round(value) for value in mean.tolist()]
