"""Frames of a clip as JPEG, for models that take pictures and no video."""

import io
from pathlib import Path

import av
from av.error import FFmpegError

from chai_resources.pictures.color import color_of_stored, to_rgb

_LONG_SIDE = 768
"""Pixels: what vision models look at without cutting a picture into tiles."""
_QUALITY = 85


def sampled_frames(path: Path, fps: float, at_most: int) -> list[bytes]:
    """JPEG frames evenly over the clip, `fps` a second but no more than `at_most`, in order of time.

    Raises ValueError for a file without a picture in it.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate = float(stream.average_rate or 25)
            # Stored clips have a constant frame rate and say how many frames they hold.
            total = stream.frames or max(1, round(float(container.duration or 0) / av.time_base * rate))
            wanted = max(1, min(at_most, total, round(total / rate * fps)))
            chosen = {int((number + 0.5) * total / wanted) for number in range(wanted)}
            # Only the chosen pictures are kept: a clip decoded whole would fill the memory.
            pictures = [_jpeg(frame) for number, frame in enumerate(container.decode(stream)) if number in chosen]
    except (FFmpegError, IndexError, OSError) as error:
        raise ValueError(f"{path.name} holds no readable video: {error}") from error
    if not pictures:
        raise ValueError(f"{path.name} holds no frame")
    return pictures


def _jpeg(frame: av.VideoFrame) -> bytes:
    picture = to_rgb(frame, color_of_stored(frame)).to_image()
    picture.thumbnail((_LONG_SIDE, _LONG_SIDE))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()
