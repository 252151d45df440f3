"""Lays one frame upon another: by the corners that agree on one size and position, then by the small pictures."""

from dataclasses import dataclass

import numpy as np

from chai_assets.ingestion.local_features.packed import SIDE, ClipFeatures

MAX_BITS = 28
"""Of 128, by which the descriptors of one corner differ at most. Those of different corners differ by about 60."""

_MATCHES = 60
"""Pairs of corners that are tried, the nearest first."""
_LONG = 0.1
"""Of the height: a size is told from two corners that are so far apart at least."""
_SIZES = (0.3, 3.3)
NEAR = 0.03
"""Of the height, by which a corner may miss its place."""
_STEPS = (-0.03, -0.015, 0.0, 0.015, 0.03)
_SCALES = (0.94, 0.97, 1.0, 1.03, 1.06)
"""What is tried around the size and position that the corners tell."""
_COVERED, _LEAST_COVERED = 0.6, 0.2
"""Shares of the two frames that must lie upon each other: the larger one, and the smaller one."""


LEAST_CORRELATION = 0.8
"""Of two pictures laid upon each other. Measured on 47 pictures of 26 films, cropped to 60 to 90 %, encoded again hard,
mirrored and with bars: 0.9 and more for 95 of 100. Of 574 pairs of other films, each also mirrored, none was laid."""
_FIELDS, _LEAST_FIELDS, _LEAST_INNER = 4, 9, 2
"""Who stands before the camera changes the picture, not the corners around: then these must agree in 9 of 4 x 4 fields
of what both show, and 2 of the 4 inner ones. A logo of 0.6 of width and height has 7, an ornament at the rim no inner
ones."""


@dataclass(frozen=True)
class Alignment:
    """How a frame lies upon another."""

    corners: int
    """Corners that agree on it."""
    correlation: float
    """How alike the pictures are where both show something, -1 to 1."""
    scale: float
    """Size of the other one's things, as a share of this one's."""
    fields: int
    """Of 4 x 4 fields of what both show those with a corner that agrees."""
    inner: int
    """Of the 4 inner ones."""

    @property
    def alike(self) -> bool:
        """Whether both frames show one place."""
        around = self.fields >= _LEAST_FIELDS and self.inner >= _LEAST_INNER
        return self.correlation >= LEAST_CORRELATION or around


def lay_upon(one: ClipFeatures, at: int, two: ClipFeatures, other: int) -> Alignment | None:
    """How frame `at` of one lies upon frame `other` of the other; None if fewer than three corners say so, or if too
    little of the two is shown by both."""
    here, there = one.corners(at), two.corners(other)
    matches = _matches(one.descriptors[here], two.descriptors[there])
    if len(matches) < 3:
        return None
    mine, theirs = one.places[here][matches[:, 0]], two.places[there][matches[:, 1]]
    best = _agreeing(mine, theirs, matches)
    if best is None:
        return None
    agreeing, corners, scale, shift = best
    aspect, other_aspect = float(one.aspect[at]), float(two.aspect[other])
    correlation = _correlation(one.small[at], aspect, two.small[other], other_aspect, scale, shift)
    if correlation is None:
        return None
    low = np.maximum(0, -shift / scale)
    high = np.minimum((aspect, 1), ((other_aspect, 1) - shift) / scale)
    fields = np.unique(np.clip((agreeing - low) / (high - low) * _FIELDS, 0, _FIELDS - 1).astype(int), axis=0)
    inner = ((fields > 0) & (fields < _FIELDS - 1)).all(axis=1)
    return Alignment(corners, correlation, scale, len(fields), int(inner.sum()))


def _matches(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Pairs (k, 2) of corners that are each other's nearest from at least one side, the nearest first."""
    if not len(one) or not len(two):
        return np.empty((0, 2), dtype=np.int64)
    a, b = one.view(np.uint64), two.view(np.uint64)
    apart = np.bitwise_count(a[:, None] ^ b[None]).sum(axis=2, dtype=np.int16)
    near = (apart <= MAX_BITS) & ((apart == apart.min(axis=0)) | (apart == apart.min(axis=1)[:, None]))
    pairs = np.argwhere(near)
    return pairs[np.argsort(apart[near], kind="stable")][:_MATCHES]


def _agreeing(
    mine: np.ndarray, theirs: np.ndarray, matches: np.ndarray
) -> tuple[np.ndarray, int, float, np.ndarray] | None:
    """The corners of `mine` that agree, how many, and on which size and shift: theirs = size * mine + shift."""
    first, second = np.triu_indices(len(mine), 1)
    apart = np.hypot(*(mine[first] - mine[second]).T)
    usable = apart > _LONG
    first, second = first[usable], second[usable]
    scale = np.hypot(*(theirs[first] - theirs[second]).T) / apart[usable]
    usable = (scale > _SIZES[0]) & (scale < _SIZES[1])
    first, scale = first[usable], scale[usable]
    if not len(scale):
        return None
    shift = theirs[first] - scale[:, None] * mine[first]
    away = np.abs(scale[:, None, None] * mine[None] + shift[:, None] - theirs[None]).max(axis=2)
    agrees = away < NEAR
    best = int(agrees.sum(axis=1).argmax())
    kept = matches[agrees[best]]
    corners = min(len(np.unique(kept[:, 0])), len(np.unique(kept[:, 1])))
    if corners < 3:
        return None
    # Fitted to all that agree: two corners tell the size roughly.
    a, b = mine[agrees[best]], theirs[agrees[best]]
    centered = a - a.mean(axis=0)
    size = float((centered * (b - b.mean(axis=0))).sum() / max((centered**2).sum(), 1e-9))
    if not _SIZES[0] < size < _SIZES[1]:
        return None
    return a, corners, size, b.mean(axis=0) - size * a.mean(axis=0)


def _correlation(
    one: np.ndarray, one_aspect: float, two: np.ndarray, two_aspect: float, scale: float, shift: np.ndarray
) -> float | None:
    """How alike two small pictures are where they overlap, at the best of the sizes and shifts around; None if too
    little of them does."""
    cells = (np.arange(SIDE) + 0.5) / SIDE
    steps = np.array(_STEPS)[:, None]
    theirs = two.astype(np.float32)
    found = []
    for size in scale * np.array(_SCALES):
        # Where in `one` each column and row of `two` lies, in cells.
        across, in_width = _sampling((cells * two_aspect - shift[0] - steps) / size / one_aspect)
        down, in_height = _sampling((cells - shift[1] - steps) / size)
        mine = down[:, None] @ (one.astype(np.float32) @ across.transpose(0, 2, 1))[None]
        weight = in_height[:, None, :, None] * in_width[None, :, None, :]
        covered = weight.mean(axis=(2, 3))
        # What covers a share of `two` covers so much of `one`:
        shares = np.stack([covered, covered * two_aspect / (one_aspect * size**2)])
        enough = (shares.max(axis=0) >= _COVERED) & (shares.min(axis=0) >= _LEAST_COVERED)
        if enough.any():
            found.append(float(_correlations(mine[enough], theirs, weight[enough]).max()))
    return max(found, default=None)


def _sampling(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows of places (k, SIDE), 0 to 1: weights (k, SIDE, SIDE) that sample a picture there, and what is in it."""
    inside = ((places >= 0) & (places <= 1)).astype(np.float32)
    at = np.clip(places * SIDE - 0.5, 0, SIDE - 1)
    return np.maximum(0, 1 - np.abs(at[:, :, None] - np.arange(SIDE))).astype(np.float32), inside


def _correlations(mine: np.ndarray, theirs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Of k pictures (k, SIDE, SIDE) with one, each under its weights."""
    total = weight.sum(axis=(1, 2))

    def centered(pictures: np.ndarray) -> np.ndarray:
        mean = (pictures * weight).sum(axis=(1, 2)) / total
        return (pictures - mean[:, None, None]) * weight

    a, b = centered(mine), centered(np.broadcast_to(theirs, mine.shape))
    spread = np.sqrt((a**2).sum(axis=(1, 2)) * (b**2).sum(axis=(1, 2)))
    return (a * b).sum(axis=(1, 2)) / np.maximum(spread, 1e-6)
