"""Reading files as they come: clocks, shapes, streams and headers that are not what they should be."""

import pickle
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from chai_assets.ingestion.encode import encode_shots
from chai_assets.ingestion.probe import BadVideo
from chai_assets.ingestion.shots import Scan, scan
from tests.ingestion.films import Picture, plain, scene, write
from tests.ingestion.odd_films import begun_late, dropped, edited, transport_stream, with_beside

SMALL = (160, 120)
PLACE, OTHER = scene(1, 75, SMALL), scene(2, 75, SMALL)
LEVELS = [plain((level, level, level), 1, SMALL)[0] for level in range(20, 245, 3)]


def spans(found: Scan) -> list[tuple[float, float]]:
    return [(round(shot.start_s, 2), round(shot.end_s, 2)) for shot in found.shots]


def stored(path: Path, found: Scan, folder: Path, shot: int = 0) -> list[Picture]:
    """The pictures of a shot in its storing form."""
    folder.mkdir()
    clip = encode_shots(path, found, [found.shots[shot]], folder)[shot]
    with av.open(str(clip.path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def assert_told(found: Scan, *parts: str) -> None:
    for part in parts:
        assert any(part in note for note in found.notes), found.notes


@pytest.mark.parametrize("missing", [{10, 11, 12, 40}, {70, 71, 72, 73, 74}, set(range(20, 60))])
def test_the_frame_before_one_that_a_recorder_dropped_is_held(tmp_path, missing):
    path = dropped(tmp_path / "a.avi", LEVELS, missing)
    found = scan(path, "none")
    assert found.duration_s == pytest.approx(3.0)
    pictures = stored(path, found, tmp_path / "out")
    assert len(pictures) == 75
    shown = [number - sum(1 for _ in range(number) if number in missing) for number in range(75)]
    for number in missing:
        shown[number] = shown[number - 1]
    for number, picture in enumerate(pictures):
        assert abs(float(picture.mean()) - float(LEVELS[shown[number]].mean())) < 2


def test_frames_that_an_avi_holds_in_another_order_are_placed_by_their_own_slots(tmp_path):
    times = [40 * number for number in range(100) if number % 10 < 7]
    path = write(tmp_path / "a.avi", LEVELS[: len(times)], 25, milliseconds=times)
    found = scan(path, "none")
    # The slots are in the order of decoding: near a gap three frames can be told no better.
    assert found.times == pytest.approx([at / 1000 for at in times], abs=0.121)
    assert found.duration_s == pytest.approx(3.88, abs=0.1)


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
@pytest.mark.parametrize(
    ("begins", "told"), [(2.0, "back by 21.0 s"), (7200.0, "forth by 7177.0 s"), (95000.0, "clock")]
)
def test_a_clock_that_is_set_between_two_shots_changes_neither(tmp_path, codec, begins, told):
    path = transport_stream(tmp_path / "a.ts", [(PLACE, 20.0), (OTHER, begins)], codec)
    found = scan(path, "adaptive")
    assert spans(found) == [(0.0, 3.0), (3.0, 6.0)]
    assert_told(found, told, "joined to it at")
    assert len(stored(path, found, tmp_path / "out", 1)) == 75


def test_a_clock_that_runs_over_its_end_is_not_set(tmp_path):
    path = transport_stream(tmp_path / "a.ts", [(PLACE + OTHER, 2**33 / 90000 - 2)])
    found = scan(path, "adaptive")
    assert spans(found) == [(0.0, 3.0), (3.0, 6.0)]
    assert found.notes == ()


def test_a_recording_that_begins_and_ends_within_pictures_gives_those_between(tmp_path):
    whole = transport_stream(tmp_path / "whole.ts", [(PLACE, 20.0)])
    late = begun_late(whole, tmp_path / "late.ts", 10)
    found = scan(late, "none")
    assert found.duration_s == pytest.approx(2.0)
    assert_told(found, "first 0.6 s")
    data = late.read_bytes()
    late.write_bytes(data[: len(data) - 188 * 4])
    found = scan(late, "none")
    assert found.duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("at", [0.2, 0.5, 0.7])
def test_a_recording_damaged_in_the_middle_is_refused(tmp_path, at):
    path = transport_stream(tmp_path / "a.ts", [(PLACE, 20.0)], "libx264")
    data = path.read_bytes()
    hole = int(len(data) / 188 * at) * 188
    path.write_bytes(data[:hole] + data[hole + 188 * 3 :])
    with pytest.raises(BadVideo, match="is damaged or cut off at"):
        scan(path, "none")


def test_a_picture_that_stands_for_an_hour_takes_no_other_shot_with_it(tmp_path):
    times = [*range(0, 2000, 40), *range(3_602_000, 3_604_000, 40)]
    path = write(tmp_path / "a.mkv", scene(1, 100, SMALL), 25, milliseconds=times)
    assert spans(scan(path, "none")) == [(0.0, 1.96), (1.96, 3602.0), (3602.0, 3604.0)]
    still = write(tmp_path / "b.mkv", scene(1, 2, SMALL), milliseconds=[0, 5000])
    found = scan(still, "none")
    assert found.shots[0].end_s > 5
    assert found.rate >= 1


@pytest.mark.parametrize(
    ("sizes", "cuts", "clips"),
    [
        ([(160, 120), (320, 240)], [], [(320, 240)]),
        ([(320, 240), (160, 120)], [], [(320, 240)]),
        ([(160, 90), (322, 180)], [], [(322, 180)]),
        ([(160, 120), (320, 180)], [50], [(160, 120), (320, 180)]),
        ([(320, 180), (160, 120), (320, 240)], [50], [(320, 180), (320, 240)]),
    ],
)
@pytest.mark.parametrize("detector", ["none", "adaptive"])
def test_another_size_goes_on_and_another_shape_is_a_cut(tmp_path, sizes, cuts, clips, detector):
    big = scene(3, 150, (640, 480), pan=2)
    parts = []
    for number, (width, height) in enumerate(sizes):
        pictures = big[50 * number : 50 * number + 50]
        small = [av.VideoFrame.from_ndarray(each, "rgb24").reformat(width, height).to_ndarray() for each in pictures]
        parts.append((small, 20.0 + 2 * number))
    path = transport_stream(tmp_path / "a.ts", parts, "libx264")
    found = scan(path, detector)
    assert [shot.first for shot in found.shots[1:]] == cuts
    assert [(shot.width, shot.height) for shot in found.shots] == clips
    assert_told(found, f"comes in {len(sizes)} sizes", *["changes at 2.0 s"] * len(cuts))
    (tmp_path / "out").mkdir()
    made = encode_shots(path, found, found.shots, tmp_path / "out")
    assert [(made[number].width, made[number].height) for number in range(len(clips))] == clips
    assert sum(clip.frames for clip in made.values()) == len(found.times)


def test_wide_pixels_that_come_in_the_middle_are_a_cut_at_their_own_frame(tmp_path):
    """Television goes from 4:3 to 16:9 so: the pictures keep their 720 x 576."""
    path = transport_stream(tmp_path / "a.ts", [(PLACE, 20.0), (OTHER, 23.0)])

    def widen(data: bytearray) -> None:
        heads = [at for at in range(len(data)) if data[at : at + 4] == b"\x00\x00\x01\xb3"]
        for at in heads[len(heads) // 2 :]:
            data[at + 7] = 0x30 | data[at + 7] & 15  # a sequence header's display aspect, 3 is 16:9

    found = scan(edited(path, tmp_path / "b.ts", widen), "none")
    assert [(shot.first, shot.width, shot.height) for shot in found.shots] == [(0, 160, 120), (75, 213, 120)]


def test_a_file_whose_shape_changes_all_the_time_is_one_line(tmp_path):
    pictures = scene(1, 120, SMALL)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuvj420p"
        for number, picture in enumerate(pictures):
            one = write(
                tmp_path / "one.avi", [picture], codec="mjpeg", pixels="yuvj420p", size=(160, 120 - number % 2 * 40)
            )
            with av.open(str(one)) as source:
                packet = next(iter(source.demux(video=0)))
            packet.stream, packet.pts, packet.dts = stream, number * 40, number * 40
            packet.time_base = Fraction(1, 1000)
            container.mux(packet)
    with pytest.raises(BadVideo, match="changes the shape of its picture again and again"):
        scan(tmp_path / "a.mkv", "none")


THUMBNAILS = scene(5, 2, SMALL)


@pytest.mark.parametrize(
    ("name", "beside", "flag"),
    [
        ("a.mov", [("mjpeg", THUMBNAILS, Disposition.default)], None),
        ("a.mkv", [("mjpeg", scene(5, 75, (32, 24)), Disposition.default)], Disposition(0)),
        ("a.mkv", [("libx264", scene(5, 75, (120, 90)), Disposition(0))], Disposition.default),
        ("a.mkv", [("libx264", scene(5, 75, (120, 90)), None)], None),
        ("a.mkv", [("libx264", scene(5, 50, SMALL), None), ("mjpeg", THUMBNAILS, None)], None),
        ("a.mkv", [("libx264", scene(5, 75, (240, 180)), Disposition(0))], Disposition.default),
    ],
)
@pytest.mark.parametrize("video_first", [True, False])
def test_of_several_streams_the_video_is_taken_and_said(tmp_path, name, beside, flag, video_first):
    path = with_beside(tmp_path / name, PLACE, beside, video_first, flag)
    found = scan(path, "none")
    assert (found.codec, found.width, found.height, len(found.times)) == ("h264", 160, 120, 75)
    number = 0 if video_first else len(beside)
    assert_told(found, f"{len(beside) + 1} videos are in it: stream {number} (160x120, 75 pictures) is taken, not")


def set_after(name: bytes, skip: int, layout: str, value: float) -> Callable[[bytearray], None]:
    def edit(data: bytearray) -> None:
        struct.pack_into(layout, data, data.index(name) + skip, value)

    return edit


def replaced(old: bytes, new: bytes) -> Callable[[bytearray], None]:
    def edit(data: bytearray) -> None:
        at = data.index(old)
        data[at : at + len(old)] = new.ljust(len(old), b"\0")

    return edit


DURATION = b"00:00:03.000000000"


@pytest.mark.parametrize(
    ("suffix", "edit"),
    [
        *(
            ("mkv", replaced(DURATION, tag))
            for tag in (b"2 s", b"nan", b"-1:x:1e999", b"99:99:99", b"\xff\xfe\x00\xd8")
        ),
        ("mkv", set_after(b"\x44\x89", 3, ">d", 1e12)),  # the length of the whole, in milliseconds
        ("mkv", set_after(b"\x44\x89", 3, ">d", float("nan"))),
        ("mkv", set_after(b"\x44\x89", 3, ">d", -5.0)),
        ("mp4", set_after(b"mvhd", 20, ">I", 2**32 - 1)),
        ("mp4", set_after(b"mvhd", 20, ">I", 0)),
        ("mp4", set_after(b"mdhd", 20, ">I", 2**32 - 1)),
        ("mp4", set_after(b"mdhd", 20, ">I", 0)),
        ("mp4", set_after(b"tkhd", 24, ">I", 1)),
        ("avi", set_after(b"avih", 24, "<I", 2**32 - 1)),
        ("avi", set_after(b"strh", 40, "<I", 2**31)),
    ],
)
def test_a_false_length_or_tag_is_not_believed_against_what_is_there(tmp_path, suffix, edit):
    codec = "mjpeg" if suffix == "avi" else "libx264"
    path = write(tmp_path / f"a.{suffix}", PLACE, 25, codec, pixels="yuvj420p" if suffix == "avi" else "yuv420p")
    found = scan(edited(path, tmp_path / f"b.{suffix}", edit), "none")
    assert len(found.times) == 75
    assert found.duration_s == pytest.approx(3.0)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "avi"])
@pytest.mark.parametrize("kept", [0.4, 0.8])
def test_a_file_that_was_cut_off_is_refused_with_what_is_left(tmp_path, suffix, kept):
    path = write(tmp_path / f"a.{suffix}", PLACE, 25, "mjpeg", pixels="yuvj420p", faststart=suffix == "mp4")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(BadVideo, match=r"is (cut off: \d\.\d s of 3\.0 s are there|damaged or cut off at)"):
        scan(path, "none")


@pytest.mark.parametrize("tag", ["9" * 5000, "\udcff", "🎬" * 300])
def test_tags_of_any_kind_are_left_unread(tmp_path, tag):
    with av.open(str(tmp_path / "a.mkv"), "w", metadata_errors="surrogateescape") as container:
        container.metadata.update({"DURATION": tag, "title": tag})
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for picture in PLACE[:25]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    assert scan(tmp_path / "a.mkv", "none").duration_s == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [1, 100_000_000])
def test_a_frame_rate_that_no_camera_has_is_not_believed(tmp_path, rate):
    path = write(tmp_path / "a.avi", PLACE, 25, "mjpeg", pixels="yuvj420p")

    def edit(data: bytearray) -> None:
        struct.pack_into("<II", data, data.index(b"strh") + 28, 100_000 if rate == 1 else 1, rate)

    found = scan(edited(path, tmp_path / "b.avi", edit), "none")
    assert (found.duration_s, found.rate) == (pytest.approx(3.0), 25)


@pytest.mark.parametrize("size", [(2, 2), (2, 4000), (4000, 2), (16, 16)])
def test_a_picture_of_any_size_is_read_or_refused(tmp_path, size):
    path = write(tmp_path / "a.mkv", [np.zeros((size[1], size[0], 3), np.uint8)] * 30, 25, "rawvideo")
    found = scan(path, "adaptive")
    (tmp_path / "out").mkdir()
    assert encode_shots(path, found, found.shots, tmp_path / "out")[0].frames == 30


def test_the_codec_is_that_of_the_pictures_and_not_the_decoder(tmp_path):
    names = {"libsvtav1": "av1", "libvpx-vp9": "vp9", "libx265": "hevc"}
    for codec, name in names.items():
        assert scan(write(tmp_path / f"{codec}.mkv", PLACE[:10], 25, codec), "none").codec == name


def test_a_refusal_can_be_handed_over_from_another_process():
    again = pickle.loads(pickle.dumps(BadVideo("broken", "is damaged")))
    assert (again.kind, again.reason, str(again)) == ("broken", "is damaged", "is damaged")
