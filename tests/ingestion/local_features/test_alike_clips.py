"""Copies, cuts and cameras are brought together, other films are not: through ingestion, tables' rows and splits."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chai_assets.core.rows import NewRow
from chai_assets.datasets.select.splits import assign_splits
from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_assets.ingestion.local_features.packed import (
    SIDE,
    ClipFeatures,
    FrameFeatures,
    describe,
    mirrored,
    pack,
    unpack,
)
from chai_assets.ingestion.local_features.search import alike_between, alike_within
from chai_assets.ingestion.near_duplicates import mirrored_signature, place_pairs
from chai_assets.ingestion.perceptual_hash import signature
from chai_resources.media import Media
from tests.datasets.factory import NOON, frame
from tests.ingestion.films import Picture, plain, scene, write
from tests.ingestion.odd_films import crossing

FRAMES = 60
PAN = scene(40, 2 * FRAMES, pan=2)


def cropped(pictures: list[Picture], left: float, top: float, right: float, bottom: float) -> list[Picture]:
    height, width = pictures[0].shape[:2]
    rows, columns = (
        slice(int(a * side) // 2 * 2, int(b * side) // 2 * 2)
        for a, b, side in ((top, bottom, height), (left, right, width))
    )
    return [np.ascontiguousarray(picture[rows, columns]) for picture in pictures]


def mirror(pictures: list[Picture]) -> list[Picture]:
    return [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]


def with_logo(pictures: list[Picture], logo: Picture) -> list[Picture]:
    shown = [picture.copy() for picture in pictures]
    for picture in shown:
        picture[8 : 8 + logo.shape[0], 8 : 8 + logo.shape[1]] = logo
    return shown


def with_bars(pictures: list[Picture]) -> list[Picture]:
    return [np.pad(picture, ((30, 30), (0, 0), (0, 0))) for picture in pictures]


LOGO = scene(77, 1, (48, 32), pan=0)[0]
FILMS: dict[str, list[Picture]] = {
    "pan": PAN[:FRAMES],
    "pan mirrored": mirror(PAN[:FRAMES]),
    "pan cropped": cropped(PAN[:FRAMES], 0.1, 0.1, 0.9, 0.9),
    "pan cropped aside": cropped(PAN[:FRAMES], 0.25, 0.0, 1.0, 0.75),
    "pan cropped and mirrored": mirror(cropped(PAN[:FRAMES], 0.1, 0.0, 0.9, 0.8)),
    "pan in bars": with_bars(PAN[:FRAMES]),
    "pan cut later": PAN[FRAMES // 2 : FRAMES // 2 + FRAMES],
    "pan slower": [PAN[number // 2] for number in range(FRAMES)],
    "camera empty": crossing(1, FRAMES, size=0),
    "camera crossed": crossing(2, FRAMES),
    "camera crossed by a large one": crossing(3, FRAMES, size=0.15),
    "camera crossed early": crossing(4, FRAMES, until=0.3),
    "another": scene(41, FRAMES, pan=2),
    "third": scene(42, FRAMES, pan=0),
    "logo one": with_logo(scene(43, FRAMES, pan=1), LOGO),
    "logo two": with_logo(scene(44, FRAMES, pan=1), LOGO),
    "bars one": with_bars(scene(45, FRAMES, pan=1)),
    "bars two": with_bars(scene(46, FRAMES, pan=1)),
    "plain": plain((90, 120, 60), FRAMES),
    "other plain": plain((90, 60, 120), FRAMES),
}
TOGETHER = ("pan", "camera")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[NewRow]:
    """The clips of all films, ingested one after the other, as the table has them."""
    home = tmp_path_factory.mktemp("alike")
    folder = home / "films"
    folder.mkdir()
    for number, (name, pictures) in enumerate(FILMS.items()):
        write(folder / f"{number:02} {name}.mp4", pictures)
    media = Media(root=str(home / "media"))
    found = list(ingest("b1", str(folder), media, StoredRows(), ClipRules("none", 1.0, 20.0)))
    clips = [row for outcome in found for row in outcome.clips]
    return [row | {"recorded_at": NOON + timedelta(seconds=number)} for number, row in enumerate(clips)]


def film(row: NewRow) -> str:
    return row["name"][3:-2]


def groups(rows: list[NewRow]) -> list[set[str]]:
    """The films that the splits bring together."""
    found = assign_splits(frame("clips", rows), 0.5).sources
    by = dict(found.select("source_id", "split_by").iter_rows())
    return [{film(row) for row in rows if by[row["source_id"]] == one} for one in dict.fromkeys(by.values())]


def test_every_clip_is_kept_and_copies_cuts_and_cameras_land_in_one_split_group(rows):
    assert {film(row) for row in rows} == set(FILMS)
    expected = [{name for name in FILMS if name.startswith(one)} for one in TOGETHER]
    expected += [{name} for name in FILMS if not name.startswith(TOGETHER)]
    assert groups(rows) == expected


def test_clips_without_features_stay_where_they_were_and_newer_ones_still_find_them(rows):
    kept = [row for row in rows if film(row) in ("pan", "pan mirrored", "pan cropped")]
    old = [row | {"features": None} for row in kept]
    assert groups(old) == [{"pan"}, {"pan mirrored"}, {"pan cropped"}]
    # A mirrored copy is found by the hash of an old clip; a crop is found by the copy's features.
    assert groups([old[0], *kept[1:]]) == [{"pan", "pan mirrored", "pan cropped"}]


def test_what_lies_in_one_set_is_found_from_the_other_and_named_as_mirrored(rows):
    named = {film(row): row["features"] for row in rows}
    others = ["another", "pan", "third", "camera empty"]
    found = alike_between(
        ClipFeatures.of([named["pan mirrored"], named["logo one"], None, named["pan cropped"], "AWRhbWFnZWQ="]),
        ClipFeatures.of([named[name] for name in others]),
    )
    assert [(pair.one, others[pair.two], pair.mirrored) for pair in found] == [(0, "pan", True), (3, "pan", False)]


def test_a_large_camera_of_which_no_key_is_rare_stays_together(rows):
    named = {film(row): row["features"] for row in rows}
    found = alike_within(ClipFeatures.of([named["another"], *[named["camera empty"]] * 30]))
    assert {two for _, two in found} == set(range(2, 31))


@given(st.integers(0, 2**32 - 1))
def test_the_bits_of_a_mirrored_patch_follow_from_those_of_the_patch(seed):
    patches = np.random.default_rng(seed).permutation(64 * 5).reshape(5, 8, 8).astype(np.int16)
    assert (mirrored(describe(patches)) == describe(patches[:, :, ::-1])).all()


@given(st.text(max_size=40), st.integers(1, 1_100))
def test_a_damaged_column_is_as_good_as_none(noise, cut):
    whole = one_frame()
    assert pack(unpack(whole)) == whole
    for damaged in (f"?{noise}", whole[:cut], whole[:-4] + "????", pack([]), f"Ag{whole[2:]}"):
        assert ClipFeatures.of([damaged, whole]).clip.tolist() == [1]


def one_frame() -> str:
    chance = np.random.default_rng(1)
    small = chance.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    corners = chance.integers(0, 256, (7, 19), dtype=np.uint8)
    return pack([FrameFeatures(1.5, small, corners[:, :16].copy(), corners[:, 16:].copy())])


def test_the_signature_of_a_mirrored_clip_is_about_that_of_its_mirrored_pictures():
    pictures = [Image.fromarray(picture) for picture in scene(3, 3)]
    text, turned = signature(pictures), signature([one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for one in pictures])
    table = pl.DataFrame(
        {"phash": [turned, text], "duration_s": [2.0, 2.0], "source_id": ["a", "b"], "features": [None, one_frame()]}
    )
    assert text != turned
    assert place_pairs(table).rows() == [(0, 1)]
    assert place_pairs(table.with_columns(features=pl.lit(None, pl.String))).is_empty()
    assert mirrored_signature("no signature") == "no signature"
