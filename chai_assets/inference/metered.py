"""A captioner whose calls are recorded and paid from the budgets, for what asks models outside the loop's stages."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from chai_assets.core.rows import NewRow
from chai_assets.inference.budget import ROWS_AT_ONCE, open_budget
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.protocol import CachingCaptioner, Captioner, Request, Result
from chai_resources.tables import Tables


class MeteredCaptioner(Captioner):
    """A `Captioner`; `batch`, `stage` and `aspect` are what its calls are recorded under.

    A request that the budgets do not pay for gets no result. Each object is a run of its own to the budgets.
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
        budget = open_budget(self._choice, self._captioner, self._tables, self._stage, run=self._run)
        asked: dict[str, PendingRequest] = {}
        calls: list[NewRow] = []

        def remembered(items: Iterable[PendingRequest]) -> Iterator[Request]:
            for item in items:
                asked[item.request.key] = item
                yield item.request

        waiting: Iterable[PendingRequest] = (self._pending(request) for request in requests)
        try:
            while True:
                spent = budget.spent
                for result in self._captioner.run(remembered(budget.admit(waiting, self._captioner.paid))):
                    calls += budget.record(self._stage, asked.pop(result.key), result)
                    if len(calls) >= ROWS_AT_ONCE:
                        self._tables.append_new("model_calls", calls, self._batch)
                        calls = []
                    yield result
                # Costs are guessed at first; what was learned of them may leave room for more.
                if not (budget.can_resume and budget.spent > spent):
                    break
                waiting = budget.held_back
        finally:
            self._tables.append_new("model_calls", calls, self._batch)

    def _pending(self, request: Request) -> PendingRequest:
        return PendingRequest(request, {"batch": self._batch, "clip_id": request.cache_group, "aspect": self._aspect})
