"""What a pass over a video keeps of each frame: a few numbers, so that many hours fit in memory."""

from array import array

import numpy as np

from chai_assets.ingestion.probe import BadVideo, Source
from chai_assets.ingestion.reading.clock import Timeline, place
from chai_assets.ingestion.reading.decode import Picture

_SAME_SHAPE = 0.02
"""Share by which width by height may vary within a shot: sizes are rounded to whole blocks."""

_FASTEST_STEP = 1 / 240

_MOST_SHAPES = 100
"""A file whose picture changes its shape more often is damaged, and would give a line for each."""


class FrameLog:
    """Time and size of every frame of a video.

    `pixels` is the largest size, upright; `new_shapes` are the numbers of the frames at which width by height changes:
    no shot goes on over them.
    """

    def __init__(self) -> None:
        self.pixels = (0, 0)
        self.new_shapes: list[int] = []
        self._times, self._widths, self._heights = array("d"), array("d"), array("d")
        self._shape = self._stands = 0.0
        self._sizes: dict[tuple[int, int], None] = {}

    def add(self, picture: Picture) -> None:
        """Takes the next frame. Raises BadVideo where the shape changes all the time."""
        width, height = picture.size
        if not self._times:
            self._shape = width / height
        elif abs(width / height / self._shape - 1) > _SAME_SHAPE:
            self._shape = width / height
            self.new_shapes.append(len(self._times))
            if len(self.new_shapes) > _MOST_SHAPES:
                raise BadVideo("broken", "changes the shape of its picture again and again; export it again")
        wide, high = picture.frame.width, picture.frame.height
        pixels = (high, wide) if picture.orientation.transposed else (wide, high)
        self._sizes[pixels] = None
        self.pixels = max(self.pixels, pixels, key=lambda size: size[0] * size[1])
        self._times.append(picture.time)
        self._widths.append(width)
        self._heights.append(height)
        self._stands = picture.stands

    def timeline(self, source: Source) -> Timeline:
        """When each frame appears, in seconds from the first."""
        times = np.frombuffer(self._times)
        if source.format == "avi" and not source.rate and np.nanmedian(np.diff(times, prepend=0)) < _FASTEST_STEP:
            times = np.full(len(times), np.nan)  # its only statement of time is its rate, which is none
        finite = times[np.isfinite(times)]
        span = float(np.ptp(finite)) if len(finite) else 0.0
        rate = float(source.rate) if source.rate else None
        return place(times, self._stands, rate, source.longest_step(span))

    def largest(self, first: int, last: int) -> tuple[int, int]:
        """Width and height of the largest of these frames as it is displayed: upright, in square pixels."""
        widths, heights = np.frombuffer(self._widths)[first:last], np.frombuffer(self._heights)[first:last]
        at = int(np.argmax(widths * heights))
        return max(1, round(widths[at])), max(1, round(heights[at]))

    def notes(self, line: Timeline) -> list[str]:
        """What is said of sizes that change."""
        notes = []
        if self.new_shapes:
            places = ", ".join(f"{line.starts[number]:.1f} s" for number in self.new_shapes[:3])
            more = f" and {len(self.new_shapes) - 3} more" if len(self.new_shapes) > 3 else ""
            notes.append(f"The shape of its picture changes at {places}{more}: a new shot begins there.")
        if len(self._sizes) > 1:
            sizes = ", ".join(f"{width}x{height}" for width, height in list(self._sizes)[:3])
            notes.append(f"Its picture comes in {len(self._sizes)} sizes ({sizes}); a clip has that of its largest.")
        return notes
