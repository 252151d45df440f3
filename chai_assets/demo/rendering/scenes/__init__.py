"""The practice shots: what stands where, what moves, and what the camera does.

The recorded answers in `answers/` describe these shots; whoever changes a shot mends its answers.
"""

from collections.abc import Callable

from chai_assets.demo.rendering.scenes import country, town
from chai_assets.demo.rendering.world import Shot

VIDEOS: dict[str, list[Callable[[], Shot]]] = {
    "pan-left-market": [town.pan_left_market],
    "tilt-up-lighthouse": [country.tilt_up_lighthouse],
    "zoom-in-windmill": [country.zoom_in_windmill],
    "dolly-in-forest-deer": [country.dolly_in_forest_deer],
    "truck-right-street-cyclist": [town.truck_right_street_cyclist],
    "roll-balloon": [country.roll_balloon],
    "handheld-playground-ball": [town.handheld_playground_ball],
    "slow-motion-long-jump": [town.slow_motion_long_jump],
    "fast-motion-harbour": [town.fast_motion_harbour],
    "two-shots-desert-snow": [country.tilt_down_desert, country.pan_right_snow_cabin],
}
"""File stem of each practice video and the shots it is cut from."""
