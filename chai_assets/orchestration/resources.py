"""The resources of assets and sensors, built from a deployment's settings. Building them opens nothing."""

from typing import Any

import dagster as dg

from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.critique.assets import Polishing
from chai_assets.datasets.assets import DatasetStore
from chai_assets.spec.resource import release_of
from chai_assets.triples.limit import MergeLimit
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice
from chai_resources.environment import LABEL_STUDIO_TOKEN
from chai_resources.inbox import Inbox
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.people import PeopleFile
from chai_resources.settings import Settings
from chai_resources.tables import Tables


def build_resources(settings: Settings) -> dict[str, Any]:
    """The outside world as these settings name it, by the names under which assets ask for it."""
    tables, media = Tables(root=settings.tables), Media(root=settings.media)
    # By name: a run resolves it when it uses it, and the UI never shows it.
    label_studio = LabelStudio(url=settings.label_studio_url, token=dg.EnvVar(LABEL_STUDIO_TOKEN))
    release = release_of(settings)
    people = PeopleFile(path=str(settings.people))
    shortest, longest = settings.clip_seconds
    return {
        "tables": tables,
        "media": media,
        "label_studio": label_studio,
        "release": release,
        "workflow": Workflow(tables=tables, media=media, release=release),
        "annotation_tasks": AnnotationTasks(label_studio=label_studio, people_file=people),
        "captioner": CaptionerChoice.of(settings),
        "polishing": Polishing(on=settings.polish),
        "merge_limit": MergeLimit(tokens=settings.merge_tokens, tokenizer=settings.tokenizer),
        "inbox": Inbox(root=settings.inbox, detector=settings.detector, shortest_s=shortest, longest_s=longest),
        "datasets": DatasetStore.of(settings),
    }
