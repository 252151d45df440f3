"""The one Definitions: collects what the packages define, and lays over it the policy that holds for all assets.

Loading it does no I/O and needs no variable set. What an asset, a job or a resource does is not decided here.
"""

import gc
from collections.abc import Mapping, Sequence
from typing import Any, cast

import dagster as dg

from chai_assets.core.asset_metadata import column_schema
from chai_assets.critique import assets as critique_assets
from chai_assets.datasets import assets as dataset_assets
from chai_assets.drafting import assets as drafting_assets
from chai_assets.ingestion import assets as clip_assets
from chai_assets.labeling import assets as labeling_assets
from chai_assets.orchestration import retries
from chai_assets.orchestration.jobs import JOBS
from chai_assets.orchestration.resources import build_resources
from chai_assets.orchestration.schedules import build_schedules
from chai_assets.orchestration.sensors import build_sensors
from chai_assets.people import assets as people_assets
from chai_assets.planning import assets as planning_assets
from chai_assets.review import assets as review_assets
from chai_assets.revision import assets as revision_assets
from chai_assets.spec import assets as spec_assets
from chai_assets.triples import assets as triple_assets
from chai_resources.schemas import TABLES
from chai_resources.settings import Settings

STAGES = (spec_assets, clip_assets, labeling_assets, drafting_assets, critique_assets, revision_assets)
STAGES += (review_assets, triple_assets, dataset_assets, people_assets, planning_assets)


def _with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
    table = spec.key.path[-1]
    columns = {"dagster/column_schema": column_schema(table)} if table in TABLES else {}
    return spec.replace_attributes(owners=["team:caption-data"], metadata={**spec.metadata, **columns})


def build_defs(settings: Settings | None = None, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """A fresh Definitions for these settings (the environment's by default), with resources swapped as given."""
    settings = settings or Settings.from_env()
    loaded = dg.load_assets_from_modules(STAGES, include_specs=True)
    return dg.Definitions(
        assets=dg.map_asset_specs(_with_policy, cast("Sequence[dg.AssetsDefinition | dg.AssetSpec]", loaded)),
        asset_checks=dg.load_asset_checks_from_modules([dataset_assets, retries]),
        jobs=JOBS,
        schedules=build_schedules(settings.timezone),
        sensors=build_sensors(settings.inbox, settings.poll_seconds),
        resources={**build_resources(settings), **(resource_overrides or {})},
        # Steps are short and share one process: starting one for each costs more than its work.
        executor=dg.in_process_executor,
    )


defs = build_defs()
# What was loaded stays loaded. Without this the collector goes over it in every run, and at exit for 0.4 s.
gc.freeze()
