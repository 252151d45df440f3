"""What a decoded frame says of itself that decides how it becomes a stored picture, and what cannot become one."""

import struct
from dataclasses import dataclass
from functools import cached_property

import av
from av.sidedata.sidedata import Type
from av.video.format import VideoFormat
from av.video.reformatter import ColorTrc
from av.video.stream import VideoStream

from chai_assets.ingestion.pictures.orientation import Orientation
from chai_assets.ingestion.probe import BadVideo
from chai_assets.ingestion.reading.decode import Picture
from chai_resources.pictures.color import Color, Matrix, color_of, scaler_matrix

_UNSHOWABLE = {
    Matrix.BT2020_CONSTANT: "BT.2020 with constant luminance",
    Matrix.SMPTE2085: "SMPTE 2085",
    Matrix.DERIVED_CONSTANT: "constant luminance by its primaries",
    Matrix.ICTCP: "ICtCp",
    Matrix.IPT_C2: "IPT-C2, of Dolby Vision profile 5",
    Matrix.YCGCO_RE: "YCgCo-R",
    Matrix.YCGCO_RO: "YCgCo-R",
}
_DOLBY_VISION = ("dvh1", "dvhe", "dva1", "dvav", "dav1")

_NOTHING = 3
"""Of 255: alpha that is no more than that is 0, rounded on its way."""

_CONVERT = "convert it to H.264 or HEVC with BT.709 color and add it again"


@dataclass(frozen=True)
class Form:
    """Frames of one form go through the same filters.

    `alpha` is whether what is transparent is meant; `fields` whether each frame is a single field.
    """

    width: int
    height: int
    format: str
    color: Color
    orientation: Orientation
    alpha: bool
    interlaced: bool
    fields: bool
    stereo: bool
    spherical: bool

    @cached_property
    def kind(self) -> VideoFormat:
        """The pixel format."""
        return VideoFormat(self.format)

    @property
    def bits(self) -> int:
        """Of the deepest component."""
        return max(part.bits for part in self.kind.components)


class FormReader:
    """Reads the forms of a video's pictures, one after the other."""

    def __init__(self, stream: VideoStream) -> None:
        self._codec, self._tag = stream.codec_context.name, stream.codec_context.codec_tag
        self._alpha = False

    def read(self, picture: Picture) -> Form:
        """The form of the next picture. Raises BadVideo if no color can be made of its numbers."""
        frame, side = picture.frame, picture.side
        # A decoder of HEVC gives single fields, as pictures of half the height, and no two in one frame.
        fields = frame.interlaced_frame and self._codec == "hevc"
        form = Form(
            frame.width,
            frame.height,
            frame.format.name,
            color_of(frame),
            picture.orientation,
            alpha=self._is_alpha_meant(frame),
            interlaced=frame.interlaced_frame and not fields,
            fields=fields,
            stereo=_is_stereo(side.get(Type.STEREO3D)),
            spherical=Type.SPHERICAL in side,
        )
        if reason := _unshowable(form, self._tag, Type.DOVI_METADATA in side or Type.DOVI_RPU_BUFFER in side):
            raise BadVideo("unsupported", f"holds color as {reason}, which cannot be shown here; {_CONVERT}")
        return form

    def _is_alpha_meant(self, frame: av.VideoFrame) -> bool:
        """Not where nothing was opaque yet: what writes 32 bits a pixel without transparency leaves the last 8 at 0."""
        kind = frame.format
        if not kind.has_palette and not any(part.is_alpha for part in kind.components):
            return False
        if not self._alpha:
            seen = frame.reformat(format="rgba", src_colorspace=scaler_matrix(frame), threads=1).to_ndarray()
            self._alpha = bool(seen[..., 3].max() > _NOTHING)
        return self._alpha


def _unshowable(form: Form, tag: str, dolby: bool) -> str | None:
    color = form.color
    if color.matrix in _UNSHOWABLE:
        return _UNSHOWABLE[color.matrix]
    if color.matrix == Matrix.YCGCO and form.alpha:
        return "YCgCo with transparency"
    # Other profiles name a transfer: their base layer is a picture by itself.
    if (dolby or tag in _DOLBY_VISION) and color.transfer in (0, ColorTrc.UNSPECIFIED):
        return _UNSHOWABLE[Matrix.IPT_C2]
    return None


def _is_stereo(data: bytes | None) -> bool:
    return data is not None and len(data) >= 4 and struct.unpack("=i", data[:4])[0] != 0
