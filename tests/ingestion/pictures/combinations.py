"""Files of every kind that FFmpeg's wheel can write: containers, encoders, pixel formats, matrices, ranges, turns."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random

import av
import numpy as np
from av.codec import Codec
from av.error import FFmpegError
from PIL import Image

from tests.ingestion.pictures.reference import Picture, quantized, to_yuv

MATRICES = (2, 1, 6, 5, 9, 7, 4, 8)
"""Untagged, BT.709, BT.601 as NTSC and PAL have it, BT.2020, SMPTE 240M, FCC, YCgCo."""
TURNS = (
    (1, 0, 0, 1),
    (-1, 0, 0, 1),
    (0, 1, -1, 0),
    (1, 0, 0, -1),
    (0, 1, 1, 0),
    (-1, 0, 0, -1),
    (0, -1, 1, 0),
    (0, -1, -1, 0),
)
"""a, b, c, d of the eight display matrices; the first leaves the picture as it is."""
CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi", "ts", "mpg", "flv", "asf", "ogv", "3gp")

_SIZES = ((64, 48), (176, 144), (256, 128), (720, 576), (1280, 720), (1920, 1080))
"""Tried in turn: some encoders take only the sizes of their standard."""
_BLOCKS = np.array(
    [
        [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)],
        [(0, 0, 0), (255, 255, 0), (128, 128, 128), (0, 255, 255)],
        [(200, 150, 120), (60, 90, 60), (255, 0, 255), (70, 60, 130)],
    ],
    np.uint8,
)
_HARDWARE = ("nvenc", "qsv", "amf", "v4l2m2m", "vulkan", "vaapi")
_UNTAGGED = ("amv", "v308", "v408", "v410")
_NO_VIDEO = {"rawvideo", "wrapped_avframe", "vnull", "a64multi", "a64multi5"}


@dataclass(frozen=True)
class Combination:
    """One kind of file."""

    container: str
    encoder: str
    pixels: str
    matrix: int = 2
    full: bool = False
    turn: tuple[int, int, int, int] = TURNS[0]
    size: tuple[int, int] = _SIZES[0]

    def __str__(self) -> str:
        wide, high = self.size
        turned = ",".join(map(str, self.turn))
        return f"{self.container} {self.encoder} {self.pixels} {wide}x{high} m{self.matrix} f{self.full:d} t{turned}"


@cache
def encoders() -> dict[str, tuple[str, ...]]:
    """Pixel formats that each encoder of video takes, without those that need a device."""
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(av.codecs_available):
        try:
            codec = Codec(name, "w")
        except ValueError:
            continue
        if codec.type == "video" and not codec.name.endswith(_HARDWARE) and codec.name not in _NO_VIDEO:
            found[codec.name] = tuple(each.name for each in codec.video_formats or ())
    return found


def combinations() -> Iterator[Combination]:
    """Each encoder in each container, and each of its pixel formats in one; the rest changes from file to file."""
    number = 0
    for encoder, formats in encoders().items():
        for container in CONTAINERS:
            for pixels in formats if container in ("mkv", "mov") else formats[:1]:
                yield combination(
                    container, encoder, pixels, MATRICES[number % 8], bool(number // 8 % 2), TURNS[number // 3 % 8]
                )
                number += 1


def drawn(random: Random) -> Combination:
    """Any combination whatever."""
    encoder = random.choice(sorted(encoders()))
    pixels = random.choice(encoders()[encoder])
    matrix, full, turn = random.choice(MATRICES), random.random() < 0.5, random.choice(TURNS)
    return combination(random.choice(CONTAINERS), encoder, pixels, matrix, full, turn)


def combination(
    container: str, encoder: str, pixels: str, matrix: int, full: bool, turn: tuple[int, int, int, int]
) -> Combination:
    """One that can be meant: formats whose files hold no matrix, and which the reference cannot read, have none."""
    if encoder in _UNTAGGED:
        return Combination(container, encoder, pixels, turn=turn)
    return Combination(container, encoder, pixels, matrix, full, turn)


def mosaic(size: tuple[int, int]) -> Picture:
    """A picture of twelve plain blocks, which shows every color, and every turn."""
    wide, high = size
    return np.asarray(Image.fromarray(_BLOCKS).resize((wide, high), Image.Resampling.NEAREST))


def write(path: Path, wanted: Combination, sizes: Sequence[tuple[int, int]] = _SIZES) -> Combination | None:
    """Writes a few frames of it, in the first size that it takes, which is said; None if FFmpeg does not write it."""
    for size in sizes:
        sized = replace(wanted, size=size)
        try:
            _encode(path, sized)
        except (FFmpegError, ValueError, OverflowError):
            continue
        return sized if wanted.turn == TURNS[0] or _turn(path, wanted.turn) else replace(sized, turn=TURNS[0])
    return None


def _encode(path: Path, wanted: Combination) -> None:
    with av.open(
        str(path), "w", format={"mkv": "matroska", "ts": "mpegts", "ogv": "ogg"}.get(wanted.container)
    ) as file:
        stream = file.add_stream(wanted.encoder, rate=Fraction(25))
        stream.width, stream.height = wanted.size
        stream.pix_fmt = wanted.pixels
        stream.options = _OPTIONS.get(wanted.encoder, {})
        context = stream.codec_context
        context.thread_count = 1
        context.bit_rate = 0 if wanted.encoder == "libsvtav1" else 4_000_000
        context.qmin = 2
        context.colorspace = 0 if _is_rgb(wanted.pixels) else wanted.matrix
        context.color_range = 2 if wanted.full or _is_rgb(wanted.pixels) else 1
        if wanted.matrix == 9:  # its matrix alone: colors beyond BT.709 have tests of their own
            context.color_primaries = context.color_trc = 1
        frame = _frame(wanted)
        for number in range(6):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


_OPTIONS = {
    "libx264": {"crf": "8", "preset": "veryfast"},
    "libx264rgb": {"crf": "8", "preset": "veryfast"},
    "libx265": {"crf": "8", "preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    "libsvtav1": {"crf": "15", "preset": "10", "svtav1-params": "lp=1"},
    "libvpx-vp9": {"crf": "8", "deadline": "realtime", "cpu-used": "8"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "dnxhd": {"profile": "dnxhr_444"},
    "ffv1": {"strict": "experimental", "level": "3"},
}


def _frame(wanted: Combination) -> av.VideoFrame:
    rgb = mosaic(wanted.size)
    if _is_rgb(wanted.pixels):
        return av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format=wanted.pixels)
    matrix = wanted.matrix if wanted.matrix != 2 else 1 if wanted.size[1] >= 720 else 6
    numbers = quantized(to_yuv(rgb / 255, matrix), 16, wanted.full).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(numbers, "yuv444p16le")
    frame.color_range = 2 if wanted.full else 1
    made = frame.reformat(format=wanted.pixels, src_color_range=frame.color_range, dst_color_range=frame.color_range)
    made.colorspace = wanted.matrix
    return made


def _is_rgb(pixels: str) -> bool:
    return pixels.startswith(("rgb", "bgr", "gbr", "arg", "abg", "pal"))


def _turn(path: Path, turn: tuple[int, int, int, int]) -> bool:
    """Writes a display matrix into an MP4 or MOV, as cameras do; whether there was a place for it."""
    data = path.read_bytes()
    plain, turned = (
        struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30) for a, b, c, d in (TURNS[0], turn)
    )
    header = data.find(b"tkhd")
    at = data.find(plain, header)
    if header < 0 or at < 0:
        return False
    path.write_bytes(data[:at] + turned + data[at + len(turned) :])
    return True
