"""Red and green are red and green, whatever matrix and range a source has, names, or does not name."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from chai_assets.ingestion.probe import BadVideo
from chai_assets.ingestion.shots import scan
from chai_resources.captioners.engines.frames import sampled_frames
from tests.ingestion.pictures.combinations import mosaic
from tests.ingestion.pictures.reference import Picture, quantized, shown, to_yuv
from tests.ingestion.pictures.test_matrix import STORED_TAGS, differences, encoded, middle

SD, HD, WIDE, PORTRAIT = (320, 240), (1280, 720), (1920, 800), (720, 1280)


def write(
    path: Path,
    size: tuple[int, int],
    matrix: int,
    full: bool = False,
    tags: tuple[int, int, int, int] = (2, 0, 2, 2),
    codec: str = "libx264",
    picture: Picture | None = None,
) -> Path:
    """A few frames coded by a matrix and range, and tagged with whatever matrix, range, primaries and transfer."""
    rgb = (mosaic(size) if picture is None else picture) / 255
    numbers = quantized(to_yuv(rgb, matrix), 8, full).astype(np.uint8)
    # Planes as they are: libraries that convert would have rules of their own.
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, values in zip(frame.planes, np.moveaxis(numbers, -1, 0), strict=True):
        part = values if plane.width == size[0] else values[::2, ::2]
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = part
        plane.update(rows)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "4", "preset": "veryfast"})
        stream.width, stream.height = size
        context = stream.codec_context
        context.thread_count = 1
        for target in (context, frame):
            target.colorspace, target.color_range, target.color_primaries, target.color_trc = tags
        for number in range(4):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("size", "matrix", "full", "tags"),
    [
        (HD, 1, False, (1, 1, 1, 1)),
        (HD, 1, False, (1, 0, 2, 2)),
        (HD, 1, False, (2, 0, 2, 2)),
        (WIDE, 1, False, (2, 0, 2, 2)),
        (PORTRAIT, 1, False, (2, 0, 2, 2)),
        (HD, 6, False, (6, 1, 6, 6)),
        (SD, 6, False, (2, 0, 2, 2)),
        (SD, 1, False, (1, 1, 1, 1)),
        (SD, 5, False, (5, 1, 5, 6)),
        (SD, 6, True, (6, 2, 6, 6)),
        (HD, 1, True, (1, 2, 1, 1)),
        (HD, 1, True, (2, 2, 2, 2)),
        (SD, 6, False, (0, 1, 2, 2)),
        (SD, 6, False, (3, 1, 3, 3)),
        (SD, 9, False, (9, 1, 1, 1)),
        (SD, 8, False, (8, 1, 2, 2)),
        (SD, 1, False, (12, 1, 1, 1)),
        (SD, 5, False, (12, 1, 5, 5)),
        (SD, 7, False, (7, 1, 7, 7)),
        (SD, 1, False, (1, 1, 1, 13)),
    ],
)
def test_color_is_read_by_its_tags_or_by_the_size_and_stored_in_one_form(tmp_path, size, matrix, full, tags):
    clip = encoded(write(tmp_path / "a.mp4", size, matrix, full, tags), tmp_path / "out")
    stored = middle(clip.path)
    assert (stored.colorspace, stored.color_range, stored.color_primaries, stored.color_trc) == STORED_TAGS
    color, alike = differences(mosaic(size) / 255, shown(stored))
    assert color < 5
    assert alike > 0.99
    assert clip.hdr is False
    assert clip.changes == ()


def test_thumbnail_and_pictures_for_models_have_the_colors_of_the_clip(tmp_path):
    clip = encoded(write(tmp_path / "a.mp4", HD, 1, tags=(1, 1, 1, 1)), tmp_path / "out")
    for data in [clip.thumb, *sampled_frames(clip.path, fps=1, at_most=2)]:
        color, alike = differences(mosaic(HD) / 255, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) / 255)
        assert color < 6
        assert alike > 0.99


@pytest.mark.parametrize(
    ("size", "matrix", "tags"),
    [
        (HD, 1, (1, 1, 1, 1)),  # as clips are stored now
        (SD, 1, (1, 1, 1, 1)),
        (HD, 1, (2, 0, 2, 2)),  # as they were: what had no tags was left as it was
        ((1280, 534), 1, (2, 0, 2, 2)),
        (SD, 6, (2, 0, 2, 2)),
        (HD, 6, (2, 1, 1, 1)),  # and tagged HD became BT.601, without a matrix but with the source's primaries
        (SD, 6, (2, 1, 9, 16)),
    ],
)
def test_pictures_for_models_of_clips_stored_at_any_time_are_right(tmp_path, size, matrix, tags):
    clip = write(tmp_path / "clip.mp4", size, matrix, tags=tags)
    [data] = sampled_frames(clip, fps=1, at_most=1)
    color, _ = differences(mosaic(size) / 255, np.asarray(Image.open(io.BytesIO(data))) / 255)
    assert color < 6


@pytest.mark.parametrize("matrix", [0, 1, 2, *range(4, 16)])
def test_shots_are_found_whatever_the_matrix(tmp_path, matrix):
    found = scan(write(tmp_path / "a.mkv", SD, 1, tags=(matrix, 1, 2, 2), codec="libx265"), "adaptive")
    assert len(found.times) == 4


@pytest.mark.parametrize("matrix", [10, 11, 13, 14])
def test_color_that_cannot_be_shown_is_refused_by_name(tmp_path, matrix):
    path = write(tmp_path / "a.mkv", SD, 1, tags=(matrix, 1, 9, 16))
    with pytest.raises(BadVideo, match=r"holds color as .*, which cannot be shown here; convert it") as bad:
        encoded(path, tmp_path / "out")
    assert bad.value.kind == "unsupported"


def test_dolby_vision_without_a_base_that_is_a_picture_is_refused(tmp_path):
    path = write(tmp_path / "a.mp4", SD, 1, codec="libx265")
    data = path.read_bytes()
    assert b"hev1" in data
    path.write_bytes(data.replace(b"hev1", b"dvhe"))
    with pytest.raises(BadVideo, match="Dolby Vision profile 5"):
        encoded(path, tmp_path / "out")


def write_rgba(path: Path, rgba: Picture, codec: str, pixels: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = rgba.shape[1], rgba.shape[0], pixels
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(rgba, "rgba").reformat(format=pixels)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [("avi", "rawvideo", "bgra"), ("mkv", "ffv1", "gbrap12le"), ("mkv", "ffv1", "gbrap16le")],
)
def test_a_last_byte_that_is_never_set_is_no_transparency(tmp_path, suffix, codec, pixels):
    """Recorders of screens write 32 bits a pixel and leave the last 8 at 0; that is no black film."""
    rgba = np.dstack([mosaic((64, 48)), np.zeros((48, 64), np.uint8)])
    clip = encoded(write_rgba(tmp_path / f"a.{suffix}", rgba, codec, pixels), tmp_path / "out")
    assert differences(mosaic((64, 48)) / 255, shown(middle(clip.path)))[0] < 8
    assert clip.changes == ()


def test_what_is_transparent_lets_black_through(tmp_path):
    size = (64, 48)
    rgba = np.dstack([mosaic(size), np.full(size[::-1], 255, np.uint8)])
    rgba[:, :16, 3] = 0
    rgba[:, 16:32, 3] = 128
    clip = encoded(write_rgba(tmp_path / "a.mov", rgba, "qtrle", "argb"), tmp_path / "out")
    over_black = mosaic(size) / 255 * rgba[..., 3:] / 255
    color, alike = differences(over_black, shown(middle(clip.path)))
    assert color < 8
    assert alike > 0.97
    assert clip.changes == ("anything transparent laid over black",)


def test_color_and_size_that_change_within_a_shot_are_followed(tmp_path):
    """Recorders change matrix and range where they switch their input, streams their size; what is shown stays."""
    forms = [
        (SD, 6, False, (6, 1, 6, 6)),
        (SD, 1, False, (1, 1, 1, 1)),
        ((640, 480), 1, True, (1, 2, 1, 1)),
        (SD, 9, False, (9, 1, 1, 1)),
        (SD, 6, True, (6, 2, 6, 6)),
    ]
    parts = [write(tmp_path / f"{number}.ts", *form) for number, form in enumerate(forms)]
    with av.open(str(tmp_path / "a.ts"), "w") as target, av.open(str(parts[0])) as first:
        joined = target.add_stream_from_template(first.streams.video[0])
        for number, part in enumerate(parts):
            with av.open(str(part)) as source:
                for packet in source.demux(video=0):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + 90000 * number, packet.dts + 90000 * number
                        packet.stream = joined
                        target.mux(packet)
    clip = encoded(tmp_path / "a.ts", tmp_path / "out")
    with av.open(str(clip.path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) >= 4 * clip.fps
    for frame in frames[:: round(clip.fps / 4)]:
        assert differences(mosaic(SD) / 255, shown(frame))[0] < 6
