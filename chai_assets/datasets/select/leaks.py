"""The leak certificate: the finished rows are searched for anything that is in both splits. Pure.

It uses nothing that `splits.py` found. Sources, similar shots and captions are compared again and in another way, so
that a fault there cannot hide here.
"""

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from chai_assets.ingestion.near_duplicates import SIGNATURE, Fingerprints
from chai_assets.ingestion.same_shot import MAX_COLOR_DIFFERENCE
from chai_resources.errors import NotAllowed

_BLOCK = 128
"""Eval clips compared at once: with their likes in train some ten megabytes."""


class LeakFound(NotAllowed):
    """Something is in both splits; the text names both clips, both sources and the remedy."""


class LeakCertificate(BaseModel):
    """What was found in both splits: 0, or there is no dataset."""

    model_config = ConfigDict(frozen=True)
    sources: int
    clips: int
    near_duplicate_pairs: int | None
    """None, not known, where no clip could be compared: the clips of an imported corpus have names and no media."""
    identical_captions: int
    clips_without_signature: int
    """Clips of the dataset that could not be compared by what they look like."""


def certify(rows: pl.DataFrame, clips: pl.DataFrame) -> LeakCertificate:
    """The certificate of rows (clip_id, source_id, split, caption: a hash of the caption), or raises LeakFound.

    `clips` (clip_id, source_id, phash, duration_s) says what each clip is of, whatever a row claims.
    """
    facts = clips.select("clip_id", "phash", "duration_s", cut_from="source_id").unique("clip_id", keep="any")
    shown = rows.select("clip_id", "source_id", "split").unique().join(facts, on="clip_id", how="left").sort("clip_id")
    _require_one_split(shown, "source_id", "source", "give all its triples the id of the one source it was cut from")
    _require_one_split(shown, "clip_id", "clip", "give all its triples the id of the one source it was cut from")
    _require_one_split(
        shown, "cut_from", "source", "a clip of it is claimed for another source: correct its triples' source_id"
    )
    signed = shown.filter(pl.col("phash").str.contains(SIGNATURE)).unique("clip_id", keep="any", maintain_order=True)
    _require_no_near_duplicates(signed)
    _require_distinct_captions(rows)
    unsigned = shown["clip_id"].n_unique() - len(signed)
    pairs = None if unsigned and signed.is_empty() else 0
    return LeakCertificate(
        sources=0, clips=0, near_duplicate_pairs=pairs, identical_captions=0, clips_without_signature=unsigned
    )


def _require_one_split(shown: pl.DataFrame, column: str, kind: str, remedy: str) -> None:
    sides = (
        shown.filter(pl.col(column).is_not_null())
        .group_by(column)
        .agg(
            pl.col("split").n_unique().alias("sides"),
            *(
                pl.col("clip_id", "source_id").filter(pl.col("split") == side).first().name.suffix(f"_{side}")
                for side in ("train", "eval")
            ),
        )
    )
    if (leaked := sides.filter(pl.col("sides") > 1).sort(column)).is_empty():
        return
    row = leaked.row(0, named=True)
    raise LeakFound(
        f"{kind} {row[column]} lies on both sides of the split ({len(leaked)} such): clip {row['clip_id_train']} of "
        f"source {row['source_id_train']} in train, clip {row['clip_id_eval']} of source {row['source_id_eval']} "
        f"in eval; {remedy}"
    )


def _require_no_near_duplicates(signed: pl.DataFrame) -> None:
    """Compares every eval clip with every train clip whose brightness lets them be alike."""
    ordered = signed.with_columns(look=pl.col("phash").str.slice(71 + 64, 2)).sort("look", "clip_id")
    prints = Fingerprints.of(ordered) if len(ordered) else None
    held_out = (ordered["split"] == "eval").to_numpy()
    train, held = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    found: list[tuple[int, int]] = []
    for start in range(0, len(held), _BLOCK):
        assert prints is not None
        block = held[start : start + _BLOCK]
        luma = prints.colors[:, 1, 0]
        near = train[
            np.searchsorted(luma[train], luma[block[0]] - MAX_COLOR_DIFFERENCE) : np.searchsorted(
                luma[train], luma[block[-1]] + MAX_COLOR_DIFFERENCE, side="right"
            )
        ]
        close = np.abs(prints.colors[block, 1, 1][:, None] - prints.colors[near, 1, 1]) <= MAX_COLOR_DIFFERENCE
        close &= np.abs(prints.colors[block, 1, 2][:, None] - prints.colors[near, 1, 2]) <= MAX_COLOR_DIFFERENCE
        one, two = np.nonzero(close)
        one, two = near[two], block[one]
        alike = np.flatnonzero(prints.same_shot(one, two))
        found += zip(one[alike].tolist(), two[alike].tolist(), strict=True)
    if not found:
        return
    assert prints is not None
    one, two = min(found, key=lambda pair: (ordered["clip_id"][pair[0]], ordered["clip_id"][pair[1]]))
    bits = int(prints.hash_distance(np.array([one]), np.array([two]))[0])
    train_row, eval_row = ordered.row(one, named=True), ordered.row(two, named=True)
    raise LeakFound(
        f"clip {train_row['clip_id']} of source {train_row['source_id']} in train and clip {eval_row['clip_id']} of "
        f"source {eval_row['source_id']} in eval show the same shot ({bits} of 256 bits apart; {len(found)} such "
        "pair(s)): set `same_as` of the later clip, or pin both sources with CHAI_DATASET_PINS"
    )


def _require_distinct_captions(rows: pl.DataFrame) -> None:
    captioned = rows.filter(pl.col("caption").is_not_null())
    train = captioned.filter(pl.col("split") == "train").unique("caption", keep="any")
    both = captioned.filter(pl.col("split") == "eval").join(train, on="caption", suffix="_train").sort("clip_id")
    if both.is_empty():
        return
    row = both.row(0, named=True)
    raise LeakFound(
        f"the caption of clip {row['clip_id']} of source {row['source_id']} in eval stands word for word in train, "
        f"for clip {row['clip_id_train']} of source {row['source_id_train']} ({len(both)} such): "
        "leave the row out of eval"
    )
