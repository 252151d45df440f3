"""Times of frames made from what files state of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.ingestion.reading.clock import LONGEST_HOLD_SECONDS, place

NAN = math.nan
STEADY = [0.0, 0.04, 0.08, 0.12, 0.16, 0.2]


@pytest.mark.parametrize(
    ("stated", "placed"),
    [
        (STEADY, STEADY),
        ([5.0 + at for at in STEADY], STEADY),
        ([at - 1 for at in STEADY], STEADY),  # begins before 0
        ([0, 0.04, 0.08, 100.0, 100.04, 100.08], STEADY),  # set forth
        ([7200, 7200.04, 7200.08, 3, 3.04, 3.08], STEADY),  # set back
        ([0, 0.04, 0.08, 0.08, 0.16, 0.2], [0, 0.04, 0.04 + 0.04, 0.12, 0.16, 0.2]),  # stood still for a frame
        ([0, 0.04, 0.12, 0.08, 0.16, 0.2], STEADY),  # two in the wrong order
        ([0, 0.04, 0.08, 9e9, 0.16, 0.2], STEADY),  # one astray
        ([0] * 6, STEADY),
        ([NAN] * 6, STEADY),
        ([NAN, 0.04, NAN, 0.12, NAN, NAN], STEADY),
        ([0, 0.04, 5.04, 5.08, 5.12, 5.16], [0, 0.04, 5.04, 5.08, 5.12, 5.16]),  # the picture was held
        ([0, 0.04, math.inf, -math.inf, 0.16, 0.2], STEADY),
    ],
)
def test_frames_are_placed_by_the_time_that_passed(stated, placed):
    line = place(stated, 0.0, 25.0, 10.0)
    assert line.starts == pytest.approx(placed, abs=0.021)
    assert line.starts[0] == 0
    assert line.end == pytest.approx(placed[-1] + 0.04)


def test_a_still_picture_is_held_for_an_hour_and_no_longer_than_a_clock_can_mean():
    assert place([0.0], 3600.0, None, LONGEST_HOLD_SECONDS).end == 3600
    assert place([0.0], 1e300, 25.0, LONGEST_HOLD_SECONDS).end == 0.04
    line = place([0.0, 3600.0, 3600.04], 0.04, 25.0, LONGEST_HOLD_SECONDS)
    assert line.around_held(60) == {0, 1}
    assert line.jumps == []


@given(
    st.lists(st.one_of(st.floats(-1e7, 1e7), st.just(NAN), st.sampled_from(STEADY)), min_size=1, max_size=40),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([None, 0.1, 25.0, 240.0]),
    st.sampled_from([10.0, LONGEST_HOLD_SECONDS]),
)
def test_whatever_is_stated_times_begin_at_0_and_grow_and_no_step_is_longer_than_a_clock_can_mean(
    stated, stands, rate, longest
):
    line = place(stated, stands, rate, longest)
    edges = np.append(line.starts, line.end)
    assert len(line.starts) == len(stated)
    assert line.starts[0] == 0
    assert np.isfinite(edges).all()
    assert (line.steps > 0).all()
    assert line.steps.max() <= max(longest, 1 / (rate or 25)) * 1.001
    assert all(note.endswith(".") for note in line.notes(is_broadcast=True))
