"""Recognizing shots by their signatures."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chai_assets.ingestion.perceptual_hash import KnownShot, ShotIndex, signature
from tests.ingestion.films import plain, scene


def looks(seed: int, pan: int = 1) -> list[Image.Image]:
    return [Image.fromarray(picture) for picture in scene(seed, 3, pan=pan)]


TEXTURED = looks(1)[:2]


def known(clip: str, source: str = "a", seconds: float = 2.0) -> KnownShot:
    return KnownShot(clip, source, clip, seconds, clip)


def test_a_shot_is_found_by_its_own_signature_unless_source_or_length_speak_against_it():
    text = signature(looks(1))
    index = ShotIndex([(known("other"), signature(looks(2))), (known("clip"), text)])
    assert index.alike(text, 2.05, "b") == [known("clip")]
    assert index.alike(text, 2.05, "a") == []
    assert index.alike(text, 2.5, "b") == []
    assert index.alike(signature(looks(3)), 2.0, "b") == []


def test_a_shot_added_later_is_found_and_the_first_of_two_is_named():
    text = signature(looks(1))
    index = ShotIndex()
    assert index.alike(text, 2.0, "b") == []
    index.add(known("first"), text)
    assert index.alike(text, 2.0, "b") == [known("first")]
    index.add(known("second"), text)
    assert index.alike(text, 2.0, "b")[0].clip_id == "first"


@given(st.tuples(*[st.integers(0, 255)] * 3), st.floats(0, 0.3))
def test_plain_colors_and_smooth_ramps_have_no_signature(color, slope):
    ramp = np.linspace(0, 255 * slope, 320)[None, :, None]
    picture = Image.fromarray(np.clip(plain(color, 1)[0] + ramp, 0, 255).astype(np.uint8))
    assert signature([picture] * 3) is None
    assert signature([*TEXTURED, picture]) is None


def test_one_differing_frame_of_three_is_enough_to_tell_shots_apart():
    index = ShotIndex([(known("clip"), signature(looks(1)))])
    mirrored = looks(1)[2].transpose(Image.Transpose.FLIP_LEFT_RIGHT)  # of the same mean color
    assert index.alike(signature([*looks(1)[:2], mirrored]), 2.0, "b") == []
