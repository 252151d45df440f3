"""High dynamic range and wide gamuts are stored as a display of BT.709 shows them, white as white."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from chai_assets.ingestion.pictures.tone import shown as shown_by_table
from tests.ingestion.pictures.combinations import mosaic
from tests.ingestion.pictures.reference import BT2020_TO_BT709, Picture, quantized, shown, to_yuv
from tests.ingestion.pictures.test_matrix import differences, encoded, middle

WHITE_NITS = 203
PQ, HLG, LINEAR = 16, 18, 8
BT2020, P3 = 9, 12
P3_TO_BT709 = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))
"""Of linear light, from the chromaticities of SMPTE EG 432-1."""
FROM_BT709 = {1: np.eye(3), BT2020: np.linalg.inv(BT2020_TO_BT709), P3: np.linalg.inv(P3_TO_BT709)}


def light_of(rgb: Picture) -> Picture:
    """Of a display that shows R'G'B' in 0 to 1, in shares of its white."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def pq(light: Picture) -> Picture:
    """SMPTE ST 2084."""
    power = (np.clip(light, 0, None) * WHITE_NITS / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(light: Picture) -> Picture:
    """ITU-R BT.2100 for a display of 1000 nits: its system gamma undone, then the camera's curve."""
    shown_light = np.clip(light, 0, None) * WHITE_NITS / 1000
    luminance = np.maximum(shown_light @ [0.2627, 0.678, 0.0593], 1e-9)
    scene = shown_light * luminance[..., None] ** (1 / 1.2 - 1)
    upper = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), upper)


def gamma(light: Picture) -> Picture:
    """As displays are driven without HDR."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


CODED = {PQ: pq, HLG: hlg, LINEAR: lambda light: np.clip(light, 0, 1), 1: gamma, 14: gamma}


def write(path: Path, light: Picture, codec: str, pixels: str, tags: tuple[int, int, int]) -> Path:
    """Light of BT.709, in shares of white, as a file whose tags name matrix, primaries and transfer."""
    matrix, primaries, transfer = tags
    coded = np.clip(CODED[transfer](light @ FROM_BT709[primaries].T), 0, 1)
    numbers = quantized(to_yuv(coded, matrix), 16, False).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(numbers, "yuv444p16le")
    frame.color_range = 1
    frame = frame.reformat(format=pixels, src_color_range=1, dst_color_range=1)
    frame.colorspace, frame.color_primaries, frame.color_trc = tags
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25), options=OPTIONS.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
        context = stream.codec_context
        context.thread_count = 1
        context.colorspace, context.color_primaries, context.color_trc = tags
        context.color_range = 1
        for number in range(4):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


OPTIONS = {
    "libx265": {"crf": "4", "preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    "libsvtav1": {"crf": "5", "preset": "10", "svtav1-params": "lp=1"},
    "libx264": {"crf": "4", "preset": "veryfast"},
}


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "tags", "told"),
    [
        ("mov", "libx265", "yuv420p10le", (9, BT2020, PQ), "tone-mapped from PQ"),
        ("mp4", "libx265", "yuv422p12le", (9, BT2020, PQ), "tone-mapped from PQ"),
        ("mkv", "libsvtav1", "yuv420p10le", (9, BT2020, PQ), "tone-mapped from PQ"),
        ("mkv", "ffv1", "yuv420p16le", (1, 1, PQ), "tone-mapped from PQ"),
        ("mov", "libx265", "yuv420p10le", (9, BT2020, HLG), "tone-mapped from HLG"),
        ("mov", "prores_ks", "yuv422p10le", (9, BT2020, HLG), "tone-mapped from HLG"),
        ("ts", "libx265", "yuv420p10le", (9, BT2020, 14), "brought to the gamut of BT.709"),
        ("mp4", "libx264", "yuv420p", (1, P3, 1), "brought to the gamut of BT.709"),
        ("mkv", "ffv1", "yuv444p12le", (1, 1, LINEAR), "brought to the gamut of BT.709"),
    ],
)
def test_light_of_any_kind_is_shown_as_a_display_shows_it(tmp_path, suffix, codec, pixels, tags, told):
    picture = mosaic((64, 48)) / 255
    clip = encoded(write(tmp_path / f"a.{suffix}", light_of(picture), codec, pixels, tags), tmp_path / "out")
    found = shown(middle(clip.path))
    color, alike = differences(picture, found)
    assert color < 18  # a white page, which highlights must have room above, reads 248
    assert alike > 0.98
    assert 0.9 < found.std() / picture.std() < 1.02
    assert clip.changes == (told,)
    assert clip.hdr == (tags[2] in (PQ, HLG))


def test_what_is_brighter_than_white_stays_apart_from_it(tmp_path):
    levels = np.array([0.18, 0.5, 1.0, 2.0, 4.9])  # shares of white: 37 to 1,000 nits
    light = np.ones((48, 80, 1)) * np.repeat(levels, 16)[None, :, None] * np.ones(3)
    found = shown(
        middle(encoded(write(tmp_path / "a.mov", light, "libx265", "yuv444p10le", (9, 9, PQ)), tmp_path / "o").path)
    )
    gray = 255 * found[20:28].mean(axis=(0, 2))[8::16]
    assert np.abs(gray[:2] - 255 * gamma(levels[:2])).max() < 4
    assert 244 < gray[2] < gray[3] < gray[4] <= 255


def test_the_color_of_a_bright_light_is_kept():
    orange = pq(np.array([[4.0, 2.0, 0.4]]) @ FROM_BT709[BT2020].T)
    light = light_of(shown_by_table(orange, BT2020, PQ))
    assert light[0] / light[0, 0] == pytest.approx([1, 0.5, 0.1], abs=0.02)
