"""A small layered world seen through a pinhole camera: painted quads, a ground plane, a sky.

Geometry and compositing only: what is painted on the quads is in `paint.py`, what the shots show in `scenes`.
Everything stands at a true depth, so moving the camera gives parallax and changing its focal length gives
none: that is what makes the recorded camera work true. Meters and degrees; x points right, y up, z ahead;
colors are (red, green, blue), pictures BGR.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import cv2
import numpy as np

Image = np.ndarray
Color = tuple[int, int, int]
WIDTH, HEIGHT, FPS = 640, 360, 24
NORMAL_LENS = 500.0
"""Focal length in pixels: 39 degrees from top to bottom, about what a normal lens sees."""

_NEAR = 0.3
_SKY_DEGREES = (120.0, 90.0)
_SKY_FLOOR = -15.0


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and how it looks; pan to the right, tilt up and roll clockwise are positive."""

    x: float = 0.0
    y: float = 1.6
    z: float = 0.0
    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    focal: float = NORMAL_LENS

    def project(self, points: Image) -> tuple[Image, Image]:
        """Pixels (..., 2) and depths (...) of world points (..., 3)."""
        seen = (points - np.array([self.x, self.y, self.z])) @ _axes(self.pan, self.tilt, self.roll).T
        depth = seen[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        pixels = np.stack([seen[..., 0] / safe, -seen[..., 1] / safe], -1) * self.focal
        return pixels + np.array([WIDTH / 2, HEIGHT / 2]), depth

    def rays(self) -> Image:
        """World direction through each pixel, (3, height, width); the camera's place does not matter."""
        return _rays(self.pan, self.tilt, self.roll, self.focal)


def _axes(pan: float, tilt: float, roll: float) -> Image:
    p, t, a = np.radians([pan, tilt, roll])
    right = np.array([np.cos(p), 0, -np.sin(p)])
    up = np.array([-np.sin(p) * np.sin(t), np.cos(t), -np.cos(p) * np.sin(t)])
    forward = np.array([np.sin(p) * np.cos(t), np.sin(t), np.cos(p) * np.cos(t)])
    return np.array([right * np.cos(a) - up * np.sin(a), up * np.cos(a) + right * np.sin(a), forward])


@lru_cache(maxsize=4)
def _rays(pan: float, tilt: float, roll: float, focal: float) -> Image:
    axes = _axes(pan, tilt, roll).astype(np.float32)
    xs = ((np.arange(WIDTH, dtype=np.float32) + 0.5 - WIDTH / 2) / focal).astype(np.float32)
    ys = ((HEIGHT / 2 - np.arange(HEIGHT, dtype=np.float32) - 0.5) / focal).astype(np.float32)
    rows, columns = axes[1, :, None] * ys + axes[2, :, None], axes[0, :, None] * xs
    return rows[:, :, None] + columns[:, None, :]


@lru_cache(maxsize=4)
def _dome(pan: float, tilt: float, roll: float, focal: float) -> tuple[slice, Image, Image]:
    """The rows in which sky can be seen, and each of their pixels' azimuth and height in degrees."""
    rays = _rays(pan, tilt, roll, focal)
    rows = np.flatnonzero((rays[1] > -0.01).any(1))
    part = slice(rows[0], rows[-1] + 1) if rows.size else slice(0, 1)
    right, up, ahead = rays[:, part]
    level, azimuth = cv2.cartToPolar(ahead, right, angleInDegrees=True)
    height = cv2.phase(level, up, angleInDegrees=True)
    azimuth[azimuth > 180] -= 360
    height[height > 180] -= 360
    return part, azimuth, height


@dataclass(frozen=True)
class Texture:
    """A painted picture, BGRA with color premultiplied by alpha, and its halvings."""

    pixels: Image

    @cached_property
    def levels(self) -> list[Image]:
        levels = [self.pixels]
        while min(levels[-1].shape[:2]) > 8:
            height, width = levels[-1].shape[:2]
            levels.append(cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        return levels

    def fogged(self, color: Color, amount: float) -> "Texture":
        """The picture seen through haze of a color; 0 is clear, 1 is haze alone."""
        alpha = self.pixels[..., 3:].astype(np.float32) / 255
        mixed = self.pixels[..., :3] * (1 - amount) + np.array(color[::-1], np.float32) * alpha * amount
        return Texture(np.dstack([mixed, self.pixels[..., 3:]]).round().astype(np.uint8))


@dataclass(frozen=True)
class Quad:
    """A texture on a rectangle in space; corners go top left, top right, bottom right, bottom left."""

    texture: Texture
    corners: Image

    @classmethod
    def standing(cls, texture: Texture, x: float, z: float, height: float, y: float = 0.0) -> "Quad":
        """Upright and facing the camera's start, its foot's middle at (x, y, z), proportions kept."""
        rows, columns = texture.pixels.shape[:2]
        half = height * columns / rows / 2
        top = y + height
        return cls(texture, np.array([[x - half, top, z], [x + half, top, z], [x + half, y, z], [x - half, y, z]]))

    @classmethod
    def lying(cls, texture: Texture, x: float, z: float, width: float, depth: float, y: float = 0.01) -> "Quad":
        """Flat on the ground around (x, z)."""
        a, b, far, near = x - width / 2, x + width / 2, z + depth / 2, z - depth / 2
        return cls(texture, np.array([[a, y, far], [b, y, far], [b, y, near], [a, y, near]]))

    @cached_property
    def order(self) -> tuple[bool, float]:
        """Painting order: what lies on the ground first, then from far to near."""
        flat = bool(np.ptp(self.corners[:, 1]) < 1e-6)
        return (not flat, -float(self.corners[:, 2].mean()))


@dataclass(frozen=True)
class Ground:
    """The plane y = 0, endlessly tiled with an opaque square texture, fading into haze."""

    tile: Texture
    meters: float
    haze: Color
    haze_meters: float = 150.0
    drift: tuple[float, float] = (0.0, 0.0)
    """Meters a second that the pattern travels: waves."""

    def paint(self, frame: Image, camera: Camera, t: float) -> None:
        rays = camera.rays()
        below = rays[1] < -1e-3
        rows = np.flatnonzero(below.any(1))
        if not rows.size:
            return
        part = slice(rows[0], rows[-1] + 1)
        (right, up, ahead), below = rays[:, part], below[part]
        reach = camera.y / np.where(below, -up, np.float32(1))
        u = (reach * right + (camera.x - self.drift[0] * t)) / self.meters
        v = (reach * ahead + (camera.z - self.drift[1] * t)) / self.meters
        u, v = (part - np.floor(part) for part in (u, v))
        stretch = self.tile.pixels.shape[0] / self.meters / camera.focal * reach * np.sqrt(reach / camera.y)
        color = self._sampled(u, v, np.log2(np.maximum(stretch, 1)))
        fog = (1 - np.exp(reach / -self.haze_meters))[..., None]
        color += (np.array(self.haze[::-1], np.float32) - color) * fog
        np.copyto(frame[part], color.astype(np.uint8), where=below[..., None])

    def _sampled(self, u: Image, v: Image, wanted: Image) -> Image:
        """The tile at (u, v), 0 to 1, each pixel blended from the two halvings nearest to the wanted one."""
        wanted = np.minimum(wanted, len(self.tile.levels) - 1)
        color = np.zeros((*u.shape, 3), np.float32)
        for number, level in enumerate(self.tile.levels):
            weight = np.maximum(1 - np.abs(wanted - number), 0)
            rows = np.flatnonzero(weight.any(1))
            if rows.size:
                some, side = slice(rows[0], rows[-1] + 1), np.float32(level.shape[0])
                maps = (u[some] * side - np.float32(0.5), v[some] * side - np.float32(0.5))
                sampled = cv2.remap(level[..., :3], *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
                color[some] += sampled * weight[some, :, None]
        return color


@dataclass(frozen=True)
class Sky:
    """A picture on the dome ahead: 120 degrees wide, from 15 below the horizon to 75 above it."""

    picture: Texture
    clouds: Texture | None = None
    drift: float = 0.0
    """Degrees a second that the clouds travel to the right."""

    def paint(self, frame: Image, camera: Camera, t: float) -> None:
        part, azimuth, height = _dome(camera.pan, camera.tilt, camera.roll, camera.focal)
        wide, high = _SKY_DEGREES
        tall, columns = self.picture.pixels.shape[:2]
        v = (_SKY_FLOOR + high - height) * (tall / high)
        u = azimuth * (columns / wide) + columns / 2
        dome = self.picture.pixels[..., :3]
        frame[part] = cv2.remap(dome, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if self.clouds is not None:
            moved = u - np.float32(self.drift * t / wide * columns)
            layer = cv2.remap(self.clouds.pixels, moved, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
            lay_over(frame[part], layer)


@dataclass(frozen=True)
class Shot:
    """One take: how long, what the camera does, and what stands and moves in front of it."""

    seconds: float
    camera: Callable[[float], Camera]
    sky: Sky
    ground: Ground
    still: list[Quad]
    moving: Callable[[float], list[Quad]] = field(default=lambda t: [])

    @property
    def frames(self) -> int:
        return round(self.seconds * FPS)

    def frame(self, number: int) -> Image:
        """Frame `number` of the take, BGR."""
        t = number / FPS
        camera = self.camera(t)
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self.sky.paint(picture, camera, t)
        self.ground.paint(picture, camera, t)
        quads = sorted([*self.still, *self.moving(t)], key=lambda quad: quad.order)
        corners, depths = camera.project(np.array([quad.corners for quad in quads]))
        for quad, place, depth in zip(quads, corners, depths, strict=True):
            if depth.min() > _NEAR:
                _paint_quad(picture, quad.texture, place)
        return picture


def lay_over(under: Image, layer: Image) -> None:
    """Lay a premultiplied BGRA layer over a BGR picture of its size, in place."""
    clear = cv2.cvtColor(255 - layer[..., 3], cv2.COLOR_GRAY2BGR)
    under[:] = cv2.add(cv2.multiply(under, clear, scale=1 / 255), cv2.cvtColor(layer, cv2.COLOR_BGRA2BGR))


def _paint_quad(picture: Image, texture: Texture, corners: Image) -> None:
    low = np.clip(np.floor(corners.min(0)), 0, [WIDTH, HEIGHT]).astype(int)
    high = np.clip(np.ceil(corners.max(0)), 0, [WIDTH, HEIGHT]).astype(int)
    if (high - low < 1).any():
        return
    levels = texture.levels
    shrink = texture.pixels.shape[1] / max(float(np.linalg.norm(corners[1] - corners[0])), 1.0)
    level = levels[int(np.clip(np.log2(max(shrink, 1.0)), 0, len(levels) - 1))]
    rows, columns = level.shape[:2]
    edges = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32) - 0.5
    homography = cv2.getPerspectiveTransform(edges, (corners - low - 0.5).astype(np.float32))
    width, height = (int(side) for side in high - low)
    layer = cv2.warpPerspective(level, homography, (width, height), flags=cv2.INTER_LINEAR)
    lay_over(picture[low[1] : high[1], low[0] : high[0]], layer)
