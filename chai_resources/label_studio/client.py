"""The service account's client: projects, pushing tasks once, polling for what people did, accounts.

Label Studio has no unique key for a task: `data.chai_key` is ours, `data.chai_batch` is what we list by. One
process at a time may push to a project (a Dagster pool sees to that); everything else may run side by side.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from chai_resources.errors import UnusableInput
from chai_resources.label_studio.annotator import assigned_to, open_tasks_of, submit_form
from chai_resources.label_studio.api import Api, LabelStudioDown, LabelStudioRefused
from chai_resources.label_studio.listing import (
    Filter,
    all_of,
    first_tasks,
    parse_time,
    tasks_by_change,
    tasks_by_id,
)
from chai_resources.people import account_key

PREFILL_VERSION = "chai"
CHUNK = 1000  # tasks an import: 0.2 s on SQLite, 0.5 s on PostgreSQL; larger ones gain nothing
IMPORT_ROUNDS = 3
SETTINGS = {
    "show_skip_button": False,
    "enable_empty_annotation": False,
    "show_annotation_history": False,
    "maximum_annotations": 1,
    "show_collab_predictions": True,
    "sampling": "Sequential sampling",
}


def title_of(kind: str) -> str:
    """Title of the project for tasks of this kind."""
    return f"CHAI {kind}"


@dataclass(frozen=True)
class Task:
    """A task to be shown once: our key, all that its page shows, and the answers it starts with."""

    chai_key: str
    data: dict[str, Any]
    prefill: list[dict[str, Any]] | None = None


class LabelStudio(dg.ConfigurableResource):
    """Label Studio with the rights of the service account.

    Methods raise LabelStudioDown when it cannot be reached, LabelStudioRefused when it answers an error.
    """

    url: str
    token: str
    _connection: Api | None = PrivateAttr(default=None)
    _project_ids: dict[str, int] = PrivateAttr(default_factory=dict)

    @property
    def _api(self) -> Api:
        if self._connection is None:
            self._connection = Api(self.url, self.token)
        return self._connection

    def ensure_project(self, kind: str, title: str, config_xml: str, instruction: str) -> int:
        """Id of the project of exactly this title (3 to 50 characters), made or brought up to date.

        Raises ValueError when two projects have the title.
        """
        # Label Studio trims the page; one that looks changed would be sent again, and it refuses that
        # as soon as a single unreadable annotation exists.
        wanted = SETTINGS | {"label_config": config_xml.strip(), "expert_instruction": instruction}
        wanted["description"] = f"Tasks of kind {kind}, pushed and collected by CHAI."
        found = [p for p in self._projects(title) if p["title"] == title]
        if len(found) > 1:
            ids = ", ".join(str(project["id"]) for project in found)
            raise UnusableInput(f"Label Studio projects {ids} are all called {title!r}: rename all but one")
        if not found:
            # Which predictions fill the page can be named freely only now, before there are any.
            body = wanted | {"title": title, "model_version": PREFILL_VERSION}
            project_id = self._api.send("POST", "/api/projects/", body)["id"]
        else:
            project_id = found[0]["id"]
            there = self._api.get(f"/api/projects/{project_id}/")
            # Instructions come back with their HTML entities written out.
            changed = {k: v for k, v in wanted.items() if unescape(str(there[k])) != unescape(str(v))}
            if changed:
                self._api.send("PATCH", f"/api/projects/{project_id}/", changed)
        if not self._views(project_id):  # or the page makes one itself, which the guard refuses to annotators
            self._ensure_view(project_id, {"title": "All tasks", "type": "list", "target": "tasks"})
        return project_id

    def project(self, kind: str) -> int | None:
        """Id of the project for tasks of this kind, or None where Label Studio was not made ready yet."""
        if title_of(kind) not in self._project_ids:
            # One request finds the projects of all kinds; of two with one title the first counts.
            self._project_ids = {p["title"]: p["id"] for p in reversed(self._projects(title_of("")))}
        return self._project_ids.get(title_of(kind))

    def require_project(self, kind: str) -> int:
        """Id of the project for tasks of this kind. Raises LabelStudioRefused where there is none."""
        project_id = self.project(kind)
        if project_id is None:
            raise LabelStudioRefused(
                f"project {title_of(kind)!r}",
                404,
                "it does not exist; `make up` makes the projects and pages",
            )
        return project_id

    def project_url(self, kind: str) -> str:
        """Address of the project's page; of all projects where it does not exist yet."""
        project_id = self.project(kind)
        return f"{self.url}/projects/{project_id}/data" if project_id else f"{self.url}/projects"

    def server_time(self) -> datetime:
        """Label Studio's own clock, UTC, to the second: what bookmarks and cursors are measured by."""
        return self._api.server_time()

    def ensure_storage(self, project_id: int, media_root: str) -> None:
        """Let players read the media root (a folder on Label Studio's machine, or s3://bucket/prefix)."""
        if media_root.startswith("s3://"):
            bucket, _, prefix = media_root.removeprefix("s3://").strip("/").partition("/")
            kind, identity = "s3", {"bucket": bucket, "prefix": prefix or None}
            # Signed for 15 minutes at each view; the task keeps the s3:// address, so nothing in it expires.
            options = {"use_blob_urls": True, "presign": True, "presign_ttl": 15}
        else:
            folder = Path(media_root).resolve()
            folder.mkdir(parents=True, exist_ok=True)  # a record of a folder that is not there is refused
            kind, identity, options = "localfiles", {"path": str(folder)}, {"use_blob_urls": True}
        path = f"/api/storages/{kind}/"
        there = self._api.get(path, project=project_id)
        if not any(all(record[k] == v for k, v in identity.items()) for record in there):
            body = {"project": project_id, "title": "CHAI media", **identity, **options}
            self._api.send("POST", path, body)

    def existing(self, project_id: int, batch: str) -> dict[str, list[int]]:
        """Ids of the tasks of a batch by chai_key, ascending; more than one where an import was doubled."""
        found: dict[str, list[int]] = {}
        for task in tasks_by_id(self._api, project_id, [_of_batch(batch)], include="id,data"):
            found.setdefault(task["data"].get("chai_key", ""), []).append(task["id"])
        return found

    def ensure_tasks(self, project_id: int, batch: str, tasks: list[Task]) -> dict[str, int]:
        """Import the tasks that are not there yet; returns the id of each by chai_key.

        When the reply to an import is lost, what arrived is found by listing again; doubles are mended.
        Raises LabelStudioDown or LabelStudioRefused when a third attempt fails too.
        """
        repeated = [key for key, count in Counter(task.chai_key for task in tasks).items() if count > 1]
        if repeated:
            raise ValueError(f"chai_key twice in one push to batch {batch}: {', '.join(repeated[:3])}")
        if not tasks:
            return {}
        ids = self._mend(self.existing(project_id, batch))
        for attempt in range(IMPORT_ROUNDS):
            try:
                ids |= self._import(project_id, batch, [task for task in tasks if task.chai_key not in ids])
                break
            except (LabelStudioDown, LabelStudioRefused) as error:
                rejected = isinstance(error, LabelStudioRefused) and error.status < 500
                if rejected or attempt == IMPORT_ROUNDS - 1:
                    raise
                ids = self._mend(self._settled(project_id, batch))
        return {task.chai_key: ids[task.chai_key] for task in tasks}

    def changed(self, project_id: int, since: datetime, batch: str | None = None) -> Iterator[dict[str, Any]]:
        """Tasks touched at or after `since`, oldest change first: their data, and their annotations whole.

        `completed_by` and `updated_by` of annotations are e-mails. A task that changes while it is listed may
        come twice; ask with an overlap, since Label Studio stamps a change a moment before it shows.
        """
        people: dict[int, str] = {}
        filters = [_of_batch(batch)] if batch else []
        for task in tasks_by_change(self._api, project_id, since, filters):
            if task["annotations"] and not people:
                people = self._people()
            for annotation in task["annotations"]:
                annotation["completed_by"] = _email(annotation.get("completed_by"), people)
                annotation["updated_by"] = _email(annotation.get("updated_by"), people)
            yield task

    def newest(self, project_id: int) -> datetime | None:
        """When the project's tasks last changed, by Label Studio's clock; None when it has none. Cheap."""
        page = first_tasks(self._api, project_id, [], "-tasks:updated_at", 1, "id,updated_at")
        return parse_time(page[0]["updated_at"]) if page else None

    def touched(self, project_id: int, since: datetime) -> list[tuple[str, int, datetime]]:
        """(batch, task id, time) of our tasks touched at or after `since`; being pushed or closed does not count."""
        light = "id,data,created_at,updated_at,total_annotations,cancelled_annotations"
        return [
            (task["data"]["chai_batch"], task["id"], parse_time(task["updated_at"]))
            for task in tasks_by_change(self._api, project_id, since, [], include=light)
            if "chai_batch" in task["data"] and not _our_own_doing(task)
        ]

    def task_ids(self, project_id: int) -> dict[int, str]:
        """chai_key of every task by id ("" for tasks that are not ours); about 20 s for 50,000."""
        tasks = tasks_by_id(self._api, project_id, [], include="id,data")
        return {task["id"]: task["data"].get("chai_key", "") for task in tasks}

    def close(self, task_id: int) -> None:
        """Close a task: it leaves its queue, and the guard refuses changes by annotators."""
        self._change(task_id, {"chai_state": "closed"})

    def reopen(self, task_id: int) -> None:
        """Open a closed task again, for the same person."""
        self._change(task_id, {"chai_state": "open"})

    def ensure_person(self, email: str, password: str) -> int:
        """Id of the account, made with this password where it is missing.

        The user name becomes the pseudonym, because everyone can see it.
        """
        known = {user["email"].lower(): user["id"] for user in self._api.get("/api/users/")}
        if email.lower() in known:
            return known[email.lower()]
        invitation = self._api.get("/api/invite")["invite_url"]
        newcomer = Api(self.url)
        submit_form(newcomer, invitation[invitation.index("/user/signup") :], email.lower(), password)
        user_id = newcomer.get("/api/current-user/whoami")["id"]
        self._api.send("PATCH", f"/api/users/{user_id}/", {"username": account_key(email)})
        self._api.send("POST", "/api/invite/reset-token")  # a link lets in whoever has it
        return user_id

    def ensure_queue_tab(self, project_id: int, title: str, account_key: str) -> int:
        """Id of the Data Manager tab that lists what is assigned to an account and not answered yet.

        Annotators label from /projects/<project>/data?tab=<id>&labeling=1.
        """
        tab = {
            "title": title,
            "type": "list",
            "target": "tasks",
            "ordering": ["tasks:id"],
            "filters": all_of(open_tasks_of(account_key)),
        }
        return self._ensure_view(project_id, tab)

    def ensure_returned_tab(self, project_id: int, title: str, account_key: str) -> int:
        """Id of the Data Manager tab that lists the tasks given back to an account for correction."""
        filters = [*assigned_to(account_key), ("data.returned", "contains", "String", "Please")]
        tab = {"title": title, "type": "list", "target": "tasks", "ordering": ["tasks:id"], "filters": all_of(filters)}
        return self._ensure_view(project_id, tab)

    def give_back(self, task_id: int, why: str) -> None:
        """Show on an answered task why its answer could not be read; an empty text takes that away again."""
        self._change(task_id, {"returned": why})

    def drafts(self, task_id: int) -> list[dict[str, Any]]:
        """What Label Studio saved of answers that are not submitted yet: `result` and `updated_at` of each."""
        return self._api.get(f"/api/tasks/{task_id}/drafts")

    def connect_model(self, project_id: int, title: str, url: str, user: str, password: str) -> None:
        """Have a project's page ask the model server at this address while people work. It must run.

        Raises LabelStudioRefused where it does not, or is at a private address that Label Studio may not call.
        """
        body = {"project": project_id, "title": title, "url": url, "is_interactive": True}
        body |= {"auth_method": "BASIC_AUTH", "basic_auth_user": user, "basic_auth_pass": password}
        there = self._models(project_id, title)
        for extra in there[1:]:
            self._api.send("DELETE", f"/api/ml/{extra}")
        path = f"/api/ml/{there[0]}" if there else "/api/ml/"
        try:
            self._api.send("PATCH" if there else "POST", path, body)
        except LabelStudioRefused as refused:
            if refused.status != 403:
                raise
            remedy = "`make down`, then `CHAI_PREVIEW=on make up`; started elsewhere it wants ML_BLOCK_LOCAL_IP=false"
            raise LabelStudioRefused(f"the server at {url}", 403, f"it may call no private address: {remedy}") from None

    def disconnect_model(self, project_id: int, title: str) -> None:
        """Have a project's page ask that model server no more; it need not run."""
        for model in self._models(project_id, title):
            self._api.send("DELETE", f"/api/ml/{model}")

    def _models(self, project_id: int, title: str) -> list[int]:
        return [model["id"] for model in self._api.get("/api/ml", project=project_id) if model["title"] == title]

    def _change(self, task_id: int, fields: dict[str, str]) -> None:
        data = self._api.get(f"/api/tasks/{task_id}/", resolve_uri="false")["data"]
        if data | fields != data:
            self._api.send("PATCH", f"/api/tasks/{task_id}/", {"data": data | fields})

    def _projects(self, title: str) -> list[dict[str, Any]]:
        """Projects whose title contains `title`."""
        found, page = [], 1
        while True:
            query = {"title": title, "include": "id,title", "page": page, "page_size": 100}
            answer = self._api.get("/api/projects/", **query)
            found += answer["results"]
            if not answer["next"]:
                return found
            page += 1

    def _views(self, project_id: int) -> list[dict[str, Any]]:
        return self._api.get("/api/dm/views/", project=project_id)

    def _ensure_view(self, project_id: int, tab: dict[str, Any]) -> int:
        for view in self._views(project_id):
            if view["data"].get("title") == tab["title"]:
                return view["id"]
        return self._api.send("POST", "/api/dm/views/", {"project": project_id, "data": tab})["id"]

    def _import(self, project_id: int, batch: str, tasks: list[Task]) -> dict[str, int]:
        ids: dict[str, int] = {}
        for first in range(0, len(tasks), CHUNK):
            chunk = tasks[first : first + CHUNK]
            body = [_import_form(task, batch) for task in chunk]
            path = f"/api/projects/{project_id}/import"
            answer = self._api.send("POST", path, body, return_task_ids="true")
            ids |= dict(zip([task.chai_key for task in chunk], answer["task_ids"], strict=True))
        return ids

    def _settled(self, project_id: int, batch: str) -> dict[str, list[int]]:
        """The batch's tasks once two looks agree: an import whose reply was lost may be running still."""
        before = None
        while True:
            time.sleep(1)
            now = self.existing(project_id, batch)
            if now == before:
                return now
            before = now

    def _mend(self, found: dict[str, list[int]]) -> dict[str, int]:
        """The lowest id of each key, after deleting higher ones on which nobody has worked."""
        for double in (task_id for ids in found.values() for task_id in ids[1:]):
            task = self._api.get(f"/api/tasks/{double}/", resolve_uri="false")
            # The task itself shows only our own drafts.
            if not (task["annotations"] or task["cancelled_annotations"] or self.drafts(double)):
                self._api.send("DELETE", f"/api/tasks/{double}/")
        return {key: ids[0] for key, ids in found.items()}

    def _people(self) -> dict[int, str]:
        return {user["id"]: user["email"] for user in self._api.get("/api/users/")}


def _of_batch(batch: str) -> Filter:
    return ("data.chai_batch", "equal", "String", batch)


def _import_form(task: Task, batch: str) -> dict[str, Any]:
    form: dict[str, Any] = {"data": {"chai_state": "open", **task.data, "chai_key": task.chai_key, "chai_batch": batch}}
    if task.prefill is not None:
        form["predictions"] = [{"model_version": PREFILL_VERSION, "result": task.prefill}]
    return form


def _our_own_doing(task: dict[str, Any]) -> bool:
    if task["data"].get("chai_state") == "closed":
        return True
    worked_on = task["total_annotations"] or task["cancelled_annotations"]
    age = parse_time(task["updated_at"]) - parse_time(task["created_at"])
    return not worked_on and age < timedelta(seconds=1)


def _email(user: Any, people: dict[int, str]) -> str | None:
    """E-mail of a user given as an id or as an object; None where Label Studio names nobody."""
    if isinstance(user, dict):
        user = user["id"]
    return people.get(user) if user is not None else None
