"""Which clips show the same place: mirrored or cropped copies, other cuts of one recording, a fixed camera.

Corners with nearly the same descriptor are found by some of its bits (locality-sensitive hashing: Indyk and Motwani,
STOC 1998). Two frames are alike if some of their corners agree on one size and position, and the pictures, laid upon
each other so, show the same. numpy only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chai_assets.ingestion.local_features.align import MAX_BITS, NEAR, Alignment, lay_upon
from chai_assets.ingestion.local_features.packed import ClipFeatures

_TABLES, _KEY_BYTES = 14, 3
"""A corner that comes back with 10 other bits shares one of 14 keys of 24 bits in 8 of 10 cases; a frame has 40."""
_FIRST, _LAST = 4, 4
"""With each key a corner is compared with those of the first clips and of the last ones before it: that brings all
clips of a camera together, from day into night, and what stands everywhere (the corner of a letter) is not compared a
million times."""
_VOTES = 2
"""Corners by which two frames must be near to be laid upon each other."""
_FRAMES = 3
"""Pairs of frames of two clips that are laid upon each other, those with the most votes."""


@dataclass(frozen=True)
class AlikeClips:
    """Two clips by their numbers, whether one is mirrored, and how their frames lie upon each other."""

    one: int
    two: int
    mirrored: bool
    alignment: Alignment


def alike_within(clips: ClipFeatures) -> list[tuple[int, int]]:
    """Pairs of alike clips, the earlier one first, in order. A clip is compared with the earliest like it."""
    return sorted(
        {
            (pair.two, pair.one)
            for mirrored, side in ((False, clips), (True, clips.mirror()))
            for pair in _alike(side, clips, mirrored, within=True)
        }
    )


def alike_between(some: ClipFeatures, others: ClipFeatures) -> list[AlikeClips]:
    """Pairs of a clip of some and an alike one of others, in order."""
    found: dict[tuple[int, int], AlikeClips] = {}
    for mirrored, side in ((False, some), (True, some.mirror())):
        for pair in _alike(side, others, mirrored, within=False):
            found.setdefault((pair.one, pair.two), pair)
    return [found[pair] for pair in sorted(found)]


def _alike(some: ClipFeatures, others: ClipFeatures, mirrored: bool, within: bool) -> Iterator[AlikeClips]:
    done: set[tuple[int, int]] = set()
    for one, two in _frame_pairs(some, others, within):
        pair = int(some.clip[one]), int(others.clip[two])
        if pair in done:
            continue
        alignment = lay_upon(some, one, others, two)
        if alignment and alignment.alike:
            done.add(pair)
            yield AlikeClips(*pair, mirrored, alignment)


def _frame_pairs(some: ClipFeatures, others: ClipFeatures, within: bool) -> Iterator[tuple[int, int]]:
    """Frames with near corners, of each two clips those with the most first. Of `within`, two of an earlier clip."""
    corners = _near_corners(some, others, within)
    if not len(corners):
        return
    width = len(others.clip)
    frames = some.frame[corners[:, 0]] * width + others.frame[corners[:, 1]]
    corners = corners[np.argsort(frames, kind="stable")]
    frames, start, votes = np.unique(np.sort(frames), return_index=True, return_counts=True)
    kept = votes >= _VOTES
    kept[votes == _VOTES] = _parallel(
        some, others, corners[start[votes == _VOTES]], corners[start[votes == _VOTES] + 1]
    )
    frames, votes = frames[kept], votes[kept]
    one, two = frames // width, frames % width
    order = np.lexsort((frames, -votes, others.clip[two], some.clip[one]))
    one, two = one[order], two[order]
    pairs = some.clip[one] * (int(others.clip.max()) + 1) + others.clip[two]
    rank = np.arange(len(pairs)) - np.searchsorted(pairs, pairs)
    kept = rank < _FRAMES
    yield from zip(one[kept].tolist(), two[kept].tolist(), strict=True)


def _parallel(some: ClipFeatures, others: ClipFeatures, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of two pairs of corners each: whether their line has one direction in both frames, as by chance 1 in 10 has."""
    mine = some.places[second[:, 0]] - some.places[first[:, 0]]
    theirs = others.places[second[:, 1]] - others.places[first[:, 1]]
    size = np.hypot(*theirs.T) / np.maximum(np.hypot(*mine.T), 1e-6)
    return np.abs(theirs - size[:, None] * mine).max(axis=1) < 2 * NEAR


def _near_corners(some: ClipFeatures, others: ClipFeatures, within: bool) -> np.ndarray:
    """Pairs (k, 2) of corners that share a key and differ in few bits, each once."""
    chance = np.random.default_rng(0)
    words, other_words = some.descriptors.view(np.uint64), others.descriptors.view(np.uint64)
    bits, other_bits = np.unpackbits(some.descriptors, axis=1), np.unpackbits(others.descriptors, axis=1)
    clip, other_clip = (side.clip[side.frame].astype(np.uint64) for side in (some, others))
    found: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    for _ in range(_TABLES):
        chosen = chance.choice(bits.shape[1], 8 * _KEY_BYTES, replace=False)
        keys = _keys(bits[:, chosen])
        stop = keys | clip if within else keys | np.uint64(0xFFFFFFFF)
        for one, two in _sharing(keys, stop, _keys(other_bits[:, chosen]) | other_clip):
            near = np.bitwise_count(words[one] ^ other_words[two]).sum(axis=1, dtype=np.int16) <= MAX_BITS
            found.append(one[near] * len(other_words) + two[near])
    every = np.unique(np.concatenate(found))
    return np.stack(np.divmod(every, max(1, len(other_words))), axis=1)


def _keys(bits: np.ndarray) -> np.ndarray:
    """Some bits of each corner as the upper half of a number."""
    padded = np.zeros((len(bits), 8), dtype=np.uint8)
    padded[:, 8 - _KEY_BYTES :] = np.packbits(bits, axis=1)
    return padded.view(">u8")[:, 0].astype(np.uint64) << np.uint64(32)


def _sharing(start: np.ndarray, stop: np.ndarray, others: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each corner, of others from `start` up to `stop` (key and clip in one number) the first and last clips'."""
    ordered, order = np.unique(others, return_index=True)
    # In order, or each search would begin with empty caches: five times as slow.
    asked = np.argsort(start)
    first, end = np.searchsorted(ordered, start[asked]), np.searchsorted(ordered, stop[asked])
    for step in range(_FIRST):
        at = np.flatnonzero(end - first > step)
        yield asked[at], order[first[at] + step]
    for step in range(_LAST):
        at = np.flatnonzero(end - first > _FIRST + step)
        yield asked[at], order[end[at] - 1 - step]
