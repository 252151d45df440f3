"""Encodes shots in the form in which clips are stored: one that every browser plays and seeks in exactly.

H.264, yuv420p in BT.709 and tagged so, square pixels, even sides of at most 1280, constant frame rate, times from 0,
index in front of the pictures. Sound is dropped: captions are about what is seen.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from PIL import Image

from chai_assets.ingestion.local_features.extract import FeatureCollector, sample_parts
from chai_assets.ingestion.perceptual_hash import POSITIONS, signature
from chai_assets.ingestion.pictures.form import Form, FormReader
from chai_assets.ingestion.pictures.shaping import STORED, Shaper
from chai_assets.ingestion.probe import opened
from chai_assets.ingestion.reading.decode import Decoder
from chai_assets.ingestion.shots import Scan, Shot
from chai_resources.pictures.color import to_rgb

LONGEST_SIDE = 1280
THUMB_WIDTH = 320

# An edit list would say the length again, rounded to milliseconds, and players would cut there.
_MP4 = {"movflags": "+faststart", "use_editlist": "0"}


@dataclass(frozen=True)
class Encoded:
    """A shot in its storing form, not stored yet."""

    path: Path
    thumb: bytes
    width: int
    height: int
    fps: float
    frames: int
    signature: str | None
    features: str | None
    hdr: bool
    changes: tuple[str, ...]


def encode_shots(path: Path, scan: Scan, shots: Sequence[Shot], folder: Path) -> dict[int, Encoded]:
    """Encodes shots of a scanned video into files in `folder`, by shot number; one decode for all of them."""
    waiting = list(shots)
    done: dict[int, Encoded] = {}
    if not waiting:
        return done
    with opened(path) as source:
        forms = FormReader(source.stream)
        writer: _ShotWriter | None = None
        for number, picture in enumerate(Decoder(source).pictures()):
            form = forms.read(picture)
            if waiting and number == waiting[0].first:
                writer = _ShotWriter(folder, scan, waiting.pop(0))
            if writer and number < writer.shot.last:
                writer.add(number, scan.times[number], picture.frame, form)
                if number == writer.shot.last - 1:
                    done[writer.shot.number] = writer.finish()
    return done


def fit(width: int, height: int) -> tuple[int, int]:
    """The size in which a picture of this size is stored: no side over LONGEST_SIDE, both even; never enlarged else."""
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


class _ShotWriter:
    """Takes a shot's frames at their own times and writes them at a constant rate."""

    def __init__(self, folder: Path, scan: Scan, shot: Shot) -> None:
        self.shot = shot
        self._path, self._size, self._rate = folder / f"{shot.number}.mp4", fit(shot.width, shot.height), scan.rate
        self._shaper = Shaper(self._size, folder)
        self._shaping: deque[tuple[int, float]] = deque()
        self._hdr = False
        self._look_at = [_on_screen(scan.times, shot, part) for part in POSITIONS]
        self._looks: dict[int, Image.Image] = {}
        self._sampled = {_on_screen(scan.times, shot, part) for part in sample_parts(shot.seconds)}
        self._features = FeatureCollector()
        self._container = av.open(str(self._path), "w", format="mp4", options=_MP4)
        self._stream: VideoStream | None = None
        self._held: VideoFrame | None = None
        self._written = 0

    def add(self, number: int, at: float, frame: VideoFrame, form: Form) -> None:
        """The source's frame of that number and form, which appears `at` seconds into the source."""
        self._hdr = self._hdr or form.color.hdr
        self._shaping.append((number, at))
        for shaped in self._shaper.push(frame, form):
            self._place(shaped)

    def finish(self) -> Encoded:
        """Writes the last frame for as long as it stood, and closes the file."""
        for shaped in self._shaper.flush():
            self._place(shaped)
        self._write_until(max(1, round((self.shot.end_s - self.shot.start_s) * self._rate)))
        assert self._stream is not None
        self._container.mux(self._stream.encode())
        self._container.close()
        looks = [self._looks[number] for number in self._look_at]
        return Encoded(
            self._path,
            _thumbnail(looks[len(looks) // 2]),
            *self._size,
            float(self._rate),
            self._written,
            signature(looks),
            self._features.packed(),
            self._hdr,
            tuple(self._shaper.changes),
        )

    def _place(self, shaped: VideoFrame) -> None:
        number, at = self._shaping.popleft()
        if number in self._look_at:
            self._looks[number] = to_rgb(shaped, STORED).to_image()
        if number in self._sampled:
            self._features.add(shaped)
        # A frame fills every slot until the next one comes; of several in one slot the last one stays.
        self._write_until(round((at - self.shot.start_s) * self._rate))
        self._held = shaped

    def _write_until(self, slot: int) -> None:
        while self._held is not None and self._written < slot:
            self._stream = self._stream or self._open_stream()
            self._held.pts, self._held.time_base = self._written, 1 / self._rate
            # Left as the source had it, the encoder would repeat the source's choice of key frames.
            self._held.pict_type = PictureType.NONE
            self._container.mux(self._stream.encode(self._held))
            self._written += 1

    def _open_stream(self) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        # Without B-frames decoding order is showing order: no edit list, and the first time is 0.
        stream.options = {"preset": "veryfast", "crf": "20", "bf": "0"}
        context = stream.codec_context
        context.gop_size = max(1, round(self._rate))  # a key frame a second, so that seeking is quick
        context.thread_count = 1
        context.colorspace, context.color_range = STORED.matrix, ColorRange.MPEG
        context.color_primaries, context.color_trc = STORED.primaries, STORED.transfer
        return stream


def _on_screen(times: list[float], shot: Shot, part: float) -> int:
    """Number of the frame that starts nearest to a part of the shot."""
    at = shot.start_s + part * (shot.end_s - shot.start_s)
    after = bisect_right(times, at, shot.first, shot.last)
    candidates = range(max(shot.first, after - 1), min(shot.last, after + 1))
    return min(candidates, key=lambda number: abs(times[number] - at))


def _thumbnail(picture: Image.Image) -> bytes:
    small = picture.copy()
    small.thumbnail((THUMB_WIDTH, picture.height))
    data = BytesIO()
    small.save(data, "WEBP", quality=80)
    return data.getvalue()
