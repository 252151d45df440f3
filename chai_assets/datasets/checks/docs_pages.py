"""The pages of Data Docs: a section a check, with what it asks, what is expected of which columns, and what was found.

Great Expectations' own pages are ordered by column, and fetch styles and scripts from seven places on the internet
without which they show nothing. These are rendered with templates that need neither: one style sheet inside, no
script, no address but each other's.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from great_expectations.core import (
    ExpectationSuite,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.render.components import (
    RenderedComponentContent,
    RenderedHeaderContent,
    RenderedSectionContent,
    RenderedStringTemplateContent,
    RenderedTableContent,
)
from great_expectations.render.renderer.column_section_renderer import (
    ExpectationSuiteColumnSectionRenderer,
)
from great_expectations.render.renderer.content_block.bullet_list_content_block import (
    ExpectationSuiteBulletListContentBlockRenderer,
)
from great_expectations.render.renderer.content_block.validation_results_table_content_block import (
    ValidationResultsTableContentBlockRenderer,
)
from great_expectations.render.renderer.page_renderer import (
    ExpectationSuitePageRenderer,
    ValidationResultsPageRenderer,
)
from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from chai_assets.datasets.checks.suite import Check, suite

TEMPLATES = Path(__file__).with_name("docs_templates")

Stated = ExpectationValidationResult | ExpectationConfiguration
"""An expectation with its result, or alone."""
S = TypeVar("S", ExpectationValidationResult, ExpectationConfiguration)


class Page(DefaultJinjaPageView):
    """A page of the site; templates of ours stand in for those of the package that call out."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        assert self.env.loader
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), self.env.loader])


class IndexPage(Page, DefaultJinjaIndexPageView):
    """The page that lists the others."""


def check_of(stated: Stated) -> Check:
    """The check that an expectation, or its result, belongs to."""
    configuration = stated.expectation_config if isinstance(stated, ExpectationValidationResult) else stated
    assert configuration is not None
    name = configuration.meta["check"]
    return next(check for check in suite() if check.name == name)


class ResultTable(ValidationResultsTableContentBlockRenderer):
    """What was expected and found; the description is in the header above, where the package has it instead."""

    @classmethod
    def _get_content_block_fn(
        cls, expectation_type: str, expectation_config: ExpectationConfiguration | None = None
    ) -> Callable[..., Any] | None:
        return super()._get_content_block_fn(expectation_type, None)


class ExpectationList(ExpectationSuiteBulletListContentBlockRenderer):
    """What is expected; the description is in the header above, where the package has it instead."""

    @classmethod
    def _get_content_block_fn(
        cls, expectation_type: str, expectation_config: ExpectationConfiguration | None = None
    ) -> Callable[..., Any] | None:
        return super()._get_content_block_fn(expectation_type, None)


class SuiteSection(ExpectationSuiteColumnSectionRenderer):
    """The section of one check's expectation."""

    def render(self, expectations: list[ExpectationConfiguration]) -> RenderedSectionContent:
        return _section(check_of(expectations[0]), ExpectationList.render(expectations))


class ResultsRenderer(ValidationResultsPageRenderer):
    """The page of a frame's results: an overview, then its checks in their order."""

    def _collect_rendered_document_content_sections(
        self,
        validation_results: ExpectationSuiteValidationResult,
        overview_content_blocks: list[RenderedComponentContent],
        collapse_content_blocks: list[RenderedTableContent],
        columns: dict[str, list[Any]],
    ) -> list[RenderedSectionContent]:
        overview = RenderedSectionContent(section_name="Overview", content_blocks=overview_content_blocks)
        results = in_order(validation_results.results)
        return [overview, *(_section(check_of(result), ResultTable.render([result])) for result in results)]


class SuiteRenderer(ExpectationSuitePageRenderer):
    """The page of a frame's expectations, in the order of the checks."""

    def __init__(self) -> None:
        super().__init__()
        self._column_section_renderer = SuiteSection()

    @staticmethod
    def _get_grouped_and_ordered_expectations_by_column(
        expectation_suite: ExpectationSuite,
    ) -> tuple[dict[str, list[ExpectationConfiguration]], list[str]]:
        configurations = in_order([expectation.configuration for expectation in expectation_suite.expectations])
        by_check = {check_of(one).name: [one] for one in configurations}
        return by_check, list(by_check)


def in_order(stated: Sequence[S]) -> list[S]:
    """Expectations or results in the order of the suite."""
    order = [check.name for check in suite()]
    return sorted(stated, key=lambda one: order.index(check_of(one).name))


def _section(check: Check, stated: RenderedComponentContent | None) -> RenderedSectionContent:
    purpose = f"{check.description} {check.consequence}"
    header = RenderedHeaderContent(
        header=_text("$check $expectation", "h5", check=check.name, expectation=check.expectation),
        subheader=_text("$purpose", "p", purpose=purpose),
    )
    return RenderedSectionContent(section_name=check.name, content_blocks=[header, *filter(None, [stated])])


def _text(template: str, tag: str, **params: str) -> RenderedStringTemplateContent:
    styling = {"params": {"expectation": {"classes": ["quiet"]}}}
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={"template": template, "params": params, "tag": tag, "styling": styling},
    )
