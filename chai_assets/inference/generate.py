"""Generating rows with a model: pending requests go out, answers become rows, failures become error rows.

Shared by drafting, polishing, revision and merging. Rows are written in chunks so that a killed run loses little;
the answers themselves are stored one by one by the captioner, so that none is asked for twice.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import dagster as dg
import polars as pl

from chai_assets.core.asset_metadata import preview
from chai_assets.core.ids import canonical_json, record_id, sha256_text
from chai_assets.core.rows import NewRow
from chai_assets.inference.budget import ROWS_AT_ONCE, open_budget
from chai_assets.inference.orphaned import record_orphaned
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.network_captioner import TRIES, UNREADABLE
from chai_resources.captioners.protocol import CachingCaptioner, CaptionError, Request, Result
from chai_resources.media import Media
from chai_resources.tables import Tables

GenerationStage = Literal["draft", "polish", "revise", "merge"]
_TABLE: dict[GenerationStage, str] = {
    "draft": "drafts",
    "polish": "polished_critiques",
    "revise": "revisions",
    "merge": "merged_captions",
}

_USELESS = sorted({*UNREADABLE, "empty", "tool", "unfinished", "interrupted"})
"""Outcomes of calls whose answer came, and was none."""
PAID_IN_VAIN = 3 * TRIES
"""So many useless answers to one request are enough: they are paid, and no later one is likely to be better."""


@dataclass
class GenerationReport:
    """How many rows were written, the error rows, what waits in batches, and the money in US dollars.

    Planned beforehand, spent, promised for what waits; and how many requests were held back for want of it.
    """

    written: int = 0
    errors: list[NewRow] = field(default_factory=list)
    planned: float = 0.0
    spent: float = 0.0
    promised: float = 0.0
    held_back: int = 0
    waiting: int = 0
    waiting_since: str = ""
    """When the first of them was handed in; UTC, ISO 8601."""

    def add_waiting(self, result: Result) -> None:
        """Counts a request that a batch under way holds."""
        self.waiting += 1
        times = [*(call.at for call in result.calls), self.waiting_since]
        self.waiting_since = min((at for at in times if at), default="")

    def plus(self, other: "GenerationReport") -> "GenerationReport":
        """Both together, of requests that were asked one after the other."""
        return GenerationReport(
            self.written + other.written,
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


@dataclass(frozen=True)
class Generator:
    """Asks a model for one stage of one batch, within the budgets, and writes what comes back."""

    stage: GenerationStage
    batch: str
    tables: Tables
    choice: CaptionerChoice
    captioner: CachingCaptioner
    run_id: str
    """The run that the budget per run is held against."""
    log: Callable[[str], None]

    @classmethod
    def in_run(
        cls,
        context: dg.AssetExecutionContext,
        stage: GenerationStage,
        choice: CaptionerChoice,
        tables: Tables,
        media: Media,
    ) -> "Generator":
        """The generator of a stage in a Dagster run, for the run's batch. Raises what opening the engine raises."""
        captioner = choice.open(media, context)
        return cls(stage, context.partition_key, tables, choice, captioner, context.run.run_id, context.log.info)

    def given_up(self) -> set[str]:
        """Hashes of requests that failed for good (permanent or blocked): asking again would cost and not help."""
        errors = self.tables.read("model_errors", self.batch, columns=["request_hash", "kind"])
        return set(errors.filter(errors["kind"] != "retryable")["request_hash"])

    def run(
        self,
        pending: list[PendingRequest],
        complete: Callable[[NewRow], NewRow],
        asked_before: Collection[str] = (),
    ) -> GenerationReport:
        """Asks all requests and appends a row for each text; `complete` adds its id and derived columns.

        A request without a text becomes a row of `model_errors`; the others go on. One that waits in a batch becomes
        none: a later run fetches its answer. Where a budget ends, what is done stays done and the rest is left to the
        next run. Where a store breaks off, what came until then is written. Answers of batches that nobody wants any
        more are fetched and recorded as well, but for those of `asked_before`: hashes that this run has asked already.
        """
        # What was handed in as a batch is fetched even where nothing is pending: it is paid.
        captioner = self.captioner
        batches = captioner if captioner.capabilities.batch else None
        if not pending and batches is None:
            return GenerationReport()
        budget = open_budget(self.choice, self.captioner, self.tables, self.stage, self.run_id)
        report = GenerationReport(planned=budget.estimate(pending))
        if pending and budget.price:
            self.log(f"{self.stage}: {len(pending)} requests, about {report.planned:.2f} USD")
        writer = _Writer(self, complete, report, self._in_vain() if pending else {})
        by_key = {item.request.key: item for item in pending}
        left = list(pending)
        try:
            while left:
                texts_before = writer.texts
                payable = budget.admit(left, self.captioner.paid)
                for result in self.captioner.run(item.request for item in payable):
                    item = by_key[result.key]
                    if writer.take(item, result, budget.record(self.stage, item, result)):
                        self.log(f"{self.stage}: {writer.texts} of {len(pending)} answered")
                # Costs are guessed at first; what was learned of them may leave room for more.
                left = budget.held_back if budget.can_resume and writer.texts > texts_before else []
            if batches:
                asked = {*asked_before, *(item.request.hash for item in pending)}
                writer.calls += record_orphaned(self.stage, self.batch, asked, budget, batches, self.tables)
        finally:
            writer.flush()
            self.tables.append_new("model_errors", report.errors)
            report.spent, report.promised = budget.spent, budget.promised
            report.held_back = len(budget.held_back)
        self._tell(report, budget.spent + budget.promised, budget.estimate(budget.held_back))
        return report

    def _in_vain(self) -> dict[str, int]:
        """How often requests were answered, and perhaps paid, with nothing that can be used; by hash."""
        if not self.captioner.capabilities.network:
            return {}
        columns = ["request_hash", "outcome", "charged"]
        calls = self.tables.read("model_calls", self.batch, columns=columns)
        useless = pl.col("outcome").is_in(_USELESS) & (pl.col("charged") != "no")
        return dict(calls.filter(useless).group_by("request_hash").len().iter_rows())

    def _tell(self, report: GenerationReport, used: float, more: float) -> None:
        """Logs what is left to be done, and by whom; `used` and `more` are US dollars."""
        for error in report.errors[:5]:
            what = f"{self.stage} of {error['clip_id']} {error['aspect']}"
            self.log(f"{what} failed ({error['kind']}): {error['message']}")
        if report.waiting:
            self.log(
                f"{self.stage}: {report.waiting} requests wait in the provider's batches, the first since "
                f"{report.waiting_since[:16]} UTC; `advance` looks again, and is asked for when a batch has ended"
            )
        if report.held_back:
            self.log(
                f"{self.stage}: the budget is used up ({used:.2f} USD here), {report.held_back} requests are held "
                f"back, about {more:.2f} USD more: raise CHAI_BUDGET_RUN or CHAI_BUDGET_DAY and run again; nothing is "
                "asked twice"
            )


@dataclass
class _Writer:
    """What came back and is not written yet."""

    generator: Generator
    complete: Callable[[NewRow], NewRow]
    report: GenerationReport
    in_vain: dict[str, int]
    """Useless answers of earlier runs, by request."""
    texts: int = 0
    rows: list[NewRow] = field(default_factory=list)
    calls: list[NewRow] = field(default_factory=list)

    def take(self, item: PendingRequest, result: Result, calls: list[NewRow]) -> bool:
        """Takes a result and the ledger's rows of its calls; whether there was enough to write."""
        self.calls += calls
        if result.error and result.error.kind == "waiting":
            self.report.add_waiting(result)
        elif result.text is None:
            result = _given_up(result, self.in_vain.get(item.request.hash, 0))
            self.report.errors.append(_error_row(self.generator.stage, item, result))
        else:
            self._complete(item, result)
        if len(self.rows) + len(self.calls) < ROWS_AT_ONCE:
            return False
        self.flush()
        return True

    def _complete(self, item: PendingRequest, result: Result) -> None:
        """Completes a row; a text on which that fails costs its own row alone. Its answer is stored, and paid once."""
        columns = _model_columns(item.request, result)
        try:
            row = self.complete({**item.base, **columns, "text": result.text})
        except Exception as surprise:
            message = f"no row can be made of the answer ({surprise!r}): report this, with the request's hash"
            failed = replace(result, text=None, error=CaptionError("retryable", "unexpected", message))
            self.report.errors.append(_error_row(self.generator.stage, item, failed))
            return
        self.texts += 1
        self.rows.append(row)

    def flush(self) -> None:
        """Writes what came. Calls first: what was paid is known even if the rows are not written."""
        tables = self.generator.tables
        tables.append_new("model_calls", self.calls, self.generator.batch)
        self.calls = []
        self.report.written += tables.append(_TABLE[self.generator.stage], self.rows)
        self.rows = []


def _given_up(result: Result, before: int) -> Result:
    """An error that was to pass and that too many paid answers ended in: it is held against the row from now on."""
    useless = sum(call.outcome in _USELESS and call.charged != "no" for call in result.calls)
    if result.error is None or result.error.kind != "retryable" or not useless or before + useless < PAID_IN_VAIN:
        return result
    said = result.error.message.removesuffix(": run again")
    message = (
        f"answered {before + useless} times with nothing that can be used: {said}; change CHAI_MODEL or the prompt"
    )
    return replace(result, error=CaptionError("permanent", result.error.code, message))


def _model_columns(request: Request, result: Result) -> NewRow:
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


def _error_row(stage: str, item: PendingRequest, result: Result) -> NewRow:
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
