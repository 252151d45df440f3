"""What leads took back of what datasets may hold: the triples, each with the reason. Pure."""

import polars as pl
from pydantic import BaseModel, ConfigDict

from chai_assets.datasets.select.export_inputs import ExportInputs
from chai_assets.datasets.select.unapproved import triples_in_force


class Recalled(BaseModel):
    """A triple that lost its approval by a lead's decision, and why."""

    model_config = ConfigDict(frozen=True)
    id: str
    reason: str


def recalled_triples(inputs: ExportInputs) -> list[Recalled]:
    """The selection's triples that were taken back at any time and did not come back, by id; the last reason counts."""
    selection = inputs.selection
    decisions = inputs.lead_decisions.lazy().filter(pl.col("triple_id").is_not_null())
    decisions = decisions.filter(selection.batch_filter(), selection.aspect_filter())
    in_force = triples_in_force(inputs.triples.lazy().filter(selection.batch_filter())).select("triple_id")
    gone = decisions.join(in_force, on="triple_id", how="anti").sort("recorded_at", "decision_id")
    last = gone.unique("triple_id", keep="last").sort("triple_id").select("triple_id", "reason").collect()
    return [Recalled(id=triple, reason=reason) for triple, reason in last.iter_rows()]


def recalled_notes(recalled: list[Recalled]) -> list[str]:
    """What a reader of an earlier dataset has to know."""
    if not recalled:
        return []
    return [f"{len(recalled)} caption(s) that earlier datasets may hold were recalled: `recalled` says which, and why"]
