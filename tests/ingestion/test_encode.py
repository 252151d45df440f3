"""The stored form of a clip, read back from real files."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.ingestion.encode import LONGEST_SIDE, Encoded, encode_shots, fit
from chai_assets.ingestion.shots import scan
from tests.ingestion.films import Picture, plain, scene, write


def encode(path: Path, folder: Path) -> Encoded:
    """The whole file as one clip."""
    folder.mkdir()
    scanned = scan(path, "none")
    return encode_shots(path, scanned, scanned.shots, folder)[0]


def pictures(path: Path) -> list[Picture]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def boxes(data: bytes) -> list[str]:
    """Names of an mp4's outermost boxes, in order."""
    names, at = [], 0
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        names.append(name.decode())
        at += size
    return names


def assert_stored_form(path: Path, rate: Fraction, frames: int) -> None:
    data = path.read_bytes()
    assert boxes(data).index("moov") < boxes(data).index("mdat")
    assert b"elst" not in data
    with av.open(str(path)) as container:
        [stream] = container.streams
        assert isinstance(stream, av.VideoStream)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.width % 2 == stream.height % 2 == 0
        assert stream.average_rate == rate
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
    assert len(packets) == frames
    assert stream.time_base is not None
    for number, packet in enumerate(packets):
        assert packet.pts == packet.dts == number / rate / stream.time_base


@pytest.mark.parametrize(
    ("suffix", "rate", "codec"),
    [
        ("mp4", Fraction(30), "libx264"),
        ("mp4", Fraction(30000, 1001), "libx264"),
        ("mkv", Fraction(24000, 1001), "libx264"),
        ("ts", Fraction(25), "libx264"),
        ("avi", Fraction(25), "mpeg4"),
        ("avi", Fraction(30), "libx264"),
        ("mpg", Fraction(25), "mpeg2video"),
        ("webm", Fraction(50), "libvpx"),
    ],
)
def test_every_frame_is_kept_at_the_source_rate_in_the_stored_form(tmp_path, suffix, rate, codec):
    source = write(tmp_path / f"a.{suffix}", scene(1, 50, (160, 120)), rate, codec, sound=suffix == "mp4")
    clip = encode(source, tmp_path / "out")
    assert_stored_form(clip.path, rate, 50)
    assert (clip.frames, clip.fps, clip.width, clip.height) == (50, float(rate), 160, 120)


def test_a_varying_frame_rate_becomes_constant_and_each_moment_shows_what_it_showed(tmp_path):
    levels = [20, 60, 100, 140, 180, 220]
    shades = [plain((level,) * 3, 1, (160, 120))[0] for level in levels for _ in range(5)]
    times = np.cumsum([0, *[33, 34, 33, 100, 40] * 6])[:30].tolist()
    source = write(tmp_path / "a.mkv", shades, milliseconds=times)
    clip = encode(source, tmp_path / "out")
    rate = Fraction(clip.fps).limit_denominator(1001)
    assert_stored_form(clip.path, rate, clip.frames)
    assert abs(clip.frames / clip.fps - 1.44) < 0.05
    stored = pictures(clip.path)
    for level, at in zip(levels, times[::5], strict=True):
        assert abs(float(stored[round(at / 1000 * rate) + 1].mean()) - level) < 6


def test_a_fast_camera_is_thinned_to_sixty_frames_a_second(tmp_path):
    clip = encode(write(tmp_path / "a.mp4", scene(1, 120, (160, 120)), rate=120), tmp_path / "out")
    assert_stored_form(clip.path, Fraction(60), 60)


def test_odd_and_large_pictures_and_other_colors_are_made_to_fit(tmp_path):
    odd = write(tmp_path / "odd.mp4", scene(1, 3, (161, 121)), pixels="yuv444p")
    assert encode(odd, tmp_path / "1").path.exists()
    assert_stored_form(tmp_path / "1" / "0.mp4", Fraction(30), 3)
    large = encode(write(tmp_path / "large.mp4", scene(1, 3, (1920, 1080))), tmp_path / "2")
    assert (large.width, large.height) == (1280, 720)


def test_a_portrait_recording_stands_upright(tmp_path):
    """Phones store the picture lying and a matrix that says how to turn it."""
    half = np.zeros((120, 160, 3), dtype=np.uint8)
    half[:, :80] = 255  # left half white
    source = write(tmp_path / "a.mp4", [half] * 10)
    data = source.read_bytes()
    upright, turned = (
        struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, x << 16, 0, 1 << 30)
        for a, b, c, d, x in ((1, 0, 0, 1, 0), (0, 1, -1, 0, 120))
    )
    at = data.index(upright, data.index(b"tkhd"))
    source.write_bytes(data[:at] + turned + data[at + len(turned) :])
    clip = encode(source, tmp_path / "out")
    assert (clip.width, clip.height) == (120, 160)
    shown = pictures(clip.path)[5]
    assert shown[:60].mean() > 240  # turned clockwise, left becomes top
    assert shown[100:].mean() < 15


def test_encoding_twice_gives_the_same_bytes(tmp_path):
    source = write(tmp_path / "a.mp4", scene(1, 40))
    first, second = encode(source, tmp_path / "1"), encode(source, tmp_path / "2")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.thumb, first.signature) == (second.thumb, second.signature)


@given(st.integers(1, 32000), st.integers(1, 8000))
def test_a_stored_size_is_even_small_enough_and_of_the_same_shape(width, height):
    wide, high = fit(width, height)
    assert wide % 2 == high % 2 == 0
    assert 2 <= wide <= LONGEST_SIDE
    assert 2 <= high <= LONGEST_SIDE
    scale = min(1, LONGEST_SIDE / max(width, height))
    assert abs(wide - width * scale) <= 2
    assert abs(high - height * scale) <= 2
