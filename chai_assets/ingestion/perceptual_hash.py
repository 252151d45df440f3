"""The signature of a shot, and the search for stored clips that look like it.

A signature is the perceptual hash and the mean color of three frames. What counts as alike stands in
`same_shot.py`; pairs among hundreds of thousands of clips are found by `near_duplicates.py`. Whether what looks alike
shows the same events is seen by `moving_picture.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image

from chai_assets.ingestion.same_shot import (
    MAX_COLOR_DIFFERENCE,
    MAX_HASH_BITS,
    MAX_LENGTH_SECONDS,
    MAX_LENGTH_SHARE,
)

POSITIONS = (0.25, 0.5, 0.75)
"""Where in a shot the frames are taken: its ends may be fades, or be cut a frame differently."""

_HASH_SIDE = 16
_HASH_BITS = _HASH_SIDE**2
_PLAIN = 5.0
"""Least detail, in gray levels, of a frame with something to hash. A gray ramp has 3, real clips 20 to 30."""


@dataclass(frozen=True)
class KnownShot:
    """A clip that a new shot may repeat."""

    clip_id: str
    source_id: str
    name: str
    duration_s: float
    media_key: str


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

    def alike(self, text: str | None, duration_s: float, source_id: str) -> list[KnownShot]:
        """Clips of other sources whose three frames and length are those of the shot, the most similar first."""
        if not text or not self._shots:
            return []
        if self._stacked is None:
            self._stacked = np.stack(self._signatures)
        wanted = _parse(text)
        bits = np.bitwise_count(self._stacked[:, :, :-3] ^ wanted[:, :-3]).sum(axis=2)
        colors = np.abs(self._stacked[:, :, -3:].astype(np.int16) - wanted[:, -3:].astype(np.int16))
        alike = np.flatnonzero((bits <= MAX_HASH_BITS).all(axis=1) & (colors <= MAX_COLOR_DIFFERENCE).all(axis=(1, 2)))
        apart = max(MAX_LENGTH_SECONDS, MAX_LENGTH_SHARE * duration_s)
        ranked = [self._shots[number] for number in alike[np.argsort(bits[alike].sum(axis=1), kind="stable")]]
        return [shot for shot in ranked if shot.source_id != source_id and abs(shot.duration_s - duration_s) <= apart]


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
