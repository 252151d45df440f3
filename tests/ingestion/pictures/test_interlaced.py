"""Interlaced video is stored without combs, one picture a frame; what is progressive keeps every line."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.filter import Graph

from tests.ingestion.pictures.reference import Picture, shown
from tests.ingestion.pictures.test_matrix import encoded

WIDE, HIGH, FRAMES, STEP = 192, 96, 12, 5
"""A bar over a pattern moves by STEP pixels from field to field: 10 pixels a frame comb it well."""


def moment(number: int) -> Picture:
    """The scene at a field's time, in gray levels."""
    x, y = np.meshgrid(np.arange(WIDE), np.arange(HIGH))
    scene = 110 + 40 * np.sin(x / 17) * np.cos(y / 13)
    at = 20 + STEP * number
    scene[:, at : at + 24] = 230
    scene[HIGH // 3 : HIGH // 2, at : at + 24] = 30
    return scene


def woven(number: int, top_first: bool) -> Picture:
    """The frame that a camera of fields makes of two moments."""
    first, second = moment(2 * number), moment(2 * number + 1)
    frame = first.copy()
    frame[top_first::2] = second[top_first::2]
    return frame


def write(path: Path, pictures: list[tuple[Picture, str]], codec: str, pixels: str, options: dict[str, str]) -> Path:
    """Each picture with its fields: tff, bff or prog."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25), options=options)
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, pixels
        stream.codec_context.thread_count = 1
        stream.codec_context.bit_rate = 6_000_000
        for number, (picture, fields) in enumerate(pictures):
            gray = np.repeat(picture.astype(np.uint8)[..., None], 3, axis=2)
            frame = av.VideoFrame.from_ndarray(gray, "rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(_flagged(frame, fields)))
        container.mux(stream.encode())
    return path


def _flagged(frame: av.VideoFrame, fields: str) -> av.VideoFrame:
    graph = Graph()
    source = graph.add_buffer(width=WIDE, height=HIGH, format=frame.format, time_base=frame.time_base)
    graph.link_nodes(source, graph.add("setfield", f"mode={fields}"), graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.vpull()


def stored(path: Path, folder: Path) -> tuple[list[Picture], tuple[str, ...]]:
    """Gray levels of the clip's frames, and what was done to them."""
    clip = encoded(path, folder)
    with av.open(str(clip.path)) as container:
        return [255 * shown(frame).mean(axis=2) for frame in container.decode(video=0)], clip.changes


def combs(picture: Picture) -> float:
    """How far lines differ from the mean of their neighbors, in gray levels."""
    return float(np.abs(picture[1:-1] - (picture[:-2] + picture[2:]) / 2).mean())


H264 = {"flags": "+ildct+ilme", "crf": "8", "preset": "veryfast"}
MPEG2 = {"flags": "+ildct+ilme", "qmin": "1"}


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "options"),
    [
        ("ts", "libx264", "yuv420p", H264),
        ("mkv", "libx264", "yuv422p10le", H264),
        ("mpg", "mpeg2video", "yuv420p", MPEG2),
        ("mov", "prores_ks", "yuv422p10le", {"flags": "+ildct"}),
        ("mkv", "ffv1", "yuv444p", {"flags": "+ildct"}),
        ("avi", "mpeg4", "yuv420p", MPEG2),
    ],
)
@pytest.mark.parametrize("top_first", [True, False])
def test_combs_are_gone_and_each_picture_is_that_of_its_first_field(
    tmp_path, suffix, codec, pixels, options, top_first
):
    fields = "tff" if top_first else "bff"
    pictures = [(woven(number, top_first), fields) for number in range(FRAMES)]
    found, changes = stored(write(tmp_path / f"a.{suffix}", pictures, codec, pixels, options), tmp_path / "out")
    assert len(found) == FRAMES
    for number in range(FRAMES):
        right, combed = moment(2 * number), pictures[number][0]
        assert combs(found[number]) < combs(right) + 2 < combs(combed)
        assert np.corrcoef(found[number].ravel(), right.ravel())[0, 1] > 0.97
    assert changes == ("deinterlaced, one picture a frame",)


def test_progressive_frames_among_interlaced_ones_keep_every_line(tmp_path):
    lines = np.where(np.arange(HIGH)[:, None] % 2, 60.0, 200.0) * np.ones((1, WIDE))
    pictures = [(lines, "prog") if 4 <= number < 8 else (woven(number, True), "tff") for number in range(FRAMES)]
    found, changes = stored(write(tmp_path / "a.mkv", pictures, "ffv1", "yuv444p", {}), tmp_path / "out")
    assert len(found) == FRAMES
    assert all(combs(found[number]) > 100 for number in range(4, 8))
    assert all(combs(found[number]) < combs(moment(2 * number)) + 2 for number in (1, 2, 9, 10))
    assert changes == ("deinterlaced, one picture a frame",)


def test_one_interlaced_picture_alone_is_one_picture(tmp_path):
    found, _ = stored(write(tmp_path / "a.mkv", [(woven(3, True), "tff")], "ffv1", "yuv420p", {}), tmp_path / "out")
    assert len(found) == 1


def test_fields_that_are_frames_by_themselves_are_left_alone(tmp_path):
    """HEVC codes each field as a picture of half the height, and its decoder gives them so."""
    pictures = [(moment(number), "prog") for number in range(FRAMES)]
    options = {"x265-params": "interlace=tff:log-level=none:pools=1", "crf": "8"}
    found, changes = stored(write(tmp_path / "a.mkv", pictures, "libx265", "yuv420p", options), tmp_path / "out")
    assert len(found) == FRAMES
    assert all(np.corrcoef(found[n].ravel(), moment(n).ravel())[0, 1] > 0.97 for n in range(FRAMES))
    assert changes == ("fields shown as pictures",)
