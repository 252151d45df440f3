"""One pass over a video: what it is, when each frame appears, and where one shot ends and the next begins."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode, SceneDetector

from chai_assets.ingestion.probe import opened
from chai_assets.ingestion.reading.clock import Timeline
from chai_assets.ingestion.reading.decode import Decoder
from chai_assets.ingestion.reading.frame_log import FrameLog
from chai_resources.errors import UnusableInput
from chai_resources.pictures.color import scaler_matrix

DETECTORS = ("adaptive", "content", "none")

_SHORTEST_SHOT_SECONDS = 0.25
"""Two cuts closer than this are a flash within one shot."""

_DETECT_WIDTH = 256
"""Detectors compare averages over the picture; more pixels cost time and change nothing."""

_DETECT_HEIGHT = 2048
"""Enough for any picture that is one; a strip of 2 x 16,384 pixels would make half a billion."""

_RATES = [Fraction(n, 1001) for n in (24000, 30000, 60000)] + [Fraction(n) for n in (24, 25, 30, 48, 50, 60)]
_SLOWEST, _FASTEST = Fraction(1), Fraction(60)


_HELD_SECONDS = 60.0
"""A picture that stands for longer is a shot of its own: what was filmed before and after it is not lost with it."""


@dataclass(frozen=True)
class Shot:
    """Frames `first` to `last` (exclusive) of a source, which appear from `start_s` until `end_s`.

    Width and height are those at which it is displayed: upright, in square pixels, the largest of its frames.
    """

    number: int
    first: int
    last: int
    start_s: float
    end_s: float
    width: int
    height: int

    @property
    def seconds(self) -> float:
        """Length, to the millisecond."""
        return round(self.end_s - self.start_s, 3)


@dataclass(frozen=True)
class Scan:
    """A video that was decoded from end to end.

    Width and height are the pixels of the largest picture, turned upright. `notes` are sentences on what was decided
    about the file.
    """

    width: int
    height: int
    codec: str
    has_audio: bool
    duration_s: float
    fps: float
    rate: Fraction
    times: list[float]
    shots: list[Shot]
    notes: tuple[str, ...]


def scan(path: Path, detector: str) -> Scan:
    """Decodes the whole file, so that damage shows, and finds its shots.

    Times count from the first frame. Raises BadVideo, and UnusableInput for a detector not in DETECTORS.
    """
    with opened(path) as source:
        finder, decoder, frames = _finder(detector, source.rate), Decoder(source), FrameLog()
        for picture in decoder.pictures():
            if finder:
                finder.see(picture.frame)
            frames.add(picture)
        line = frames.timeline(source)
        line = replace(line, end=source.whole_length(line.end, decoder.packets, decoder.reached))
        cuts = {*(finder.cuts() if finder else ()), *frames.new_shapes, *line.around_held(_HELD_SECONDS)}
        return Scan(
            *frames.pixels,
            codec=source.codec,
            has_audio=bool(source.container.streams.audio),
            duration_s=line.end,
            fps=len(line.starts) / line.end,
            rate=_constant_rate(line, source.rate),
            times=line.starts.tolist(),
            shots=_shots(line, cuts, frames),
            notes=(*source.notes, *frames.notes(line), *line.notes(source.is_broadcast)),
        )


class _Finder:
    """A detector fed with frame numbers, so that a varying frame rate does not confuse it."""

    def __init__(self, detector: SceneDetector, rate: Fraction) -> None:
        self._detector, self._rate = detector, rate
        # One for all frames: a frame's own `reformat` sets its scaler up anew each time.
        self._reformatter = VideoReformatter()
        self._height = 0
        self._seen = 0
        self._cuts: list[int] = []

    def see(self, frame: VideoFrame) -> None:
        # All frames in the size of the first: a detector compares each with the one before.
        self._height = self._height or min(_DETECT_HEIGHT, max(2, round(frame.height * _DETECT_WIDTH / frame.width)))
        small = self._reformatter.reformat(
            frame,
            _DETECT_WIDTH,
            self._height,
            "bgr24",
            src_colorspace=scaler_matrix(frame),
            interpolation="BILINEAR",
        )
        self._add(self._detector.process_frame(self._at(self._seen), small.to_ndarray()))
        self._seen += 1

    def cuts(self) -> list[int]:
        """Numbers of the frames that begin a shot, once all were seen."""
        self._add(self._detector.post_process(self._at(self._seen - 1)))
        return self._cuts

    def _at(self, number: int) -> FrameTimecode:
        return FrameTimecode(number, self._rate)

    def _add(self, found: list[FrameTimecode]) -> None:
        self._cuts += [each.frame_num for each in found]


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


def _shots(line: Timeline, cuts: set[int], frames: FrameLog) -> list[Shot]:
    edges = [*line.starts.tolist(), line.end]
    bounds = [0, *sorted(cut for cut in cuts if 0 < cut < len(line.starts)), len(line.starts)]
    return [
        Shot(number, first, last, edges[first], edges[last], *frames.largest(first, last))
        for number, (first, last) in enumerate(pairwise(bounds))
    ]


def _constant_rate(line: Timeline, stated: Fraction | None) -> Fraction:
    """The frame rate a clip is stored with: the usual one nearest to what the frames show, 1 to 60."""
    typical = 1 / median(line.steps.tolist())
    if stated and abs(stated / typical - 1) < 0.03:
        return min(max(stated, _SLOWEST), _FASTEST)
    nearest = min(_RATES, key=lambda rate: abs(rate / typical - 1))
    if abs(nearest / typical - 1) < 0.03:
        return nearest
    return min(Fraction(max(typical, 1.0)).limit_denominator(1001), _FASTEST)
