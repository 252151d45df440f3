"""An engine whose calls are booked and paid from the budgets, for what asks models outside the loop's stages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from chai_assets.core.rows import Row
from chai_assets.inference.budget import ROWS_AT_ONCE, Asked, purse_of
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.protocol import CachingCaptioner, Request, Result
from chai_resources.tables import Tables


@dataclass(frozen=True)
class _Asked:
    request: Request
    base: Row


class Booked:
    """A `Captioner`; `batch`, `stage` and `aspect` are what its calls are entered under. Unpaid requests get no result.

    Each object is a run of its own to the budgets.
    """

    def __init__(
        self,
        captioner: CachingCaptioner,
        choice: CaptionerChoice,
        tables: Tables,
        batch: str,
        stage: str,
        aspect: str | None = None,
    ) -> None:
        self._captioner, self._choice, self._tables = captioner, choice, tables
        self._batch, self._stage, self._aspect = batch, stage, aspect
        self._run = f"{batch} {datetime.now(UTC).isoformat()}"
        self.model, self.revision = captioner.model, captioner.revision
        self.capabilities = captioner.capabilities

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """One result for each request that the budgets pay for. Raises NoPrice."""
        purse = purse_of(self._choice, self._captioner, self._tables, self._stage, run=self._run)
        asked: dict[str, Asked] = {}
        calls: list[Row] = []

        def noted(items: Iterable[Asked]) -> Iterator[Request]:
            for item in items:
                asked[item.request.key] = item
                yield item.request

        waiting: Iterable[Asked] = (self._entered(request) for request in requests)
        try:
            while True:
                spent = purse.spent
                for result in self._captioner.run(noted(purse.within(waiting, self._captioner.paid))):
                    calls += purse.book(self._stage, asked.pop(result.key), result)
                    if len(calls) >= ROWS_AT_ONCE:
                        self._tables.append_new("model_calls", calls, self._batch)
                        calls = []
                    yield result
                # Costs are guessed at first; what was learned of them may leave room for more.
                if not (purse.room and purse.spent > spent):
                    break
                waiting = purse.held_back
        finally:
            self._tables.append_new("model_calls", calls, self._batch)

    def _entered(self, request: Request) -> Asked:
        return _Asked(request, {"batch": self._batch, "clip_id": request.cache_group, "aspect": self._aspect})
