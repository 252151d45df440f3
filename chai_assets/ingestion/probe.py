"""Opens one video file, chooses its video, and says what its container states. Nothing is decoded here."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.video.stream import VideoStream

from chai_assets.ingestion.reading.clock import BROADCAST_JUMP_SECONDS, LONGEST_HOLD_SECONDS
from chai_assets.ingestion.reading.outline import ends_early
from chai_assets.ingestion.reading.streams import choose, video_streams
from chai_resources.errors import ChaiError

# Playlists and concat scripts are left out: they would make FFmpeg open other files and addresses.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegvideo,mpegts,asf,flv,ogg,mp3,aac,wav,flac,"
    "mxf,gif,dv,rm,nut,wtv,gxf,ivf,yuv4mpegpipe,mjpeg,h264,hevc,obu"
)

_MOST_PIXELS = 8192 * 8192
"""8K at twice its height. A damaged header may state a picture of 4 billion pixels."""

_CUT_OFF_SECONDS = 0.5
"""Containers round their lengths and encoders drop a frame or two; a file that was cut off lacks more."""

_ABSURD_LENGTH = 100
"""What states so many times the length that is there was not cut off: the statement is wrong."""

_LAST_GAP_SECONDS = 2.0
"""For so long the last picture of an AVI is held where it counts more frames; more is a wrong header."""

_FASTEST_CAMERA = Fraction(240)
_SLOWEST_CAMERA = Fraction(1, 60)

_STORE_FAILED = (errno.ENOSPC, errno.EDQUOT, errno.EIO)

EXPORT = "export or copy it again"


class BadVideo(Exception):
    """A file that gives no clip: `kind` is a kind of ingest problem, the text is reason and remedy."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(kind, reason)  # both, or it could not be handed over from another process
        self.kind = kind
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass
class Source:
    """An opened file and the stream that is its video. `notes` are sentences on what was decided about it."""

    path: Path
    container: InputContainer
    stream: VideoStream
    notes: list[str] = field(default_factory=list)

    @property
    def format(self) -> str:
        """FFmpeg's first name of the container: avi, mov, matroska, mpegts ..."""
        return self.container.format.name.partition(",")[0]

    @property
    def codec(self) -> str:
        """Name of the format of the pictures, such as `av1`; not that of the decoder."""
        return self.stream.codec_context.codec.canonical_name

    @property
    def rate(self) -> Fraction | None:
        """The frame rate the file states, or None; screen recorders state their clock's, 1000 or 90000."""
        rate = self.stream.guessed_rate
        return rate if rate and _SLOWEST_CAMERA <= rate <= _FASTEST_CAMERA else None

    @property
    def is_broadcast(self) -> bool:
        """Whether the container is made to be joined and cut anywhere, so that its clock may be set in between."""
        return self.format == "flv" or bool(self.container.format.flags & Flags.ts_discont.value)

    def longest_step(self, seconds: float) -> float:
        """Seconds between two frames above which the clock was set, for `seconds` from the first time to the last."""
        stated = self.stated_length
        if self.is_broadcast or (stated and seconds > 2 * stated + BROADCAST_JUMP_SECONDS):
            return BROADCAST_JUMP_SECONDS
        return LONGEST_HOLD_SECONDS

    @property
    def stated_length(self) -> float | None:
        """Seconds that the container states, or None if it states nothing of its own."""
        if self.is_broadcast and self.format != "flv":
            return None  # FFmpeg takes it from the first and the last time, which a clock that was set spoils
        if self.stream.duration and self.stream.time_base:
            stated = float(self.stream.duration * self.stream.time_base)
        else:
            stated = (self.container.duration or 0) / av.time_base
        return stated if stated > 0 else None

    def whole_length(self, seconds: float, packets: int, reached: tuple[float, float]) -> float:
        """How long the pictures last, given those that came: `seconds` of them in so many packets.

        `reached` is the time of the last one by the file's own clock, and how long after the first packet that is.
        Raises BadVideo if the end of the file is missing. Of all that is stated, the sizes of a container's boxes are
        believed before its lengths: tools copy lengths from elsewhere, and a box that ends behind the end of the file
        was cut.
        """
        stated = self.stated_length
        if stated is None or 0 < self.stream.frames <= packets:
            return seconds
        # A length of the whole file counts from 0, that of a stream from its first packet.
        lacking = stated - max(seconds, reached[1 if self.stream.duration else 0])
        early = ends_early(self.path, self.format)
        if self.format == "avi" and early is False and 0 < lacking <= _LAST_GAP_SECONDS:
            return seconds + lacking  # its last frames were dropped: the one before stands
        if lacking <= _CUT_OFF_SECONDS:
            return seconds
        of_pictures = self.stream.duration or len(self.container.streams) == 1
        if early or (early is None and of_pictures and stated < _ABSURD_LENGTH * seconds):
            raise BadVideo("broken", f"is cut off: {seconds:.1f} s of {stated:.1f} s are there; {EXPORT}")
        if of_pictures:
            self.notes.append(f"Its header states {stated:.1f} s, but it holds pictures for {seconds:.1f} s.")
        return seconds


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The file and its video stream, ready to decode. Whatever goes wrong with the file inside is raised as BadVideo.

    Lets through BadVideo, ChaiError, and what the fault of this machine is: a full or failing disk.
    """
    try:
        with _open(path) as container:
            yield _choose(path, container)
    except (BadVideo, ChaiError):
        raise
    except Exception as error:
        if isinstance(error, OSError | FFmpegError) and error.errno in _STORE_FAILED:
            raise
        said = getattr(error, "strerror", None) or type(error).__name__
        raise BadVideo("broken", f"cannot be read ({said}); {EXPORT}, or convert it to H.264") from error


def _open(path: Path) -> InputContainer:
    options = {"format_whitelist": _FORMATS, "max_pixels": str(_MOST_PIXELS)}
    try:
        # An absolute name holds no protocol. Tags may be in any encoding, and are not read.
        return av.open(str(path.absolute()), options=options, metadata_errors="replace")
    except FFmpegError as error:
        raise BadVideo("broken", f"is no video file, or was cut off before its index was written; {EXPORT}") from error


def _choose(path: Path, container: InputContainer) -> Source:
    streams = video_streams(container)
    if not streams:
        raise BadVideo("no_video", "has no picture, only sound or data; remove it or add the video")
    source = Source(path, container, streams[0])
    if len(streams) > 1:
        with _open(path) as again:
            index, note = choose(video_streams(again), again)
        source.stream = next(each for each in streams if each.index == index)
        source.notes.append(note)
    context = source.stream.codec_context
    if context is None:
        raise BadVideo("broken", "is encoded in a way that is unknown here; convert it to H.264")
    if context.width * context.height > _MOST_PIXELS:
        size = f"{context.width}x{context.height}"
        raise BadVideo("unsupported", f"states pictures of {size}, more than is read here; {EXPORT} at 8K or less")
    # One thread a file: several files are decoded side by side.
    context.thread_count = 1
    context.options = {**context.options, "max_pixels": str(_MOST_PIXELS)}
    return source
