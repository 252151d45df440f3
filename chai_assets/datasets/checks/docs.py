"""Data Docs: what was expected of the triples and what was found, as a static site that stands on its own.

Great Expectations builds it, in the manner of `docs_pages.py`. Of the rows, only the first failing ones are in it.
"""

import shutil
import tempfile
from html import escape
from pathlib import Path
from typing import Any, cast

from great_expectations.core import ExpectationValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.store.store import DataDocsSiteConfigTypedDict
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

from chai_assets.datasets.checks import docs_pages
from chai_assets.datasets.checks.frames import FRAMES
from chai_assets.datasets.checks.validation import Outcome, Validation

INDEX = "index.html"
SITE = "triples"
LONGEST_CELL = 600
"""Characters of a value that are shown: a caption in full, hardly ever less."""


def write_docs(validation: Validation, folder: Path) -> Path:
    """Makes `folder` the Data Docs of a validation and returns its first page. Raises OSError if it cannot be written.

    The folder is swapped as a whole: a build that fails leaves the former one.
    """
    context, run = validation.context, RunIdentifier(run_name="checks", run_time=validation.at)
    outcomes = {outcome.name: outcome for outcome in validation.outcomes}
    for frame, result in validation.results.items():
        for one in result.results:
            _show_rows(one, outcomes[docs_pages.check_of(one).name])
        result.meta["run_id"] = run
        result.meta["batch_spec"]["data_asset_name"] = FRAMES[frame]
        context.validation_results_store.set(
            ValidationResultIdentifier(ExpectationSuiteIdentifier(frame), run, frame), result
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        # The package's type lacks some of the keys that it reads.
        context.add_data_docs_site(SITE, cast(DataDocsSiteConfigTypedDict, _site(scratch / "new")))
        context.build_data_docs(site_names=[SITE])
        shutil.rmtree(scratch / "new" / "static", ignore_errors=True)
        if folder.exists():
            folder.rename(scratch / "old")
        (scratch / "new").rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder / INDEX


def _site(folder: Path) -> dict[str, Any]:
    def page(view: type, renderer: type) -> dict[str, Any]:
        return {"view": _class(view), "renderer": _class(renderer)}

    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "view": _class(docs_pages.IndexPage)},
        "site_section_builders": {
            "expectations": page(docs_pages.Page, docs_pages.SuiteRenderer),
            "validations": page(docs_pages.Page, docs_pages.ResultsRenderer),
            "profiling": "None",
        },
    }


def _class(of: type) -> dict[str, str]:
    return {"module_name": of.__module__, "class_name": of.__name__}


def _show_rows(result: ExpectationValidationResult, outcome: Outcome) -> None:
    """Puts the first failing rows where the page shows unexpected values: of a rule these would all be `False`."""
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
    return escape(text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…")
