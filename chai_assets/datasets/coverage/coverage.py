"""How many clips have each primitive, and which unlabeled ones could add to those that are short. Pure but for reading.

The labels are those in force of the loop's own batches, the sides those that datasets give the sources. How many clips
have to be labeled for a missing one is estimated from the share of the labeled clips that have the primitive.
"""

import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from chai_assets.core.imported import own_work
from chai_assets.datasets.coverage.targets import Targets
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.select.splits import EVAL_SHARE, SPLITS, Split, assign_splits
from chai_assets.labeling.in_force import corrected_labels, frame_in_force
from chai_assets.spec.compile import PRESENT
from chai_assets.spec.models import Primitive, Spec
from chai_assets.spec.resource import SpecRelease
from chai_resources.tables import Tables

_CLIP_COLUMNS = ["batch", "clip_id", "source_id", "same_as", "phash", "features", "duration_s", "recorded_at"]


@dataclass(frozen=True)
class Side:
    """A primitive on one side: clips that have it, the target, clips whose aspect is labeled, and unlabeled ones."""

    present: int
    target: int
    labeled: int
    unlabeled: dict[str, int]
    """Clips whose aspect has no label yet, by batch, the largest first."""

    @property
    def missing(self) -> int:
        return max(0, self.target - self.present)


@dataclass(frozen=True)
class PrimitiveCoverage:
    """How far a primitive is covered, by side."""

    aspect: str
    primitive: str
    sides: dict[Split, Side]

    @property
    def missing(self) -> int:
        """Clips that are missing on both sides together."""
        return sum(side.missing for side in self.sides.values())

    @property
    def rarity(self) -> tuple[float, int, str]:
        """Sort key, the rarest first: by the share of the target that is reached on the worse side, then by clips."""
        shares = [side.present / side.target for side in self.sides.values() if side.target]
        return min(shares, default=1.0), sum(side.present for side in self.sides.values()), self.primitive

    @property
    def label_next(self) -> str:
        """What to do for it, in words: the batches whose clips could have it, or that more clips are needed."""
        found: dict[str, list[str]] = {}
        for split, side in self.sides.items():
            if side.missing:
                found.setdefault(_advice(self.aspect, side), []).append(split)
        return "; ".join(f"{' and '.join(splits)}: {advice}" for advice, splits in found.items())

    def as_row(self) -> dict[str, Any]:
        """The row of a table of coverage."""
        counts = {split: f"{side.present} of {side.target}" for split, side in self.sides.items()}
        return {"primitive": self.primitive, "aspect": self.aspect, **counts, "label next": self.label_next}


def read_coverage(
    tables: Tables, release: SpecRelease, targets: Targets, selection: Selection
) -> list[PrimitiveCoverage]:
    """The coverage of every primitive, the rarest first, from the tables as they are now. Raises InvalidPins."""
    own = own_work()
    labels = tables.scan("primitives", tables.version("primitives")).filter(own)
    events = tables.scan("annotation_events", tables.version("annotation_events")).filter(own)
    # Also imported clips: a source may show the same shot as one of theirs, and lies on its side then.
    clips = tables.read("clips", columns=_CLIP_COLUMNS)
    sources = assign_splits(clips, EVAL_SHARE, selection.pins).sources.select("source_id", "split")
    placed = clips.filter(own).select("batch", "clip_id", "source_id").join(sources, on="source_id")
    present = pl.col("states").list.eval(_present())
    in_force = frame_in_force(labels, events, corrected_labels(tables, release)).select(
        "clip_id", "aspect", present=present
    )
    return coverage(in_force.collect(), placed, release.load(), targets)


def _present() -> pl.Expr:
    """Of a label's states, the primitives that are present."""
    return pl.element().struct.field("primitive").filter(pl.element().struct.field("state") == PRESENT)


def coverage(labels: pl.DataFrame, clips: pl.DataFrame, spec: Spec, targets: Targets) -> list[PrimitiveCoverage]:
    """The coverage of every primitive, the rarest first.

    `labels` has clip_id, aspect and the primitives that are `present`; `clips` has clip_id, batch and split.
    """
    labeled = clips.join(labels, on="clip_id")
    present = _counts(labeled.explode("present").drop_nulls("present"), "present", "split")
    looked = _counts(labeled, "aspect", "split")
    found = []
    for aspect in spec.aspects.values():
        without = clips.join(labeled.filter(pl.col("aspect") == aspect.id), on="clip_id", how="anti")
        waiting = _unlabeled(without)
        found += [_covered(aspect.id, one, present, looked, waiting, targets) for one in aspect.primitives]
    return sorted(found, key=lambda one: one.rarity)


def summary(found: list[PrimitiveCoverage]) -> str:
    """How many primitives are short of their targets, in a sentence."""
    short = sum(one.missing > 0 for one in found)
    return f"{short} of {len(found)} primitives have fewer clips than their targets" if short else "every target is met"


def _covered(
    aspect: str,
    primitive: Primitive,
    present: dict[tuple[str, str], int],
    looked: dict[tuple[str, str], int],
    waiting: dict[str, dict[str, int]],
    targets: Targets,
) -> PrimitiveCoverage:
    target = targets.of(primitive.id)
    return PrimitiveCoverage(
        aspect,
        primitive.id,
        {
            split: Side(
                present.get((primitive.id, split), 0), target.of(split), looked.get((aspect, split), 0), waiting[split]
            )
            for split in SPLITS
        },
    )


def _counts(rows: pl.DataFrame, *by: str) -> dict[tuple[str, str], int]:
    """Clips by these two columns."""
    return {
        (one, other): count for one, other, count in rows.group_by(*by).agg(pl.col("clip_id").n_unique()).iter_rows()
    }


def _unlabeled(clips: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Clips by split and batch, the largest batch first."""
    counted = clips.group_by("split", "batch").len().sort("len", "batch", descending=[True, False])
    found: dict[str, dict[str, int]] = {split: {} for split in SPLITS}
    for split, batch, count in counted.iter_rows():
        found[split][batch] = count
    return found


def _advice(aspect: str, side: Side) -> str:
    """Where the missing clips of a side may come from."""
    if not side.unlabeled:
        return "every clip is labeled, ingest some that have it"
    batches = [f"{batch} ({count:,} left)" for batch, count in list(side.unlabeled.items())[:2]]
    more = f" and {len(side.unlabeled) - 2} more" if len(side.unlabeled) > 2 else ""
    needed = math.ceil(side.missing * side.labeled / side.present) if side.present else 0
    hope = f", about {needed:,} clips by the share so far" if needed else ""
    return f"label {aspect} in {', '.join(batches)}{more}{hope}"
