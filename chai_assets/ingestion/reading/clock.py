"""When each frame of a video is on screen, whatever its file says about time. Pure; it opens nothing.

Files give times that jump, stand still, run backwards or are missing. Here they become times that start at 0 and
grow, in the order in which the frames are shown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

DEFAULT_STEP = 0.04
"""Seconds a frame stands if nothing in the file says how long."""

BROADCAST_JUMP_SECONDS = 10.0
"""A longer step of a clock that may be set anew in the stream (MPEG, FLV, Ogg) is such a jump, and no held picture.
FFmpeg's own `dts_delta_threshold`."""

LONGEST_HOLD_SECONDS = 6 * 3600.0
"""No clock that cannot jump is believed to hold one picture for longer."""

_SHORTEST_STEP = 1e-4
"""Seconds between two frames below which the clock stood still."""

_GAP_SECONDS = 0.5
"""Cameras slow down in the dark, to some four pictures a second; a longer gap is a loss."""

_MPEG_CLOCK_SECONDS = 2**33 / 90000
"""MPEG's clock begins anew after 26.5 hours, and FFmpeg takes any step back for that."""

_MOST_NOTES = 5


@dataclass(frozen=True)
class Jump:
    """The clock was set by `seconds` (less than 0: back) before the frame of that number."""

    frame: int
    seconds: float


@dataclass(frozen=True)
class Timeline:
    """Seconds from the first frame at which each frame appears, growing; `end` is when the last one goes."""

    starts: np.ndarray
    end: float
    jumps: list[Jump]

    @property
    def steps(self) -> np.ndarray:
        """Seconds for which each frame stands."""
        return np.diff(self.starts, append=self.end)

    def around_held(self, seconds: float) -> set[int]:
        """Numbers of the frames that stand for longer, and of those after them."""
        held = np.flatnonzero(self.steps > seconds)
        return {*held.tolist(), *(held + 1).tolist()}

    def notes(self, is_broadcast: bool) -> list[str]:
        """What is said of a clock that was set, and of pictures that did not come where all should."""
        notes = [
            f"Its clock is set {'forth' if seconds > 0 else 'back'} by {abs(seconds):.1f} s "
            f"at {self.starts[jump.frame]:.1f} s: the pictures go on one after the other."
            for jump in self.jumps
            if abs(seconds := _unwrapped(jump.seconds) if is_broadcast else jump.seconds) > _GAP_SECONDS
        ]
        if is_broadcast:
            notes += [
                f"No picture comes for {self.steps[at]:.1f} s at {self.starts[at]:.1f} s: the one before stands."
                for at in np.flatnonzero(self.steps[:-1] > _GAP_SECONDS)
            ]
        left = len(notes) - _MOST_NOTES
        return notes if left <= 0 else [*notes[:_MOST_NOTES], f"{left} more such places follow."]


def place(stated: ArrayLike, last_stands: float, rate: float | None, longest_step: float) -> Timeline:
    """The timeline of n >= 1 frames in showing order, from the n seconds stated for them (NaN: nothing is stated).

    `last_stands` are the seconds stated for the last frame, 0 if none; `rate` are frames a second, where known. A step
    back, or of more than `longest_step` seconds forth, is no time that passed: the frames go on in their usual step.
    """
    times = _without_strays(np.asarray(stated, dtype=float))
    known = np.flatnonzero(np.isfinite(times))
    steps, frames_between = np.diff(times[known]), np.diff(known)
    passed = (steps >= _SHORTEST_STEP) & (steps <= longest_step)
    step = _usual_step(steps[passed] / frames_between[passed], rate)
    # Where no clock was set, its own times: sums of steps would lose their last digits.
    clock = times[known]
    if not passed.all():
        clock = np.concatenate([[0.0], np.cumsum(np.where(passed, steps, frames_between * step))])
    starts = _spread(known, clock, len(times), step)
    jumps = [Jump(int(known[at + 1]), float(steps[at])) for at in np.flatnonzero(~passed)]
    stands = last_stands if 0 < last_stands <= longest_step else 0.0
    # Screen recorders state one tick of their clock for the length of every frame.
    return Timeline(starts, float(starts[-1] + max(stands, 1 / rate if rate else step)), jumps)


def _without_strays(times: np.ndarray) -> np.ndarray:
    """NaN for a frame whose time does not lie between those of its neighbors, while these are in order."""
    times = np.where(np.isfinite(times), times, np.nan)
    before, here, after = times[:-2], times[1:-1], times[2:]
    stray = (before < after) & ~((before < here) & (here < after))
    kept = times.copy()
    kept[1:-1][stray] = np.nan
    return kept


def _usual_step(steps: np.ndarray, rate: float | None) -> float:
    if len(steps):
        return float(np.median(steps))
    return 1 / rate if rate else DEFAULT_STEP


def _spread(known: np.ndarray, at: np.ndarray, count: int, step: float) -> np.ndarray:
    """Times of all frames from those of the known ones: even in between, in the usual step before and after."""
    numbers = np.arange(count)
    if not len(known):
        return numbers * step
    starts = np.interp(numbers, known, at)
    starts[known] = at
    starts[: known[0]] = at[0] + (numbers[: known[0]] - known[0]) * step
    starts[known[-1] :] = at[-1] + (numbers[known[-1] :] - known[-1]) * step
    return starts - starts[0]


def _unwrapped(seconds: float) -> float:
    half = _MPEG_CLOCK_SECONDS / 2
    return (seconds + half) % _MPEG_CLOCK_SECONDS - half if abs(seconds) < 3 * half else seconds
