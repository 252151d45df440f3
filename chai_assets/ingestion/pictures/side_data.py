"""What comes beside a frame and decides how it is shown: its display matrix, both eyes, a sphere, Dolby Vision."""

from fractions import Fraction
from typing import cast

import av
from av.error import FFmpegError
from av.filter import Graph
from av.sidedata.sidedata import SideData, Type

from chai_assets.ingestion.pictures.orientation import Orientation, orientation

_READ = {Type.DISPLAYMATRIX, Type.STEREO3D, Type.SPHERICAL, Type.DOVI_METADATA, Type.DOVI_RPU_BUFFER}


class OrientationReader:
    """Reads the orientation of a video's frames, one after the other."""

    def __init__(self) -> None:
        self._display: bytes | None = None

    def read(self, frame: av.VideoFrame, side: dict[Type, bytes]) -> Orientation:
        """The orientation of the next frame, given what comes beside it."""
        # A codec states it once, for all that follow until a key frame; a container has it with every frame.
        if frame.key_frame or Type.DISPLAYMATRIX in side:
            self._display = side.get(Type.DISPLAYMATRIX)
        return orientation(self._display)


def side_data(frame: av.VideoFrame) -> dict[Type, bytes]:
    """What of a frame's side data decides how it is shown, by kind."""
    try:
        found = (cast("SideData", each) for each in frame.side_data)
        return {each.type: bytes(each) for each in found if each.type in _READ}
    except ValueError:  # a kind that PyAV has no name for yet, as of EXIF
        known = _without_unnamed(frame)
        return side_data(known) if known else {}


def _without_unnamed(frame: av.VideoFrame) -> av.VideoFrame | None:
    """The frame without side data of kinds that are newer than PyAV; None if that cannot be had."""
    graph = Graph()
    last = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25))
    newest = max(kind.value for kind in Type)
    try:
        for number in range(newest + 1, newest + 9):
            step = graph.add("sidedata", f"mode=delete:type={number}")
            last.link_to(step)
            last = step
        last.link_to(graph.add("buffersink"))
        graph.configure()
        graph.push(frame)
        return graph.vpull()
    except FFmpegError:
        return None
