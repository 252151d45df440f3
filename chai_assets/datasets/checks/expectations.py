"""Expectations that Great Expectations lacks: what must hold across rows or tables, one class a rule.

A rule is worked out beforehand for all rows at once, in Polars (`facts.py`, `provenance.py`, `drift.py`), and its
expectation looks at that fact. The docstring of a class is what Data Docs show; words in backticks are columns.

Importing this imports Great Expectations, which takes seconds: only what validates does.
"""

import re
from typing import Any

import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.render.components import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer


class ColumnValuesFollowRule(ColumnMapMetricProvider):
    """Whether a fact holds for each row that has one."""

    condition_metric_name = "column_values.follow_rule"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **_: Any) -> pd.Series:
        return column.astype(bool)


class RuleExpectation(ColumnMapExpectation):
    """Every row follows the rule."""

    map_metric = "column_values.follow_rule"

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> list[RenderedStringTemplateContent]:
        """The rule in words, columns marked as Great Expectations marks them."""
        rule = " ".join((cls.__doc__ or "").split())
        columns = dict.fromkeys(re.findall(r"`(\w+)`", rule))
        styling = (runtime_configuration or {}).get("styling") or {}
        marked = styling.get("params", {}).get("column", {})
        template = {
            "template": re.sub(r"`(\w+)`", r"$\1", rule),
            "params": {name: name for name in columns},
            "styling": styling | {"params": dict.fromkeys(columns, marked)},
        }
        return [RenderedStringTemplateContent(content_block_type="string_template", string_template=template)]


class ExpectReviewersToDifferFromAnnotators(RuleExpectation):
    """`reviewer` must differ from `annotator`, and neither may be null, wherever `approved` is true."""


class ExpectTriplesToShareOneSpecification(RuleExpectation):
    """`spec_version` and `spec_hash` must be the dataset's, or of a release that means the same by `aspect`."""


class ExpectTriplesToFollowTheirChain(RuleExpectation):
    """`chain_hash` must be the hash over `draft_id`, `critique_id`, `revision_id` and `review_id`."""


class ExpectDraftsToMatchTheirRecords(RuleExpectation):
    """`clip_id` and `draft` must be those of the row of the table drafts that has this `draft_id`."""


class ExpectCritiquesToMatchTheirRecords(RuleExpectation):
    """
    `draft_id`, `critique` and `annotator` must be those of the row of the table critiques that has this `critique_id`.
    """


class ExpectRevisionsToMatchTheirRecords(RuleExpectation):
    """
    `draft_id`, `critique_id` and, unless `human_edited`, `final` must be those of the row of the table revisions that
    has this `revision_id`.
    """


class ExpectReviewsToMatchTheirRecords(RuleExpectation):
    """
    `draft_id`, `critique_id`, `revision_id` and `reviewer` must be those of the row of the table reviews that has this
    `review_id`, and its verdict must be approve, wherever `approved` is true.
    """


class ExpectApprovalsToAgreeWithTheirReview(RuleExpectation):
    """
    The row of the table reviews that has this `review_id` must tick no finding wrong, and hold no misses and no
    reasons, wherever `approved` is true.
    """


class ExpectClipsAndSourcesToMatchTheirRecords(RuleExpectation):
    """
    `source_id` must be that of the row of the table clips that has this `clip_id`, and stand in the table sources.
    """


class ExpectFindingsToQuoteTheirDraft(RuleExpectation):
    """Each of `findings` that has a start and an end must quote just those characters of `draft`."""


class ExpectTriplesInForceToBeCandidates(RuleExpectation):
    """`triple_id` must be among the triples to be exported."""


class ExpectCandidatesToBeInForce(RuleExpectation):
    """
    `triple_id` must be verified, and not withdrawn, by its last row in the table triples, wherever `approved` is true.
    """


class ExpectOnlyPerfectDraftsToHaveNoRevision(RuleExpectation):
    """`revision_id` must not be null wherever `rating` is 1 to 4."""


class ExpectUnrevisedDraftsToBeTheCaption(RuleExpectation):
    """`final` must equal `draft` wherever `rating` is 5 and `revision_id` is null."""


class ExpectOnlyPerfectDraftsToHaveNoCritique(RuleExpectation):
    """`critique` must be empty wherever `rating` is 5, and have text wherever it is 1 to 4."""


class ExpectOnlyPerfectDraftsToHaveNoFindings(RuleExpectation):
    """
    `findings` must be empty wherever `rating` is 5, and have some wherever it is 1 to 4 and `batch` is no import.
    """


class ExpectCaptionsToDifferFromCriticizedDrafts(RuleExpectation):
    """`final` must differ from `draft` wherever `rating` is 1 to 4."""


class ExpectCaptionsToBeNoRefusals(RuleExpectation):
    """`final` must not read as a refusal, an apology, an announcement or a blank."""


class ExpectCaptionsToAgreeWithTheirLabels(RuleExpectation):
    """`final` must say nothing that the labels in force deny, unless its review says why both are right."""


class ExpectCaptionsToBeInEnglish(RuleExpectation):
    """`final` must not read as a text in another language or script."""


class ExpectRatingsToBeAsBefore(RuleExpectation):
    """
    `figure`, the population stability index of new ratings against those of the last export, must not exceed `limit`,
    unless chance explains it.
    """


class ExpectCaptionLengthsToBeAsBefore(RuleExpectation):
    """
    `figure`, the Kolmogorov-Smirnov distance of the lengths of new captions from those of the last export, must not
    exceed `limit`, unless chance explains it.
    """
