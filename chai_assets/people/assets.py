"""People: scorecards over all batches, computed from the same standings as everything else."""

import dagster as dg

from chai_assets.core.asset_metadata import preview
from chai_assets.core.partitions import batches
from chai_assets.people.scores import Score, add, score_row, scores
from chai_assets.workflow.resource import Workflow


@dg.asset(group_name="people", deps=["critiques", "reviews", "feedback"])
def scorecards(context: dg.AssetExecutionContext, workflow: Workflow) -> dg.MaterializeResult:
    """Accuracy, precision, recall and reward of each annotator; strictness and overturned verdicts of reviewers."""
    total: dict[str, Score] = {}
    for batch in context.instance.get_dynamic_partitions(batches.name or ""):
        add(total, scores(workflow.standings(batch)))
    rows = [score_row(person, score) for person, score in sorted(total.items())]
    added = workflow.tables.append_new("scorecards", rows)
    return dg.MaterializeResult(metadata={"dagster/row_count": len(rows), "added": added, "scorecards": preview(rows)})
