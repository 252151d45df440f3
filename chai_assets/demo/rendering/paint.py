"""Painted pictures for the practice world: skies, textures of ground, plants, buildings and weather.

Each function returns a `Texture` and depends on its arguments alone; colors are (red, green, blue). People,
animals and vehicles, whose pictures change with time, are in `figures.py`.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from chai_assets.demo.rendering.world import Color, Image, Texture

Point = tuple[float, float]

_DOME = (600, 800)
"""Rows and columns of a sky: 90 by 120 degrees."""


class Canvas:
    """A transparent picture to draw on in units of its height: (0, 0) is bottom middle, y points up.

    Anti-aliased drawing onto transparent black leaves the color premultiplied by its coverage.
    """

    def __init__(self, aspect: float, rows: int) -> None:
        self.rows, self.columns = rows, round(rows * aspect)
        self.image: Image = np.zeros((rows, self.columns, 4), np.uint8)

    def _points(self, points: Sequence[Point]) -> Image:
        corner = np.array([8 * self.columns - 7.5, 16 * self.rows - 7.5])
        return (np.asarray(points, float) * [16 * self.rows, -16 * self.rows] + corner).astype(np.int32)

    def poly(self, color: Color, points: Sequence[Point]) -> "Canvas":
        cv2.fillPoly(self.image, [self._points(points)], (*color[::-1], 255), cv2.LINE_AA, 4)
        return self

    def box(self, color: Color, left: float, bottom: float, right: float, top: float) -> "Canvas":
        return self.poly(color, [(left, bottom), (right, bottom), (right, top), (left, top)])

    def disc(self, color: Color, center: Point, radius: float, stretch: float = 1.0) -> "Canvas":
        middle = tuple(self._points([center])[0].tolist())
        axes = (round(radius * stretch * self.rows * 16), round(radius * self.rows * 16))
        cv2.ellipse(self.image, middle, axes, 0, 0, 360, (*color[::-1], 255), -1, cv2.LINE_AA, 4)
        return self

    def line(self, color: Color, width: float, points: Sequence[Point]) -> "Canvas":
        """A line with round ends and joints, `width` wide."""
        thick = max(1, round(width * self.rows))
        cv2.polylines(self.image, [self._points(points)], False, (*color[::-1], 255), thick, cv2.LINE_AA, 4)
        return self

    def texture(self, light: float = 0.0, grain: float = 0.0, seed: int = 0) -> Texture:
        """The picture; `light` darkens its right and foot, `grain` adds blotches, both as fractions."""
        if not light and not grain:
            return Texture(self.image)
        gain = np.ones((self.rows, self.columns), np.float32)
        if light:
            x = np.linspace(0.6, -0.6, self.columns, dtype=np.float32) * light
            y = np.linspace(0.4, -0.4, self.rows, dtype=np.float32) * light
            gain += x[None] + y[:, None]
        if grain:
            gain *= 1 + grain * blotches((self.rows, self.columns), seed)
        lit = cv2.multiply(self.image[..., :3], cv2.cvtColor(gain, cv2.COLOR_GRAY2BGR), dtype=cv2.CV_8U)
        return Texture(np.dstack([np.minimum(lit, self.image[..., 3:]), self.image[..., 3:]]))


def blotches(shape: tuple[int, int], seed: int, coarse: tuple[int, int] = (4, 4), octaves: int = 5) -> Image:
    """Smooth noise that tiles at its edges, -1 to 1; `coarse` is its largest cells, down and across."""
    random = np.random.default_rng(seed)
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        rows, columns = (min(side, cells * 2**octave) for side, cells in zip(shape, coarse, strict=True))
        cells = random.standard_normal((rows, columns)).astype(np.float32)
        padded = np.pad(cells, 2, mode="wrap")
        margin = [2 * side // count for side, count in zip(shape, (rows, columns), strict=True)]
        size = (shape[1] + 2 * margin[1], shape[0] + 2 * margin[0])
        grown = cv2.resize(padded, size, interpolation=cv2.INTER_CUBIC)
        total += grown[margin[0] : margin[0] + shape[0], margin[1] : margin[1] + shape[1]] * 0.6**octave
    return total / (np.abs(total).max() or 1)


def _mix(low: Color, high: Color, amount: Image) -> Image:
    a, b = np.array(low[::-1], np.float32), np.array(high[::-1], np.float32)
    return a + (b - a) * np.clip(amount, 0, 1)[..., None]


def _opaque(color: Image) -> Texture:
    full = np.full((*color.shape[:2], 1), 255, np.float32)
    return Texture(np.dstack([np.clip(color, 0, 255), full]).round().astype(np.uint8))


def sky(low: Color, high: Color, sun: tuple[float, float, Color] | None = None) -> Texture:
    """A dome from the horizon's color to the zenith's, with a sun at (azimuth, height) in degrees."""
    rows, columns = _DOME
    height = 75 - np.arange(rows) / rows * 90
    amount = np.broadcast_to(np.clip(height / 45, 0, 1)[:, None] ** 0.7, (rows, columns))
    picture = _mix(low, high, amount)
    if sun:
        azimuth = np.arange(columns) / columns * 120 - 60
        away = np.hypot((azimuth[None] - sun[0]) * np.cos(np.radians(sun[1])), height[:, None] - sun[1])
        glow = 0.75 * np.exp(-away / 9) + np.clip((2.6 - away) / 0.25, 0, 1)
        picture += (np.array(sun[2][::-1], np.float32) - picture) * np.clip(glow, 0, 1)[..., None]
    return _opaque(picture)


def clouds(color: Color, shade: Color, cover: float, seed: int) -> Texture:
    """A ring of clouds for a sky; `cover` is roughly the share of sky they fill."""
    rows, columns = _DOME
    noise = blotches((rows, columns), seed, coarse=(5, 5), octaves=6)
    height = 75 - np.arange(rows) / rows * 90
    belt = np.clip(height / 6, 0, 1) * np.clip((70 - height) / 25, 0, 1)
    limit = np.quantile(noise, 1 - cover)
    alpha = np.clip((noise - limit) / 0.16, 0, 1) * belt[:, None] * 0.95
    lit = np.clip((noise - np.roll(noise, -9, 0)) * 2.2 + 0.55, 0, 1)
    picture = _mix(shade, color, lit) * alpha[..., None]
    return Texture(np.dstack([picture, alpha * 255]).round().astype(np.uint8))


def turf(dark: Color, light: Color, seed: int, fine: float = 0.5, size: int = 512) -> Texture:
    """Opaque ground that tiles: grass, sand or soil by its two colors; `fine` is the share of fine grain."""
    random = np.random.default_rng(seed)
    grains = cv2.GaussianBlur(random.standard_normal((size, size)).astype(np.float32), (0, 0), 1.2) * 2.2
    return _opaque(_mix(dark, light, 0.5 + 0.7 * blotches((size, size), seed + 1) + fine * grains * 0.5))


def paving(light: Color, joint: Color, seed: int, stones: int = 8, size: int = 512) -> Texture:
    """Opaque paving in offset rows that tiles."""
    random = np.random.default_rng(seed)
    picture = np.empty((size, size, 3), np.float32)
    picture[:] = joint[::-1]
    side = size // stones
    for row in range(stones):
        for column in range(stones):
            tone = np.array(light[::-1], np.float32) * random.uniform(0.82, 1.08)
            left = column * side + (side // 2 if row % 2 else 0)
            columns = np.arange(left + 2, left + side - 2) % size
            picture[row * side + 2 : (row + 1) * side - 2, columns] = tone
    return _opaque(picture * (1 + 0.12 * blotches((size, size), seed))[..., None])


def waves(dark: Color, light: Color, seed: int, size: int = 512) -> Texture:
    """Opaque water that tiles: long soft crests across the view."""
    crests = cv2.resize(blotches((size, size // 4), seed, coarse=(8, 8)), (size, size))
    return _opaque(_mix(dark, light, 0.4 + 0.9 * crests**3 + 0.45 * crests))


def shadow(strength: float = 0.45) -> Texture:
    """A soft round shadow."""
    grid = np.linspace(-1, 1, 96)
    away = np.hypot(grid[None], grid[:, None])
    alpha = np.clip(1 - away, 0, 1) ** 0.8 * 255 * strength
    return Texture(np.dstack([np.zeros((96, 96, 3)), alpha]).round().astype(np.uint8))


def hills(color: Color, seed: int, snow: bool = False) -> Texture:
    """A ridge eight times as wide as high whose ends meet; with snow it is jagged and white on top."""
    rows, columns = 150, 1200
    line = blotches((8, columns), seed, coarse=(2, 14 if snow else 3), octaves=6)[4]
    crest = 0.62 + (0.36 if snow else 0.25) * line
    y = 1 - np.arange(rows)[:, None] / rows
    alpha = np.clip((crest[None] - y) * rows, 0, 1)
    grain = blotches((rows, columns), seed + 1, coarse=(5, 40))
    tone = 0.85 + 0.22 * grain - 0.25 * (1 - y / np.maximum(crest[None], 0.1))
    picture = np.array(color[::-1], np.float32) * tone[..., None]
    if snow:
        white = np.clip((y - crest[None] + 0.2 + 0.14 * grain) * 14, 0, 1)[..., None]
        picture += (np.array([250, 244, 240], np.float32) * (0.93 + 0.1 * grain[..., None]) - picture) * white
    picture = np.clip(picture, 0, 255) * alpha[..., None]
    return Texture(np.dstack([picture, alpha * 255]).round().astype(np.uint8))


def island(color: Color, seed: int) -> Texture:
    """A low rocky mound that runs out on both sides; six times as wide as high."""
    rows, columns = 160, 960
    x = np.linspace(-1, 1, columns)
    crest = np.sqrt(np.clip(1 - x**2, 0, 1)) * (0.72 + 0.2 * blotches((8, columns), seed, coarse=(2, 8))[4])
    y = 1 - np.arange(rows)[:, None] / rows
    alpha = np.clip((crest[None] - y) * rows, 0, 1)
    tone = 0.72 + 0.35 * y + 0.4 * blotches((rows, columns), seed + 1, coarse=(6, 36))
    picture = np.clip(np.array(color[::-1], np.float32) * tone[..., None], 0, 255) * alpha[..., None]
    return Texture(np.dstack([picture, alpha * 255]).round().astype(np.uint8))


def tree(leaves: Color, seed: int, trunk: Color = (94, 70, 52), rows: int = 420) -> Texture:
    """A broad-leaved tree: a crown of lit tufts on a trunk."""
    random = np.random.default_rng(seed)
    canvas = Canvas(0.8, rows)
    canvas.poly(trunk, [(-0.04, 0), (0.045, 0), (0.02, 0.5), (-0.02, 0.5)])
    canvas.line(trunk, 0.02, [(0, 0.35), (0.12, 0.55)]).line(trunk, 0.02, [(0, 0.3), (-0.12, 0.5)])
    tufts = sorted(
        ((random.uniform(0, 2 * np.pi), random.uniform(0, 1) ** 0.5) for _ in range(190)),
        key=lambda tuft: -tuft[1] * 0.3 + np.sin(tuft[0]) * tuft[1],
    )
    for angle, reach in tufts:
        x, y = 0.27 * reach * np.cos(angle), 0.64 + 0.27 * reach * np.sin(angle)
        tone = 0.72 + 0.45 * (y - 0.4) - 0.35 * x + random.uniform(-0.1, 0.1)
        canvas.disc(toned(leaves, tone), (x, y), random.uniform(0.03, 0.075))
    return canvas.texture(grain=0.12, seed=seed)


def fir(needles: Color, seed: int, snow: bool = False, rows: int = 420) -> Texture:
    """A conifer: tiers of drooping branches, snow on them if wanted."""
    random = np.random.default_rng(seed)
    canvas = Canvas(0.5, rows).box((78, 58, 44), -0.02, 0, 0.02, 0.2)
    for tier in range(11):
        y, half = 0.1 + tier * 0.078, 0.22 * (1 - tier / 11.5)
        tips = [(half * s, y + random.uniform(-0.012, 0.012)) for s in np.linspace(-1, 1, 9)]
        zigzag = [p for x, h in tips for p in ((x, h), (x + half * 0.11, h + 0.02))][:-1]
        canvas.poly(toned(needles, 0.75 + 0.035 * tier + random.uniform(-0.05, 0.05)), [*zigzag, (0, y + 0.17)])
        if snow:
            lobes = [(half * s * 0.86, y + 0.012 + random.uniform(0, 0.02)) for s in np.linspace(-1, 0.5, 6)]
            canvas.poly((238, 243, 250), [*lobes, (0, y + 0.15)])
    return canvas.texture(light=0.1, grain=0.12, seed=seed)


def toned(color: Color, tone: float) -> Color:
    """The color made darker (below 1) or lighter."""
    r, g, b = (int(np.clip(part * tone, 0, 255)) for part in color)
    return r, g, b


def house(wall: Color, roof: Color, seed: int, floors: int = 3, lit: bool = False) -> Texture:
    """A town house front with a gable, rows of windows and a door; 0.62 as wide as high."""
    random = np.random.default_rng(seed)
    canvas = Canvas(0.62, 460)
    canvas.poly(roof, [(-0.31, 0.76), (0.31, 0.76), (0.2, 0.97), (-0.2, 0.97)])
    canvas.box(toned(roof, 0.7), 0.1, 0.93, 0.16, 1.0)
    canvas.box(wall, -0.28, 0, 0.28, 0.77).box(toned(wall, 0.8), -0.295, 0.75, 0.295, 0.78)
    canvas.box(toned(wall, 0.72), -0.28, 0, 0.28, 0.04)
    for floor in range(floors):
        y = 0.08 + floor * 0.68 / floors
        for column in (-0.18, 0.0, 0.18):
            if floor == 0 and column == 0.0:
                canvas.box(toned(roof, 0.65), -0.05, 0.0, 0.05, 0.17)
                continue
            glass = (250, 214, 130) if lit and random.random() < 0.5 else (92, 116, 134)
            canvas.box((240, 236, 226), column - 0.052, y - 0.005, column + 0.052, y + 0.145)
            canvas.box(glass, column - 0.042, y + 0.005, column + 0.042, y + 0.135)
            canvas.box((240, 236, 226), column - 0.004, y, column + 0.004, y + 0.14)
            canvas.box(toned(wall, 0.78), column - 0.06, y - 0.018, column + 0.06, y - 0.004)
    return canvas.texture(light=0.06, grain=0.1, seed=seed)


def stall(stripe: Color, seed: int) -> Texture:
    """A market stall: striped awning, posts, a counter heaped with fruit; 1.2 as wide as high."""
    random = np.random.default_rng(seed)
    canvas = Canvas(1.2, 420)
    canvas.box((60, 46, 40), -0.5, 0.38, 0.5, 0.78)
    for x in (-0.5, 0.5):
        canvas.line((120, 92, 66), 0.022, [(x, 0), (x, 0.8)])
    canvas.box((150, 112, 74), -0.53, 0.0, 0.53, 0.4)
    for y in (0.1, 0.2, 0.3):
        canvas.box((118, 86, 56), -0.53, y, 0.53, y + 0.008)
    fruits: list[Color] = [(226, 64, 46), (240, 158, 42), (134, 172, 58), (242, 208, 70), (150, 60, 110)]
    for crate in range(5):
        x0 = -0.51 + crate * 0.206
        for _ in range(46):
            spot = (x0 + random.uniform(0.02, 0.18), 0.4 + random.uniform(0, 0.075))
            canvas.disc(toned(fruits[(crate + seed) % 5], random.uniform(0.75, 1.1)), spot, 0.019)
        canvas.box((184, 142, 92), x0, 0.36, x0 + 0.195, 0.415)
    for number in range(10):
        left, right = -0.6 + number * 0.12, -0.48 + number * 0.12
        color = stripe if number % 2 else (250, 244, 232)
        canvas.poly(color, [(left, 0.74), (right, 0.74), (right * 0.86, 0.98), (left * 0.86, 0.98)])
        canvas.disc(toned(color, 0.88), ((left + right) / 2, 0.74), 0.045, 1.3)
    return canvas.texture(light=0.08, grain=0.06, seed=seed)


def drawn(aspect: float, rows: int, draw: Callable[[Canvas], object], grain: float = 0.08) -> Texture:
    """A picture drawn by a function, lit from the left."""
    canvas = Canvas(aspect, rows)
    draw(canvas)
    return canvas.texture(light=0.1, grain=grain, seed=rows)


def lighthouse() -> Texture:
    """A white tower with red bands, gallery and lantern; 0.3 as wide as high."""

    def draw(c: Canvas) -> None:
        def half(y: float) -> float:
            return 0.085 - 0.04 * y

        for band in range(7):
            y0, y1 = band * 0.115, (band + 1) * 0.115
            color = (202, 52, 44) if band % 2 else (244, 240, 232)
            c.poly(color, [(-half(y0), y0), (half(y0), y0), (half(y1), y1), (-half(y1), y1)])
        c.box((58, 52, 54), -0.018, 0, 0.018, 0.06)
        for y in (0.19, 0.42, 0.65):
            c.box((58, 66, 78), -0.01, y, 0.01, y + 0.035)
        c.box((60, 60, 66), -0.072, 0.8, 0.072, 0.815)
        for x in np.linspace(-0.07, 0.07, 9):
            c.line((60, 60, 66), 0.004, [(x, 0.815), (x, 0.845)])
        c.line((60, 60, 66), 0.005, [(-0.07, 0.845), (0.07, 0.845)])
        c.box((255, 236, 160), -0.038, 0.815, 0.038, 0.905)
        for x in (-0.038, -0.013, 0.013, 0.038):
            c.line((70, 62, 60), 0.005, [(x, 0.815), (x, 0.905)])
        c.poly((186, 44, 40), [(-0.05, 0.905), (0.05, 0.905), (0.012, 0.965), (-0.012, 0.965)])
        c.line((60, 60, 66), 0.005, [(0, 0.96), (0, 0.995)])

    return drawn(0.3, 900, draw, grain=0.05)


def cabin() -> Texture:
    """A log cabin under a snowy roof with a lit window; 1.3 as wide as high."""

    def draw(c: Canvas) -> None:
        for log in range(7):
            c.box(toned((132, 88, 56), 0.9 + 0.12 * (log % 2)), -0.46, log * 0.072, 0.46, log * 0.072 + 0.068)
        c.box((84, 78, 78), 0.2, 0.6, 0.32, 0.96).box((244, 247, 252), 0.19, 0.94, 0.33, 1.0)
        c.poly((228, 235, 246), [(-0.6, 0.46), (0.6, 0.46), (0.4, 0.86), (-0.4, 0.86)])
        c.poly((250, 252, 255), [(-0.6, 0.46), (0.6, 0.46), (0.56, 0.56), (-0.56, 0.56)])
        c.box((76, 50, 36), -0.34, 0.0, -0.18, 0.36).box((70, 48, 36), 0.02, 0.12, 0.3, 0.36)
        c.box((255, 214, 120), 0.04, 0.14, 0.28, 0.34).box((70, 48, 36), 0.15, 0.14, 0.17, 0.34)

    return drawn(1.3, 360, draw)


def cactus() -> Texture:
    """A saguaro with two arms; 0.6 as wide as high."""

    def draw(c: Canvas) -> None:
        green = (74, 124, 74)
        c.line(green, 0.15, [(0, 0), (0, 0.92)])
        c.line(green, 0.1, [(0, 0.34), (-0.2, 0.36), (-0.21, 0.68)])
        c.line(green, 0.1, [(0, 0.46), (0.19, 0.5), (0.2, 0.8)])
        for x in (-0.045, -0.015, 0.015, 0.045):
            c.line((52, 96, 60), 0.006, [(x, 0.02), (x, 0.93)])

    return drawn(0.6, 420, draw)


def mesa(color: Color, seed: int) -> Texture:
    """A flat-topped rock with layers; twice as wide as high."""

    def draw(c: Canvas) -> None:
        c.poly(color, [(-1, 0), (1, 0), (0.62, 0.36), (0.54, 0.96), (-0.5, 1), (-0.58, 0.4)])
        for y in (0.42, 0.56, 0.7, 0.84):
            c.box(toned(color, 0.84), -0.56, y, 0.57, y + 0.035)

    return drawn(2.0, 300, draw, grain=0.16)


def grass(color: Color, seed: int) -> Texture:
    """A tuft strip of blades or ears for the foreground; three times as wide as high."""
    random = np.random.default_rng(seed)
    canvas = Canvas(3.0, 160)
    for _ in range(420):
        x, tall, lean = random.uniform(-1.42, 1.42), random.uniform(0.35, 0.95), random.uniform(-0.14, 0.14)
        tone = random.uniform(0.7, 1.15)
        canvas.poly(toned(color, tone), [(x - 0.014, 0), (x + 0.014, 0), (x + lean, tall)])
    return canvas.texture()
