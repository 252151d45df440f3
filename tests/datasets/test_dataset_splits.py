"""The split is a matter of the source alone."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.datasets.rows import ExportRefused, canonical_rows, refuse_leaks
from chai_assets.datasets.splits import on_both_sides, split_of
from tests.datasets.factory import INSTRUCTIONS, clip, frame, source_id, triples_of

shares = st.floats(min_value=0, max_value=1)


def test_the_split_of_a_source_is_the_one_it_always_had():
    # Written down once: models were trained after it, so no release may move a source.
    assert [n for n in range(60) if split_of(source_id(n)) == "eval"] == [26, 27, 39, 51, 53]


@given(st.text(), shares, shares)
def test_a_larger_eval_share_only_moves_sources_to_eval(source: str, one: float, other: float):
    low, high = sorted((one, other))
    assert split_of(source, 0) == "train"
    assert split_of(source, 1) == "eval"
    assert split_of(source, low) == "train" or split_of(source, high) == "eval"


def test_about_a_tenth_of_the_sources_are_held_out():
    held_out = sum(split_of(source_id(n)) == "eval" for n in range(20_000))
    assert 1_850 < held_out < 2_150


@given(st.sets(st.integers(0, 80), min_size=1), st.sets(st.integers(0, 80)))
def test_no_source_changes_sides_as_data_grows(before: set[int], added: set[int]):
    def sides(numbers: set[int]) -> dict[str, str]:
        clips = [clip(number, clips_per_source=2) for number in sorted(numbers)]
        triples = frame("triples", triples_of(clips, ("camera",)))
        rows, _ = canonical_rows(triples, frame("clips", clips), INSTRUCTIONS, eval_share=0.5)
        assert on_both_sides(rows, "source_id") == on_both_sides(rows, "clip_id") == []
        return dict(rows.select("source_id", "split").iter_rows())

    first, later = sides(before), sides(before | added)
    assert first.items() <= later.items()


def test_a_source_on_both_sides_is_refused_by_name():
    rows = pl.DataFrame({"source_id": ["s1", "s2", "s2"], "clip_id": ["c1", "c2", "c3"]})
    rows = rows.with_columns(split=pl.Series(["train", "train", "eval"]))
    with pytest.raises(ExportRefused, match="source s2 lies on both sides"):
        refuse_leaks(rows)
    refuse_leaks(rows.head(2))


def test_a_clip_said_to_be_of_two_sources_is_refused_where_they_are_on_different_sides():
    held_out = source_id(26)
    of = clip(0)
    triples = triples_of([of], ("camera",)) + triples_of([of | {"source_id": held_out}], ("scene",))
    with pytest.raises(ExportRefused, match=f"clip {of['clip_id']} lies on both sides"):
        canonical_rows(frame("triples", triples), frame("clips", [of]), INSTRUCTIONS, eval_share=0.1)
