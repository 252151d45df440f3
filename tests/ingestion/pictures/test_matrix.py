"""Clips of every kind of file that FFmpeg's wheel can write show what the file shows, by color error and by structure.

Each file is decoded once more by a path of its own: raw planes, equations of the standards, numpy.
"""

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from av.error import FFmpegError
from PIL import Image

from chai_assets.ingestion.encode import Encoded, encode_shots
from chai_assets.ingestion.probe import BadVideo
from chai_assets.ingestion.shots import scan
from tests.ingestion.pictures.combinations import CONTAINERS, Combination, combinations, mosaic, write
from tests.ingestion.pictures.reference import NotRead, Picture, shown, upright

STORED_TAGS = (1, 1, 1, 1)
"""Matrix, range, primaries and transfer of every stored clip: BT.709, limited."""

LEAST = {
    "mp4": 13,
    "mov": 200,
    "mkv": 180,
    "webm": 3,
    "avi": 50,
    "ts": 7,
    "mpg": 6,
    "flv": 8,
    "asf": 50,
    "ogv": 1,
    "3gp": 4,
}
"""Files that were compared when this was written, so that none is left out in silence."""

_MOST_COLOR, _MOST_COARSE, _LEAST_ALIKE = 10, 12, 0.97
"""Of 255, for plain blocks; 5 bits a color have steps of 8, and 4 bits a pixel are dots of other colors."""
_COARSE = ("rgb555", "rgb565", "rgb4", "bgr4")
_UNREADABLE = ("exr", "hdr", "pfm", "phm")
"""Encoders of light as floating point, which say no transfer: what they show is nobody's rule."""


@pytest.mark.parametrize("container", CONTAINERS)
def test_clips_show_what_their_sources_show(container: str, tmp_path: Path):
    av.logging.set_level(None)
    wrong, counts = [], Counter()
    for number, wanted in enumerate(each for each in combinations() if each.container == container):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = compared(folder, wanted)
        counts[result.split(":")[0]] += 1
        if result.startswith("wrong"):
            wrong.append(f"{wanted}: {result}")
    print(container, dict(counts))
    assert not wrong, "\n".join(wrong)
    assert counts["right"] >= LEAST[container]


def compared(folder: Path, wanted: Combination) -> str:
    """What became of one kind of file: right, wrong, refused, or not written, read or known, each with details."""
    path = folder / f"a.{wanted.container}"
    made = write(path, wanted)
    if made is None:
        return "not written"
    try:
        frame = middle(path)
    except (FFmpegError, IndexError):
        return "not read back"
    try:
        clip = encoded(path, folder / "out")
    except BadVideo as bad:
        return f"refused: {bad}"
    except Exception as error:
        return f"wrong: {error!r}"
    expected, most = mosaic(made.size) / 255, 3 * _MOST_COLOR
    try:
        expected, most = shown(frame), _MOST_COARSE if made.pixels.startswith(_COARSE) else _MOST_COLOR
    except NotRead:  # then the picture that was written is the reference, within what coding it loses
        if made.encoder in _UNREADABLE or made.pixels.startswith("mono"):
            return "not known"
    stored = middle(clip.path)
    tags = (stored.colorspace, stored.color_range, stored.color_primaries, stored.color_trc)
    color, alike = differences(upright(expected, made.turn), shown(stored))
    least = 0.9 if made.pixels.startswith(_COARSE) else _LEAST_ALIKE
    right = color <= most and alike >= least and tags == STORED_TAGS
    return f"{'right' if right else 'wrong'}: {frame.format.name} off by {color:.1f}, alike {alike:.3f}, tags {tags}"


def encoded(path: Path, folder: Path) -> Encoded:
    """The whole file as one clip."""
    folder.mkdir()
    scanned = scan(path, "none")
    return encode_shots(path, scanned, scanned.shots, folder)[0]


def middle(path: Path) -> av.VideoFrame:
    """The third frame."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))[2]


def differences(source: Picture, stored: Picture) -> tuple[float, float]:
    """The largest difference of a plain block's color, of 255, and the correlation of the two pictures."""
    high, wide = stored.shape[:2]
    scaled = np.stack([_resized(source[..., color], wide, high) for color in range(3)], -1)
    down, across = (4, 3) if high > wide else (3, 4)
    blocks = [
        np.abs(np.mean(scaled[part] - stored[part], axis=(0, 1))).max()
        for y in range(down)
        for x in range(across)
        for part in [(_inner(y, high / down), _inner(x, wide / across))]
    ]
    return 255 * max(blocks), float(np.corrcoef(scaled.ravel(), stored.ravel())[0, 1])


def _resized(plane: Picture, wide: int, high: int) -> Picture:
    return np.asarray(Image.fromarray(plane.astype(np.float32)).resize((wide, high), Image.Resampling.BOX))


def _inner(number: int, side: float) -> slice:
    return slice(round((number + 0.3) * side), round((number + 0.7) * side))
