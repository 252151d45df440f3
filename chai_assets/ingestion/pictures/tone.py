"""Light as the cameras of HDR and of wide gamuts code it, brought to what a BT.709 display shows.

Pure functions on arrays, and the table that FFmpeg's filter `lut3d` applies. A white page, at 203 nits by ITU-R
BT.2408, becomes nearly white, and what is brighter keeps a little room above it.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from av.video.reformatter import ColorPrimaries, ColorTrc

Array = np.ndarray

NODES = 65
"""Of the table, along each axis. Measured with PQ: gray is within 1.5 of 255 of the equations, colors of BT.709 are 0.8
off on average; with 33 nodes 1.8."""

_WHITE_NITS = 203.0
_PEAK_NITS = 1000.0
"""The peak that is made room for. Files seldom say theirs, and often wrongly; HLG's is 1000 by ITU-R BT.2100."""
_KNEE = 0.85
"""Light below this share of white is shown as it is; a white page then reads 248 of 255."""

_D65 = (0.3127, 0.329)
_CHROMATICITIES = {
    ColorPrimaries.BT709: ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), _D65),
    ColorPrimaries.BT470M: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.31, 0.316)),
    ColorPrimaries.FILM: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), (0.31, 0.316)),
    ColorPrimaries.BT2020: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65),
    ColorPrimaries.SMPTE428: ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1 / 3, 1 / 3)),
    ColorPrimaries.SMPTE431: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351)),
    ColorPrimaries.SMPTE432: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65),
}
"""x and y of red, green, blue and white, from ITU-T H.273, table 2."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def needs_table(primaries: int, transfer: int) -> bool:
    """Whether R'G'B' must be converted. The primaries of SD and HD differ so little that players take one for all."""
    wide = primaries != ColorPrimaries.BT709 and primaries in _CHROMATICITIES
    return wide or transfer in _TRANSFERS or transfer == ColorTrc.LINEAR


def shown(coded: Array, primaries: int, transfer: int) -> Array:
    """R'G'B' of BT.709 for R'G'B' as coded, which lie in 0 to 1; both have the colors in the last axis.

    Colors that BT.709 has not come out below 0 or above 1: the table is cut off after it is interpolated, or its
    nodes at the edge of the gamut would leave colors near it pale.
    """
    light = _TRANSFERS.get(transfer, _srgb)(coded)
    light = light @ to_bt709(primaries).T
    if transfer in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67):
        light = tone_mapped(light)
    return _srgb_coded(light)


def to_bt709(primaries: int) -> Array:
    """The 3 x 3 matrix from linear RGB of those primaries to linear RGB of BT.709, white to white."""
    if primaries not in _CHROMATICITIES:
        return np.eye(3)
    return np.linalg.inv(_to_xyz(ColorPrimaries.BT709)) @ _to_xyz(ColorPrimaries(primaries))


def tone_mapped(light: Array) -> Array:
    """Light in shares of white, compressed above the knee until the peak is 1; the ratio of the colors is kept.

    The Möbius curve, as in FFmpeg's `tonemap`: its slope at the knee is 1.
    """
    peak = _PEAK_NITS / _WHITE_NITS
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-9)
    reached = np.minimum(brightest, peak)
    a = -(_KNEE**2) * (peak - 1) / (_KNEE**2 - 2 * _KNEE + peak)
    b = (_KNEE**2 - 2 * _KNEE * peak + peak) / (peak - 1)
    curve = (b + _KNEE) ** 2 / (b - a) * (reached + a) / (reached + b)
    mapped = np.where(brightest <= _KNEE, brightest, curve)
    return light * mapped / brightest


def write_table(path: Path, primaries: int, transfer: int) -> Path:
    """The conversion as a file of the kind `.cube`."""
    axis = np.linspace(0, 1, NODES)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    table = shown(np.stack([red, green, blue], axis=-1).reshape(-1, 3), primaries, transfer)
    lines = [f"{red:.5f} {green:.5f} {blue:.5f}" for red, green, blue in table.tolist()]
    path.write_text("\n".join([f"LUT_3D_SIZE {NODES}", *lines, ""]), encoding="ascii")
    return path


def write_linear(path: Path) -> Path:
    """The coding of linear light for a BT.709 display, as a file of the kind `.cube`."""
    table = _srgb_coded(np.linspace(0, 1, 65536))
    lines = [f"{value:.6f} {value:.6f} {value:.6f}" for value in table.tolist()]
    path.write_text("\n".join([f"LUT_1D_SIZE {len(lines)}", *lines, ""]), encoding="ascii")
    return path


def _srgb(coded: Array) -> Array:
    """Light of a display by IEC 61966-2-1, as browsers show BT.709 and BT.2020 without HDR."""
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def _srgb_coded(light: Array) -> Array:
    size = np.abs(light)
    return np.sign(light) * np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)


def _pq(coded: Array) -> Array:
    """SMPTE ST 2084, in shares of white."""
    root = coded ** (1 / 78.84375)
    return (
        10000 / _WHITE_NITS * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    )


def _hlg(coded: Array) -> Array:
    """ITU-R BT.2100: the camera's curve undone, then the system gamma of 1.2 of a display of 1000 nits."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.678, 0.0593])
    return _PEAK_NITS / _WHITE_NITS * scene * np.maximum(luminance, 1e-9)[..., None] ** 0.2


def _log(decades: float) -> Callable[[Array], Array]:
    return lambda coded: np.where(coded > 0, 10 ** (decades * (coded - 1)), 0)


_TRANSFERS: dict[int, Callable[[Array], Array]] = {
    ColorTrc.LOG: _log(2),
    ColorTrc.LOG_SQRT: _log(2.5),
    ColorTrc.SMPTE2084: _pq,
    ColorTrc.SMPTE428: lambda coded: 52.37 / 48 * coded**2.6,
    ColorTrc.ARIB_STD_B67: _hlg,
}


def _to_xyz(primaries: ColorPrimaries) -> Array:
    """Linear RGB to CIE XYZ seen under D65."""
    *colors, white = (
        np.array([x / y, 1, (1 - x - y) / y]) if y else np.array([x, y, 1 - x - y])
        for x, y in _CHROMATICITIES[primaries]
    )
    columns = np.stack(colors, axis=1)
    matrix = columns * np.linalg.solve(columns, white)
    x, y = _D65
    seen = _BRADFORD @ np.array([x / y, 1, (1 - x - y) / y]) / (_BRADFORD @ white)
    return np.linalg.inv(_BRADFORD) @ np.diag(seen) @ _BRADFORD @ matrix
