"""Small real video files for tests: scenes with texture to recognize, and the faults that files have."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from PIL import Image

Picture = np.ndarray


def scene(seed: int, frames: int, size: tuple[int, int] = (320, 240), pan: int = 1) -> list[Picture]:
    """A camera panning by so many pixels a frame over a random picture; another seed is another place."""
    rng = np.random.default_rng(seed)
    width, height = size
    # Coarse shapes and fine ones, as photographs have: blurs alone give hashes nothing to hold on to.
    wide = np.zeros((height, 2 * width, 3))
    for cells, share in ((6, 0.4), (18, 0.3), (54, 0.3)):
        noise = Image.fromarray(rng.integers(0, 255, (cells, 2 * cells, 3), dtype=np.uint8))
        wide += share * np.asarray(noise.resize((2 * width, height), Image.Resampling.BICUBIC))
    wide = wide.astype(np.uint8)
    return [np.ascontiguousarray(np.roll(wide, -pan * number, axis=1)[:, :width]) for number in range(frames)]


def plain(color: tuple[int, int, int], frames: int, size: tuple[int, int] = (320, 240)) -> list[Picture]:
    """Pictures of one color."""
    return [np.full((size[1], size[0], 3), color, dtype=np.uint8)] * frames


def write(
    path: Path,
    pictures: Sequence[Picture],
    rate: Fraction | int = 30,
    codec: str = "libx264",
    crf: int = 20,
    size: tuple[int, int] | None = None,
    milliseconds: Sequence[int] | None = None,
    sound: bool = False,
    pixels: str = "yuv420p",
    faststart: bool = False,
) -> Path:
    """Encodes pictures, at a constant rate or each at its own time; `size` scales them."""
    height, width = pictures[0].shape[:2]
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size or (width, height)
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        if codec == "libx264":
            stream.options = {"crf": str(crf), "preset": "veryfast"}
        if milliseconds:
            stream.codec_context.time_base = Fraction(1, 1000)
        speech = container.add_stream("aac", rate=44100) if sound else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(*(size or (width, height)), pixels)
            if milliseconds:
                frame.pts, frame.time_base = milliseconds[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if speech:
            container.mux(speech.encode(_silence(1024)))
            container.mux(speech.encode())
    return path


def write_sound(path: Path) -> Path:
    """A file with sound only, whatever its name says."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for number in range(40):
            frame = _silence(1024)
            frame.pts = 1024 * number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_song(path: Path) -> Path:
    """Sound with a cover picture, which the container holds as a video stream."""
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=44100)
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 160, 120, "rgb24"
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(scene(1, 1, (160, 120))[0], "rgb24")))
        container.mux(cover.encode())
        for number in range(40):
            frame = _silence(1152)
            frame.pts = 1152 * number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _silence(samples: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, samples), dtype=np.float32), "fltp", "mono")
    frame.sample_rate = 44100
    return frame
