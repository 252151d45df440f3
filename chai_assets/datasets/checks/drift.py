"""How the candidates differ from the last export, and how old the newest of them is. Pure.

Most of an export was in the last one too. So ratings and lengths of what is NEW are compared with those of the
last export, aspect by aspect (a camera caption is short, and often perfect); only shares are compared as a whole.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

OLDEST_DAYS = 7
"""Age of the newest triple from which on the nightly export is stale: a week-end and a holiday are none."""
FEWEST = 100
"""Triples on either side without which nothing is compared: shares of fewer move by 10 points by chance."""
CHANCE = 0.001
"""A difference that chance makes as often is none: some ten comparisons a night would else cry wolf each quarter."""
# With many triples the smallest difference is no chance, so it must matter too: the population stability index from
# which on a distribution is said to have changed, and a fifth of the captions longer or shorter than they were.
MOST_PSI, MOST_KS = 0.2, 0.2

SCHEMA = {"measure": pl.String, "aspect": pl.String, "before": pl.Int64, "now": pl.Int64, "figure": pl.Float64}
SCHEMA |= {"limit": pl.Float64, "change": pl.String}
SCHEMA |= {"shares_psi": pl.Float64, "ratings_steady": pl.Boolean, "lengths_steady": pl.Boolean}
"""One row a comparison; of the last three, which are judged, the one of its measure is filled."""


def freshness(triples: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The newest triple and its age in days; no row where there is none."""
    newest = triples.drop_nulls("recorded_at").sort("recorded_at", maintain_order=True).tail(1)
    age = (pl.lit(now) - pl.col("recorded_at")).dt.total_seconds() / 86_400
    return newest.select("triple_id", "clip_id", "aspect", "recorded_at", days=age.round(1))


def drift(facts: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """What is compared with the last export: one row a distribution that is large enough on both sides.

    `before` has triple_id, aspect, rating and words; None where nothing was exported yet, and nothing is compared.
    """
    if before is None:
        return pl.DataFrame(schema=SCHEMA)
    now = facts.select("triple_id", "aspect", "rating", "words").filter(pl.col("aspect").is_not_null())
    new = now.join(before.select("triple_id"), on="triple_id", how="anti")
    rows = [*_shares_of_aspects(before, now)]
    for aspect in sorted(set(before["aspect"]) & set(new["aspect"])):
        old, fresh = (frame.filter(pl.col("aspect") == aspect) for frame in (before, new))
        if min(len(old), len(fresh)) >= FEWEST:
            rows += [_ratings(aspect, old["rating"], fresh["rating"]), _lengths(aspect, old["words"], fresh["words"])]
    return pl.DataFrame([dict.fromkeys(SCHEMA) | row for row in rows], schema=SCHEMA)


def _shares_of_aspects(before: pl.DataFrame, now: pl.DataFrame) -> Iterator[dict[str, Any]]:
    if min(len(before), len(now)) >= FEWEST:
        row = _categories("aspects", None, before["aspect"], now["aspect"])
        yield row | {"shares_psi": row["figure"]}


def _ratings(aspect: str, old: pl.Series, new: pl.Series) -> dict[str, Any]:
    from scipy.stats import chi2_contingency

    old, new = old.drop_nulls(), new.drop_nulls()
    row = _categories("ratings", aspect, old, new)
    kinds = sorted({*old, *new})
    counts = [[(side == kind).sum() for kind in kinds] for side in (old, new)]
    test: Any = chi2_contingency(counts) if len(kinds) > 1 and all(map(sum, counts)) else None
    return row | {"ratings_steady": test is None or test.pvalue > CHANCE or row["figure"] <= MOST_PSI}


def _lengths(aspect: str, old: pl.Series, new: pl.Series) -> dict[str, Any]:
    from scipy.stats import ks_2samp

    old, new = old.drop_nulls(), new.drop_nulls()
    change = f"median {old.median() or 0:.0f} → {new.median() or 0:.0f} words"
    if not min(len(old), len(new)):
        return _row("lengths", aspect, old, new, 0.0, MOST_KS, change) | {"lengths_steady": True}
    found: Any = ks_2samp(old.to_numpy(), new.to_numpy(), method="asymp")
    steady = found.pvalue > CHANCE or found.statistic <= MOST_KS
    row = _row("lengths", aspect, old, new, float(found.statistic), MOST_KS, change)
    return row | {"lengths_steady": bool(steady)}


def _categories(measure: str, aspect: str | None, old: pl.Series, new: pl.Series) -> dict[str, Any]:
    """How far two distributions over a few values are apart: their population stability index."""
    was, is_now = _shares(old), _shares(new)
    # A share of none has no logarithm: one row in a thousand is near enough.
    pairs = [(max(was.get(name, 0), 0.001), max(is_now.get(name, 0), 0.001)) for name in {**was, **is_now}]
    psi = sum((there - here) * math.log(there / here) for here, there in pairs)
    change = ", ".join(f"{name}: {was.get(name, 0):.0%} → {is_now.get(name, 0):.0%}" for name in {**was, **is_now})
    return _row(measure, aspect, old, new, psi, MOST_PSI, change)


def _row(
    measure: str, aspect: str | None, old: pl.Series, new: pl.Series, figure: float, limit: float, change: str
) -> dict[str, Any]:
    row = {"measure": measure, "aspect": aspect, "before": len(old), "now": len(new)}
    return row | {"figure": round(figure, 3), "limit": limit, "change": change}


def _shares(values: pl.Series) -> dict[Any, float]:
    counted = values.rename("value").value_counts().sort("value")
    return {value: count / len(values) for value, count in counted.iter_rows()}
