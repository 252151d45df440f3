"""The split is a matter of the source alone, and of the earliest source that shows the same shot."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.datasets.select.canonical_rows import ExportRefused
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.select.splits import PINNED, InvalidPins, assign_splits, split_of
from chai_assets.datasets.write.publish import build_dataset
from tests.datasets.factory import NOON, clip, export, frame, look, source_id, triples_of

shares = st.floats(min_value=0, max_value=1)
EVAL = [26, 27, 39, 51, 53]
"""Numbers of the first sources whose hash puts them in eval."""


def on_both_sides(rows: pl.DataFrame, column: str) -> list[str]:
    """Values of `column` (a source or clip id) found under more than one `split`, sorted."""
    found = rows.group_by(column).agg(pl.col("split").n_unique().alias("sides"))
    return found.filter(pl.col("sides") > 1)[column].sort().to_list()


def test_the_split_of_a_source_is_the_one_it_always_had():
    # Written down once: models were trained after it, so no release may move a source.
    assert [n for n in range(60) if split_of(source_id(n)) == "eval"] == EVAL


@given(st.text(), shares, shares)
def test_a_larger_eval_share_only_moves_sources_to_eval(source: str, one: float, other: float):
    low, high = sorted((one, other))
    assert split_of(source, 0) == "train"
    assert split_of(source, 1) == "eval"
    assert split_of(source, low) == "train" or split_of(source, high) == "eval"


def test_about_a_tenth_of_the_sources_are_held_out():
    held_out = sum(split_of(source_id(n)) == "eval" for n in range(20_000))
    assert 1_850 < held_out < 2_150


def one_clip_each(looks: list[int], first: int = 0) -> list[dict[str, Any]]:
    """A source a look, one second after the other; equal looks are the same shot."""
    return [
        clip(first + n, 1, phash=look(seen), duration_s=3.0, recorded_at=NOON + timedelta(seconds=first + n))
        for n, seen in enumerate(looks)
    ]


def sides_of(clips: list[dict[str, Any]], *pins: str) -> dict[str, tuple[str, str]]:
    found = assign_splits(frame("clips", clips), 0.5, pins).sources
    return {source: (split, by) for source, split, by in found.iter_rows()}


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=15),
    st.integers(0, 15),
    st.randoms(use_true_random=False),
)
def test_no_source_changes_sides_as_data_grows_whatever_shots_the_later_ones_show(looks, count, random):
    # Two shots a source: a later one may show shots of both sides.
    clips = [
        clip(2 * n + at, 2, phash=look(seen), duration_s=3.0, recorded_at=NOON + timedelta(seconds=n))
        for n, both in enumerate(looks)
        for at, seen in enumerate(both)
    ]
    count *= 2
    before = clips[: min(count, len(clips))]
    later = [clips[n : n + 2] for n in range(len(before), len(clips), 2)]
    random.shuffle(later)
    known = sides_of(before)
    for number in range(len(later) + 1):
        now = sides_of([*before, *(of for source in later[:number] for of in source)])
        assert {source: now[source] for source in known} == known


@given(st.lists(st.integers(0, 6), min_size=1, max_size=25))
def test_sources_with_the_same_shot_go_where_the_first_of_them_goes_by_its_hash(looks):
    clips = one_clip_each(looks)
    first: dict[int, str] = {}
    for of, seen in zip(clips, looks, strict=True):
        first.setdefault(seen, of["source_id"])
    expected = {
        of["source_id"]: (split_of(first[seen], 0.5), first[seen]) for of, seen in zip(clips, looks, strict=True)
    }
    assert sides_of(clips) == expected


def test_a_clip_that_was_said_to_be_the_same_as_another_takes_its_source_along():
    held_out, twin = clip(26, 1), clip(1, 1, same_as=clip(26, 1)["clip_id"], recorded_at=NOON + timedelta(1))
    found = assign_splits(frame("clips", [twin, held_out]), 0.1)
    assert dict(found.sources.select("source_id", "split").iter_rows())[twin["source_id"]] == "eval"
    assert (found.near_duplicate_groups, found.cross_split_repeats) == (1, frozenset())


def test_a_source_that_shows_shots_of_both_sides_follows_the_earlier_one_and_its_other_clip_stays_out(tmp_path: Path):
    train, held_out = one_clip_each([1])[0], one_clip_each([2], first=26)[0]
    later = NOON + timedelta(days=1)
    both = [clip(100 + n, 2, phash=look(seen), duration_s=3.0, recorded_at=later) for n, seen in enumerate((1, 2))]
    manifest = build_dataset(export([train, held_out, *both]), tmp_path)
    rows = pl.read_parquet(tmp_path / "triples.parquet")
    assert dict(rows.select("clip_id", "split").iter_rows()) == {
        train["clip_id"]: "train",
        held_out["clip_id"]: "eval",
        both[0]["clip_id"]: "train",
    }
    assert set(rows.filter(pl.col("clip_id") == both[0]["clip_id"])["split_by"]) == {train["source_id"]}
    (left,) = [entry for entry in manifest.left_out if entry.what == "triple"]
    assert (left.count, "same shot" in left.reason) == (5, True)
    assert manifest.near_duplicate_groups == 1


def test_a_pinned_source_or_clip_is_eval_with_everything_that_shows_its_shots(tmp_path: Path):
    twin, pinned, later, other = one_clip_each([1, 1, 1, 2])
    for pin in (pinned["source_id"], pinned["clip_id"]):
        found = sides_of([twin, pinned, later, other], pin)
        assert {found[of["source_id"]] for of in (twin, pinned, later)} == {("eval", PINNED)}
        assert found[other["source_id"]][1] == other["source_id"]
    clips = [twin, pinned, later, other]
    manifest = build_dataset(export(clips, selection=Selection(pins=(pinned["clip_id"],))), tmp_path)
    assert manifest.counts.by_split == {"train": 5, "eval": 15}
    assert manifest.selection["pins"] == [pinned["clip_id"]]


def test_a_pin_that_would_leave_one_shot_on_both_sides_is_refused_with_the_pair(tmp_path: Path):
    # The first source is like the second, the second like the third, which is pinned; the first stays where it is.
    first = clip(0, 1, phash=look(1), duration_s=3.0, recorded_at=NOON)
    second = [clip(10 + n, 2, phash=look(n + 1), duration_s=3.0, recorded_at=NOON + timedelta(1)) for n in range(2)]
    pinned = clip(30, 1, phash=look(2), duration_s=3.0, recorded_at=NOON + timedelta(2))
    clips = [first, *second, pinned]
    with pytest.raises(ExportRefused) as refused:
        build_dataset(export(clips, selection=Selection(pins=(pinned["source_id"],))), tmp_path)
    for of in (first, second[0]):
        assert of["clip_id"] in str(refused.value)
        assert of["source_id"] in str(refused.value)
    assert "pin the former source too" in str(refused.value)
    both = (pinned["source_id"], first["source_id"])
    assert build_dataset(export(clips, selection=Selection(pins=both)), tmp_path).counts.by_split["train"] == 0


def test_a_pin_that_is_no_source_and_no_clip_is_refused():
    with pytest.raises(InvalidPins, match=r"1 pinned id\(s\) are no source and no clip, first clp_lost"):
        sides_of([clip(0)], "clp_lost", clip(0)["clip_id"])


@settings(max_examples=30)
@given(st.sets(st.integers(0, 80), min_size=1), st.sets(st.integers(0, 80)))
def test_no_exported_source_changes_sides_as_data_grows(tmp_path_factory, before: set[int], added: set[int]):
    def exported(numbers: set[int]) -> dict[str, str]:
        clips = [clip(number, clips_per_source=2) for number in sorted(numbers)]
        folder = tmp_path_factory.mktemp("grown")
        build_dataset(export(clips, triples_of(clips, ("camera",)), eval_share=0.5), folder)
        rows = pl.read_parquet(folder / "triples.parquet")
        assert on_both_sides(rows, "source_id") == on_both_sides(rows, "clip_id") == []
        return dict(rows.select("source_id", "split").iter_rows())

    first, later = exported(before), exported(before | added)
    assert first.items() <= later.items()
