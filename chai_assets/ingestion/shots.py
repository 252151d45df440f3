"""One pass over a video: what it is, when each frame appears, and where one shot ends and the next begins."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode, SceneDetector

from chai_assets.ingestion.probe import frames, opened, stated_rate
from chai_resources.errors import UnusableInput
from chai_resources.pictures.color import scaler_matrix

DETECTORS = ("adaptive", "content", "none")

_SHORTEST_SHOT_SECONDS = 0.25
"""Two cuts closer than this are a flash within one shot."""

_DETECT_WIDTH = 256
"""Detectors compare averages over the picture; more pixels cost time and change nothing."""

_RATES = [Fraction(n, 1001) for n in (24000, 30000, 60000)] + [Fraction(n) for n in (24, 25, 30, 48, 50, 60)]
_FASTEST = Fraction(60)


@dataclass(frozen=True)
class Shot:
    """Frames `first` to `last` (exclusive) of a source, which appear from `start_s` until `end_s`."""

    number: int
    first: int
    last: int
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Length, to the millisecond."""
        return round(self.end_s - self.start_s, 3)


@dataclass(frozen=True)
class Scan:
    """A video that was decoded from end to end. Width and height are as displayed, rotation applied."""

    width: int
    height: int
    rotation: int
    codec: str
    has_audio: bool
    duration_s: float
    fps: float
    rate: Fraction
    times: list[float]
    shots: list[Shot]


def scan(path: Path, detector: str) -> Scan:
    """Decodes the whole file, so that damage shows, and finds its shots.

    Times count from the first frame. Raises BadVideo, and UnusableInput for a detector not in DETECTORS.
    """
    times: list[float] = []
    cuts: list[int] = []
    duration = 0.0
    width = height = rotation = 0
    with opened(path) as (container, stream):
        finder = _finder(detector, stated_rate(stream))
        for start, end, frame in frames(container, stream):
            if not times:
                width, height, rotation = frame.width, frame.height, round(frame.rotation / 90) * 90
            if finder:
                cuts += finder.cuts(len(times), frame)
            times.append(start)
            duration = end
        codec = stream.codec_context.codec.canonical_name
        has_audio = bool(container.streams.audio)
        rate = _constant_rate(times, duration, stated_rate(stream))
    if finder:
        cuts += finder.last_cuts(len(times) - 1)
    if rotation % 180:
        width, height = height, width
    shots = _shots(times, duration, cuts)
    return Scan(width, height, rotation, codec, has_audio, duration, len(times) / duration, rate, times, shots)


class _Finder:
    """A detector fed with frame numbers, so that a varying frame rate does not confuse it."""

    def __init__(self, detector: SceneDetector, rate: Fraction) -> None:
        self._detector, self._rate = detector, rate
        # One for all frames: a frame's own `reformat` sets its scaler up anew each time.
        self._reformatter = VideoReformatter()

    def cuts(self, number: int, frame: VideoFrame) -> list[int]:
        height = max(2, round(frame.height * _DETECT_WIDTH / frame.width))
        matrix = scaler_matrix(frame)
        small = self._reformatter.reformat(
            frame, _DETECT_WIDTH, height, "bgr24", src_colorspace=matrix, interpolation="BILINEAR"
        )
        return self._numbers(self._detector.process_frame(self._at(number), small.to_ndarray()))

    def last_cuts(self, number: int) -> list[int]:
        return self._numbers(self._detector.post_process(self._at(number)))

    def _at(self, number: int) -> FrameTimecode:
        return FrameTimecode(number, self._rate)

    @staticmethod
    def _numbers(found: list[FrameTimecode]) -> list[int]:
        return [each.frame_num for each in found]


def _finder(name: str, rate: Fraction | None) -> _Finder | None:
    rate = rate or Fraction(25)
    shortest = max(2, round(_SHORTEST_SHOT_SECONDS * rate))
    match name:
        case "adaptive":
            return _Finder(AdaptiveDetector(min_scene_len=shortest), rate)
        case "content":
            return _Finder(ContentDetector(min_scene_len=shortest), rate)
        case "none":
            return None
    raise UnusableInput(f"shot detector {name!r} is unknown: set CHAI_DETECTOR to one of {', '.join(DETECTORS)}")


def _shots(times: list[float], end: float, cuts: list[int]) -> list[Shot]:
    bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(times)}), len(times)]
    edges = [*times, end]
    return [
        Shot(number, first, last, edges[first], edges[last]) for number, (first, last) in enumerate(pairwise(bounds))
    ]


def _constant_rate(times: list[float], end: float, stated: Fraction | None) -> Fraction:
    """The frame rate a clip is stored with: the usual one nearest to what the frames show, 60 at most."""
    steps = np.diff([*times, end])
    typical = 1 / median(steps.tolist())
    if stated and abs(stated / typical - 1) < 0.03:
        return min(stated, _FASTEST)
    nearest = min(_RATES, key=lambda rate: abs(rate / typical - 1))
    if abs(nearest / typical - 1) < 0.03:
        return nearest
    return min(Fraction(typical).limit_denominator(1001), _FASTEST)
