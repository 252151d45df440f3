"""Projects of Label Studio, their Data Manager tabs, and the storage that their players read.

What the pages ask and how tasks get into a project is not here.
"""

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from chai_resources.label_studio.api import Api, required

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase

PREFILL_VERSION = "chai"
"""Model version of the predictions that fill a page before anyone has answered."""


LACKS_A_FIELD = "key is expected in task data"
"""What Label Studio says of data that lacks something its project's page shows."""


def empty_fields(label_config: str) -> dict[str, list[Any] | str]:
    """Every field that a page shows, with nothing in it: lists where it repeats, else texts."""
    fields = re.findall(r'(\w+)="\$(\w+)(\[?)', label_config)
    return {field: [] if attribute == "on" or bracket else "" for attribute, field, bracket in fields}


class ProjectSettings(TypedDict, total=False):
    """What we set of a project, named as Label Studio names it."""

    show_skip_button: bool
    enable_empty_annotation: bool
    show_annotation_history: bool
    maximum_annotations: int
    show_collab_predictions: bool
    sampling: Literal["Sequential sampling"]
    label_config: str
    expert_instruction: str
    description: str


SETTINGS: ProjectSettings = {
    "show_skip_button": False,
    "enable_empty_annotation": False,
    "show_annotation_history": False,
    "maximum_annotations": 1,
    "show_collab_predictions": True,
    "sampling": "Sequential sampling",
}


def projects_titled(api: Api, title: str) -> list[tuple[int, str]]:
    """Id and title of every project whose title contains `title`."""
    found: list[tuple[int, str]] = []
    number = 1
    while True:
        # Not the SDK's `projects.list`: every run asks this, and would first load the models of all that a project
        # has, which takes 0.04 s. Its paging also asks for one page too many, which is refused.
        query = {"title": title, "include": "id,title", "page": number, "page_size": 100}
        page = api.get("/api/projects/", **query)
        found += [(project["id"], project["title"]) for project in page["results"]]
        if not page["next"]:
            return found
        number += 1


def ensure_project(api: Api, title: str, settings: ProjectSettings) -> int:
    """Id of the project of exactly this title, made or brought up to date.

    Raises ValueError when two projects have the title.
    """
    found = [project_id for project_id, name in projects_titled(api, title) if name == title]
    sdk = api.sdk
    if len(found) > 1:
        ids = ", ".join(map(str, found))
        raise ValueError(f"Label Studio projects {ids} are all called {title!r}: rename all but one")
    if found:
        project_id = found[0]
        _update(sdk, project_id, settings)
    else:
        # Which predictions fill the page can be named freely only now, before there are any.
        project_id = required(sdk.projects.create(title=title, model_version=PREFILL_VERSION, **settings).id)
    if not sdk.views.list(project=project_id):
        # Or the page makes one itself, which the guard refuses to annotators.
        ensure_tab(sdk, project_id, {"title": "All tasks", "type": "list", "target": "tasks"})
    return project_id


def _update(sdk: "LabelStudioBase", project_id: int, settings: ProjectSettings) -> None:
    # Only what differs: a page that is sent again is refused as soon as one annotation of the project cannot be read.
    there = sdk.projects.get(project_id)
    # Instructions come back with their HTML entities written out.
    changed = {k: v for k, v in settings.items() if unescape(str(getattr(there, k))) != unescape(str(v))}
    if changed:
        sdk.projects.update(project_id, **cast("ProjectSettings", changed))


def ensure_tab(sdk: "LabelStudioBase", project_id: int, tab: Mapping[str, Any]) -> int:
    """Id of the project's Data Manager tab of this title, made where there is none."""
    from label_studio_sdk.types import ViewDataRequestRequest

    for view in sdk.views.list(project=project_id):
        if (view.data or {}).get("title") == tab["title"]:
            return required(view.id)
    return required(sdk.views.create(project=project_id, data=ViewDataRequestRequest.model_validate(tab)).id)


def ensure_storage(sdk: "LabelStudioBase", project_id: int, media_root: str) -> None:
    """Let players read the media root: a folder on Label Studio's machine, or s3://bucket/prefix."""
    title = "CHAI media"
    if media_root.startswith("s3://"):
        bucket, _, prefix = media_root.removeprefix("s3://").strip("/").partition("/")
        buckets = sdk.import_storage.s3
        if not any((s.bucket, s.prefix or "") == (bucket, prefix) for s in buckets.list(project=project_id)):
            # Signed for 15 minutes at each view; the task keeps the s3:// address, so nothing in it expires.
            signed: _Signing = {"use_blob_urls": True, "presign": True, "presign_ttl": 15}
            buckets.create(project=project_id, title=title, bucket=bucket, prefix=prefix or None, **signed)
    else:
        folder = Path(media_root).resolve()
        folder.mkdir(parents=True, exist_ok=True)  # a record of a folder that is not there is refused
        folders = sdk.import_storage.local
        if not any(storage.path == str(folder) for storage in folders.list(project=project_id)):
            folders.create(project=project_id, title=title, path=str(folder), use_blob_urls=True)


class _Signing(TypedDict):
    use_blob_urls: bool
    presign: bool
    presign_ttl: int
