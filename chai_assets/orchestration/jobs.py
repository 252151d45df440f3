"""The jobs: which assets run together. When they run is in `sensors.py` and `schedules.py`."""

from collections.abc import Sequence

import dagster as dg

from chai_resources.schemas import TABLES
from chai_resources.tables import Tables

_INGEST = ("clips", "spec_adoptions", "primitive_tasks", "standings")
_COLLECT = ("primitives", "critiques", "reviews", "feedback")
_WORK = ("drafts", "polished_critiques", "revisions", "triples", "merged_captions")
_PUSH = ("primitive_tasks", "critique_tasks", "review_tasks", "feedback_tasks", "task_states", "standings")

ADVANCE = (*_COLLECT, *_WORK, *_PUSH)
"""What one step on of a batch consists of."""
ADOPT = ("spec_adoptions", *ADVANCE)
"""What a batch goes through when it adopts a version of the specification."""

STUCK_CHECK = dg.AssetCheckKey(dg.AssetKey("standings"), "no_batch_is_stuck")
"""Looks at the runs of every batch, so no run of one batch asks it: a sensor does (`retries.py`)."""


def _of(assets: Sequence[str]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*assets) - dg.AssetSelection.checks(STUCK_CHECK)


ingest = dg.define_asset_job(
    "ingest",
    selection=_of(_INGEST),
    description="A new batch: its videos become clips, and its labeling tasks are handed out.",
)
advance = dg.define_asset_job(
    "advance",
    selection=_of(ADVANCE),
    description="One batch, one step on: collect what people did, draft and revise, join, hand out what is next.",
)
adopt = dg.define_asset_job(
    "adopt",
    selection=_of(ADOPT),
    description="One batch moves to the specification in force, and one step on under it.",
)
publish_spec = dg.define_asset_job(
    "publish_spec",
    selection=dg.AssetSelection.assets("spec", "spec_plan"),
    description="Compiles the specification in force, publishes its handbook, and plans what it changes.",
)
export = dg.define_asset_job(
    "export",
    selection=dg.AssetSelection.assets("dataset_candidate", "dataset", "scorecards"),
    description="Checks the triples in force and publishes them as a dataset; brings the scorecards up to date.",
)


@dg.op
def compact_tables(context: dg.OpExecutionContext, tables: Tables) -> None:
    """Compacts every table's small files and drops those that no version of the last 30 days needs."""
    for name in TABLES:
        context.log.info(f"{tables.maintain(name)}")


@dg.job(description="Table maintenance: compacts small files.")
def maintenance() -> None:
    compact_tables()


JOBS = (ingest, advance, adopt, publish_spec, export, maintenance)
