"""Judges the triples with Great Expectations: one outcome a check, and what Data Docs are made from.

Great Expectations takes seconds to import, so only `judge` imports it, and only there do frames become pandas.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from chai_assets.datasets.checks.around import columns, drift, news
from chai_assets.datasets.checks.facts import as_declared, with_facts
from chai_assets.datasets.checks.recorded import Read, in_force, with_records
from chai_assets.datasets.checks.suite import NAMES_A_TRIPLE, Check, Frame, Severity, suite
from chai_assets.datasets.select.spec_compatibility import DatasetSpec

SHOWN = 5


@dataclass(frozen=True)
class Beside:
    """What the triples are held against: their tables, the last export, and the time.

    `before` has triple_id, aspect, rating and words of the last export; None where there is none to compare with.
    """

    read: Read
    before: pl.DataFrame | None
    now: datetime


@dataclass(frozen=True)
class Outcome:
    """How a check went: rows looked at, rows that fail it, and the first five of those."""

    check: Check
    passed: bool
    evaluated: int
    unexpected_count: int
    failing_rows: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.check.name

    @property
    def severity(self) -> Severity:
        return self.check.severity


def frames(triples: pl.DataFrame, counts: DatasetSpec, beside: Beside) -> dict[Frame, pl.DataFrame]:
    """Everything that is judged, by the name of its frame."""
    facts = with_records(with_facts(as_declared(triples), counts), beside.read)
    return {
        "triples": facts,
        "columns": columns(triples),
        "in_force": in_force(facts, beside.read),
        "drift": drift(facts, beside.before),
        "news": news(facts, beside.now),
    }


@dataclass(frozen=True)
class Judgement:
    """The outcomes in the order of `suite`, with Great Expectations' own results by frame and their context."""

    outcomes: list[Outcome]
    at: datetime
    results: dict[Frame, Any] = field(repr=False)
    context: Any = field(repr=False)


def judge(triples: pl.DataFrame, counts: DatasetSpec, beside: Beside) -> Judgement:
    """Judges the rows that would be exported.

    `counts` says which of them count as made under the dataset's specification. Raises RuntimeError naming the
    check if Great Expectations could not evaluate it: that is never a pass.
    """
    # Read when the package is imported; nothing may call out.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_pandas("checks")
    outcomes, results = {}, {}
    for name, frame in frames(triples, counts, beside).items():
        checks = [check for check in suite() if check.frame == name]
        batches = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        batch = batches.get_batch({"dataframe": _judged(checks, frame).to_pandas()})
        expected = context.suites.add(gx.ExpectationSuite(name, expectations=[_expectation(gx, c) for c in checks]))
        results[name] = batch.validate(
            expected, result_format={"result_format": "SUMMARY", "partial_unexpected_count": SHOWN}
        )
        outcomes |= {outcome.name: outcome for outcome in _outcomes(checks, results[name], frame)}
    return Judgement([outcomes[check.name] for check in suite()], beside.now, results, context)


def _judged(checks: list[Check], frame: pl.DataFrame) -> pl.DataFrame:
    """The judged columns, each under its check's name, by which Data Docs are ordered.

    No texts: Great Expectations hashes the whole frame.
    """
    several = {column for check in checks if len(check.judged) > 1 for column in check.judged}
    single = {check.name: check.judged[0] for check in checks if len(check.judged) == 1}
    return frame.select(*sorted(several), **{name: pl.col(column) for name, column in single.items()})


def _expectation(gx: Any, check: Check) -> Any:
    severity = "critical" if check.severity == "error" else "warning"
    arguments = check.arguments if len(check.judged) > 1 else check.arguments | {"column": check.name}
    make = getattr(gx.expectations, check.expectation)
    says = f"{check.description} {'Stops the export.' if check.severity == 'error' else 'Warns.'}"
    return make(**arguments, description=says, severity=severity, meta={"check": check.name})


def _outcomes(checks: list[Check], judged: Any, frame: pl.DataFrame) -> Iterator[Outcome]:
    results = {result.expectation_config.meta["check"]: result for result in judged.results}
    for check in checks:
        result = results[check.name]
        if not result.result:
            raise RuntimeError(f"check {check.name} could not be evaluated: {result.exception_info}")
        found = result.result
        yield Outcome(
            check,
            passed=bool(result.success),
            evaluated=found["element_count"],
            unexpected_count=found["unexpected_count"],
            failing_rows=_shown(check, frame[found["partial_unexpected_index_list"]]),
        )


def _shown(check: Check, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """What to see of failing rows: what names them, and what the check shows of them; of a small frame all."""
    if check.frame == "triples":
        return rows.select(list(dict.fromkeys([*NAMES_A_TRIPLE, *check.shows]))).to_dicts()
    others = {column for other in suite() if other.frame == check.frame for column in other.judged}
    return rows.select(pl.exclude(others - set(check.shows))).to_dicts()
