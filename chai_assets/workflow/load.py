"""Reads one batch's rows and walks them: the bridge between the tables and `item_state.py`."""

from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopted_version
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.workflow.item_state import Standing, standings
from chai_assets.workflow.records import Records
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

# Prompts are long, states are many, and the walk does not look at them.
_LABEL = [name for name in TABLES["primitives"].schema.names if name != "states"]
_DRAFT = [
    "draft_id",
    "clip_id",
    "aspect",
    "label_id",
    "upstream",
    "text",
    "request_hash",
    "model",
    "recorded_at",
]
_DRAFT += ["batch", "spec_version", "spec_hash", "served_revision", "sampling", "prompt_hash"]
_DRAFT += ["template_hash"]
_REVISION = [
    "revision_id",
    "draft_id",
    "critique_id",
    "clip_id",
    "aspect",
    "text",
    "effects",
    "other_changes",
]
_REVISION += ["model", "served_revision", "template_hash", "recorded_at"]
_EVENT = ["event_id", "what", "annotation_id", "updated_at"]
_QUARANTINE = ["event_id", "chai_key", "reason", "remedy"]

WALKED = ("clips", "primitives", "drafts", "critiques", "revisions", "reviews", "feedback", "quarantine")
WALKED += ("annotation_events",)
"""The tables that `load_records` reads: while none of them changes, every item stands where it stood."""


def load_records(tables: Tables, batch: str) -> Records:
    """The rows of a batch that decide where its items stand."""
    return Records(
        clips=tables.rows("clips", batch),
        labels=tables.rows("primitives", batch, columns=_LABEL),
        drafts=tables.rows("drafts", batch, columns=_DRAFT),
        critiques=tables.rows("critiques", batch),
        revisions=tables.rows("revisions", batch, columns=_REVISION),
        reviews=tables.rows("reviews", batch),
        feedback=tables.rows("feedback", batch),
        quarantine=tables.rows("quarantine", batch, columns=_QUARANTINE),
        events=tables.rows("annotation_events", batch, columns=_EVENT),
    )


def standings_of(tables: Tables, release: SpecRelease, batch: str) -> list[Standing]:
    """Where every (clip, aspect) of the batch stands under the specification that it is worked under."""
    return load_standings(tables, release.lineage(adopted_version(tables, batch, release.in_force)), batch)


def load_standings(tables: Tables, lineage: Lineage, batch: str) -> list[Standing]:
    """Where every (clip, aspect) of the batch stands under this specification."""
    return standings(load_records(tables, batch), lineage)
