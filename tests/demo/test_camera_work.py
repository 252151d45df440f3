"""The practice shots move as their recorded answers say, measured on the rendered pixels."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from chai_assets.demo.material import truth
from chai_assets.demo.rendering.render import render_video
from chai_assets.demo.rendering.scenes import VIDEOS
from chai_assets.demo.rendering.world import FPS, HEIGHT, WIDTH, Shot

MIDDLE = np.array([WIDTH / 2, HEIGHT / 2])


@dataclass
class Flow:
    """Where tracked corners were and are, and how the picture as a whole got there."""

    before: np.ndarray
    after: np.ndarray

    @property
    def shift(self) -> np.ndarray:
        """Median displacement in pixels, to the right and down."""
        return np.median(self.after - self.before, axis=0)

    @property
    def rigid(self) -> float:
        """Share of corners that one homography carries along: near 1 unless near and far slide apart."""
        _, fits = cv2.findHomography(self.before, self.after, cv2.RANSAC, 1.0)
        return float(fits.mean())

    @property
    def scale_and_turn(self) -> tuple[float, float]:
        """Growth of the picture, and its turn in degrees, clockwise positive."""
        matrix, _ = cv2.estimateAffinePartial2D(self.before, self.after, ransacReprojThreshold=1.0)
        return float(np.hypot(matrix[0, 0], matrix[1, 0])), float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))


def flow(shot: Shot, first: int, last: int) -> Flow:
    """Corners tracked from frame to frame; those that cannot be tracked back are dropped."""
    gray = cv2.cvtColor(shot.frame(first), cv2.COLOR_BGR2GRAY)
    start = cv2.goodFeaturesToTrack(gray, 500, 0.01, 7)
    points, kept = start, np.ones(len(start), bool)
    for number in range(first + 1, last + 1):
        following = cv2.cvtColor(shot.frame(number), cv2.COLOR_BGR2GRAY)
        moved, _, _ = cv2.calcOpticalFlowPyrLK(gray, following, points, None)
        back, _, _ = cv2.calcOpticalFlowPyrLK(following, gray, moved, None)
        kept &= np.linalg.norm(back - points, axis=2).ravel() < 0.3
        gray, points = following, moved
    assert kept.sum() > 100
    return Flow(start[kept, 0], points[kept, 0])


def middle_flow(stem: str, number: int = 0, frames: int = 6) -> Flow:
    shot = VIDEOS[stem][number]()
    return flow(shot, shot.frames // 2, shot.frames // 2 + frames)


def says(stem: str, number: int, attribute: str, answer: str) -> bool:
    return truth()[stem, number]["camera"][attribute] == [answer]


@pytest.mark.parametrize(
    ("stem", "number", "turn", "slides"),
    [
        ("pan-left-market", 0, "pan left", (1, 0)),
        ("two-shots-desert-snow", 1, "pan right", (-1, 0)),
        ("tilt-up-lighthouse", 0, "tilt up", (0, 1)),
        ("two-shots-desert-snow", 0, "tilt down", (0, -1)),
    ],
)
def test_a_turn_slides_near_and_far_alike_the_other_way(
    stem: str, number: int, turn: str, slides: tuple[int, int]
) -> None:
    assert says(stem, number, "turns", turn)
    assert says(stem, number, "travel", "none")
    seen = flow(shot := VIDEOS[stem][number](), shot.frames // 3, shot.frames // 3 + 6)
    along, across = seen.shift @ slides, seen.shift @ slides[::-1]
    assert along > 10
    assert abs(across) < along / 5
    assert seen.rigid > 0.85


def test_a_zoom_enlarges_near_and_far_alike_about_the_middle() -> None:
    assert says("zoom-in-windmill", 0, "zoom", "in")
    seen = middle_flow("zoom-in-windmill")
    scale, turn = seen.scale_and_turn
    assert scale > 1.08
    assert abs(turn) < 0.2
    beside_the_sails = np.linalg.norm(seen.before - MIDDLE, axis=1) > 130
    expected = MIDDLE + (seen.before - MIDDLE) * scale
    missed = np.linalg.norm(seen.after - expected, axis=1)[beside_the_sails]
    assert len(missed) > 50
    assert (missed < 1.0).mean() > 0.85


@pytest.mark.parametrize(
    ("stem", "travel"), [("dolly-in-forest-deer", "dolly in"), ("truck-right-street-cyclist", "truck right")]
)
def test_travel_slides_near_past_far(stem: str, travel: str) -> None:
    assert says(stem, 0, "travel", travel)
    assert says(stem, 0, "turns", "none")
    assert middle_flow(stem).rigid < 0.75


def test_a_dolly_in_drives_the_picture_apart_and_a_truck_right_slides_it_left() -> None:
    dolly, truck = middle_flow("dolly-in-forest-deer"), middle_flow("truck-right-street-cyclist")
    outward = ((dolly.after - dolly.before) * (dolly.before - MIDDLE)).sum(axis=1)
    assert (outward > 0).mean() > 0.9
    assert truck.shift[0] < -10


def test_a_clockwise_roll_turns_the_picture_counterclockwise() -> None:
    assert says("roll-balloon", 0, "turns", "roll clockwise")
    scale, turn = middle_flow("roll-balloon").scale_and_turn
    assert turn < -2
    assert scale == pytest.approx(1, abs=0.01)


def test_a_static_camera_keeps_the_background_where_it_is_and_a_shaky_one_comes_back() -> None:
    for stem in ("slow-motion-long-jump", "handheld-playground-ball"):
        assert says(stem, 0, "movement", "static")
    still = middle_flow("slow-motion-long-jump", frames=12)
    assert (np.linalg.norm(still.after - still.before, axis=1) < 0.2).mean() > 0.9
    shot = VIDEOS["handheld-playground-ball"][0]()
    steps = np.array([flow(shot, n, n + 2).shift for n in range(0, shot.frames - 2, 6)])
    assert np.abs(steps).max() > 3
    assert np.abs(np.median(steps, axis=0)).max() < 3
    assert (np.diff(np.sign(steps), axis=0) != 0).any(axis=0).all()


def test_slow_motion_shows_in_a_fall_much_slower_than_gravity() -> None:
    assert says("slow-motion-long-jump", 0, "playback", "slow motion")
    shot = VIDEOS["slow-motion-long-jump"][0]()
    heights, tall = [], 0.0
    for number in (15, 30, 45):
        blue, green, red = (channel.astype(int) for channel in cv2.split(shot.frame(number)[:, :, :3]))
        vest = (blue > 140) & (green < 110) & (red < 60)
        rows = np.flatnonzero(vest.sum(axis=1) > 5)
        heights.append(rows.mean())
        tall = max(tall, float(np.ptp(rows)))
    pixels_a_meter = tall / 0.7
    fall = (heights[0] - 2 * heights[1] + heights[2]) / (15 / FPS) ** 2 / pixels_a_meter
    assert 0.3 < fall < 9.81 / 4


def test_fast_motion_shows_in_racing_clouds_before_a_still_horizon() -> None:
    assert says("fast-motion-harbour", 0, "playback", "fast motion")
    shot = VIDEOS["fast-motion-harbour"][0]()
    first, later = (cv2.cvtColor(shot.frame(number), cv2.COLOR_BGR2GRAY).astype(np.float32) for number in (8, 10))
    (clouds, _), _ = cv2.phaseCorrelate(first[: HEIGHT // 4], later[: HEIGHT // 4])
    hills = slice(int(HEIGHT * 0.47), int(HEIGHT * 0.56))
    assert clouds > 6
    assert np.median(np.abs(first[hills] - later[hills])) == 0


def test_a_video_is_rendered_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    once, again = tmp_path / "once.mp4", tmp_path / "again.mp4"
    render_video("tilt-up-lighthouse", once)
    render_video("tilt-up-lighthouse", again)
    assert once.read_bytes() == again.read_bytes()
    assert once.stat().st_size < 400_000
