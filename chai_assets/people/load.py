"""Reads what people did in all batches of our own work, for the scores."""

from chai_assets.core.imported import own_work
from chai_assets.people.scores import Score, add, scores
from chai_assets.workflow.load import load_records
from chai_resources.tables import Tables


def all_scores(tables: Tables) -> dict[str, Score]:
    """Counts of everybody who ever submitted something, by person id, in order; imported corpora are left out."""
    total: dict[str, Score] = {}
    for batch in sorted(set(tables.read("clips", columns=["batch"], where=own_work())["batch"])):
        add(total, scores(load_records(tables, batch)))
    return dict(sorted(total.items()))
