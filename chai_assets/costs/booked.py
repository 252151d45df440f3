"""An engine whose calls are booked and paid from the budgets, for what asks models outside the loop's stages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from chai_assets.chain import Row
from chai_assets.costs.purse import purse_of
from chai_resources.captioners import Request, Result
from chai_resources.captioners.choice import Answers, CaptionerChoice
from chai_resources.tables import Tables


@dataclass(frozen=True)
class _Asked:
    request: Request
    base: Row


class Booked:
    """A `Captioner`; `batch` and `stage` are what its calls are entered under. Unpaid requests get no result.

    Each object is a run of its own to the budgets.
    """

    def __init__(self, captioner: Answers, choice: CaptionerChoice, tables: Tables, batch: str, stage: str) -> None:
        self._captioner, self._choice, self._tables = captioner, choice, tables
        self._batch, self._stage = batch, stage
        self._run = f"{batch} {datetime.now(UTC).isoformat()}"
        self.model, self.revision = captioner.model, captioner.revision
        self.capabilities = captioner.capabilities

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request that the budgets pay for. Raises NoPrice."""
        purse = purse_of(self._choice, self._captioner, self._tables, self._stage, run=self._run)
        asked: dict[str, _Asked] = {}

        def known() -> Iterator[_Asked]:
            for request in requests:
                base = {"batch": self._batch, "clip_id": request.cache_group}
                asked[request.key] = _Asked(request, base)
                yield asked[request.key]

        calls: list[Row] = []
        try:
            payable = purse.within(known(), self._captioner.paid)
            for result in self._captioner.run(item.request for item in payable):
                calls += purse.book(self._stage, asked.pop(result.key), result)
                yield result
        finally:
            self._tables.append_new("model_calls", calls, self._batch)
