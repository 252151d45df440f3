"""What several practice shots share: how a move is eased, and scenery that comes in numbers."""

import numpy as np

from chai_assets.demo.rendering import paint
from chai_assets.demo.rendering.world import Color, Quad, Texture

_SHADOWS = 2.5
"""A tree farther away than this many times its height casts no shadow: it would be a sliver."""


def ease(t: float, seconds: float) -> float:
    """0 to 1 over the shot with a soft start and end, so that a move looks operated, not switched."""
    share = float(np.clip(t / seconds, 0, 1))
    soft = 0.12
    ramp = min(share, soft) ** 2 / (2 * soft) + np.clip(share - soft, 0, 1 - 2 * soft)
    late = max(share - (1 - soft), 0.0)
    return float((ramp + late - late**2 / (2 * soft)) / (1 - soft))


def blot(x: float, z: float, size: float) -> Quad:
    return Quad.lying(paint.shadow(), x, z, size, size * 0.6)


def ridge(color: Color, seed: int, z: float, height: float, x: float = 0.0, snow: bool = False) -> list[Quad]:
    texture = paint.hills(color, seed, snow=snow)
    return [Quad.standing(texture, x + side * height * 7.98, z, height, -1.0) for side in (-1, 0, 1)]


def grove(
    kinds: list[Texture], spots: list[tuple[float, float]], tall: float, seed: int, haze: Color, fog: float
) -> list[Quad]:
    """Trees with their shadows at (x, z) spots, hazier with distance."""
    random = np.random.default_rng(seed)
    dark = paint.shadow()
    quads: list[Quad] = []
    hazy: dict[tuple[int, int], Texture] = {}
    for number, (x, z) in enumerate(spots):
        kind, step = number % len(kinds), round(12 * (1 - float(np.exp(-z / fog))))
        if (kind, step) not in hazy:
            hazy[kind, step] = kinds[kind].fogged(haze, step / 12)
        if z < _SHADOWS * tall:
            quads.append(Quad.lying(dark, x, z, tall * 0.6, tall * 0.36))
        quads.append(Quad.standing(hazy[kind, step], x, z, tall * random.uniform(0.85, 1.15)))
    return quads
