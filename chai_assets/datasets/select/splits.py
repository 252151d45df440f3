"""Which split a source goes into: train or eval. Pure.

The source decides, never the clip: clips of one source look alike, so a split by clip would leak. A source that
shows a shot or the place of an earlier source goes into the same split. Nothing that comes later moves a source; only
a pin does.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl

from chai_assets.ingestion.near_duplicates import duplicate_pairs, place_pairs
from chai_resources.errors import UnusableInput

Split = Literal["train", "eval"]
SPLITS: tuple[Split, ...] = ("train", "eval")
EVAL_SHARE = 0.1
PINNED = "pinned"
"""The value of `split_by` where a pin, not a hash, decided."""


class InvalidPins(UnusableInput):
    """The pinned eval set is impossible; the text names the id or the pair, and the remedy."""


@dataclass(frozen=True)
class SplitAssignment:
    """The split of every source, and the clips that stay out."""

    sources: pl.DataFrame
    """source_id, split, and split_by: the id of the source whose hash decided, or `pinned`."""
    cross_split_repeats: frozenset[str]
    """Clips that show a shot of an earlier clip on the other side: they stay out."""
    near_duplicate_groups: int
    """Groups of two or more sources that show the same shots."""


def split_of(source_id: str, eval_share: float = EVAL_SHARE) -> Split:
    """The split of a source, from its id alone: it stays the same however many sources come after.

    `eval_share` is the expected share of sources in eval, 0 to 1; a larger share only moves sources from
    train to eval.
    """
    # Hashed with a word of its own: independent of anything else that goes by the source id.
    digest = hashlib.sha256(f"split:{source_id}".encode()).digest()
    return "eval" if int.from_bytes(digest[:8]) < eval_share * 2**64 else "train"


def assign_splits(clips: pl.DataFrame, eval_share: float, pins: Iterable[str] = ()) -> SplitAssignment:
    """The split of every source of `clips`: clip_id, source_id, same_as, phash, duration_s, features, recorded_at.

    Raises InvalidPins for a pin that is no source or clip, or that would put one shot into both splits.
    """
    ordered = _oldest_first(clips)
    pairs = _same_shot_pairs(ordered)
    names = ordered["source_id"].unique(maintain_order=True)
    pinned = _pinned_sources(ordered, set(pins))
    pulled = pinned | {two for one, two in _both_directions(pairs) if one in pinned}
    split = dict(_decide_splits(names, pairs, pulled, eval_share))
    across = [row for row in pairs.iter_rows(named=True) if split[row["source"]][0] != split[row["later_source"]][0]]
    for row in across:
        if row["later_source"] in pulled:
            raise InvalidPins(
                f"the pinned eval set leaves clip {row['clip_id']} (source {row['source']}) in train and clip "
                f"{row['later_clip']} (source {row['later_source']}), which shows the same shot, in eval: "
                "pin the former source too, or take the latter out of CHAI_DATASET_PINS"
            )
    table = [(source, *split[source]) for source in names]
    return SplitAssignment(
        pl.DataFrame(table, schema=dict.fromkeys(("source_id", "split", "split_by"), pl.String), orient="row"),
        frozenset(row["later_clip"] for row in across),
        _count_groups(pairs),
    )


def _oldest_first(clips: pl.DataFrame) -> pl.DataFrame:
    columns = ["clip_id", "source_id", "same_as", "phash", "duration_s", "recorded_at"]
    clips = clips.select(*columns, "features").sort(columns).unique("clip_id", keep="first", maintain_order=True)
    return clips.with_columns(since=pl.col("recorded_at").min().over("source_id")).sort("since", "source_id", "clip_id")


def _same_shot_pairs(ordered: pl.DataFrame) -> pl.DataFrame:
    """Pairs of clips of two sources that show the same shot or place: that of the earlier source, then the other."""
    clip, source = ordered["clip_id"], ordered["source_id"]
    place = ordered.select("clip_id").with_row_index("row")
    marked = ordered.with_row_index("row").filter(pl.col("same_as").is_not_null())
    marked = marked.join(place, left_on="same_as", right_on="clip_id").select(
        first=pl.min_horizontal("row", "row_right"), again=pl.max_horizontal("row", "row_right")
    )
    every = pl.concat([duplicate_pairs(ordered), place_pairs(ordered), marked]).unique().sort("first", "again")
    pairs = pl.DataFrame(
        {
            "clip_id": clip[every["first"]],
            "source": source[every["first"]],
            "later_clip": clip[every["again"]],
            "later_source": source[every["again"]],
        }
    )
    return pairs.filter(pl.col("source") != pl.col("later_source"))


def _both_directions(pairs: pl.DataFrame) -> Iterable[tuple[str, str]]:
    for one, two in pairs.select("source", "later_source").unique().iter_rows():
        yield one, two
        yield two, one


def _pinned_sources(ordered: pl.DataFrame, pins: set[str]) -> set[str]:
    by_clip = ordered.filter(pl.col("clip_id").is_in(pins))
    by_source = ordered.filter(pl.col("source_id").is_in(pins))
    if unknown := sorted(pins - {*by_clip["clip_id"], *by_source["source_id"]}):
        raise InvalidPins(
            f"{len(unknown)} pinned id(s) are no source and no clip, first {unknown[0]}: correct CHAI_DATASET_PINS"
        )
    return {*by_clip["source_id"], *by_source["source_id"]}


def _decide_splits(
    names: Iterable[str], pairs: pl.DataFrame, pulled: set[str], eval_share: float
) -> dict[str, tuple[Split, str]]:
    """Split and `split_by` of each source, earliest first: each follows the earliest one whose shot it shows."""
    # `pairs` come in order of the earlier clip, so the first that is met is the earliest.
    follows: dict[str, str] = {}
    for earlier, later in pairs.select("source", "later_source").iter_rows():
        follows.setdefault(later, earlier)
    found: dict[str, tuple[Split, str]] = {}
    for source in names:
        if source in pulled:
            found[source] = "eval", PINNED
        elif source in follows:
            found[source] = found[follows[source]]
        else:
            found[source] = split_of(source, eval_share), source
    return found


def _count_groups(pairs: pl.DataFrame) -> int:
    group: dict[str, str] = {}

    def first(source: str) -> str:
        while (above := group.setdefault(source, source)) != source:
            group[source] = group[above]
            source = above
        return source

    for one, two in pairs.select("source", "later_source").unique(maintain_order=True).iter_rows():
        group[first(two)] = first(one)
    return len({first(source) for source in group})
