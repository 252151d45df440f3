"""Asking a model: requests that an item waits for go out, answers become rows, failures become error rows.

Shared by drafting, revision and merging. Rows are handed over in chunks so that a killed run loses little;
the answers themselves are stored one by one by the captioner, so that none is asked for twice.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chai_assets.core.asset_metadata import preview
from chai_assets.core.ids import canonical_json, record_id, sha256_text
from chai_assets.core.rows import Row
from chai_assets.inference.budget import ROWS_AT_ONCE, Asked, purse_of
from chai_assets.inference.orphaned import left_over_calls
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.protocol import CachingCaptioner, Request, Result
from chai_resources.tables import Tables


@dataclass(frozen=True)
class Wanted:
    """A request and the columns of its row that do not depend on the answer."""

    request: Request
    base: Row


@dataclass
class Answered:
    """How many rows were made, the error rows, what waits in batches, and the money.

    Planned beforehand, spent, promised for what waits; and how many requests were held back for want of it.
    """

    made: int = 0
    errors: list[Row] = field(default_factory=list)
    planned: float = 0.0
    spent: float = 0.0
    promised: float = 0.0
    held_back: int = 0
    waiting: int = 0
    waiting_since: str = ""
    """When the first of them was handed in; UTC, ISO 8601."""

    def wait(self, result: Result) -> None:
        """Counts a request that a batch under way holds."""
        self.waiting += 1
        times = [*(call.at for call in result.calls), self.waiting_since]
        self.waiting_since = min((at for at in times if at), default="")

    def plus(self, other: "Answered") -> "Answered":
        """Both together, of requests that were asked one after the other."""
        return Answered(
            self.made + other.made,
            [*self.errors, *other.errors],
            self.planned + other.planned,
            self.spent + other.spent,
            self.promised + other.promised,
            self.held_back + other.held_back,
            self.waiting + other.waiting,
            min((at for at in (self.waiting_since, other.waiting_since) if at), default=""),
        )

    def metadata(self) -> dict[str, Any]:
        """What a stage shows of it."""
        money = {"planned_cost_usd": round(self.planned, 4), "cost_usd": round(self.spent, 4)}
        waiting: dict[str, Any] = {}
        if self.waiting:
            waiting = {"waiting_in_batches": self.waiting, "waiting_since": self.waiting_since[:19]}
            waiting["promised_cost_usd"] = round(self.promised, 4)
        return {"errors": preview(self.errors), "held_back_by_budget": self.held_back, **money, **waiting}


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
    batch: str,
    wanted: list[Wanted],
    finish: Callable[[Row], Row],
    *,
    choice: CaptionerChoice,
    captioner: CachingCaptioner,
    tables: Tables,
    run: str,
    log: Callable[[str], None],
    asked_before: Collection[str] = (),
) -> Answered:
    """Asks all requests, which are of this batch, and appends a row for each text.

    `finish` completes a row (its id, derived columns).

    A request without a text becomes a row of `model_errors`; the others go on. One that waits in a batch becomes
    none: a later run fetches its answer. Where a budget ends, what is done stays done and the rest is left to the
    next run. Where a store breaks off, what came until then is written. Answers of batches that are wanted no more
    are fetched and booked as well, but for those of `asked_before`: hashes that this run has asked already.
    """
    batches = captioner if captioner.capabilities.batch else None
    if not wanted and batches is None:
        return Answered()
    purse = purse_of(choice, captioner, tables, stage, run)
    outcome = Answered(planned=purse.planned(wanted))
    if wanted and purse.price:
        log(f"{stage}: {len(wanted)} requests, about {outcome.planned:.2f} USD")
    intake = _Intake(stage, table, finish, batch, tables, outcome)
    waiting, by_key = list[Asked](wanted), {item.request.key: item for item in wanted}
    try:
        while waiting:
            made = intake.texts
            payable = purse.within(waiting, captioner.paid)
            for result in captioner.run(item.request for item in payable):
                item = by_key[result.key]
                if intake.take(item, result, purse.book(stage, item, result)):
                    log(f"{stage}: {intake.texts} of {len(wanted)} answered")
            # Costs are guessed at first; what was learned of them may leave room for more.
            waiting = purse.held_back if purse.room and intake.texts > made else []
        if batches:
            asked = {*asked_before, *(item.request.hash for item in wanted)}
            intake.calls += left_over_calls(stage, batch, asked, purse, batches, tables)
    finally:
        intake.write()
        tables.append_new("model_errors", outcome.errors)
        outcome.spent, outcome.promised, outcome.held_back = purse.spent, purse.promised, len(purse.held_back)
    for error in outcome.errors[:5]:
        log(f"{stage} of {error['clip_id']} {error['aspect']} failed ({error['kind']}): {error['message']}")
    if outcome.waiting:
        log(
            f"{stage}: {outcome.waiting} requests wait in the provider's batches, the first since "
            f"{outcome.waiting_since[:16]} UTC; `advance` looks again, and is asked for when a batch has ended"
        )
    if outcome.held_back:
        log(
            f"{stage}: the budget is used up ({purse.spent + purse.promised:.2f} USD here), {outcome.held_back} "
            f"requests are held back, about {purse.planned(purse.held_back):.2f} USD more: raise CHAI_BUDGET_RUN or "
            "CHAI_BUDGET_DAY and run again; nothing is asked twice"
        )
    return outcome


@dataclass
class _Intake:
    """What came back and is not written yet."""

    stage: str
    table: str
    finish: Callable[[Row], Row]
    batch: str
    tables: Tables
    outcome: Answered
    texts: int = 0
    rows: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)

    def take(self, item: Wanted, result: Result, calls: list[Row]) -> bool:
        """Takes a result and the ledger's rows of its calls; whether there was enough to write."""
        self.calls += calls
        if result.error and result.error.kind == "waiting":
            self.outcome.wait(result)
        elif result.text is None:
            self.outcome.errors.append(_error_row(self.stage, item, result))
        else:
            self.texts += 1
            self.rows.append(self.finish({**item.base, **model_columns(item.request, result), "text": result.text}))
        if len(self.rows) + len(self.calls) < ROWS_AT_ONCE:
            return False
        self.write()
        return True

    def write(self) -> None:
        # Calls first: what was paid is known even if the rows are not written. Answers carry their calls along.
        self.tables.append_new("model_calls", self.calls, self.batch)
        self.calls = []
        self.outcome.made += self.tables.append(self.table, self.rows)
        self.rows = []


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
