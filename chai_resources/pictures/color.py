"""How a decoded frame codes color: its own tags, and what stands in for those that it lacks or that cannot be meant.

Shared by ingestion and by the pictures made for models, so that both see what a player shows.
"""

from dataclasses import dataclass
from enum import IntEnum

import av
from av.video.format import VideoFormat
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
"""The transfers of high dynamic range: PQ and HLG."""

_HD_LINES = 720
_SD_WIDTH = 1024
"""Pictures with as many lines, or wider, are HD: BT.709, where the file does not say."""


class Matrix(IntEnum):
    """Matrix coefficients of ITU-T H.273, table 4, in the numbers that FFmpeg's frames carry."""

    RGB = 0
    BT709 = 1
    UNTAGGED = 2
    RESERVED = 3
    FCC = 4
    BT470BG = 5
    SMPTE170M = 6
    SMPTE240M = 7
    YCGCO = 8
    BT2020 = 9
    BT2020_CONSTANT = 10
    SMPTE2085 = 11
    DERIVED = 12
    DERIVED_CONSTANT = 13
    ICTCP = 14
    IPT_C2 = 15
    YCGCO_RE = 16
    YCGCO_RO = 17


@dataclass(frozen=True)
class Color:
    """What a frame's numbers mean: `matrix` and `full` how they make R'G'B', the others which light that is."""

    matrix: Matrix
    full: bool
    primaries: int
    transfer: int

    @property
    def hdr(self) -> bool:
        """Whether it codes high dynamic range."""
        return self.transfer in HDR


def color_of(frame: av.VideoFrame) -> Color:
    """The color of a frame by its tags; where there is none, or one that its pixels contradict, by its kind and size.

    A matrix that is not known is BT.601 or, at HD size, BT.709, and BT.2020 for PQ and HLG. A range that is not known
    is limited for YUV and full for gray, as FFmpeg reads and writes it. RGB is always full.
    """
    kind = frame.format
    transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
    if is_rgb(kind):
        matrix = Matrix.RGB
    else:
        # Gray is the same by every matrix.
        matrix = Matrix.BT709 if is_gray(kind) else _matrix(frame.colorspace, primaries)
        if matrix == Matrix.UNTAGGED:
            matrix = Matrix.BT2020 if transfer in HDR else default_matrix(frame.width, frame.height)
    if primaries in (0, 3, ColorPrimaries.UNSPECIFIED):
        wide = matrix in (Matrix.BT2020, Matrix.BT2020_CONSTANT, Matrix.ICTCP) or transfer in HDR
        primaries = int(ColorPrimaries.BT2020 if wide else ColorPrimaries.BT709)
    return Color(matrix, _is_full(frame, matrix), primaries, transfer)


def color_of_stored(frame: av.VideoFrame) -> Color:
    """The color of a frame of a stored clip, also of those stored before clips were tagged with their matrix.

    Then a source's tagged matrix became BT.601 and lost its tag, while the tags of its primaries stayed; what had no
    tags was stored as it was.
    """
    color = color_of(frame)
    if frame.colorspace == Matrix.UNTAGGED and frame.color_primaries != ColorPrimaries.UNSPECIFIED:
        return Color(Matrix.SMPTE170M, color.full, color.primaries, color.transfer)
    return color


def default_matrix(width: int, height: int) -> Matrix:
    """The matrix of a picture of that size, in pixels as coded, that names none."""
    if height >= _HD_LINES or width > _SD_WIDTH:
        return Matrix.BT709
    return Matrix.BT470BG if height in (288, 576) else Matrix.SMPTE170M


def is_rgb(kind: VideoFormat) -> bool:
    """Whether a pixel format holds red, green and blue, or a palette of them."""
    return kind.is_rgb or kind.has_palette or kind.name.startswith(("xyz", "bayer"))


def is_gray(kind: VideoFormat) -> bool:
    """Whether a pixel format holds no color at all."""
    return not is_rgb(kind) and sum(not part.is_alpha for part in kind.components) == 1


def to_rgb(frame: av.VideoFrame, color: Color) -> av.VideoFrame:
    """An 8-bit picture in rgb24, read with that matrix and range."""
    matrix = _SWSCALE.get(color.matrix, Colorspace.ITU601)
    full = ColorRange.JPEG if color.full else ColorRange.MPEG
    return frame.reformat(format="rgb24", src_colorspace=matrix, src_color_range=full, threads=1)


def scaler_matrix(frame: av.VideoFrame) -> int:
    """The matrix to name to a scaler where its colors do not matter: the frame's own, or BT.709 for one it refuses."""
    return frame.colorspace if frame.colorspace in _SCALED else int(Colorspace.ITU709)


_SCALED = {Matrix.RGB, Matrix.BT709, Matrix.UNTAGGED, Matrix.FCC, Matrix.BT470BG, Matrix.SMPTE170M, Matrix.SMPTE240M}
_SCALED |= {Matrix.BT2020}

_SWSCALE = {
    Matrix.BT709: Colorspace.ITU709,
    Matrix.FCC: Colorspace.FCC,
    Matrix.SMPTE240M: Colorspace.SMPTE240M,
    Matrix.BT2020: Colorspace.BT2020,
}


def _matrix(tag: int, primaries: int) -> Matrix:
    """The matrix that a tag of YUV names; UNTAGGED also for what YUV cannot have."""
    matrix = Matrix(tag) if tag in Matrix.__members__.values() else Matrix.UNTAGGED
    if matrix in (Matrix.RGB, Matrix.RESERVED):
        return Matrix.UNTAGGED
    if matrix == Matrix.DERIVED:
        return _OF_PRIMARIES.get(primaries, Matrix.UNTAGGED)
    return matrix


_OF_PRIMARIES = {
    int(ColorPrimaries.BT709): Matrix.BT709,
    int(ColorPrimaries.BT470M): Matrix.FCC,
    int(ColorPrimaries.BT470BG): Matrix.BT470BG,
    int(ColorPrimaries.SMPTE170M): Matrix.SMPTE170M,
    int(ColorPrimaries.SMPTE240M): Matrix.SMPTE240M,
    int(ColorPrimaries.BT2020): Matrix.BT2020,
}


def _is_full(frame: av.VideoFrame, matrix: Matrix) -> bool:
    if matrix == Matrix.RGB:
        return True
    if frame.color_range in (ColorRange.MPEG, ColorRange.JPEG):
        return frame.color_range == ColorRange.JPEG
    return frame.format.name.startswith("yuvj") or is_gray(frame.format)
