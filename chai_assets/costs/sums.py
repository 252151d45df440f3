"""What models cost so far, by day, model, stage, aspect or batch. Pure."""

from typing import Literal, get_args

import polars as pl

By = Literal["day", "model", "stage", "aspect", "batch"]
WAYS: tuple[By, ...] = get_args(By)


def costs(calls: pl.DataFrame, by: By) -> pl.DataFrame:
    """Sums over rows of the table model_calls: calls, requests, tokens, cost in US dollars, and what is uncertain.

    `unpriced`: calls that were charged and have no price; `unknown`: calls whose answer was lost, which the
    provider may have charged.
    """
    value = pl.col("called_at").dt.date().cast(pl.String) if by == "day" else pl.col(by).fill_null("all")
    charged = pl.col("charged") == "yes"
    return (
        calls.group_by(value.alias(by))
        .agg(
            requests=pl.col("request_hash").n_unique(),
            calls=pl.len(),
            tokens_in=pl.col("tokens_in").sum(),
            tokens_cached=pl.col("tokens_cached").sum(),
            tokens_out=pl.col("tokens_out").sum(),
            cost=pl.col("cost").sum(),
            unpriced=(charged & pl.col("cost").is_null()).sum(),
            unknown=(pl.col("charged") == "unknown").sum(),
            latency_ms=pl.col("latency_ms").median(),
        )
        .sort(by)
    )
