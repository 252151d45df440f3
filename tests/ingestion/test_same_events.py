"""What passes before a fixed camera is no repetition of the empty place, and a copy of a clip still is one."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from chai_assets.core.rows import ClipRow, SourceRow
from chai_assets.ingestion.ingest import ClipRules, FileOutcome, StoredRows, ingest
from chai_assets.ingestion.moving_picture import MovingPicture, moving_picture, same_events
from chai_resources.media import Media
from tests.ingestion.films import Picture, scene, write
from tests.ingestion.odd_films import crossing

FRAMES = 60


def lamp(seed: int, color: tuple[int, int, int]) -> list[Picture]:
    """The empty place with a lamp in it; both lamps are of one gray in BT.709, in which clips are stored."""
    pictures = crossing(seed, FRAMES, size=0)
    for picture in pictures:
        picture[40:60, 200:220] = color
    return pictures


EVENTS = {
    "empty": crossing(1, FRAMES, size=0),
    "crossing": crossing(2, FRAMES),
    "crossing early": crossing(3, FRAMES, until=0.3),
    "crossing late": crossing(4, FRAMES, since=0.7),
    "child": crossing(5, FRAMES, size=0.02),
    "turning back": crossing(6, FRAMES)[::-1],
    "large": crossing(7, FRAMES, size=0.12),
    "red lamp": lamp(8, (200, 60, 60)),
    "green lamp": lamp(9, (60, 102, 60)),
}


def run(folder: Path, media: Media, *before: FileOutcome) -> list[FileOutcome]:
    sources = [cast(SourceRow, row) for each in before for row in each.sources]
    clips = [cast(ClipRow, row) for each in before for row in each.clips]
    rules = ClipRules("none", 1.0, 20.0)
    return list(ingest(folder.name, str(folder), media, StoredRows(sources, clips), rules))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("camera")
    for name, pictures in EVENTS.items():
        write(folder / f"{name}.mp4", pictures)
    return folder


def test_no_clip_of_a_fixed_camera_is_lost_for_another(films, tmp_path):
    outcomes = run(films, Media(root=str(tmp_path / "media")))
    assert [problem["reason"] for each in outcomes for problem in each.problems] == []
    assert {row["name"] for each in outcomes for row in each.clips} == {f"{name}-0" for name in EVENTS}


def test_each_event_encoded_again_is_recognized_and_names_its_own_clip(films, tmp_path):
    media = Media(root=str(tmp_path / "media"))
    first = run(films, media)
    again = tmp_path / "again"
    again.mkdir()
    for name, pictures in EVENTS.items():
        write(again / f"{name}.mkv", pictures, rate=Fraction(30000, 1001), crf=28)
    found = run(again, media, *first)
    assert [each.clips for each in found] == [[]] * len(EVENTS)
    for each in found:
        [problem] = each.problems
        assert problem["kind"] == "same_shot"
        assert f"clip {Path(each.name).stem}-0 " in problem["reason"]


def test_a_clip_whose_media_are_gone_is_the_same_as_nothing(films, tmp_path):
    media = Media(root=str(tmp_path / "media"))
    first = run(films, media)
    again = tmp_path / "again"
    again.mkdir()
    write(again / "a.mp4", EVENTS["empty"], crf=30)
    [stored] = [row for each in first for row in each.clips if row["name"] == "empty-0"]
    (tmp_path / "media" / stored["media_key"]).unlink()
    [outcome] = run(again, media, *first)
    assert len(outcome.clips) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"crf": 36},
        {"crf": 30, "size": (160, 120)},
        {"rate": 25},
        {"rate": 60},
        {"rate": Fraction(30000, 1001)},
    ],
)
@pytest.mark.parametrize("pan", [0, 1, 4])
def test_a_camera_that_moves_shows_the_same_however_it_is_encoded(tmp_path, changed, pan):
    pictures = scene(3, 60, pan=pan)
    rate = changed.get("rate", 30)
    kept = [pictures[min(59, round(number * 30 / rate))] for number in range(round(2 * rate))]
    one = moving_picture(write(tmp_path / "a.mp4", pictures))
    two = moving_picture(write(tmp_path / "b.mp4", kept, **changed))
    assert same_events(one, two)
    assert same_events(two, one)
    other = moving_picture(write(tmp_path / "c.mp4", scene(3, 60, pan=pan + 2)))
    assert not same_events(one, other)
    assert not same_events(one, moving_picture(write(tmp_path / "d.mp4", scene(3, 60, (240, 320)))))


def test_a_long_clip_that_goes_on_after_the_other_ends_is_not_the_same():
    chance = np.random.default_rng(1)
    cells, colors = (chance.integers(0, 256, (200, rows, 64), dtype=np.uint8) for rows in (36, 18))
    times = np.arange(200) / 10
    whole = MovingPicture(cells, colors, times)
    for kept, same in ((199, True), (195, False)):
        shorter = MovingPicture(cells[:kept], colors[:kept], times[:kept])
        assert same_events(whole, shorter) == same_events(shorter, whole) == same
