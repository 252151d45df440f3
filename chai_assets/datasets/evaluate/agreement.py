"""How far a judge agrees with people on drafts and approved captions, with intervals. Pure.

People said of every pair that the draft had to change and that the caption is right. Clips of one source are alike,
and so are the aspects of a clip: an interval drawn over rows would be too narrow, so sources are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BOOTSTRAP_DRAWS = 2_000
"""Draws of the bootstrap: the ends of a 95 % interval move by less than their last printed digit."""
_SEED = 7
"""The same rows give the same interval."""


@dataclass(frozen=True)
class JudgedPair:
    """What the judge said of one triple: P(Yes) of the draft and of the final caption, raw and of Yes and No alone."""

    aspect: str
    source_id: str
    draft: float
    final: float
    draft_of_both: float
    final_of_both: float


@dataclass(frozen=True)
class EstimatedShare:
    """A share and its 95 % interval; no interval where all comes from one source."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """What was found of one aspect, or of all."""

    aspect: str
    pairs: int
    sources: int
    pairwise: EstimatedShare
    """P(Yes) of the caption above that of the draft; equal is not above."""
    balanced: EstimatedShare
    """Mean of the captions called right and the drafts called wrong, by raw P(Yes) above 0.5."""
    balanced_of_both: EstimatedShare
    """The same by Yes / (Yes + No): what a trainer's reward would be."""


ALL = "all"


def agreements(pairs: Sequence[JudgedPair]) -> list[Agreement]:
    """One entry for each aspect that has pairs, by name, and one for all; none without pairs."""
    aspects = sorted({pair.aspect for pair in pairs})
    found = [_agreement(aspect, [pair for pair in pairs if pair.aspect == aspect]) for aspect in aspects]
    return [*found, _agreement(ALL, pairs)] if found else []


def _agreement(aspect: str, pairs: Sequence[JudgedPair]) -> Agreement:
    sources = sorted({pair.source_id for pair in pairs})
    above = [float(pair.final > pair.draft) for pair in pairs]
    # A draft and a caption a pair: the mean of both hits is the mean of the two rates.
    right = [((pair.final > 0.5) + (pair.draft <= 0.5)) / 2 for pair in pairs]
    right_of_both = [((pair.final_of_both > 0.5) + (pair.draft_of_both <= 0.5)) / 2 for pair in pairs]
    place = {source: number for number, source in enumerate(sources)}
    of_source = np.array([place[pair.source_id] for pair in pairs])
    shares = [_estimate_share(np.array(values), of_source, len(sources)) for values in (above, right, right_of_both)]
    return Agreement(aspect, len(pairs), len(sources), *shares)


def _estimate_share(values: np.ndarray, of_source: np.ndarray, sources: int) -> EstimatedShare:
    """Mean of the values and its bootstrap interval over sources; `of_source` numbers the source of each value."""
    mean = float(values.mean())
    if sources < 2:
        return EstimatedShare(mean, None, None)
    sums = np.bincount(of_source, weights=values, minlength=sources)
    counts = np.bincount(of_source, minlength=sources)
    drawn = np.random.default_rng(_SEED).multinomial(sources, np.full(sources, 1 / sources), size=BOOTSTRAP_DRAWS)
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), [2.5, 97.5])
    return EstimatedShare(mean, float(low), float(high))
