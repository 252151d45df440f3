"""Opens and decodes one video file, and says what is wrong with it. What its frames show is not looked at here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from chai_assets.ingestion.files.limits import alive

# Playlists and concat scripts are left out: they would make FFmpeg open other files and addresses.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegvideo,mpegts,asf,flv,ogg,mp3,aac,wav,flac"
_FORMATS += ",mxf,gif,dv,rm,nut,wtv,gxf,ivf,yuv4mpegpipe,mjpeg,h264,hevc,obu"

_CUT_OFF_SECONDS = 0.5
"""Containers round their lengths and encoders drop a frame or two; a file that was cut off lacks more."""

_FASTEST_CAMERA = 240

_EXPORT = "export or copy it again"


class BadVideo(Exception):
    """A file that gives no clip: `kind` is a kind of ingest problem, the text is reason and remedy."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its video stream, ready to decode. Raises BadVideo."""
    try:
        container = av.open(str(path), options={"format_whitelist": _FORMATS})
    except FFmpegError as error:
        raise BadVideo("broken", f"is no video file, or was cut off before its index was written; {_EXPORT}") from error
    with container:
        stream = _video_stream(container)
        # One thread a file: several files are decoded side by side.
        stream.codec_context.thread_count = 1
        yield container, stream


def stated_rate(stream: VideoStream) -> Fraction | None:
    """The frame rate the file states, or None; screen recorders state their clock's, 1000 or 90000."""
    rate = stream.guessed_rate
    return rate if rate and rate <= _FASTEST_CAMERA else None


def frames(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, float, VideoFrame]]:
    """Every frame with the seconds it appears and disappears, counted from the first frame.

    Raises BadVideo, at the latest at the end: damaged, cut off, or nothing to decode.
    """
    rate = stated_rate(stream)
    step = float(1 / rate) if rate else 0.04
    counted = container.format.name == "avi"  # AVI has one rate and no times; those it seems to have mislead
    count, origin, start, end = 0, 0.0, 0.0, 0.0
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise _damaged(end)
            for frame in packet.decode():
                if not isinstance(frame, VideoFrame):
                    continue
                if frame.is_corrupt:
                    raise _damaged(end)
                at = None if counted or frame.time is None else frame.time
                if not count:
                    origin = at or 0.0
                elif at is None or at - origin <= start:
                    start += step
                else:
                    step = step if rate else at - origin - start
                    start = at - origin
                # Screen recorders state one tick of the clock for the length of every frame.
                lasts = 0.0 if counted else float(frame.duration * (frame.time_base or 0))
                end = start + max(lasts, step)
                count += 1
                alive()
                yield start, end, frame
    except FFmpegError as error:
        raise _damaged(end) from error
    if not count:
        raise BadVideo("broken", f"holds no picture that can be decoded; {_EXPORT}")
    stated = _length(container, stream)
    if stated is not None and stated - end > _CUT_OFF_SECONDS:
        raise BadVideo("broken", f"is cut off: {end:.1f} s of {stated:.1f} s are there; {_EXPORT}")


def _video_stream(container: InputContainer) -> VideoStream:
    # A song's cover picture is a video stream too.
    streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not streams:
        raise BadVideo("no_video", "has no picture, only sound or data; remove it or add the video")
    if streams[0].codec_context is None:
        raise BadVideo("broken", "is encoded in a way that is unknown here; convert it to H.264")
    return streams[0]


def _damaged(at: float) -> BadVideo:
    return BadVideo("broken", f"is damaged or cut off at {at:.1f} s; {_EXPORT}")


def _length(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds of picture the container promises, or None if it says nothing of the picture alone."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if tag := stream.metadata.get("DURATION"):
        hours, minutes, seconds = tag.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds)).total_seconds()
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None
