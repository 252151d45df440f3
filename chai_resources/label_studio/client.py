"""The service account's client: projects, pushing tasks once, polling for what people did, accounts.

Label Studio has no unique key for a task: `data.chai_key` is ours, `data.chai_batch` is what we list by. One
process at a time may push to a project (a Dagster pool sees to that); everything else may run side by side.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import PrivateAttr

from chai_resources.label_studio import accounts, model_servers, projects
from chai_resources.label_studio.accepted import Accepted, accepted_versions, confirm_archived
from chai_resources.label_studio.annotator import assigned_to, open_tasks_of
from chai_resources.label_studio.api import Api, required
from chai_resources.label_studio.errors import LabelStudioDown, LabelStudioRefused
from chai_resources.label_studio.listing import (
    UNLISTABLE,
    Filter,
    all_of,
    parse_time,
    tasks_by_change,
    tasks_by_id,
)
from chai_resources.label_studio.piecewise import task_in_pieces

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase
    from label_studio_sdk.core.request_options import RequestOptions
    from label_studio_sdk.types import RoleBasedTask

CHUNK = 1000
"""Tasks an import: 0.2 s on SQLite, 0.5 s on PostgreSQL; larger imports are no faster."""
IMPORT_ATTEMPTS = 3


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

    @property
    def _sdk(self) -> "LabelStudioBase":
        return self._api.sdk

    def ensure_project(self, kind: str, title: str, config_xml: str, instruction: str) -> int:
        """Id of the project of exactly this title (3 to 50 characters), made or brought up to date.

        Raises ValueError when two projects have the title.
        """
        settings: projects.ProjectSettings = {
            **projects.SETTINGS,
            "label_config": config_xml.strip(),  # as Label Studio trims it, or it would look changed each time
            "expert_instruction": instruction,
            "description": f"Tasks of kind {kind}, pushed and collected by CHAI.",
        }
        return projects.ensure_project(self._api, title, settings)

    def project(self, kind: str) -> int | None:
        """Id of the project for tasks of this kind; None before `make up` has made the projects."""
        if title_of(kind) not in self._project_ids:
            # One request finds the projects of all kinds; of two with one title the first counts.
            found = projects.projects_titled(self._api, title_of(""))
            self._project_ids = {title: project_id for project_id, title in reversed(found)}
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
        """Label Studio's own clock, UTC, to the second. Bookmarks and cursors go by it."""
        return self._api.server_time()

    def ensure_storage(self, project_id: int, media_root: str) -> None:
        """Let players read the media root (a folder on Label Studio's machine, or s3://bucket/prefix)."""
        projects.ensure_storage(self._sdk, project_id, media_root)

    def existing(self, project_id: int, batch: str) -> dict[str, list[int]]:
        """Ids of the tasks of a batch by chai_key, ascending; several where an import was carried out twice."""
        found: dict[str, list[int]] = {}
        for task in tasks_by_id(self._api, project_id, [_of_batch(batch)], include="id,data"):
            found.setdefault(task.get("data", {}).get("chai_key", ""), []).append(task["id"])
        return found

    def task_states(self, project_id: int, batch: str) -> dict[int, tuple[str, str]]:
        """Key and state (open or closed) of every task of a batch, by id."""
        listed = tasks_by_id(self._api, project_id, [_of_batch(batch)], include="id,data")
        data = {task["id"]: task.get("data", {}) for task in listed}
        return {task_id: (shown.get("chai_key", ""), shown.get("chai_state", "")) for task_id, shown in data.items()}

    def ensure_tasks(self, project_id: int, batch: str, tasks: list[Task]) -> dict[str, int]:
        """Import the tasks that are not there yet; returns the id of each by chai_key.

        When the reply to an import is lost, what arrived is found by listing again, and duplicates are removed.
        Raises LabelStudioDown or LabelStudioRefused when a third attempt fails too.
        """
        repeated = [key for key, count in Counter(task.chai_key for task in tasks).items() if count > 1]
        if repeated:
            raise ValueError(f"chai_key twice in one push to batch {batch}: {', '.join(repeated[:3])}")
        if not tasks:
            return {}
        ids = self._remove_duplicates(self.existing(project_id, batch))
        for attempt in range(IMPORT_ATTEMPTS):
            try:
                ids |= self._import(project_id, batch, [task for task in tasks if task.chai_key not in ids])
                break
            except (LabelStudioDown, LabelStudioRefused) as error:
                rejected = isinstance(error, LabelStudioRefused) and error.status < 500
                if rejected or attempt == IMPORT_ATTEMPTS - 1:
                    raise
                ids = self._remove_duplicates(self._existing_at_rest(project_id, batch))
        return {task.chai_key: ids[task.chai_key] for task in tasks}

    def changed(self, project_id: int, since: datetime, batch: str | None = None) -> Iterator[dict[str, Any]]:
        """Tasks touched at or after `since`, oldest change first: their data, and their annotations whole.

        `completed_by` and `updated_by` of annotations are e-mails. A task that changes while it is listed may
        come twice; ask with an overlap, since Label Studio stamps a change a moment before it shows. What Label
        Studio fails to list is in `unlistable`, as `Unlistable` objects.
        """
        people: dict[int, str] = {}
        filters = [_of_batch(batch)] if batch else []
        for listed in tasks_by_change(self._api, project_id, since, filters):
            task = task_in_pieces(self._api, project_id, listed) if UNLISTABLE in listed else listed
            if (task["annotations"] or UNLISTABLE in task) and not people:
                people = accounts.emails_by_id(self._sdk)
            for bad in task.get(UNLISTABLE, []):
                bad.account = accounts.email_of(bad.author, people)
            for annotation in task["annotations"]:
                _name_people(annotation, people)
            yield task

    def accepted(self, project_id: int, batch: str) -> Accepted:
        """Versions of answers in a batch that Label Studio accepted and that are not confirmed as archived yet.

        Ask before `changed`: an annotation that is here and not there was deleted in between.
        """
        found = accepted_versions(self._api, project_id, batch)
        people = accounts.emails_by_id(self._sdk) if found.versions else {}
        for version in found.versions:
            _name_people(version["annotation"], people)
        return found

    def confirm_archived(self, project_id: int, batch: str, ids: list[int], mark: str) -> None:
        """Have accepted versions removed, since they are archived, and leave a mark beside the batch's answers.

        A Label Studio that was restored from an older backup lacks the mark.
        """
        confirm_archived(self._api, project_id, batch, ids, mark)

    def touched(self, project_id: int, since: datetime) -> list[tuple[str, int, datetime]]:
        """Batch, id and time of our tasks that people touched at or after `since`: not those we pushed or closed."""
        light = "id,data,created_at,updated_at,total_annotations,cancelled_annotations"
        return [
            (task["data"]["chai_batch"], task["id"], parse_time(task["updated_at"]))
            for task in tasks_by_change(self._api, project_id, since, [], include=light)
            if "chai_batch" in task.get("data", {}) and not _changed_by_us(task)
        ]

    def close(self, task_id: int, key: str | None = None) -> None:
        """Close a task: it leaves its queue, and the guard refuses changes by annotators.

        `key`: the chai_key that it must have. With it, a task that is gone, or is another by now, is left alone: a
        full look finds that, and pushes it again.
        """
        self._change(task_id, {"chai_state": "closed"}, key)

    def reopen(self, task_id: int, key: str | None = None) -> None:
        """Open a closed task again, for the same person; `key` as for `close`."""
        self._change(task_id, {"chai_state": "open"}, key)

    def ensure_person(self, email: str, password: str) -> int:
        """Id of the account, made with this password where it is missing, and opened where it was closed.

        The user name becomes the pseudonym, because everyone can see it.
        """
        return accounts.ensure_account(self._api, email, password)

    def hold_accounts_to(self, roles: Mapping[str, Collection[str]]) -> tuple[list[str], list[str]]:
        """Opens the accounts of these e-mails with their roles and closes all others; e-mails opened and closed by it.

        A closed account is logged out at once. Superusers' accounts stay as they are.
        """
        return accounts.hold_to(self._api, roles)

    def hand_on(self, task_id: int, chai_key: str, assignee: str, excluded: list[str] | None = None) -> bool:
        """Give an open task to another account; False where it holds an answer, which keeps it, or is not there.

        `excluded`: accounts that may not answer, where those change. Drafts stay as they are.
        """
        try:
            task = self._task(task_id)
        except LabelStudioRefused as refused:
            if refused.status != 404:
                raise
            return False
        if task.annotations or task.data.get("chai_key") != chai_key:  # a restored database may give an id again
            return False
        given = {"assignee": assignee} | ({} if excluded is None else {"excluded": excluded})
        self._set_data(task, task.data | given)
        return True

    def ensure_queue_tab(self, project_id: int, title: str, account_key: str) -> int:
        """Id of the Data Manager tab that lists what is assigned to an account and not answered yet.

        Annotators label from /projects/<project>/data?tab=<id>&labeling=1.
        """
        return self._ensure_tab(project_id, title, open_tasks_of(account_key))

    def ensure_returned_tab(self, project_id: int, title: str, account_key: str) -> int:
        """Id of the Data Manager tab that lists the tasks given back to an account for correction."""
        returned: Filter = ("data.returned", "contains", "String", "Please")
        return self._ensure_tab(project_id, title, [*assigned_to(account_key), returned])

    def give_back(self, task_id: int, why: str, key: str | None = None) -> None:
        """Show on an answered task why its answer could not be read; an empty text takes that away again.

        `key` as for `close`.
        """
        self._change(task_id, {"returned": why}, key)

    def drafts(self, task_id: int) -> list[dict[str, Any]]:
        """Answers that are saved but not submitted yet: `result` and `updated_at` of each."""
        return self._api.get(f"/api/tasks/{task_id}/drafts")

    def connect_model(self, project_id: int, title: str, url: str, user: str, password: str) -> None:
        """Have a project's page ask the model server at this address while people work. It must run.

        Raises LabelStudioRefused where it does not, or is at a private address that Label Studio may not call.
        """
        model_servers.connect(self._sdk, project_id, title, url, user, password)

    def disconnect_model(self, project_id: int, title: str) -> None:
        """Have a project's page stop asking that model server, which need not run."""
        model_servers.disconnect(self._sdk, project_id, title)

    def _change(self, task_id: int, fields: dict[str, str], key: str | None) -> None:
        try:
            task = self._task(task_id)
        except LabelStudioRefused as refused:
            if key is None or refused.status != 404:
                raise
            return
        if key is not None and task.data.get("chai_key") != key:
            return
        if task.data | fields != task.data:
            self._set_data(task, task.data | fields)

    def _set_data(self, task: "RoleBasedTask", data: dict[str, Any]) -> None:
        """Have a task hold this data; where its page was extended since, with nothing in what is new there."""
        try:
            self._sdk.tasks.update(str(task.id), data=data)
        except LabelStudioRefused as refused:
            if projects.LACKS_A_FIELD not in refused.words:
                raise
            project: int = self._api.get(f"/api/tasks/{task.id}/", resolve_uri="false")["project"]
            page = self._sdk.projects.get(project).label_config
            self._sdk.tasks.update(str(task.id), data=projects.empty_fields(required(page)) | data)

    def _task(self, task_id: int) -> "RoleBasedTask":
        # Addresses in the data are wanted as they were pushed, not rewritten for a browser.
        as_pushed: RequestOptions = {"additional_query_parameters": {"resolve_uri": "false"}}
        return self._sdk.tasks.get(str(task_id), request_options=as_pushed)

    def _ensure_tab(self, project_id: int, title: str, filters: list[Filter]) -> int:
        tab = {"title": title, "type": "list", "target": "tasks", "ordering": ["tasks:id"], "filters": all_of(filters)}
        return projects.ensure_tab(self._sdk, project_id, tab)

    def _import(self, project_id: int, batch: str, tasks: list[Task]) -> dict[str, int]:
        ids: dict[str, int] = {}
        for first in range(0, len(tasks), CHUNK):
            chunk = tasks[first : first + CHUNK]
            body = [_import_form(task, batch) for task in chunk]
            # Not the SDK's `import_tasks`, which makes a model of each task and walks through its values again:
            # 224 ms for 1,000 tasks, of which Label Studio itself needs 175.
            path = f"/api/projects/{project_id}/import"
            answer = self._api.send("POST", path, body, return_task_ids="true")
            ids |= dict(zip([task.chai_key for task in chunk], answer["task_ids"], strict=True))
        return ids

    def _existing_at_rest(self, project_id: int, batch: str) -> dict[str, list[int]]:
        """The same, once it no longer changes: an import whose reply was lost may still be running."""
        before = None
        while True:
            time.sleep(1)
            now = self.existing(project_id, batch)
            if now == before:
                return now
            before = now

    def _remove_duplicates(self, found: dict[str, list[int]]) -> dict[str, int]:
        """The lowest id of each key, after deleting higher ones that nobody has worked on."""
        for extra in (task_id for ids in found.values() for task_id in ids[1:]):
            task = self._task(extra)
            # The task itself shows only our own drafts.
            if not (task.annotations or task.cancelled_annotations or self.drafts(extra)):
                self._sdk.tasks.delete(str(extra))
        return {key: ids[0] for key, ids in found.items()}


def _name_people(annotation: dict[str, Any], people: dict[int, str]) -> None:
    for field in ("completed_by", "updated_by"):
        annotation[field] = accounts.email_of(annotation.get(field), people)


def _of_batch(batch: str) -> Filter:
    return ("data.chai_batch", "equal", "String", batch)


def _import_form(task: Task, batch: str) -> dict[str, Any]:
    form: dict[str, Any] = {"data": {"chai_state": "open", **task.data, "chai_key": task.chai_key, "chai_batch": batch}}
    if task.prefill is not None:
        form["predictions"] = [{"model_version": projects.PREFILL_VERSION, "result": task.prefill}]
    return form


def _changed_by_us(task: dict[str, Any]) -> bool:
    if task["data"].get("chai_state") == "closed":
        return True
    worked_on = task["total_annotations"] or task["cancelled_annotations"]
    age = parse_time(task["updated_at"]) - parse_time(task["created_at"])
    return not worked_on and age < timedelta(seconds=1)
