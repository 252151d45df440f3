"""Brings frames of any form to that of stored clips: upright, without combs, of one size, in 8 bits and in BT.709.

Each form has its chain of filters; what needs no change goes through untouched.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as Ended
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.reformatter import ColorPrimaries, ColorTrc

from chai_assets.ingestion.pictures.form import Form
from chai_assets.ingestion.pictures.tone import needs_table, write_linear, write_table
from chai_resources.pictures.color import Color, Matrix, is_gray, is_rgb

STORED = Color(Matrix.BT709, False, int(ColorPrimaries.BT709), int(ColorTrc.BT709))
"""The color of every stored clip."""

_Step = tuple[str, dict[str, str]]

_SMALLEST_COMBED = 16
"""Pixels a side: `bwdif` takes no smaller picture, and none is interlaced."""

_FULL, _LIMITED = "full", "limited"
_EXACT = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_COUNT = Fraction(1, 25)


class Shaper:
    """Shapes the frames of one shot; `changes` says, in words, what had to be done to them."""

    def __init__(self, size: tuple[int, int], folder: Path) -> None:
        self.changes: list[str] = []
        self._size, self._folder = size, folder
        self._form: Form | None = None
        self._graph: Graph | None = None
        self._combed = False
        self._pushed = 0

    def push(self, frame: av.VideoFrame, form: Form) -> Iterator[av.VideoFrame]:
        """Takes a frame of that form, and gives those that are ready, one for each that came, in their order."""
        # Flags change from frame to frame where film and video are mixed; bwdif looks at each by itself.
        self._combed = self._combed or (form.interlaced and min(form.width, form.height) >= _SMALLEST_COMBED)
        form = replace(form, interlaced=self._combed)
        if self._graph is None or form != self._form:
            yield from self.flush()
            self._form, self._graph = form, self._built(form)
        frame.pts, frame.time_base = self._pushed, _COUNT
        frame.colorspace, frame.color_range = _label(form.color), 2 if form.color.full else 1
        self._pushed += 1
        self._graph.push(frame)
        yield from _ready(self._graph)

    def flush(self) -> Iterator[av.VideoFrame]:
        """What is still on its way, at the end of the shot or of the frames of one form."""
        if self._graph is not None:
            self._graph.push(None)
            yield from _ready(self._graph)
            self._graph = None

    def _built(self, form: Form) -> Graph:
        self.changes += [change for change in _changes(form) if change not in self.changes]
        graph = Graph()
        graph.threads = 1
        last = graph.add(
            "buffer",
            video_size=f"{form.width}x{form.height}",
            pix_fmt=form.format,
            time_base=str(_COUNT),
            pixel_aspect="1/1",
            colorspace=str(int(_label(form.color))),
            range=_range(form.color),
        )
        for name, arguments in [*_steps(form, self._size, self._folder), ("buffersink", {})]:
            step: FilterContext = graph.add(name, **arguments)
            last.link_to(step)
            last = step
        graph.configure()
        return graph


def _ready(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            frame = graph.vpull()
        except (NothingYet, Ended):
            return
        frame.colorspace, frame.color_range = STORED.matrix, 1
        frame.color_primaries, frame.color_trc = STORED.primaries, STORED.transfer
        yield frame


def _steps(form: Form, size: tuple[int, int], folder: Path) -> Iterator[_Step]:
    """The filters from a form to the stored one."""
    planar, color = _planar(form), form.color
    if is_gray(form.kind):
        # A scaler takes all gray for full range: its numbers are kept, and then called what they are.
        yield _scale(in_range=_FULL, out_range=_FULL)
        yield _format(planar.replace("gbrap", "yuva444p"))
        yield "setparams", {"range": _range(color), "colorspace": "bt709"}
    if form.alpha:
        yield _scale(in_color_matrix=_name(color), in_range=_range(color), out_range=_FULL, flags=_EXACT)
        yield _format(planar)
        yield "premultiply", {"inplace": "1"}
        color = replace(color, matrix=Matrix.RGB, full=True)
    elif form.format != planar and not is_gray(form.kind):
        yield _scale(in_range=_range(color), out_range=_range(color))
        yield _format(planar)
    if form.interlaced:
        yield "bwdif", {"mode": "send_frame", "parity": "auto", "deint": "interlaced"}
    for name, argument in form.orientation.steps:
        yield name, {"dir": argument} if argument else {}
    sized = partial(_scale, w=str(size[0]), h=str(size[1]))
    if color.matrix == Matrix.RGB or needs_table(color.primaries, color.transfer):
        if color.matrix == Matrix.YCGCO:
            yield _colorspace(color)
            color = replace(color, matrix=Matrix.BT709, full=False)
        yield sized(in_color_matrix=_name(color), in_range=_range(color), out_range=_FULL, flags=_EXACT)
        yield _format("gbrp16le")
        yield from _light(color, folder)
        yield _scale(out_color_matrix="bt709", out_range=_LIMITED, flags=_EXACT)
    else:
        yield sized(in_range=_range(color), out_range=_range(color), flags="bicubic")
        if (color.matrix, color.full) != (STORED.matrix, STORED.full):
            yield _colorspace(color)
    yield _format("yuv420p")
    yield "setsar", {"sar": "1"}


def _light(color: Color, folder: Path) -> Iterator[_Step]:
    transfer = color.transfer
    if transfer == ColorTrc.LINEAR:
        # The nodes of the table lie too far apart in the shadows of light that is not coded.
        yield "lut1d", {"file": str(write_linear(folder / "linear.cube"))}
        transfer = int(ColorTrc.BT709)
    if needs_table(color.primaries, transfer):
        path = folder / f"light-{color.primaries}-{transfer}.cube"
        yield "lut3d", {"file": str(path if path.exists() else write_table(path, color.primaries, transfer))}


def _planar(form: Form) -> str:
    """The nearest format that all filters take: planes of 8, 10 or 12 bits, RGB for what has alpha.

    Where alpha goes, the depth of RGB changes too: this FFmpeg drops it wrongly where nothing else does.
    """
    depth = "" if form.bits <= 8 else "10le" if form.bits <= 10 else "12le"
    if form.alpha:
        return f"gbrap{depth}"
    if is_rgb(form.kind):
        with_alpha = form.bits > 8 and any(part.is_alpha for part in form.kind.components)
        return f"gbrp{depth if form.bits <= 12 and not with_alpha else '12le' if form.bits == 16 else '16le'}"
    across, down = form.kind.chroma_width(8), form.kind.chroma_height(8)
    chroma = "420" if is_gray(form.kind) or (across, down) == (4, 4) else "422" if (across, down) == (4, 8) else "444"
    return f"yuv{chroma}p{depth}"


def _scale(**options: str) -> _Step:
    return "scale", options


def _format(name: str) -> _Step:
    return "format", {"pix_fmts": name}


def _colorspace(color: Color) -> _Step:
    """From the matrix and range of a color to those of stored clips, and nothing else."""
    same = {"iprimaries": "bt709", "primaries": "bt709", "itrc": "bt709", "trc": "bt709"}
    return "colorspace", {
        "ispace": _name(color),
        "irange": "pc" if color.full else "tv",
        "space": "bt709",
        "range": "tv",
        **same,
    }


def _label(color: Color) -> Matrix:
    """The matrix by which frames go through the filters; those that convert it are told the real one.

    A scaler takes no frame of YCgCo, not even to change its size.
    """
    return Matrix.BT709 if color.matrix == Matrix.YCGCO else color.matrix


def _range(color: Color) -> str:
    return _FULL if color.full else _LIMITED


def _name(color: Color) -> str:
    """Of a matrix, to both filters that take one."""
    return _NAMES[color.matrix]


_NAMES = {
    Matrix.RGB: "auto",
    Matrix.BT709: "bt709",
    Matrix.FCC: "fcc",
    Matrix.BT470BG: "bt470bg",
    Matrix.SMPTE170M: "smpte170m",
    Matrix.SMPTE240M: "smpte240m",
    Matrix.YCGCO: "ycgco",
    Matrix.BT2020: "bt2020nc",
}


def _changes(form: Form) -> Iterator[str]:
    """What is done to frames of a form that a viewer of the clip should know, in words."""
    color = form.color
    if color.hdr:
        yield f"tone-mapped from {'PQ' if color.transfer == ColorTrc.SMPTE2084 else 'HLG'}"
    elif needs_table(color.primaries, color.transfer):
        yield "brought to the gamut of BT.709"
    if form.interlaced:
        yield "deinterlaced, one picture a frame"
    if form.fields:
        yield "fields shown as pictures"
    if form.alpha:
        yield "anything transparent laid over black"
    if form.stereo:
        yield "both eyes shown, as coded"
    if form.spherical:
        yield "a sphere shown flat, as coded"
    yield from form.orientation.told
