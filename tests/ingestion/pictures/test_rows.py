"""What the row of a source says of its pictures: codec by its standard name, HDR, what was done, or why not."""

from pathlib import Path

import numpy as np
import pytest

from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_assets.ingestion.shots import scan
from chai_resources.media import Media
from tests.ingestion.films import scene, write
from tests.ingestion.pictures import test_color, test_light
from tests.ingestion.pictures.combinations import TURNS, Combination, mosaic
from tests.ingestion.pictures.combinations import write as write_combination

RULES = ClipRules("none", 0.05, 20.0)


@pytest.mark.parametrize(
    ("suffix", "encoder", "codec"),
    [
        ("mp4", "libx264", "h264"),
        ("mp4", "libx265", "hevc"),
        ("mkv", "libsvtav1", "av1"),
        ("webm", "libvpx", "vp8"),
        ("webm", "libvpx-vp9", "vp9"),
        ("mpg", "mpeg2video", "mpeg2video"),
        ("mov", "prores_ks", "prores"),
        ("avi", "mpeg4", "mpeg4"),
    ],
)
def test_a_codec_goes_by_its_standard_name(tmp_path: Path, suffix: str, encoder: str, codec: str):
    pixels = "yuv422p10le" if encoder == "prores_ks" else "yuv420p"
    assert scan(write(tmp_path / f"a.{suffix}", scene(1, 5), codec=encoder, pixels=pixels), "none").codec == codec


def test_a_source_says_whether_it_was_hdr_and_what_was_done_to_its_pictures(tmp_path: Path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    write(inbox / "a-plain.mp4", scene(1, 5))
    light = test_light.light_of(mosaic((64, 48)) / 255)
    test_light.write(inbox / "b-hdr.mov", light, "libx265", "yuv420p10le", (9, 9, 16))
    assert write_combination(inbox / "c-turned.mp4", Combination("mp4", "libx264", "yuv420p", turn=TURNS[4]))
    test_color.write(inbox / "d-refused.mkv", (320, 240), 1, tags=(14, 1, 9, 16))
    outcomes = list(ingest("b", str(inbox), Media(root=str(tmp_path / "media")), StoredRows(), RULES))
    said = {row["name"]: (row["hdr"], row["picture"]) for outcome in outcomes for row in outcome.sources}
    assert said == {
        "a-plain.mp4": (False, None),
        "b-hdr.mov": (True, "tone-mapped from PQ"),
        "c-turned.mp4": (False, "mirrored; turned upright"),
    }
    [problem] = [row for outcome in outcomes for row in outcome.problems]
    assert (problem["name"], problem["kind"]) == ("d-refused.mkv", "unsupported")
    assert "ICtCp" in problem["reason"]


def test_a_source_without_a_clip_says_nothing_of_its_pictures(tmp_path: Path):
    write(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 2)
    rules = ClipRules("none", 5.0, 20.0)
    [outcome] = ingest("b", str(tmp_path), Media(root=str(tmp_path / "media")), StoredRows(), rules)
    assert [(row["hdr"], row["picture"]) for row in outcome.sources] == [(None, None)]
