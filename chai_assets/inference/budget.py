"""Budgets: what may still be spent. Requests are held back before one is used up, and every call is recorded.

A budget is for money that is not spent yet, so requests that are out count with what they will probably cost.
Pure but for `open_budget` and `planning_budget`, which read the ledger.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.rows import NewRow
from chai_assets.inference.ledger import without_kept_promises
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.prices import Price, Prices
from chai_resources.captioners.protocol import Call, Captioner, Request, Result
from chai_resources.errors import UnusableInput
from chai_resources.tables import Tables

_ANSWER_TOKENS = 1_000
_VIDEO_TOKENS_A_FRAME = 258
"""Until the ledger knows better: the tokens of a frame as Google counts them, and an answer of 150 words with the
thoughts before it, which are billed alike; never more than the longest answer allowed."""


_TOKENS = ["tokens_in", "tokens_cached", "tokens_out"]


ROWS_AT_ONCE = 256
"""Rows, of answers and of calls together, that are written in one commit: what a killed run may have to fetch again."""


class NoPrice(UnusableInput):
    """A budget is set for a model whose price is not known; the text says what to do."""


@dataclass
class Budget:
    """The money of one stage in one run, in US dollars."""

    prices: Prices
    price: Price | None
    run: str = ""
    frames_a_second: float = 2.0
    longest_answer: int = 2_048
    remaining: float | None = None
    """What may be spent; None without a budget."""
    paid: dict[str | None, tuple[float, int]] = field(default_factory=dict)
    """What requests cost so far, by aspect: the sum and how many."""
    batch: bool = False
    """Whether requests are handed in as batches, at the price for these."""
    spent: float = 0.0
    promised: float = 0.0
    """What was handed in as a batch will probably cost."""
    held_back: list[PendingRequest] = field(default_factory=list)
    """Requests that the last `admit` did not let through."""
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    _out: dict[str, float] = field(default_factory=dict)
    _reserved: float = 0.0

    def estimate(self, pending: Iterable[PendingRequest]) -> float:
        """What these requests will probably cost."""
        return sum(self._estimate(item) for item in pending)

    def admit(self, pending: Iterable[PendingRequest], paid: Callable[[Request], bool]) -> Iterator[PendingRequest]:
        """The requests that can be paid, in order; from the first that cannot, all are held back.

        One that is `paid` already costs nothing more and is never held back.
        """
        self.held_back = []
        for item in pending:
            if self.remaining is not None and not paid(item.request):
                if self.held_back or not self._affordable(item):
                    self.held_back.append(item)
                    continue
                self._out[item.request.hash] = estimate = self._estimate(item)
                self._reserved += estimate
            yield item

    @property
    def can_resume(self) -> bool:
        """Whether the first that was held back can be paid after all: what is out was guessed, and cost less."""
        return bool(self.held_back) and self._affordable(self.held_back[0])

    def record(self, stage: str, item: PendingRequest, result: Result) -> list[NewRow]:
        """Rows of the ledger for the calls of a result; what they cost is spent.

        A call that was perhaps charged counts with what it probably cost; so does one that is promised.
        """
        self._reserved -= self._out.pop(item.request.hash, 0.0)
        rows = [self._row(stage, item, result, number) for number in range(len(result.calls))]
        for row in rows:
            if row["run"] == self.run and row["charged"] == "promised":
                self.promised += row["cost"] or 0.0
            elif row["run"] == self.run:
                self.spent += self._estimate(item) if row["charged"] == "unknown" else row["cost"] or 0.0
        if costs := [row["cost"] for row in rows if row["charged"] == "yes" and row["cost"] is not None]:
            aspect = item.base.get("aspect")
            total, count = self.paid.get(aspect, (0.0, 0))
            self.paid[aspect] = total + sum(costs), count + 1
        return rows

    def _affordable(self, item: PendingRequest) -> bool:
        limit = self.remaining * (1 + 1e-9) if self.remaining is not None else None  # sums may miss it by a rounding
        return limit is None or self.spent + self.promised + self._reserved + self._estimate(item) <= limit

    def estimate_request(
        self, aspect: str | None, characters: float, seconds: float, answer: int = _ANSWER_TOKENS
    ) -> float:
        """What a request of so many characters and seconds of video will probably cost; 0 where no price is known."""
        if aspect in self.paid:
            total, count = self.paid[aspect]
            return total / count
        if self.price is None:
            return 0.0
        tokens = int(characters / 4 + seconds * self.frames_a_second * _VIDEO_TOKENS_A_FRAME)
        return self.price.cost(tokens, 0, min(answer, self.longest_answer)) * (self.prices.batch if self.batch else 1)

    def _estimate(self, item: PendingRequest) -> float:
        request = item.request
        seconds = request.media.duration_s if request.media else 0
        answer = 1 if request.choices else _ANSWER_TOKENS
        return self.estimate_request(item.base.get("aspect"), len(request.prompt), seconds, answer)

    def _cost(self, item: PendingRequest, call: Call) -> float | None:
        if call.charged == "no":
            return 0.0
        if call.charged == "unknown" or self.price is None:
            return None
        if call.charged == "promised":
            return self._estimate(item)
        cost = self.price.cost(call.tokens_in, call.tokens_cached, call.tokens_out)
        return cost * self.prices.batch if call.batch else cost

    def _row(self, stage: str, item: PendingRequest, result: Result, number: int) -> NewRow:
        call, asked = result.calls[number], item.request.hash
        promised = call.charged == "promised"
        return {
            # The call that keeps a promise has its moment and is another row.
            "call_id": record_id("call", request=asked, at=call.at, number="promise" if promised else number),
            "batch": item.base["batch"],
            # A stored answer brings the calls of the run that was killed before it could book them.
            "run": self.run if call.at >= self.since else "earlier",
            "request_hash": asked,
            "stage": stage,
            "clip_id": item.base["clip_id"],
            "aspect": item.base.get("aspect"),
            "model": result.model,
            "served_revision": result.served_revision,
            "outcome": call.outcome,
            "charged": call.charged,
            "tokens_in": call.tokens_in,
            "tokens_cached": call.tokens_cached,
            "tokens_out": call.tokens_out,
            "price_version": f"{self.prices.version}{' batch' * call.batch}" if self.price else None,
            "cost": self._cost(item, call),
            "latency_ms": call.latency_ms,
            "called_at": datetime.fromisoformat(call.at),
        }


def open_budget(choice: CaptionerChoice, captioner: Captioner, tables: Tables, stage: str, run: str) -> Budget:
    """The budget of a stage in a run: what the day's and the run's budget leave, and what requests cost so far.

    Raises NoPrice where a budget is set and the model has no price.
    """
    if not captioner.capabilities.network:
        return Budget(Prices("", {}), None, run)
    prices = Prices.load(choice.prices)
    price = prices.of(captioner.model)
    budgets = [budget for budget in (choice.budget_run, choice.budget_day) if budget]
    if budgets and price is None:
        raise NoPrice(
            f"a budget is set, but {captioner.model} has no price: add it to a price file of your own "
            "(CHAI_PRICES), or unset CHAI_BUDGET_RUN and CHAI_BUDGET_DAY"
        )
    columns = ["run", "stage", "aspect", "model", "request_hash", "charged", "cost", "called_at", *_TOKENS]
    calls = without_kept_promises(tables.read("model_calls", columns=columns))
    paid = calls.filter((pl.col("charged") == "yes") & pl.col("cost").is_not_null())
    # A call that was perhaps charged counts with the mean of those that were.
    each = paid["cost"].mean() or 0.0
    calls = calls.with_columns(cost=pl.when(pl.col("charged") == "unknown").then(each).otherwise("cost"))
    remaining = None
    if budgets:
        today = float(calls.filter(pl.col("called_at").dt.date() == datetime.now(UTC).date())["cost"].sum())
        here = float(calls.filter(pl.col("run") == run)["cost"].sum())
        limits = [(choice.budget_run, here), (choice.budget_day, today)]
        remaining = min(budget - spent for budget, spent in limits if budget)
    batch = captioner.capabilities.batch
    known = _paid(paid, stage, captioner.model, prices, batch)
    return Budget(prices, price, run, choice.model.fps, choice.model.max_tokens, remaining, known, batch)


def planning_budget(choice: CaptionerChoice, tables: Tables, stage: str) -> Budget:
    """A budget to estimate with before a run: no engine is opened and no key is needed. Raises PricesRefused."""
    if not choice.billed_model:
        return Budget(Prices("", {}), None)
    prices = Prices.load(choice.prices)
    columns = ["stage", "aspect", "model", "request_hash", "charged", "cost", *_TOKENS]
    calls = tables.read("model_calls", columns=columns)
    paid = calls.filter((pl.col("charged") == "yes") & pl.col("cost").is_not_null())
    model = choice.model
    known = _paid(paid, stage, choice.billed_model, prices, model.batches)
    return Budget(prices, prices.of(choice.billed_model), "", model.fps, model.max_tokens, None, known, model.batches)


def _paid(
    paid: pl.DataFrame, stage: str, model: str, prices: Prices, batch: bool
) -> dict[str | None, tuple[float, int]]:
    """What the requests of a stage would cost now, by aspect: the sum and how many.

    By tokens: what was asked one by one costs another price than the same in a batch.
    """
    mine = paid.filter((pl.col("stage") == stage) & (pl.col("model") == model))
    requests = mine.group_by("aspect", "request_hash").agg(pl.col(_TOKENS).sum())
    used = requests.group_by("aspect").agg(pl.col(_TOKENS).mean(), pl.len())
    price, share = prices.of(model), prices.batch if batch else 1.0
    return {
        aspect: (price.cost(*each) * share * count if price else 0.0, count)
        for aspect, *each, count in used.iter_rows()
    }
