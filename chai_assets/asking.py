"""Asking a model: requests that an item waits for go out, answers become rows, failures become error rows.

Shared by drafting, revision and merging. Rows are handed over in chunks so that a killed run loses little;
the answers themselves are stored one by one by the captioner, so that none is asked for twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chai_assets.chain import Row
from chai_assets.costs.purse import purse_of
from chai_assets.records import canonical_json, record_id, sha256_text
from chai_assets.reporting import preview
from chai_resources.captioners import Request, Result
from chai_resources.captioners.choice import CaptionerChoice
from chai_resources.captioners.stored import StoredAnswers
from chai_resources.tables import Tables

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Wanted:
    """A request and the columns of its row that do not depend on the answer."""

    request: Request
    base: Row


@dataclass
class Answered:
    """How many rows were made, the error rows, and the money: planned beforehand, spent, held back for want of it."""

    made: int = 0
    errors: list[Row] = field(default_factory=list)
    planned: float = 0.0
    spent: float = 0.0
    held_back: int = 0

    def metadata(self) -> dict[str, Any]:
        """What a stage shows of it."""
        money = {"planned_cost_usd": round(self.planned, 4), "cost_usd": round(self.spent, 4)}
        return {"errors": preview(self.errors), "held_back_by_budget": self.held_back, **money}


def given_up(tables: Tables, batch: str) -> set[str]:
    """Hashes of requests that failed for good (permanent or blocked): asking again would cost and not help."""
    errors = tables.read("model_errors", batch, columns=["request_hash", "kind"])
    return set(errors.filter(errors["kind"] != "retryable")["request_hash"])


def model_columns(request: Request, result: Result) -> Row:
    """What is pinned on every row a model wrote: the prompt and its template, the model and what it cost."""
    return {
        "request_hash": request.hash,
        "model": result.model,
        "served_revision": result.served_revision,
        "sampling": canonical_json(request.sampling),
        "prompt": request.prompt,
        "prompt_hash": sha256_text(request.prompt),
        "template_hash": request.template_hash or None,
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
        "latency_ms": result.latency_ms,
    }


def ask(
    stage: str,
    table: str,
    wanted: list[Wanted],
    finish: Callable[[Row], Row],
    *,
    choice: CaptionerChoice,
    captioner: StoredAnswers,
    tables: Tables,
    run: str,
    log: Callable[[str], None],
) -> Answered:
    """Asks all requests, which are of one batch, and appends a row for each text.

    `finish` completes a row (its id, derived columns).

    A request without a text becomes a row of `model_errors`; the others go on. Where a budget ends, what is done
    stays done and the rest is left to the next run.
    """
    if not wanted:
        return Answered()
    purse = purse_of(choice, captioner, tables, stage, run)
    batch = wanted[0].base["batch"]
    by_key = {item.request.key: item for item in wanted}
    outcome, rows, calls = Answered(planned=purse.planned(wanted)), [], []
    if purse.price:
        log(f"{stage}: {len(wanted)} requests, about {outcome.planned:.2f} USD")
    payable = purse.within(wanted, captioner.answered)
    for number, result in enumerate(captioner.run(item.request for item in payable), start=1):
        item = by_key[result.key]
        calls += purse.book(stage, item, result)
        if result.text is None:
            outcome.errors.append(_error_row(stage, item, result))
        else:
            rows.append(finish({**item.base, **model_columns(item.request, result), "text": result.text}))
        if len(rows) + len(calls) >= ROWS_AT_ONCE:
            tables.append_new("model_calls", calls, batch)
            outcome.made += tables.append(table, rows)
            rows, calls = [], []
            log(f"{stage}: {number} of {len(wanted)} answered")
    # Before the rows: what was paid is known even if the rows are not written. Answers carry their calls along.
    tables.append_new("model_calls", calls, batch)
    outcome.made += tables.append(table, rows)
    tables.append_new("model_errors", outcome.errors)
    outcome.spent, outcome.held_back = purse.spent, purse.held_back
    for error in outcome.errors[:5]:
        log(f"{stage} of {error['clip_id']} {error['aspect']} failed ({error['kind']}): {error['message']}")
    if purse.held_back:
        log(
            f"{stage}: the budget is used up ({purse.spent:.2f} USD spent here), {purse.held_back} requests wait, "
            f"about {outcome.planned / len(wanted):.4f} USD each: raise CHAI_BUDGET_RUN or CHAI_BUDGET_DAY and run "
            "again; nothing is asked twice"
        )
    return outcome


def _error_row(stage: str, item: Wanted, result: Result) -> Row:
    error = result.error
    kind, message = (error.kind, error.message) if error else ("permanent", "the engine gave neither text nor error")
    day = datetime.now(UTC).date().isoformat()
    return {
        "error_id": record_id("error", request=item.request.hash, kind=kind, message=message, day=day),
        "request_hash": item.request.hash,
        "stage": stage,
        "kind": kind,
        "message": message,
        "batch": item.base["batch"],
        "clip_id": item.base["clip_id"],
        "aspect": item.base.get("aspect"),
    }
