"""The pictures of an opened video in showing order, each with what the file states of it, and where it is damaged."""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from av.error import FFmpegError
from av.packet import Packet
from av.sidedata.sidedata import Type
from av.video.frame import PictureType, VideoFrame

from chai_assets.ingestion.files.limits import alive
from chai_assets.ingestion.pictures.orientation import Orientation
from chai_assets.ingestion.pictures.side_data import OrientationReader, side_data
from chai_assets.ingestion.probe import EXPORT, BadVideo, Source
from chai_assets.ingestion.reading.clock import DEFAULT_STEP

_NEED_OTHERS = {PictureType.P, PictureType.B, PictureType.S, PictureType.SP, PictureType.BI}

_NEAR = 4
"""Packets: so long before a joint, or before the end, a stream is called damaged because of it."""

_PIXEL_SHAPES = (0.25, 4.0)
"""Width by height of a pixel. Television has 0.9 to 1.5, anamorphic film 2; what is beyond is a damaged header."""


@dataclass(frozen=True)
class Picture:
    """A decoded frame and what the file states of it.

    `time` are seconds of the file's own clock (NaN: nothing is stated), `stands` the seconds it is shown (0: nothing
    is stated), `pixel` the width by height of its pixels; `side` is what comes beside it, by kind.
    """

    frame: VideoFrame
    time: float
    stands: float
    pixel: float
    orientation: Orientation
    side: Mapping[Type, bytes]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height at which it is displayed: upright, in square pixels."""
        wide, high = self.frame.width * self.pixel, float(self.frame.height)
        return (high, wide) if self.orientation.transposed else (wide, high)


class Decoder:
    """One pass over a source; `packets` are those that came until now."""

    def __init__(self, source: Source) -> None:
        self.packets = 0
        self._source = source
        self._pixels = _PixelShapes(source)
        self._orientation = OrientationReader()
        self._clock = _SlotClock() if source.format == "avi" else _Clock()
        self._in_lead: bool | None = None
        self._forgiven: set[int] = set()
        self._count, self._first, self._last = 0, math.nan, math.nan

    def pictures(self) -> Iterator[Picture]:
        """Every picture from the first that needs no other one.

        Raises BadVideo, at the latest at the end: damaged, or nothing to decode. A recording of a stream that runs on
        may begin and end anywhere, and be joined with another: what its pictures lack there is a note.
        """
        try:
            for packet, following in _with_following(self._source.container.demux(self._source.stream)):
                yield from self._pictures(packet, following)
        except FFmpegError as error:
            raise self._damaged() from error
        if not self._count:
            raise BadVideo("broken", f"holds no picture that can be decoded; {EXPORT}")

    @property
    def reached(self) -> tuple[float, float]:
        """The time of the latest picture by the file's clock, and how long after its first packet; NaN if unknown."""
        return self._last, self._last - self._clock.first

    @property
    def _at(self) -> float:
        """Seconds from the first picture to the latest one, roughly: the clock may have been set in between."""
        passed = self._last - self._first
        return passed if math.isfinite(passed) else self._count * DEFAULT_STEP

    def _pictures(self, packet: Packet, following: Sequence[Packet]) -> Iterator[Picture]:
        if packet.size:
            if self._in_lead is None:
                self._in_lead = packet.is_corrupt or not packet.is_keyframe
            packet.opaque = self.packets
            self.packets += 1
            self._clock.see(packet)
        frames = self._decoded(packet, following)
        self._pixels.see(self.packets - 1)
        for frame in frames:
            time = self._clock.time(frame)
            side = side_data(frame)
            orientation = self._orientation.read(frame, side)
            if self._in_lead and (frame.is_corrupt or _needs_others(frame)):
                continue
            if frame.is_corrupt:
                if frame.opaque not in self._forgiven:
                    self._forgive(following)
                continue
            self._pass(time)
            alive()
            stands = float(frame.duration * (frame.time_base or 0))
            yield Picture(frame, time, stands, self._pixels.of(frame), orientation, side)

    def _decoded(self, packet: Packet, following: Sequence[Packet]) -> list[VideoFrame]:
        """The frames that come out with a packet. Raises BadVideo if it is damaged where it must not be."""
        if packet.is_corrupt:
            if self._in_lead:
                return []
            self._forgive(following)
            if not any(each.size for each in following):
                return []
        try:
            return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
        except FFmpegError:
            if not self._in_lead:
                self._forgive(following)
            return []

    def _forgive(self, following: Sequence[Packet]) -> None:
        """Takes damage for the end of a recording, or for the place where another was joined to it; raises BadVideo if
        it is neither. At a joint FFmpeg calls one of the last packets damaged, which often is not."""
        self._forgiven.add(self.packets - 1)
        if not self._source.is_broadcast:
            raise self._damaged()
        if any(each.is_keyframe for each in following):
            note = f"Another recording seems to be joined to it at {self._at:.1f} s."
        elif not following or not following[-1].size:
            note = "It ends within a picture, which is left out."
        else:
            raise self._damaged()
        if note not in self._source.notes:
            self._source.notes.append(note)

    def _pass(self, time: float) -> None:
        if not self._count:
            self._first = time
            if self._in_lead:
                lead = time - self._clock.first
                what = f"its first {lead:.1f} s need" if lead > 0 else "its first pictures need"
                self._source.notes.append(f"It begins between two key frames: {what} what is missing and are left out.")
        self._in_lead, self._last = False, time
        self._count += 1

    def _damaged(self) -> BadVideo:
        return BadVideo("broken", f"is damaged or cut off at {self._at:.1f} s; {EXPORT}")


class _Clock:
    """Times as the container states them; `first` is that of the first packet."""

    def __init__(self) -> None:
        self.first = math.nan

    def see(self, packet: Packet) -> None:
        if math.isnan(self.first) and packet.pts is not None:
            self.first = float(packet.pts * packet.time_base)

    def time(self, frame: VideoFrame) -> float:
        return math.nan if frame.time is None else frame.time


class _SlotClock(_Clock):
    """AVI has one rate and no times. Each chunk has its slot, the empty one of a dropped frame too, in which the frame
    before goes on. The times that FFmpeg makes up beside it mislead where frames are reordered."""

    def __init__(self) -> None:
        super().__init__()
        self._slots: deque[tuple[int, float]] = deque()

    def see(self, packet: Packet) -> None:
        if packet.dts is not None and isinstance(packet.opaque, int):
            slot = float(packet.dts * packet.time_base)
            self._slots.append((packet.opaque, slot))
            if math.isnan(self.first):
                self.first = slot

    def time(self, frame: VideoFrame) -> float:
        # What comes before a key frame is shown before it: what is left of that was never decoded.
        number = frame.opaque if frame.key_frame and isinstance(frame.opaque, int) else 0
        while len(self._slots) > 1 and self._slots[0][0] < number:
            self._slots.popleft()
        return self._slots.popleft()[1] if self._slots else math.nan


class _PixelShapes:
    """The shape of each frame's pixels: the container's, or that of the pictures, which may change among them."""

    def __init__(self, source: Source) -> None:
        self._context, self._notes = source.stream.codec_context, source.notes
        self._context.copy_opaque = True  # frames come out packets later, and are told apart by their packet's number
        own = self._context.sample_aspect_ratio or Fraction(1)
        stated = source.stream.sample_aspect_ratio or own
        self._fixed = stated != own
        self._latest = own
        self._since, self._shapes = [0], [self._sane(stated)]

    def see(self, packet: int) -> None:
        """Takes note of what the decoder says once it has had the packet of that number."""
        now = self._context.sample_aspect_ratio or Fraction(1)
        if now != self._latest and not self._fixed:
            self._latest = now
            self._since.append(packet)
            self._shapes.append(self._sane(now))

    def of(self, frame: VideoFrame) -> float:
        packet = frame.opaque
        at = bisect_right(self._since, packet) - 1 if isinstance(packet, int) else -1
        return self._shapes[at]

    def _sane(self, shape: Fraction) -> float:
        if _PIXEL_SHAPES[0] <= shape <= _PIXEL_SHAPES[1]:
            return float(shape)
        self._notes.append(f"It states pixels of {shape.numerator}:{shape.denominator}; they are taken for square.")
        return 1.0


def _with_following(packets: Iterator[Packet]) -> Iterator[tuple[Packet, Sequence[Packet]]]:
    """Each packet with the few that come after it. The last one of all is empty."""
    waiting: deque[Packet] = deque()
    for packet in packets:
        waiting.append(packet)
        if len(waiting) > _NEAR:
            yield waiting.popleft(), waiting
    while waiting:
        yield waiting.popleft(), waiting


def _needs_others(frame: VideoFrame) -> bool:
    return not frame.key_frame and frame.pict_type in _NEED_OTHERS
