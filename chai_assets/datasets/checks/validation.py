"""Validates the triples with Great Expectations: one outcome a check, and what Data Docs are made from.

Great Expectations takes seconds to import, so only `validate` imports it, and only there do frames become pandas.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from chai_assets.datasets.checks.drift import drift, freshness
from chai_assets.datasets.checks.facts import as_declared, column_types, with_facts
from chai_assets.datasets.checks.frames import Frame
from chai_assets.datasets.checks.provenance import ReadTable, in_force, with_provenance
from chai_assets.datasets.checks.suite import TRIPLE_KEYS, Check, Severity, suite
from chai_assets.datasets.select.spec_compatibility import DatasetSpec

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation

SHOWN = 5
"""Failing rows that are shown of a check."""
# Great Expectations passes over nulls, so where a null is a defect a value stands in for it. Of a caption it is only
# asked whether it says anything: whole texts would double the memory.
_IN_PANDAS = {
    "aspect": pl.col("aspect").fill_null(""),
    "rating": pl.col("rating").fill_null(0),
    "final": pl.col("final").str.strip_chars().str.head(1).fill_null(""),
}


@dataclass(frozen=True)
class Evidence:
    """What the triples are held against: their tables, the last export, and the time.

    `last_export` has triple_id, aspect, rating and words; None where there is none to compare with. `contradicting` has
    the primitives that a caption speaks of and its labels in force deny, by triple.
    """

    read: ReadTable
    last_export: pl.DataFrame | None
    now: datetime
    contradicting: Mapping[str, list[str]] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Validation:
    """The outcomes in the order of `suite`, with Great Expectations' own results by frame and their context."""

    outcomes: list[Outcome]
    at: datetime
    results: "dict[Frame, ExpectationSuiteValidationResult]" = field(repr=False)
    context: "EphemeralDataContext" = field(repr=False)


def frames(triples: pl.DataFrame, counts: DatasetSpec, evidence: Evidence) -> dict[Frame, pl.DataFrame]:
    """Everything that is validated, by the name of its frame."""
    facts = with_provenance(with_facts(as_declared(triples), counts), evidence.read)
    denied = [", ".join(evidence.contradicting.get(triple, ())) or None for triple in facts["triple_id"]]
    facts = facts.with_columns(denied=pl.Series(denied, dtype=pl.String))
    facts = facts.with_columns(agrees_with_labels=pl.col("denied").is_null())
    return {
        "triples": facts,
        "columns": column_types(triples),
        "in_force": in_force(facts, evidence.read),
        "drift": drift(facts, evidence.last_export),
        "freshness": freshness(facts, evidence.now),
    }


def validate(triples: pl.DataFrame, counts: DatasetSpec, evidence: Evidence) -> Validation:
    """Validates the rows that would be exported.

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
    outcomes: dict[str, Outcome] = {}
    results: dict[Frame, ExpectationSuiteValidationResult] = {}
    for name, frame in frames(triples, counts, evidence).items():
        checks = [check for check in suite(counts.aspects) if check.frame == name]
        definition = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        batch = definition.get_batch({"dataframe": _in_pandas(checks, frame).to_pandas()})
        expected = context.suites.add(gx.ExpectationSuite(name, expectations=[_expectation(c) for c in checks]))
        results[name] = batch.validate(
            expected, result_format={"result_format": "SUMMARY", "partial_unexpected_count": SHOWN}
        )
        outcomes |= {outcome.name: outcome for outcome in _outcomes(checks, results[name], frame)}
    return Validation([outcomes[check.name] for check in suite()], evidence.now, results, context)


def _in_pandas(checks: list[Check], frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that the checks look at, as pandas gets them: no others, for each costs memory and a hash."""
    columns = dict.fromkeys(column for check in checks for column in check.columns)
    return frame.select(**{column: _IN_PANDAS.get(column, pl.col(column)) for column in columns})


def _expectation(check: Check) -> "Expectation":
    from great_expectations import expectations as core

    from chai_assets.datasets.checks import expectations as ours

    make = getattr(ours, check.expectation, None) or getattr(core, check.expectation)
    severity = "critical" if check.severity == "error" else "warning"
    return make(**check.arguments, description=check.description, severity=severity, meta={"check": check.name})


def _outcomes(
    checks: list[Check], validated: "ExpectationSuiteValidationResult", frame: pl.DataFrame
) -> Iterator[Outcome]:
    results = {r.expectation_config.meta["check"]: r for r in validated.results if r.expectation_config}
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
        return rows.select(list(dict.fromkeys([*TRIPLE_KEYS, *check.shows]))).to_dicts()
    others = {column for other in suite() if other.frame == check.frame for column in other.columns}
    return rows.select(pl.exclude(others - set(check.shows))).to_dicts()
