"""The one Definitions: collects assets, jobs, schedules, sensors and checks, and wires the resources.

Loading it does no I/O and needs no variable set. Asset logic stays out; policy for all assets is laid over here.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.asset_metadata import column_schema
from chai_assets.critique import assets as critique_assets
from chai_assets.datasets import assets as dataset_assets
from chai_assets.datasets.assets import DatasetStore
from chai_assets.drafting import assets as drafting_assets
from chai_assets.ingestion import assets as clip_assets
from chai_assets.labeling import assets as labeling_assets
from chai_assets.orchestration import jobs
from chai_assets.orchestration.sensors import build_sensors
from chai_assets.people import assets as people_assets
from chai_assets.planning import assets as planning_assets
from chai_assets.review import assets as review_assets
from chai_assets.revision import assets as revision_assets
from chai_assets.spec import assets as spec_assets
from chai_assets.spec.resource import release_of
from chai_assets.triples import assets as triple_assets
from chai_assets.triples.limit import MergeLimit
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice
from chai_resources.environment import LABEL_STUDIO_TOKEN
from chai_resources.inbox import Inbox
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.people import PeopleFile
from chai_resources.schemas import TABLES
from chai_resources.settings import Settings
from chai_resources.tables import Tables

STAGES = (spec_assets, clip_assets, labeling_assets, drafting_assets, critique_assets, revision_assets)
STAGES += (review_assets, triple_assets, dataset_assets, people_assets, planning_assets)
OWNERS = ["team:caption-data"]


def resources(settings: Settings) -> dict[str, Any]:
    """The outside world as this deployment's settings name it."""
    tables, media = Tables(root=settings.tables), Media(root=settings.media)
    # By name: a run resolves it when it uses it, and the UI never shows it.
    label_studio = LabelStudio(url=settings.label_studio_url, token=dg.EnvVar(LABEL_STUDIO_TOKEN))
    release = release_of(settings)
    people = PeopleFile(path=str(settings.people))
    workflow = Workflow(tables=tables, media=media, release=release)
    shortest, longest = settings.clip_seconds
    return {
        "tables": tables,
        "media": media,
        "label_studio": label_studio,
        "release": release,
        "workflow": workflow,
        "annotation_tasks": AnnotationTasks(workflow=workflow, label_studio=label_studio, people_file=people),
        "captioner": CaptionerChoice.of(settings),
        "polishing": critique_assets.Polishing(on=settings.polish),
        "merge_limit": MergeLimit(tokens=settings.merge_tokens, tokenizer=settings.tokenizer),
        "inbox": Inbox(root=settings.inbox, detector=settings.detector, shortest_s=shortest, longest_s=longest),
        "datasets": DatasetStore.of(settings),
    }


def _with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
    table = spec.key.path[-1]
    columns = {"dagster/column_schema": column_schema(table)} if table in TABLES else {}
    return spec.replace_attributes(owners=OWNERS, metadata={**spec.metadata, **columns})


def _governed(asset: Any) -> Any:
    return asset.map_asset_specs(_with_policy) if isinstance(asset, dg.AssetsDefinition) else asset


def build_defs(settings: Settings | None = None, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """A fresh Definitions for these settings (the environment's by default), with resources swapped as given."""
    settings = settings or Settings.from_env()
    checks = dg.load_asset_checks_from_modules([dataset_assets])
    return dg.Definitions(
        assets=[_governed(asset) for asset in dg.load_assets_from_modules(STAGES)]
        + [_with_policy(labeling_assets.label_studio_annotations)],
        asset_checks=checks,
        jobs=[jobs.ingest, jobs.advance, jobs.adopt, jobs.publish_spec, jobs.export, jobs.maintenance],
        schedules=jobs.build_schedules(settings.timezone),
        sensors=build_sensors(settings.inbox, settings.poll_seconds),
        resources={**resources(settings), **(resource_overrides or {})},
        # Steps are short and share one process: starting one for each costs more than its work.
        executor=dg.in_process_executor,
    )


defs = build_defs()
