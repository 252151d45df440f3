"""All pairs of clips that show the same shot: what `ShotIndex` finds one by one, and nothing missed."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.ingestion.near_duplicates import duplicate_pairs
from chai_assets.ingestion.perceptual_hash import KnownShot, ShotIndex


def signature(raw: np.ndarray) -> str:
    return "-".join(bytes(frame).hex() for frame in raw)


@st.composite
def shots(draw) -> pl.DataFrame:
    """Clips of a few originals, each copy with up to 18 bits, 7 gray levels and half a second of change."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    originals = chance.integers(0, 256, (3, 3, 35), dtype=np.uint8)
    originals[:, :, 32:] = 100
    rows = []
    for number in range(draw(st.integers(1, 12))):
        raw = originals[draw(st.integers(0, 2))].copy()
        for frame in raw:
            for bit in chance.choice(256, draw(st.sampled_from([0, 0, 4, 8, 15, 16, 17, 18])), replace=False):
                frame[bit // 8] ^= 1 << (bit % 8)
            frame[32 + chance.integers(0, 3)] += draw(st.sampled_from([0, 0, 3, 6, 7]))
        seconds = 3.0 + draw(st.sampled_from([0.0, 0.0, 0.1, 0.2, 0.5]))
        rows.append((signature(raw), seconds, f"s{draw(st.integers(0, 4))}", number))
    return pl.DataFrame(rows, schema=["phash", "duration_s", "source_id", "number"], orient="row")


def groups(pairs: set[tuple[int, int]], count: int) -> list[int]:
    """For each clip the least one it is connected with."""
    least = list(range(count))
    for _ in range(count):
        for one, two in pairs:
            least[one] = least[two] = min(least[one], least[two])
    return least


@settings(max_examples=200)
@given(shots())
def test_every_pair_that_the_rule_calls_alike_is_found_and_no_other(clips: pl.DataFrame):
    rows = clips.rows(named=True)
    alike = {
        (one["number"], two["number"])
        for n, one in enumerate(rows)
        for two in rows[n + 1 :]
        # The rule takes the new shot's length; either of the two may be the new one.
        if any(
            ShotIndex([(KnownShot("c", a["source_id"], "c", a["duration_s"], "c"), a["phash"])]).alike(
                b["phash"], b["duration_s"], b["source_id"]
            )
            for a, b in ((one, two), (two, one))
        )
    }
    found = set(duplicate_pairs(clips).iter_rows())
    assert found <= alike
    # Of clips that are equal to the bit, each pair with the first of them stands for all their pairs.
    kind = {row["number"]: (row["phash"], row["duration_s"]) for row in rows}
    missed = alike - found
    firsts = {key: min(n for n in kind if kind[n] == key) for key in kind.values()}
    for one, two in missed:
        assert firsts[kind[one]] != one or firsts[kind[two]] != two
    if len({row["source_id"] for row in rows}) == len(rows):
        assert groups(found, len(rows)) == groups(alike, len(rows))


def test_clips_without_a_whole_signature_are_never_alike():
    rows = [(None, 3.0, "a"), (None, 3.0, "b"), ("abc", 3.0, "c"), ("abc", 3.0, "d")]
    assert duplicate_pairs(pl.DataFrame(rows, schema=["phash", "duration_s", "source_id"], orient="row")).is_empty()
