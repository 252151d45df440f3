"""Which of a file's video streams is the video: covers, thumbnails and stills are streams too."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

_BESIDE_THE_VIDEO = (
    Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent | Disposition.metadata
)

_PREVIEW_AREA = Fraction(1, 16)
"""Share of the largest picture below which a stream is a preview: less than a quarter of the width and height."""

_SLIDES = Fraction(1, 10)
"""Share of the pictures of the longest stream below which a stream is a track of thumbnails, or a still."""

_TRIED_PACKETS = 300
"""Packets after which a stream without a picture is given up: ten seconds, as long as any group of pictures."""


def video_streams(container: InputContainer) -> list[VideoStream]:
    """The streams that may be the video. A song's cover never is; a thumbnail track only where there is no other."""
    streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    return [each for each in streams if not each.disposition & _BESIDE_THE_VIDEO] or streams


def choose(streams: Sequence[VideoStream], container: InputContainer) -> tuple[int, str]:
    """Of several streams the index of the one to take, and a sentence that says why. Reads `container` to its end.

    Those that decode come first, then those that are no previews and no slides, then the default one, the largest and
    the longest.
    """
    pictures, decoded = _read(container, {stream.index for stream in streams})
    area = {each.index: each.codec_context.width * each.codec_context.height for each in streams if each.codec_context}
    largest, longest = max(area.values(), default=0), max(pictures.values(), default=0)

    def rank(stream: VideoStream) -> tuple[bool, bool, bool, int, int, int]:
        number = stream.index
        main = area.get(number, 0) >= largest * _PREVIEW_AREA and pictures[number] >= longest * _SLIDES
        default = bool(stream.disposition & Disposition.default)
        return number in decoded, main, default, area.get(number, 0), pictures[number], -number

    def described(stream: VideoStream) -> str:
        context = stream.codec_context
        size = f"{context.width}x{context.height}, " if context else ""
        return f"stream {stream.index} ({size}{pictures[stream.index]} pictures)"

    ranked = sorted(streams, key=rank, reverse=True)
    others = ", ".join(described(each) for each in ranked[1:])
    return ranked[0].index, f"{len(ranked)} videos are in it: {described(ranked[0])} is taken, not {others}."


def _read(container: InputContainer, numbers: set[int]) -> tuple[Counter[int], set[int]]:
    """Packets of each stream, and the streams of which a picture could be decoded."""
    packets: Counter[int] = Counter()
    decoded: set[int] = set()
    try:
        for packet in container.demux([container.streams[number] for number in numbers]):
            number = packet.stream_index
            packets[number] += packet.size > 0
            if number in decoded or packets[number] > _TRIED_PACKETS or packet.stream.codec_context is None:
                continue
            try:
                if packet.decode():
                    decoded.add(number)
            except FFmpegError:
                continue
    except FFmpegError:
        pass  # what is damaged is found again, and named, when the chosen stream is decoded
    return packets, decoded
