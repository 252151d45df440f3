"""What may still be spent: holds requests back before a budget is used up, and books every call that was made.

A budget is for money that is not spent yet, so requests that are out count with what they will probably cost.
Pure but for `purse_of`, which reads the ledger.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

from chai_assets.chain import Row
from chai_assets.records import record_id
from chai_resources.captioners import Captioner, Request, Result
from chai_resources.captioners.choice import CaptionerChoice
from chai_resources.captioners.prices import Price, Prices
from chai_resources.tables import Tables

_ANSWER_TOKENS = 200
_VIDEO_TOKENS_A_FRAME = 258
"""Until the ledger knows better: the tokens of a frame as Google counts them, and an answer of 150 words."""


class NoPrice(ValueError):
    """A budget is set for a model whose price is not known; the text says what to do."""


class Asked(Protocol):
    """What is asked and for which row: `asking.Wanted`."""

    @property
    def request(self) -> Request: ...

    @property
    def base(self) -> Row: ...


@dataclass
class Purse:
    """The money of one stage in one run, in US dollars."""

    prices: Prices
    price: Price | None
    run: str = ""
    frames_a_second: float = 2.0
    left: float | None = None
    """What may be spent; None without a budget."""
    typical: dict[str | None, float] = field(default_factory=dict)
    """Mean cost of a request so far, by aspect."""
    spent: float = 0.0
    held_back: int = 0
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    _out: dict[str, float] = field(default_factory=dict)
    _reserved: float = 0.0

    def planned(self, wanted: Iterable[Asked]) -> float:
        """What these requests will probably cost."""
        return sum(self._guess(item) for item in wanted)

    def within(self, wanted: Iterable[Asked], answered: Callable[[Request], bool]) -> Iterator[Asked]:
        """The requests that can be paid, in order; from the first that cannot, all are held back and counted.

        One that is `answered` already costs nothing more and is never held back.
        """
        for item in wanted:
            if self.left is not None and not answered(item.request):
                guess = self._guess(item)
                if self.held_back or self.spent + self._reserved + guess > self.left:
                    self.held_back += 1
                    continue
                self._out[item.request.hash] = guess
                self._reserved += guess
            yield item

    def book(self, stage: str, item: Asked, result: Result) -> list[Row]:
        """Rows of the ledger for the calls of a result; what they cost is spent.

        A call that was perhaps charged counts with what it probably cost.
        """
        self._reserved -= self._out.pop(item.request.hash, 0.0)
        rows = [self._row(stage, item, result, number) for number in range(len(result.calls))]
        for row in rows:
            if row["run"] == self.run:
                self.spent += self._guess(item) if row["charged"] == "unknown" else row["cost"] or 0.0
        return rows

    def guess(self, aspect: str | None, characters: float, seconds: float) -> float:
        """What a request of so many characters and seconds of video will probably cost; 0 where no price is known."""
        if aspect in self.typical:
            return self.typical[aspect]
        if self.price is None:
            return 0.0
        shown = seconds * self.frames_a_second * _VIDEO_TOKENS_A_FRAME
        return self.price.cost(int(characters / 4 + shown), 0, _ANSWER_TOKENS)

    def _guess(self, item: Asked) -> float:
        request = item.request
        return self.guess(
            item.base.get("aspect"), len(request.prompt), request.media.duration_s if request.media else 0
        )

    def _row(self, stage: str, item: Asked, result: Result, number: int) -> Row:
        call, asked = result.calls[number], item.request.hash
        cost = self.price.cost(call.tokens_in, call.tokens_cached, call.tokens_out) if self.price else None
        return {
            "call_id": record_id("call", request=asked, at=call.at, number=number),
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
            "price_version": self.prices.version if self.price else None,
            "cost": 0.0 if call.charged == "no" else None if call.charged == "unknown" else cost,
            "latency_ms": call.latency_ms,
            "called_at": datetime.fromisoformat(call.at),
        }


def purse_of(choice: CaptionerChoice, captioner: Captioner, tables: Tables, stage: str, run: str) -> Purse:
    """The purse of a stage in a run: what the day's and the run's budget leave, and what requests cost so far.

    Raises NoPrice where a budget is set and the model has no price.
    """
    if not captioner.capabilities.network:
        return Purse(Prices("", {}), None, run)
    prices = Prices.load(choice.prices)
    price = prices.of(captioner.model)
    budgets = [budget for budget in (choice.budget_run, choice.budget_day) if budget]
    if budgets and price is None:
        raise NoPrice(
            f"a budget is set, but {captioner.model} has no price: add it to a price file of your own "
            "(CHAI_PRICES), or unset CHAI_BUDGET_RUN and CHAI_BUDGET_DAY"
        )
    columns = ["run", "stage", "aspect", "model", "request_hash", "charged", "cost", "called_at"]
    calls = tables.read("model_calls", columns=columns)
    paid = calls.filter((pl.col("charged") == "yes") & pl.col("cost").is_not_null())
    # A call that was perhaps charged counts with the mean of those that were.
    each = paid["cost"].mean() or 0.0
    calls = calls.with_columns(cost=pl.when(pl.col("charged") == "unknown").then(each).otherwise("cost"))
    left = None
    if budgets:
        today = float(calls.filter(pl.col("called_at").dt.date() == datetime.now(UTC).date())["cost"].sum())
        here = float(calls.filter(pl.col("run") == run)["cost"].sum())
        limits = [(choice.budget_run, here), (choice.budget_day, today)]
        left = min(budget - spent for budget, spent in limits if budget)
    return Purse(prices, price, run, choice.model.fps, left, _typical(paid, stage, captioner.model))


def planning_purse(choice: CaptionerChoice, tables: Tables, stage: str) -> Purse:
    """A purse to guess with before a run: no engine is opened and no key is needed. Raises PricesRefused."""
    if not choice.asks:
        return Purse(Prices("", {}), None)
    prices = Prices.load(choice.prices)
    columns = ["stage", "aspect", "model", "request_hash", "charged", "cost"]
    calls = tables.read("model_calls", columns=columns)
    paid = calls.filter((pl.col("charged") == "yes") & pl.col("cost").is_not_null())
    typical = _typical(paid, stage, choice.asks)
    return Purse(prices, prices.of(choice.asks), frames_a_second=choice.model.fps, typical=typical)


def _typical(paid: pl.DataFrame, stage: str, model: str) -> dict[str | None, float]:
    mine = paid.filter((pl.col("stage") == stage) & (pl.col("model") == model))
    requests = mine.group_by("aspect", "request_hash").agg(pl.col("cost").sum())
    return dict(requests.group_by("aspect").agg(pl.col("cost").mean()).iter_rows())
