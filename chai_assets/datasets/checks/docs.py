"""Data Docs: the judgement as a static site that Great Expectations builds, made to stand on its own.

Its own pages fetch styles and scripts from seven places on the internet, and show nothing without them. Here the
same pages are rendered with templates that need neither: one style sheet inside, no script, no address but each
other's. Of the rows, only the first failing ones are in it.
"""

import shutil
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from chai_assets.datasets.checks.run import Judgement, Outcome
from chai_assets.datasets.checks.suite import FRAMES

TEMPLATES = Path(__file__).with_name("docs_templates")
INDEX = "index.html"
SITE = "triples"


class Page(DefaultJinjaPageView):
    """A page of the site; templates of ours stand in for those of the package that call out."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        assert self.env.loader
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), self.env.loader])


class IndexPage(Page, DefaultJinjaIndexPageView):
    """The page that lists the others."""


def write_docs(judgement: Judgement, folder: Path) -> Path:
    """Makes `folder` the Data Docs of a judgement and returns its first page. Raises OSError if it cannot be written.

    The folder is swapped as a whole: a build that fails leaves the former one.
    """
    context, run = judgement.context, RunIdentifier(run_name="checks", run_time=judgement.at)
    outcomes = {outcome.name: outcome for outcome in judgement.outcomes}
    for frame, result in judgement.results.items():
        for one in result.results:
            _show_rows(one, outcomes[one.expectation_config.meta["check"]])
        result.meta["run_id"] = run
        result.meta["batch_spec"]["data_asset_name"] = FRAMES[frame]
        context.validation_results_store.set(
            ValidationResultIdentifier(ExpectationSuiteIdentifier(frame), run, frame), result
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        context.add_data_docs_site(SITE, _site(scratch / "new"))
        context.build_data_docs(site_names=[SITE])
        shutil.rmtree(scratch / "new" / "static", ignore_errors=True)
        if folder.exists():
            folder.rename(scratch / "old")
        (scratch / "new").rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder / INDEX


def _site(folder: Path) -> dict[str, Any]:
    def view(name: str) -> dict[str, str]:
        return {"module_name": __name__, "class_name": name}

    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "view": view("IndexPage")},
        "site_section_builders": {
            "expectations": {"view": view("Page")},
            "validations": {"view": view("Page")},
            "profiling": "None",
        },
    }


def _show_rows(result: Any, outcome: Outcome) -> None:
    """Puts the first failing rows where the page shows unexpected values, which of a fact would all be `False`."""
    rows = outcome.failing_rows
    result.result["partial_unexpected_counts"] = []
    result.result["partial_unexpected_list"] = [_as_table(rows)] if rows else []


def _as_table(rows: list[dict[str, Any]]) -> str:
    # The package's templates do not escape what they show, and captions are anybody's text.
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return "<i>none</i>"
    text = str(value)
    return escape(text if len(text) <= 600 else f"{text[:599]}…")
