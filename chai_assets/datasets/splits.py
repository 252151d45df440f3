"""Which side of the train/eval line a source falls on, and the check that nothing lies on both sides.

The source decides, never the clip: clips of one source look alike, so a split by clip would leak.
"""

import hashlib
from typing import Literal

import polars as pl

Split = Literal["train", "eval"]
SPLITS: tuple[Split, ...] = ("train", "eval")
EVAL_SHARE = 0.1


def split_of(source_id: str, eval_share: float = EVAL_SHARE) -> Split:
    """The side of a source, from its id alone: it stays the same however many sources come after.

    `eval_share` is the expected share of sources in eval, 0 to 1; a larger share only moves sources from
    train to eval.
    """
    # Hashed with a word of its own: independent of anything else that goes by the source id.
    digest = hashlib.sha256(f"split:{source_id}".encode()).digest()
    return "eval" if int.from_bytes(digest[:8]) < eval_share * 2**64 else "train"


def on_both_sides(rows: pl.DataFrame, column: str) -> list[str]:
    """Values of `column` (a source or clip id) found under more than one `split`, sorted."""
    sides = rows.group_by(column).agg(pl.col("split").n_unique().alias("sides"))
    return sides.filter(pl.col("sides") > 1)[column].sort().to_list()
