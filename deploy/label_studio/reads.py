"""What people may read: their own tasks and what belongs to these, and of the media what those tasks show.

Bound are the people whom guard.py binds. Which addresses they come to at all stands in doors.py.
"""
# pyright: reportMissingImports=false

import base64
import os
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from django.core.cache import cache
from django.http import HttpRequest
from refusals import NotAllowed, account_key

SHOWN_TO_ALL = ("clips/", "thumbs/")
"""Folders of the media store whose files anybody may see who is logged in, unless they belong to others' tasks."""
# A player asks for many ranges of one file, and finding its task means looking through all.
REMEMBERED_SECONDS = 60

_NOT_YOURS = "this task is not yours: open your own from your queue"
_NO_SUCH_FILE = "this file is not shown by any of your tasks"


def check_read(rule: str, request: HttpRequest, user: Any, ids: Mapping[str, Any]) -> None:
    """Raises NotAllowed for a read of what is somebody else's; `ids` are the numbers in the address."""
    from tasks.models import Annotation, AnnotationDraft

    if rule == "task":
        _own_task(user, ids["pk"])
    elif rule == "annotation":
        _own_part(user, Annotation.objects.filter(pk=ids["pk"]), "completed_by_id")
    elif rule == "draft":
        _own_part(user, AnnotationDraft.objects.filter(pk=ids["pk"]), "user_id")
    elif rule == "clip":
        _check_object(_own_task(user, ids["task_id"]), request.GET.get("fileuri", ""))
    elif rule == "file":
        _check_file(user, request.GET.get("d", ""))


def keep_lists_to_own_tasks() -> None:
    """Have every list of tasks, and the choice of the next one, hold only what the asking person may read."""
    from data_manager.managers import PreparedTaskManager

    everything = PreparedTaskManager.only_filtered

    def own_tasks(self: Any, prepare_params: Any = None) -> Any:
        tasks = everything(self, prepare_params=prepare_params)
        person = getattr(prepare_params.request, "chai_person", None)
        return tasks if person is None else tasks.filter(data__assignee=account_key(person.email))

    PreparedTaskManager.only_filtered = own_tasks


def _own_task(user: Any, task_id: int) -> Any:
    from tasks.models import Task

    task = Task.objects.filter(pk=task_id).first()
    if task is None or task.data.get("assignee") != account_key(user.email):
        raise NotAllowed(_NOT_YOURS)
    return task


def _own_part(user: Any, found: Any, author: str) -> None:
    """An annotation or draft: one's own, or of one's own task."""
    part = found.first()
    if part is None:
        raise NotAllowed(_NOT_YOURS)
    if getattr(part, author) != user.pk:
        _own_task(user, part.task_id)


def _check_object(task: Any, encoded: str) -> None:
    """Only the object that the task plays, and no other of its bucket."""
    try:  # as Label Studio reads it
        address = base64.urlsafe_b64decode(encoded.encode()).decode()
    except ValueError:
        address = unquote(encoded)
    if not address or address != task.data.get("video"):
        raise NotAllowed("this task shows no such file")


def _check_file(user: Any, name: str) -> None:
    """A file of the media folder, named as `MediaStore.url` names it: shown by an own task, or free for all."""
    plain = name == posixpath.normpath(name) and not name.startswith(("/", ".")) and name.isprintable()
    root = Path(os.environ.get("CHAI_MEDIA", "")).resolve()
    path = Path(root.parent, name)
    if not plain or "\\" in name or path.resolve() != path or not path.is_relative_to(root):
        raise NotAllowed(_NO_SUCH_FILE)
    address, me = f"/data/local-files/?d={quote(name)}", account_key(user.email)
    known = f"chai-shown-{me}-{quote(name, safe='')}"
    if cache.get(known):
        return
    from tasks.models import Task

    owners = set(Task.objects.filter(data__video=address).values_list("data__assignee", flat=True))
    free = path.relative_to(root).as_posix().startswith(SHOWN_TO_ALL)
    if me not in owners and (owners or not free):
        raise NotAllowed(_NO_SUCH_FILE)
    cache.set(known, True, REMEMBERED_SECONDS)
