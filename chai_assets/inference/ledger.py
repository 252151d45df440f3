"""What models cost so far, by day, model, stage, aspect or batch. Pure."""

from typing import Literal, get_args

import polars as pl

By = Literal["day", "model", "stage", "aspect", "batch"]
WAYS: tuple[By, ...] = get_args(By)


def costs(calls: pl.DataFrame, by: By) -> pl.DataFrame:
    """Sums over rows of the table model_calls: calls, requests, tokens, cost in US dollars, and what is uncertain.

    `unpriced`: calls that were charged and have no price; `unknown`: calls whose answer was lost, which the
    provider may have charged; `waiting`: requests in batches under way, and `promised` what they will about cost.
    """
    promised = pl.col("charged") == "promised"
    value = pl.col("called_at").dt.date().cast(pl.String) if by == "day" else pl.col(by).fill_null("all")
    charged = pl.col("charged") == "yes"
    return (
        without_kept_promises(calls)
        .group_by(value.alias(by))
        .agg(
            requests=pl.col("request_hash").n_unique(),
            calls=(~promised).sum(),
            tokens_in=pl.col("tokens_in").sum(),
            tokens_cached=pl.col("tokens_cached").sum(),
            tokens_out=pl.col("tokens_out").sum(),
            cost=pl.col("cost").filter(~promised).sum(),
            unpriced=(charged & pl.col("cost").is_null()).sum(),
            unknown=(pl.col("charged") == "unknown").sum(),
            waiting=promised.sum(),
            promised=pl.col("cost").filter(promised).sum(),
            # A batch tells of no latency.
            latency_ms=pl.col("latency_ms").filter(pl.col("latency_ms") > 0).median().fill_null(0.0),
        )
        .sort(by)
    )


def without_kept_promises(calls: pl.DataFrame) -> pl.DataFrame:
    """The ledger without the promises of requests that were answered, or failed, since."""
    promised = pl.col("charged") == "promised"
    ended = calls.filter(~promised).group_by("request_hash").agg(ended=pl.col("called_at").max())
    open_ = ~promised | pl.col("ended").is_null() | (pl.col("called_at") > pl.col("ended"))
    return calls.join(ended, on="request_hash", how="left", maintain_order="left").filter(open_).drop("ended")
