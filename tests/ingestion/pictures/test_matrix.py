"""Clips of every kind of file that FFmpeg's wheel can write show what the file shows, by color error and by structure."""

from collections import Counter
from pathlib import Path

import av
import numpy as np
from PIL import Image

from chai_assets.ingestion.encode import Encoded, encode_shots
from chai_assets.ingestion.shots import scan
from tests.ingestion.pictures.combinations import Combination, combinations, write
from tests.ingestion.pictures.reference import Picture, display_matrix, shown, upright

STORED_TAGS = (1, 1, 1, 1)
"""Matrix, range, primaries and transfer of every stored clip: BT.709, limited."""


def encoded(path: Path, folder: Path) -> Encoded:
    """The whole file as one clip."""
    folder.mkdir()
    scanned = scan(path, "none")
    return encode_shots(path, scanned, scanned.shots, folder)[0]


def middle(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))[2]


def differences(source: Picture, stored: Picture) -> tuple[float, float]:
    """The largest difference of a plain block's color, of 255, and the correlation of the two pictures."""
    high, wide = stored.shape[:2]
    scaled = np.stack(
        [
            np.asarray(Image.fromarray(source[..., color].astype(np.float32)).resize((wide, high), Image.Resampling.BOX))
            for color in range(3)
        ],
        -1,
    )
    down, across = (4, 3) if high > wide else (3, 4)
    blocks = [
        np.abs(np.median(scaled[part] - stored[part], axis=(0, 1))).max()
        for y in range(down)
        for x in range(across)
        for part in [(_inner(y, high / down), _inner(x, wide / across))]
    ]
    return 255 * max(blocks), float(np.corrcoef(scaled.ravel(), stored.ravel())[0, 1])


def _inner(number: int, side: float) -> slice:
    return slice(round((number + 0.3) * side), round((number + 0.7) * side))
