"""Starts a real Label Studio for tests, on a free port, and looks into it.

Fixtures that use it belong in conftest.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import requests

from chai_resources.label_studio import Annotator, LabelStudio
from chai_resources.label_studio.listing import first_tasks, parse_time, tasks_by_id
from chai_resources.services import label_studio_server, processes
from chai_resources.services.secrets import home_secrets
from tests.services.local import free_ports


@dataclass(frozen=True)
class LabelStudioHandle:
    """A running Label Studio: its address, the service account's token, and how to end it."""

    url: str
    token: str
    home: Path
    stop: Callable[[], object]


def start_label_studio(home: Path, media: str | None = None, local_models: bool = False) -> LabelStudioHandle:
    """Start Label Studio under `home`; players read from `media`, by default <home>/media.

    `local_models`: model servers on this machine may be connected.
    """
    (port,) = free_ports(1)
    label_studio_server.start_label_studio(home, port, media or str(home / "media"), local_models=local_models)
    token = home_secrets(home)["label_studio_token"]

    def stop() -> bool:
        return processes.stop(home, "label-studio")

    return LabelStudioHandle(f"http://127.0.0.1:{port}", token, home, stop)


@cache
def raw_session(person: Annotator) -> requests.Session:
    """The person's session for raw requests, in which a refusal is an answer and no error."""
    session = requests.Session()
    for cookie in person.api.session.cookies.jar:
        session.cookies.set_cookie(cookie)
    return session


def newest(service: LabelStudio, project_id: int) -> datetime | None:
    """When the project's tasks last changed, by Label Studio's clock; None when it has none."""
    page = first_tasks(service._api, project_id, [], "-tasks:updated_at", 1, "id,updated_at")
    return parse_time(page[0]["updated_at"]) if page else None


def task_ids(service: LabelStudio, project_id: int) -> dict[int, str]:
    """chai_key of every task by id ("" for tasks that are not ours)."""
    tasks = tasks_by_id(service._api, project_id, [], include="id,data")
    return {task["id"]: task["data"].get("chai_key", "") for task in tasks}
