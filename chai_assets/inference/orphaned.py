"""Requests in a provider's batch that nobody wants any more: answered and paid all the same, so recorded all the same.

The ledger knows of them by its promises. What became of each is looked for, and no row but the ledger's is made.
"""

from collections.abc import Collection
from datetime import UTC, datetime

import polars as pl

from chai_assets.core.rows import NewRow
from chai_assets.inference.budget import Budget
from chai_assets.inference.ledger import without_kept_promises
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioners.batch_api.batch_captioner import FORGOTTEN
from chai_resources.captioners.protocol import CachingCaptioner, Call, CaptionError, Request, Result
from chai_resources.tables import Tables

_COLUMNS = ["request_hash", "stage", "clip_id", "aspect", "model", "charged", "called_at"]


def record_orphaned(
    stage: str, batch: str, wanted: Collection[str], budget: Budget, captioner: CachingCaptioner, tables: Tables
) -> list[NewRow]:
    """Rows of the ledger for promises of a stage to a batch of clips that have ended, but for `wanted` requests.

    What is in no batch of the provider's any more and has no stored answer was perhaps charged.
    """
    calls = without_kept_promises(tables.read("model_calls", batch, columns=_COLUMNS))
    # A batch of another model is fetched when that is chosen again, as long as its provider keeps the answers.
    mine = (pl.col("model") == captioner.model) | (pl.col("called_at") < datetime.now(UTC) - FORGOTTEN)
    promises = calls.filter((pl.col("charged") == "promised") & (pl.col("stage") == stage) & mine)
    promises = promises.filter(~pl.col("request_hash").is_in(list(wanted)))
    results = {result.key: result for result in captioner.orphaned_results(promises["request_hash"].to_list())}
    rows: list[NewRow] = []
    for promise in promises.to_dicts():
        result = results.get(promise["request_hash"]) or _lost(promise)
        if result.error is None or result.error.kind != "waiting":
            request = Request(result.key, result.key, "draft", "", {})
            base = {"batch": batch, "clip_id": promise["clip_id"], "aspect": promise["aspect"]}
            rows += budget.record(stage, PendingRequest(request, base), result)
    return rows


def _lost(promise: NewRow) -> Result:
    """What is left to say where a run was killed as it fetched, or where the notes on a batch were deleted."""
    error = CaptionError("retryable", "lost", "the batch is gone, and with it what it had for this request")
    call = Call(promise["called_at"].isoformat(), error.code, "unknown", batch=True)
    return Result(promise["request_hash"], promise["model"], "", error=error, calls=(call,))
