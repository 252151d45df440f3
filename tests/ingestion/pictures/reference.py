"""What a frame shows, from its raw planes by the equations of the standards: no scaler of FFmpeg takes part."""

import re

import av
import numpy as np

Picture = np.ndarray


class NotRead(Exception):
    """A frame in a form that is not read here: floating point, dots of one bit, rows from below."""


KR_KB = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Weights of red and blue by the number of the matrix, from ITU-T H.273."""
YCGCO = 8
BT2020_TO_BT709 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
"""Of linear light, from ITU-R BT.2407."""

_YUV = re.compile(r"(yuvj?|gray|ya)(a?)(\d\d\d)?p?(\d*)(le|be)?")
_PLANAR_RGB = re.compile(r"gbr(a?)p(\d*)(le|be)?")
_PACKED = re.compile(r"([rgbax0]{3,4})(24|48|64)?(le|be)?")
_SHORT = {"rgb555": (5, 5, 5), "rgb565": (5, 6, 5)}


def matrix_of(tag: int, width: int, height: int) -> int:
    """The matrix of a YUV picture of that tag and size in coded pixels."""
    if tag in KR_KB or tag == YCGCO:
        return tag
    return 1 if height >= 720 or width > 1024 else 6


def to_yuv(rgb: Picture, matrix: int) -> Picture:
    """Y in 0 to 1 and two differences in -0.5 to 0.5 of R'G'B' in 0 to 1; colors in the last axis."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    if matrix == YCGCO:
        return np.stack([(red + 2 * green + blue) / 4, (2 * green - red - blue) / 4, (red - blue) / 2], -1)
    of_red, of_blue = KR_KB[matrix]
    y = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    return np.stack([y, (blue - y) / (2 - 2 * of_blue), (red - y) / (2 - 2 * of_red)], -1)


def to_rgb(yuv: Picture, matrix: int) -> Picture:
    """The other way round."""
    y, first, second = np.moveaxis(yuv, -1, 0)
    if matrix == YCGCO:
        return np.stack([y - first + second, y + first, y - first - second], -1)
    of_red, of_blue = KR_KB[matrix]
    red, blue = y + (2 - 2 * of_red) * second, y + (2 - 2 * of_blue) * first
    return np.stack([red, (y - of_red * red - of_blue * blue) / (1 - of_red - of_blue), blue], -1)


def quantized(yuv: Picture, bits: int, full: bool) -> Picture:
    """Whole numbers of so many bits for Y and differences, as files hold them."""
    top, unit = (1 << bits) - 1, 1 << (bits - 8)
    scales = np.array([top, top, top] if full else [219 * unit, 224 * unit, 224 * unit])
    offsets = np.array([0 if full else 16 * unit, 128 * unit, 128 * unit])
    return np.clip(np.rint(yuv * scales + offsets), 0, top)


def shown(frame: av.VideoFrame) -> Picture:
    """R'G'B' in 0 to 1 of a frame in the tags it has, as it lies; what is transparent lets black through."""
    rgb = _coded(frame)
    wide = frame.colorspace == 9 and frame.color_primaries == 2
    if not wide or frame.format.is_rgb:
        return rgb
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.array(BT2020_TO_BT709).T, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _coded(frame: av.VideoFrame) -> Picture:
    name = frame.format.name
    if short := _SHORT.get(name[:6]):
        return _short(frame, short)
    if found := _PLANAR_RGB.fullmatch(name):
        return _planar_rgb(frame, bool(found[1]), int(found[2] or 8))
    if name == "pal8":
        colors = np.frombuffer(frame.planes[1], np.uint8).reshape(-1, 4)[_plane(frame, 0, np.uint8)] / 255
        return colors[..., 2::-1] * colors[..., 3:]
    if found := _YUV.fullmatch(name):
        return _yuv(frame, int(found[4] or 8))
    if found := _PACKED.fullmatch(name):
        return _packed(frame, found[1], found[2] in ("48", "64"), found[3] == "be")
    raise NotRead(f"no reference reads {name}")


def upright(picture: Picture, matrix: tuple[int, int, int, int]) -> Picture:
    """The picture by the four signs a, b, c, d of a display matrix: (x, y) is shown at (a x + c y, b x + d y)."""
    a, b, c, d = matrix
    if a:
        return picture[:: 1 if d > 0 else -1, :: 1 if a > 0 else -1]
    turned = picture.swapaxes(0, 1)
    return turned[:: 1 if b > 0 else -1, :: 1 if c > 0 else -1]


def _yuv(frame: av.VideoFrame, bits: int) -> Picture:
    name = frame.format.name
    kind: type = np.uint8 if bits == 8 else np.uint16
    big = name.endswith("be")
    gray = name.startswith(("gray", "ya"))
    if name.startswith("ya"):
        both = _plane(frame, 0, kind, 2, big)
        luma, alpha = both[..., 0], both[..., 1]
    else:
        luma = _plane(frame, 0, kind, 1, big)
        alpha = _plane(frame, 3, kind, 1, big) if name.startswith("yuva") else None
    top, unit = (1 << bits) - 1, 1 << (bits - 8)
    full = name.startswith("yuvj") or frame.color_range == 2 or (gray and frame.color_range == 0)
    y = (luma if full else luma - 16 * unit) / (top if full else 219 * unit)
    if gray:
        rgb = np.stack([y, y, y], -1)
    else:
        chroma = [_whole(_plane(frame, number, kind, 1, big), y.shape) for number in (1, 2)]
        differences = [(plane - 128 * unit) / (top if full else 224 * unit) for plane in chroma]
        rgb = to_rgb(np.stack([y, *differences], -1), matrix_of(frame.colorspace, frame.width, frame.height))
    rgb = np.clip(rgb, 0, 1)
    return rgb if alpha is None else rgb * (alpha / top)[..., None]


def _planar_rgb(frame: av.VideoFrame, alpha: bool, bits: int) -> Picture:
    kind: type = np.uint8 if bits == 8 else np.uint16
    green, blue, red, *rest = (
        _plane(frame, number, kind, 1, frame.format.name.endswith("be")) / ((1 << bits) - 1)
        for number in range(3 + alpha)
    )
    rgb = np.stack([red, green, blue], -1)
    return rgb * rest[0][..., None] if rest else rgb


def _packed(frame: av.VideoFrame, order: str, deep: bool, big: bool) -> Picture:
    pixels = _plane(frame, 0, np.uint16 if deep else np.uint8, len(order), big) / (65535 if deep else 255)
    rgb = np.stack([pixels[..., order.index(color)] for color in "rgb"], -1)
    return rgb * pixels[..., order.index("a")][..., None] if "a" in order else rgb


def _short(frame: av.VideoFrame, bits: tuple[int, int, int]) -> Picture:
    values, parts = _plane(frame, 0, np.uint16, 1, frame.format.name.endswith("be")).astype(int), []
    for width in reversed(bits):
        parts.insert(0, (values & ((1 << width) - 1)) / ((1 << width) - 1))
        values = values >> width
    return np.stack(parts, -1)


def _plane(frame: av.VideoFrame, number: int, kind: type, parts: int = 1, big: bool = False) -> Picture:
    plane = frame.planes[number]
    if plane.line_size < 0:
        raise NotRead("no reference reads rows from below")
    values = np.frombuffer(plane, np.dtype(kind).newbyteorder(">" if big else "<"))
    rows = values.reshape(plane.height, plane.line_size // values.itemsize)[:, : plane.width * parts].astype(float)
    rows = rows.astype(int) if parts == 1 and frame.format.name in ("pal8",) else rows
    return rows.reshape(plane.height, plane.width, parts) if parts > 1 else rows


def _whole(plane: Picture, shape: tuple[int, ...]) -> Picture:
    """A plane of fewer samples, each repeated for the pixels it stands for."""
    down, across = -(-shape[0] // plane.shape[0]), -(-shape[1] // plane.shape[1])
    return plane.repeat(down, 0).repeat(across, 1)[: shape[0], : shape[1]]
