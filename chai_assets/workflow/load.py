"""Reads one batch's rows and walks them: the bridge between the tables and `walk.py`."""

from chai_assets.core.imported import own_work
from chai_assets.core.rows import (
    ClipRow,
    CritiqueRow,
    DraftRow,
    EventRow,
    FeedbackRow,
    LabelCorrectionRow,
    LabelRow,
    LeadDecisionRow,
    QuarantineRow,
    ReviewRow,
    RevisionRow,
    read_rows,
)
from chai_assets.spec.compile import derive
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopted_version
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.spec.versioning.releases import Releases
from chai_assets.workflow.decisions import ItemDecisions, decisions_by_item
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.labels_in_force import answers_of, labels_in_force
from chai_assets.workflow.records import BatchRecords
from chai_assets.workflow.walk import standings
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

# Prompts are long, states are many, and the walk does not look at them.
_LABEL = [name for name in TABLES["primitives"].schema.names if name != "states"]
_DRAFT = ["draft_id", "batch", "clip_id", "aspect", "label_id", "upstream", "text", "spec_version", "spec_hash"]
_DRAFT += ["request_hash", "model", "served_revision", "sampling", "prompt_hash", "template_hash", "recorded_at"]
_REVISION = ["revision_id", "draft_id", "critique_id", "clip_id", "aspect", "text", "effects", "other_changes"]
_REVISION += ["model", "served_revision", "template_hash", "recorded_at"]
_EVENT = ["event_id", "what", "annotation_id", "epoch", "updated_at"]
_QUARANTINE = ["event_id", "chai_key", "reason", "remedy"]

WALKED = ("clips", "primitives", "drafts", "critiques", "revisions", "reviews", "feedback", "quarantine")
WALKED += ("annotation_events", "label_corrections", "lead_decisions")
"""The tables that `load_records` reads: while none of them changes, every item stands where it stood."""


def load_records(tables: Tables, batch: str) -> BatchRecords:
    """The rows of a batch that decide where its items stand."""
    return BatchRecords(
        clips=read_rows(tables, ClipRow, batch),
        labels=read_rows(tables, LabelRow, batch, columns=_LABEL),
        drafts=read_rows(tables, DraftRow, batch, columns=_DRAFT),
        critiques=read_rows(tables, CritiqueRow, batch),
        revisions=read_rows(tables, RevisionRow, batch, columns=_REVISION),
        reviews=read_rows(tables, ReviewRow, batch),
        feedback=read_rows(tables, FeedbackRow, batch),
        quarantine=read_rows(tables, QuarantineRow, batch, columns=_QUARANTINE),
        events=read_rows(tables, EventRow, batch, columns=_EVENT),
        corrections=read_rows(tables, LabelCorrectionRow, batch),
        decisions=read_rows(tables, LeadDecisionRow, batch),
    )


def standings_of(tables: Tables, release: SpecRelease, batch: str) -> list[Standing]:
    """Where every (clip, aspect) of the batch stands under the specification that it is worked under."""
    return load_standings(tables, release.lineage(adopted_version(tables, batch, release.in_force)), batch)


def load_standings(tables: Tables, lineage: Lineage, batch: str) -> list[Standing]:
    """Where every (clip, aspect) of the batch stands under this specification."""
    return standings(load_records(tables, batch), lineage)


def states_in_force(tables: Tables, releases: Releases, batch: str | None = None) -> dict[str, dict[str, str]]:
    """The states of the primitives by label id, in one batch or in all.

    A label that was corrected, or that a lead completed, has the states of the answers in force, under its own id and
    those that it has had since.
    """
    labels = tables.read("primitives", batch, columns=["label_id", "states"])
    found = {label: {state["primitive"]: state["state"] for state in states} for label, states in labels.iter_rows()}
    for moved in batches_with_moved_labels(tables, batch):
        records = load_records(tables, moved)
        in_force, decided = labels_in_force(records), decisions_by_item(records)
        for label in records.labels:
            by_lead = decided.get((label["clip_id"], label["aspect"]), ItemDecisions())
            history = [label, *in_force.history(by_lead.label_in_force(label))]
            if history[-1] is not label:
                aspect = releases.load(label["spec_version"]).aspects[label["aspect"]]
                found |= dict.fromkeys((row["label_id"] for row in history), derive(aspect, answers_of(history[-1])))
    return found


def batches_with_moved_labels(tables: Tables, batch: str | None = None) -> list[str]:
    """Of all batches, or of this one: those where the label in force may be another than a person gave."""
    moving = [
        tables.read(table, batch, columns=["batch"], where=own_work())["batch"]
        for table in ("label_corrections", "lead_decisions")
    ]
    return sorted({name for batches in moving for name in batches})


def labels_by_id(tables: Tables, batch: str) -> dict[str, LabelRow]:
    """Every label of a batch that is or was in force, corrected ones included, without the states."""
    return labels_in_force(load_records(tables, batch)).by_id
