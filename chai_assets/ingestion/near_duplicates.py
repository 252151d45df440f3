"""Every pair of clips that show the same shot, among hundreds of thousands of clips.

Only clips that share one of 17 bands of their hash are compared. Nothing is missed by that: hashes that differ in at
most 16 bits agree in one band at least. Pure; numpy and Polars only. The limits stand in `same_shot.py`. Crops, other
cuts and the same place are found by `local_features`, between clips that have these; those stored before have none, and
are compared with newer ones by their hash, also mirrored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from chai_assets.ingestion.local_features.packed import ClipFeatures
from chai_assets.ingestion.local_features.search import alike_within
from chai_assets.ingestion.same_shot import MAX_COLOR_DIFFERENCE, MAX_HASH_BITS, MAX_LENGTH_SECONDS, MAX_LENGTH_SHARE

_FRAME = "[0-9a-f]{70}"
SIGNATURE = f"^{_FRAME}-{_FRAME}-{_FRAME}$"
"""A signature as text: three frames of 32 bytes of hash and three of color, in hex."""

_MIDDLE = 1
_ODD_COLUMNS = 0x55
"""Of every byte of a hash: these cosines change their sign in a mirrored picture."""
_PAIRS = pl.Schema({"first": pl.UInt32, "again": pl.UInt32})


@dataclass(frozen=True)
class Fingerprints:
    """Signatures of n clips as arrays: hashes (n, 3, 4) as 64-bit words, colors (n, 3, 3), lengths in seconds."""

    hashes: np.ndarray
    colors: np.ndarray
    seconds: np.ndarray

    @classmethod
    def of(cls, clips: pl.DataFrame) -> "Fingerprints":
        """The fingerprints of rows with `phash` and `duration_s`, every phash a SIGNATURE."""
        text = "".join(clips["phash"].str.replace_all("-", "", literal=True).to_list())
        raw = np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(-1, 3, 35)
        hashes = np.ascontiguousarray(raw[:, :, :32]).view(np.uint64)
        return cls(hashes, raw[:, :, 32:].astype(np.int16), clips["duration_s"].fill_null(0.0).to_numpy())

    def hash_distance(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        """Bits by which the worst of the three frames differ, of each pair of row numbers."""
        return np.bitwise_count(self.hashes[one] ^ self.hashes[two]).sum(axis=2).max(axis=1)

    def same_shot(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        """Which of the pairs of row numbers show the same shot."""
        kept = np.flatnonzero(
            np.abs(self.seconds[one] - self.seconds[two]) <= length_tolerance(self.seconds[one], self.seconds[two])
        )
        for number in range(3):
            colors = np.abs(self.colors[one[kept], number] - self.colors[two[kept], number])
            kept = kept[(colors <= MAX_COLOR_DIFFERENCE).all(axis=1)]
        kept = kept[self.hash_distance(one[kept], two[kept]) <= MAX_HASH_BITS]
        mask = np.zeros(len(one), dtype=bool)
        mask[kept] = True
        return mask


def length_tolerance(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """By how many seconds two clips of the same shot may differ in length, whichever comes first."""
    return np.maximum(MAX_LENGTH_SECONDS, MAX_LENGTH_SHARE * np.maximum(one, two))


def duplicate_pairs(clips: pl.DataFrame) -> pl.DataFrame:
    """Pairs of row numbers (first < again) of clips of different sources that show the same shot.

    `clips` are rows with phash, duration_s and source_id, the earliest first. Of clips with the very same
    signature and length each is paired with the first of them alone: that suffices to bring all together.
    """
    signed = clips.select("phash", "duration_s", "source_id").with_row_index("row")
    signed = signed.filter(pl.col("phash").str.contains(SIGNATURE))
    if signed.is_empty():
        return pl.DataFrame(schema=_PAIRS)
    kinds = signed.group_by("phash", "duration_s", maintain_order=True).agg("row", pl.col("row").first().alias("head"))
    prints = Fingerprints.of(kinds)
    found = [
        np.stack([one[same], two[same]], axis=1)
        for one, two in _sharing_a_band(prints.hashes[:, _MIDDLE])
        if (same := prints.same_shot(one, two)).any()
    ]
    pairs = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), dtype=np.int64)
    members, heads = kinds["row"], kinds["head"]
    stars = [
        pl.DataFrame({"one": heads[pairs[:, left]], "two": members[pairs[:, right]]})
        for left, right in ((0, 1), (1, 0))
    ]
    stars.append(pl.DataFrame({"one": heads, "two": members}))
    every = pl.concat([star.explode("two") for star in stars])
    source = clips["source_id"]
    every = every.filter(source[every["one"]].ne_missing(source[every["two"]]))
    ordered = every.select(first=pl.min_horizontal("one", "two"), again=pl.max_horizontal("one", "two"))
    return ordered.unique().sort("first", "again").cast(_PAIRS)


def place_pairs(clips: pl.DataFrame) -> pl.DataFrame:
    """Pairs of row numbers (first < again) of clips of different sources that show the same place, or are copies.

    `clips` are rows with phash, duration_s, source_id and features, the earliest first. Found are crops, mirror images,
    other cuts of one recording, other events before one camera. Two clips without features are never paired here, so
    that what was exported before there were any stays on its side.
    """
    old = clips["features"].is_null()
    if old.all():
        return pl.DataFrame(schema=_PAIRS)
    alike = alike_within(ClipFeatures.of(clips["features"]))
    rows = pl.DataFrame(alike, schema=_PAIRS, orient="row")
    source = clips["source_id"]
    found = [rows.filter(source[rows["first"]].ne_missing(source[rows["again"]]))]
    if old.any():
        turned = [
            text if is_old else mirrored_signature(text) for text, is_old in zip(clips["phash"], old, strict=True)
        ]
        mixed = duplicate_pairs(clips.with_columns(phash=pl.Series(turned, dtype=pl.String)))
        found.append(mixed.filter(old[mixed["first"]] != old[mixed["again"]]))
    return pl.concat(found).unique().sort("first", "again")


def mirrored_signature(text: str | None) -> str | None:
    """About the signature of the clip mirrored from left to right; what is no signature stays as it is."""
    if not text or not re.fullmatch(SIGNATURE, text):
        return text
    frames = [bytes.fromhex(frame) for frame in text.split("-")]
    return "-".join((bytes(byte ^ _ODD_COLUMNS for byte in frame[:32]) + frame[32:]).hex() for frame in frames)


def _sharing_a_band(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of row numbers whose hash (n, 4 words) is equal in at least one band; a pair may come several times."""
    bits = np.unpackbits(hashes.view(np.uint8), axis=1)
    for band in np.array_split(np.arange(bits.shape[1]), MAX_HASH_BITS + 1):
        keys = bits[:, band] @ (1 << np.arange(len(band), dtype=np.int32))
        order = np.argsort(keys, kind="stable")
        _, starts, lengths = np.unique(keys[order], return_index=True, return_counts=True)
        left = np.repeat(starts + lengths, lengths) - np.arange(len(keys)) - 1
        # Each clip with the next of its band, then the one after that, until no band has so many.
        at, step = np.flatnonzero(left >= 1), 1
        while len(at):
            one, two = order[at], order[at + step]
            yield np.minimum(one, two), np.maximum(one, two)
            step += 1
            at = at[left[at] >= step]
