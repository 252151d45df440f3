"""Asking a model: requests that an item waits for go out, answers become rows, failures become error rows.

Shared by drafting, revision and merging. Rows are handed over in chunks so that a killed run loses little;
the answers themselves are stored one by one by the captioner, so that none is asked for twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chai_assets.chain import Row
from chai_assets.records import canonical_json, record_id, sha256_text
from chai_resources.captioners import Captioner, Request, Result
from chai_resources.tables import Tables

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Wanted:
    """A request and the columns of its row that do not depend on the answer."""

    request: Request
    base: Row


@dataclass
class Answered:
    """How many rows were made, and the error rows."""

    made: int = 0
    errors: list[Row] = field(default_factory=list)


def given_up(tables: Tables, batch: str) -> set[str]:
    """Hashes of requests that failed for good (permanent or blocked): asking again would cost and not help."""
    errors = tables.read("model_errors", batch, columns=["request_hash", "kind"])
    return set(errors.filter(errors["kind"] != "retryable")["request_hash"])


def model_columns(request: Request, result: Result) -> Row:
    """What is pinned on every row a model wrote: the prompt, its hash, the model and what it cost."""
    return {
        "request_hash": request.hash,
        "model": result.model,
        "served_revision": result.served_revision,
        "sampling": canonical_json(request.sampling),
        "prompt": request.prompt,
        "prompt_hash": sha256_text(request.prompt),
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
    captioner: Captioner,
    tables: Tables,
    log: Callable[[str], None],
) -> Answered:
    """Asks all requests and appends a row for each text; `finish` completes a row (its id, derived columns).

    A request without a text becomes a row of `model_errors`; the others go on.
    """
    by_key = {item.request.key: item for item in wanted}
    outcome, rows = Answered(), []
    for number, result in enumerate(_results(captioner, wanted), start=1):
        item = by_key[result.key]
        if result.text is None:
            outcome.errors.append(_error_row(stage, item, result))
        else:
            rows.append(finish({**item.base, **model_columns(item.request, result), "text": result.text}))
        if len(rows) >= ROWS_AT_ONCE:
            outcome.made += tables.append(table, rows)
            rows = []
            log(f"{stage}: {number} of {len(wanted)} answered")
    outcome.made += tables.append(table, rows)
    tables.append_new("model_errors", outcome.errors)
    for error in outcome.errors[:5]:
        log(f"{stage} of {error['clip_id']} {error['aspect']} failed ({error['kind']}): {error['message']}")
    return outcome


def _results(captioner: Captioner, wanted: list[Wanted]) -> Iterator[Result]:
    return captioner.run(item.request for item in wanted)


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
