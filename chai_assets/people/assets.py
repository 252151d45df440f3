"""People: scorecards over all batches, counted from everything that people submitted."""

import dagster as dg

from chai_assets.core.asset_metadata import preview
from chai_assets.people.load import all_scores
from chai_assets.people.scores import NOT_COMPARABLE, figures, new_score_rows, together
from chai_assets.workflow.resource import Workflow


@dg.asset(group_name="people", deps=["critiques", "reviews", "feedback"])
def scorecards(workflow: Workflow) -> dg.MaterializeResult:
    """What each person found, missed, caught and rejected, and how much of it held up. Counts, not grades."""
    tables = workflow.tables
    total = all_scores(tables)
    added = tables.append_new("scorecards", new_score_rows(total, tables.rows("scorecards")))
    shown = [{"person": person, **figures(score)} for person, score in total.items()]
    if shown:
        shown.append({"person": "together", **figures(together(total.values()))})
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(total),
            "added": added,
            "scorecards": preview(shown, at_most=len(shown)),
            "how_to_read": NOT_COMPARABLE,
        }
    )
