"""What a display matrix asks for is done to the picture: turned, mirrored, and both."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.ingestion.pictures.orientation import orientation
from chai_assets.ingestion.shots import scan
from tests.ingestion.pictures.combinations import TURNS, Combination, mosaic, write
from tests.ingestion.pictures.reference import shown, upright
from tests.ingestion.pictures.test_matrix import differences, encoded, middle

TOLD = {
    (1, 0, 0, 1): (),
    (-1, 0, 0, 1): ("mirrored",),
    (1, 0, 0, -1): ("mirrored",),
    (-1, 0, 0, -1): ("turned upright",),
    (0, 1, -1, 0): ("turned upright",),
    (0, -1, 1, 0): ("turned upright",),
    (0, 1, 1, 0): ("mirrored", "turned upright"),
    (0, -1, -1, 0): ("mirrored", "turned upright"),
}


def matrix(a: float, b: float, c: float, d: float) -> bytes:
    """As frames carry it: 16.16 fixed point."""
    return struct.pack("=9i", *(round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_each_of_the_eight_ways_to_hold_a_camera_stands_upright(tmp_path: Path, turn: tuple[int, int, int, int]):
    made = write(tmp_path / "a.mp4", Combination("mp4", "libx264", "yuv420p", turn=turn, size=(96, 64)), [(96, 64)])
    assert made
    assert made.turn == turn
    clip = encoded(tmp_path / "a.mp4", tmp_path / "out")
    color, alike = differences(upright(mosaic((96, 64)) / 255, turn), shown(middle(clip.path)))
    assert (clip.width, clip.height) == ((96, 64) if turn[0] else (64, 96))
    assert color < 8
    assert alike > 0.97
    assert clip.changes == TOLD[turn]


@pytest.mark.parametrize("flip", ["horizontal", "vertical", "horizontal+vertical"])
@pytest.mark.parametrize("suffix", ["ts", "mkv", "avi"])
def test_a_turn_that_the_codec_states_counts_in_any_container(tmp_path: Path, flip: str, suffix: str):
    """Cameras write a display orientation into H.264 itself, once a key frame; it holds until the next."""
    write(tmp_path / "plain.mp4", Combination("mp4", "libx264", "yuv420p"))
    with av.open(str(tmp_path / "plain.mp4")) as source, av.open(str(tmp_path / f"a.{suffix}"), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        asks = f"h264_mp4toannexb,h264_metadata=display_orientation=insert:flip={flip}"
        turning = av.BitStreamFilterContext(asks, stream)
        for packet in source.demux(stream):
            for turned in turning.filter(packet if packet.size else None):
                turned.stream, turned.time_base = copied, stream.time_base
                target.mux(turned)
    clip = encoded(tmp_path / f"a.{suffix}", tmp_path / "out")
    turn = (-1 if "horizontal" in flip else 1, 0, 0, -1 if "vertical" in flip else 1)
    color, alike = differences(upright(mosaic((64, 48)) / 255, turn), shown(middle(clip.path)))
    assert color < 8
    assert alike > 0.97


def test_a_quarter_turn_that_the_codec_states_once_a_key_frame_is_one_shape_to_the_end(tmp_path: Path):
    write(tmp_path / "plain.mp4", Combination("mp4", "libx264", "yuv420p"))
    with av.open(str(tmp_path / "plain.mp4")) as source, av.open(str(tmp_path / "a.mkv"), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        turning = av.BitStreamFilterContext("h264_metadata=display_orientation=insert:rotate=90", stream)
        for packet in source.demux(stream):
            for turned in turning.filter(packet if packet.size else None):
                turned.stream, turned.time_base = copied, stream.time_base
                target.mux(turned)
    found = scan(tmp_path / "a.mkv", "none")
    assert [(shot.width, shot.height) for shot in found.shots] == [(48, 64)]
    assert (found.width, found.height) == (48, 64)


@given(st.sampled_from(TURNS), st.floats(0.01, 30), st.floats(-40, 40))
def test_an_odd_angle_is_rounded_to_the_nearest_quarter_and_told(turn, scale, degrees):
    by = np.deg2rad(degrees)
    exact = np.array(turn).reshape(2, 2) @ [[np.cos(by), np.sin(by)], [-np.sin(by), np.cos(by)]] * scale
    found, plain = orientation(matrix(*exact.ravel())), orientation(matrix(*turn))
    assert (found.transposed, found.right, found.down) == (plain.transposed, plain.right, plain.down)
    if abs(degrees) > 1.5:
        assert all(word.endswith("to the nearest quarter") for word in found.told)
        assert found.told
    if abs(degrees) < 0.5:
        assert found.told == list(TOLD[turn])


@pytest.mark.parametrize("data", [None, b"", b"\0" * 36, matrix(1, 0, 0, 0), matrix(0, 0, 0, 1), b"\0" * 20])
def test_a_matrix_that_shows_nothing_changes_nothing(data: bytes | None):
    assert orientation(data).steps == []
    assert orientation(data).told == []
