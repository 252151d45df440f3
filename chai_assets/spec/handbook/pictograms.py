"""Small drawings of camera work, by primitive; those that are taken for one another are drawn to be compared.

A camera is drawn where it ends, dashed where it was. What turns or zooms keeps its place, what travels does not.
They are optional: a term without one is shown without one.
"""

from math import cos, radians, sin

_ACCENT = 'stroke="var(--accent)" fill="none"'


def _svg(*parts: str) -> str:
    style = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return f'<svg viewBox="0 0 96 64" aria-hidden="true" {style}>{"".join(parts)}</svg>'


def _mirrored(*parts: str) -> str:
    return f'<g transform="matrix(-1 0 0 1 96 0)">{"".join(parts)}</g>'


def _flipped(*parts: str) -> str:
    return f'<g transform="matrix(1 0 0 -1 0 64)">{"".join(parts)}</g>'


def _camera(x: float, y: float, turned: float = 0, before: bool = False, size: float = 1) -> str:
    """A camera about (x, y) that looks to the right, or turned clockwise by so many degrees."""
    look = 'stroke-dasharray="2 3" opacity=".55"' if before else 'fill="var(--tint)"'
    shape = '<path d="M-9-6h13v12h-13zM4-2l6-4v12l-6-4z"/>'
    width = f'stroke-width="{2 / size:.1f}"'
    return f'<g transform="translate({x} {y}) rotate({turned}) scale({size})" {width} {look}>{shape}</g>'


def _arrow(path: str, x: float, y: float, towards: float) -> str:
    """A line with its head at (x, y), pointing that many degrees clockwise from the right."""
    sides = [(x - 6 * cos(radians(towards + s)), y - 6 * sin(radians(towards + s))) for s in (-32, 32)]
    head = f"M{sides[0][0]:.1f} {sides[0][1]:.1f}L{x} {y}L{sides[1][0]:.1f} {sides[1][1]:.1f}"
    return f'<path d="{path}{head}" stroke-width="2.5" {_ACCENT}/>'


def _person(x: float, y: float, style: str = "") -> str:
    return f'<g {style}><circle cx="{x}" cy="{y - 9}" r="4"/><path d="M{x - 5} {y + 9}v-7a5 5 0 0 1 10 0v7z"/></g>'


def _dashed(path: str) -> str:
    return f'<path d="{path}" stroke-dasharray="2 3" opacity=".55"/>'


def _wheels(x: float, y: float) -> str:
    """The wheels of a dolly, under the camera at that place."""
    return "".join(f'<circle cx="{x + aside}" cy="{y + 11}" r="3"/>' for aside in (-6, 3))


_SHARP, _SOFT = 'fill="var(--tint)"', 'stroke-dasharray="2 3" opacity=".55"'

# From above: the camera at the bottom looks up into the scene.
_PAN_LEFT = (
    _camera(48, 46, -58, before=True, size=1.4),
    _camera(48, 46, -122, size=1.4),
    _arrow("M80 24A40 40 0 0 0 16 24", 16, 24, 135),
)
_TRUCK_LEFT = (_camera(74, 34, -90, before=True), _camera(26, 34, -90), _arrow("M70 56H28", 28, 56, 180))
_ARC = (
    '<circle cx="48" cy="30" r="5" fill="var(--tint)"/>',
    _camera(72, 46, -146, before=True),
    _camera(22, 46, -34),
    _arrow("M66 56A32 32 0 0 1 30 56", 30, 56, 207),
)
# From the side: the camera looks to the right.
_TILT_UP = (
    _camera(36, 40, 18, before=True, size=1.4),
    _camera(36, 40, -32, size=1.4),
    _arrow("M68 56A38 38 0 0 0 58 14", 58, 14, -128),
)
_PEDESTAL_UP = (
    _camera(34, 46, before=True),
    _camera(34, 16),
    _arrow("M62 50V14", 62, 14, -90),
)
_CRANE_UP = (
    _camera(20, 50, 0, before=True),
    _camera(66, 16, 16),
    _arrow("M34 50A44 44 0 0 0 62 31", 62, 31, -52),
)
_DOLLY_IN = (
    _camera(18, 32, before=True),
    _camera(46, 32),
    _wheels(46, 32),
    _person(82, 34),
    _arrow("M14 57H50", 50, 57, 0),
)
_DOLLY_OUT = (
    _camera(46, 32, before=True),
    _camera(18, 32),
    _wheels(18, 32),
    _person(82, 34),
    _arrow("M50 57H14", 14, 57, 180),
)
_WIDE, _NARROW = "M30 27L74 4M30 37L74 60", "M30 30L74 22M30 34L74 42"
_ZOOM_IN = (
    _camera(18, 32),
    _dashed(_WIDE),
    f'<path d="{_NARROW}"/>',
    _arrow("M66 11V20", 66, 20, 90),
    _arrow("M66 53V44", 66, 44, -90),
    _person(86, 34),
)
_ZOOM_OUT = (
    _camera(18, 32),
    _dashed(_NARROW),
    f'<path d="{_WIDE}"/>',
    _arrow("M66 22V12", 66, 12, -90),
    _arrow("M66 42V52", 66, 52, 90),
    _person(86, 34),
)
_DOLLY_OUT_ZOOM_IN = (
    _camera(42, 26, before=True),
    _camera(14, 26),
    '<path d="M26 24L78 12M26 28L78 40"/>',
    _wheels(14, 26),
    _person(86, 28),
    _arrow("M44 56H12", 12, 56, 180),
)
_DOLLY_IN_ZOOM_OUT = (
    _camera(14, 26, before=True),
    _camera(42, 26),
    '<path d="M54 22L80 4M54 30L80 48"/>',
    _wheels(42, 26),
    _person(86, 28),
    _arrow("M12 56H44", 44, 56, 0),
)


def _rack(to_far: bool) -> str:
    near, far = (_SOFT, _SHARP) if to_far else (_SHARP, _SOFT)
    line = _arrow("M48 57H76", 76, 57, 0) if to_far else _arrow("M76 57H48", 48, 57, 180)
    return _svg(_camera(14, 34), _person(46, 36, near), _person(78, 36, far), line)


def _roll(clockwise: bool) -> str:
    frame = '<rect x="28" y="20" width="40" height="24" fill="var(--tint)" transform="rotate({} 48 32)"/>'
    drawn = (
        f"<g {_SOFT}>{frame.format(0)}</g>".replace(' fill="var(--tint)"', ""),
        frame.format(22),
        _arrow("M27 11A30 30 0 0 1 71 13", 71, 13, 48),
    )
    return _svg(*drawn) if clockwise else _svg(_mirrored(*drawn))


PICTOGRAMS = {
    "pan-left": _svg(*_PAN_LEFT),
    "pan-right": _svg(_mirrored(*_PAN_LEFT)),
    "tilt-up": _svg(*_TILT_UP),
    "tilt-down": _svg(_flipped(*_TILT_UP)),
    "roll-clockwise": _roll(clockwise=True),
    "roll-counterclockwise": _roll(clockwise=False),
    "dolly-in": _svg(*_DOLLY_IN),
    "dolly-out": _svg(*_DOLLY_OUT),
    "truck-left": _svg(*_TRUCK_LEFT),
    "truck-right": _svg(_mirrored(*_TRUCK_LEFT)),
    "pedestal-up": _svg(*_PEDESTAL_UP),
    "pedestal-down": _svg(_flipped(*_PEDESTAL_UP)),
    "crane-up": _svg(*_CRANE_UP),
    "crane-down": _svg(_flipped(*_CRANE_UP)),
    "arc-clockwise": _svg(*_ARC),
    "arc-counterclockwise": _svg(_mirrored(*_ARC)),
    "zoom-in": _svg(*_ZOOM_IN),
    "zoom-out": _svg(*_ZOOM_OUT),
    "dolly-out-zoom-in": _svg(*_DOLLY_OUT_ZOOM_IN),
    "dolly-in-zoom-out": _svg(*_DOLLY_IN_ZOOM_OUT),
    "rack-focus-to-far": _rack(to_far=True),
    "rack-focus-to-near": _rack(to_far=False),
}
