"""Films as careless tools leave them: clocks that jump, shapes that change, streams beside the video, false headers."""

import struct
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from tests.ingestion.films import Picture, scene

RATE = 25


def encoded(pictures: Sequence[Picture], stream: VideoStream, start: int = 0) -> list[Packet]:
    """Packets of pictures numbered from `start`, in the stream's order and time base."""
    packets: list[Packet] = []
    for number, picture in enumerate(pictures, start):
        frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(stream.width, stream.height, "yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        packets += stream.encode(frame)
    return packets + stream.encode()


def add_video(container: OutputContainer, codec: str, size: tuple[int, int]) -> VideoStream:
    """A stream of key frames every second, without B-frames where the codec has any."""
    stream = container.add_stream(codec, rate=RATE)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    stream.codec_context.thread_count = 1
    stream.codec_context.gop_size = RATE
    stream.bit_rate = 4_000_000
    return stream


def transport_stream(path: Path, parts: Sequence[tuple[Sequence[Picture], float]], codec: str = "mpeg2video") -> Path:
    """Parts one after the other in one .ts, each with the seconds at which its clock begins."""
    data = b""
    for number, (pictures, begins) in enumerate(parts):
        part = path.with_suffix(f".{number}.ts")
        height, width = pictures[0].shape[:2]
        with av.open(str(part), "w", options={"mpegts_copyts": "1"}) as container:
            stream = add_video(container, codec, (width, height))
            container.mux(encoded(pictures, stream, start=round(begins * RATE)))
        data += part.read_bytes()
        part.unlink()
    path.write_bytes(data)
    return path


def begun_late(source: Path, target: Path, packets: int) -> Path:
    """The packets of a .ts from that number on: a recording switched on within a group of pictures."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.dts is not None and number >= packets:
                packet.stream = stream
                new.mux(packet)
    return target


def dropped(path: Path, pictures: Sequence[Picture], missing: set[int]) -> Path:
    """An AVI in which the chunks of those frames are empty, as capture cards write what they drop."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        container.mux(encoded(pictures, add_video(container, "mjpeg", (width, height))))
    data = bytearray(path.read_bytes())
    at, number = data.index(b"movi") + 4, 0
    while data[at : at + 4] in (b"00dc", b"00db"):
        size = struct.unpack_from("<I", data, at + 4)[0]
        # An empty chunk in front of one of junk takes the same room.
        if number in missing:
            room = size + size % 2 - 8
            struct.pack_into("<I", data, at + 4, 0)
            struct.pack_into("<4sI", data, at + 8, b"JUNK", room)
        at, number = at + 8 + size + size % 2, number + 1
    index = data.index(b"idx1", at)
    for number in missing:
        struct.pack_into("<I", data, index + 8 + 16 * number + 12, 0)
    path.write_bytes(data)
    return path


def with_beside(
    path: Path,
    video: Sequence[Picture],
    beside: Iterable[tuple[str, Sequence[Picture], Disposition | None]],
    video_first: bool = False,
    video_flag: Disposition | None = None,
) -> Path:
    """A video with other streams of pictures (codec, pictures, disposition) before it, or behind it."""
    with av.open(str(path), "w") as container:
        streams = [*beside]
        streams.insert(0 if video_first else len(streams), ("libx264", video, video_flag))
        packets = []
        for codec, pictures, flag in streams:
            height, width = pictures[0].shape[:2]
            stream = add_video(container, codec, (width, height))
            if flag is not None:
                stream.disposition = flag
            packets.append((stream, pictures))
        for stream, pictures in packets:
            container.mux(encoded(pictures, stream))
    return path


def edited(source: Path, target: Path, edit: Callable[[bytearray], None]) -> Path:
    """A copy with some of its bytes changed."""
    data = bytearray(source.read_bytes())
    edit(data)
    target.write_bytes(data)
    return target


def crossing(seed: int, frames: int, size: float = 0.04, since: float = 0.0, until: float = 1.0) -> list[Picture]:
    """A fixed camera, and a dark figure that walks across the picture in that part of the time. `size` 0: nobody."""
    place = scene(11, 1, (320, 180), pan=0)[0]
    noise = np.random.default_rng(seed)
    wide, high = round(320 * size), round(180 * 3 * size)
    shown = []
    for number in range(frames):
        picture = np.clip(place + noise.normal(0, 2, place.shape), 0, 255)
        done = (number / frames - since) / (until - since)
        if size and 0 <= done < 1:
            left = round(done * (320 + wide)) - wide
            picture[110 - high // 2 : 110 + high // 2, max(0, left) : max(0, left + wide)] *= 0.3
        shown.append(picture.astype(np.uint8))
    return shown
