"""Keeps every version of an answer that Label Studio accepts until the platform has archived it.

Label Studio keeps one version of an answer: what its author changes again before the platform looks would be gone. So
each one is noted here in the transaction that stores it: it is in both places, or it was refused. The platform fetches
them from /api/chai/accepted, which is open to superusers alone, and says what it has archived, which is then removed.

With that it leaves a mark for each project and batch. A database that was restored from a backup lacks the last mark:
so the platform notices that it no longer is the one that it knew.
"""
# pyright: reportMissingImports=false

import json
import re
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

ADDRESS = re.compile(r"/api/chai/accepted/?\Z")
MADE = re.compile(r"/api/tasks/\d+/annotations/?\Z")
CHANGED = re.compile(r"/api/annotations/(\d+)(/|\Z)")
DRAFTED = re.compile(r"/api/(tasks/\d+(/annotations/\d+)?/drafts|drafts/\d+)/?\Z")
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
AT_ONCE = 500
"""Versions a page: a few megabytes at most, and far below the time-out of a read."""


def prepare() -> None:
    """Make the two tables where they are missing. Safe to repeat."""
    number = "bigserial PRIMARY KEY" if connection.vendor == "postgresql" else "integer PRIMARY KEY AUTOINCREMENT"
    batch = "project bigint NOT NULL, batch text NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS chai_accepted (id {number}, {batch}, task bigint NOT NULL, "
            "task_data text NOT NULL, annotation text NOT NULL)"
        )
        cursor.execute("CREATE INDEX IF NOT EXISTS chai_accepted_of ON chai_accepted (project, batch, id)")
        cursor.execute(f"CREATE TABLE IF NOT EXISTS chai_marks ({batch}, mark text NOT NULL, UNIQUE (project, batch))")


class AcceptedAnswers:
    """Django middleware. Must come after the role guard, so that only what it lets through gets here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._view = _Accepted.as_view()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if ADDRESS.match(path):
            return self._view(request).render()
        made, changed = MADE.match(path), CHANGED.match(path)
        if request.method not in WRITES or not (made or changed or DRAFTED.match(path)):
            return self.get_response(request)
        # In one transaction: Label Studio also stores what it then fails to answer, and to list ever after.
        with transaction.atomic():
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif made and request.method == "POST":
                _keep(json.loads(response.content)["id"])
            elif changed and request.method != "DELETE":
                _keep(int(changed[1]))
        return response


def _keep(annotation_id: int) -> None:
    """Note the version that stands now, as a list of tasks would show it."""
    from tasks.models import Annotation
    from tasks.serializers import AnnotationSerializer

    annotation = Annotation.objects.select_related("task").filter(pk=annotation_id).first()
    if annotation is None or "chai_batch" not in annotation.task.data:
        return
    task = annotation.task
    shown = JSONRenderer().render(AnnotationSerializer(annotation).data).decode()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chai_accepted (project, batch, task, task_data, annotation) VALUES (%s, %s, %s, %s, %s)",
            [task.project_id, str(task.data["chai_batch"]), task.pk, json.dumps(task.data), shown],
        )


class _Superuser(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user and request.user.is_superuser)


class _Accepted(APIView):
    """What was accepted in a project's batch and is not archived yet, and the mark that the platform left last."""

    permission_classes = (_Superuser,)

    def get(self, request: Request) -> Response:
        project, batch = int(request.query_params["project"]), request.query_params["batch"]
        after = int(request.query_params.get("after", 0))
        with connection.cursor() as cursor:
            cursor.execute("SELECT mark FROM chai_marks WHERE project = %s AND batch = %s", [project, batch])
            mark = cursor.fetchone()
            cursor.execute(
                "SELECT id, task, task_data, annotation FROM chai_accepted "
                "WHERE project = %s AND batch = %s AND id > %s ORDER BY id LIMIT %s",
                [project, batch, after, AT_ONCE],
            )
            rows = cursor.fetchall()
        found = [
            {"id": number, "task": task, "data": json.loads(data), "annotation": json.loads(annotation)}
            for number, task, data, annotation in rows
        ]
        return Response({"mark": mark[0] if mark else None, "accepted": found, "more": len(rows) == AT_ONCE})

    def post(self, request: Request) -> Response:
        project, batch, mark = int(request.data["project"]), str(request.data["batch"]), str(request.data["mark"])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(
                "DELETE FROM chai_accepted WHERE id = %s AND project = %s AND batch = %s",
                [[int(number), project, batch] for number in request.data["archived"]],
            )
            cursor.execute(
                "INSERT INTO chai_marks (project, batch, mark) VALUES (%s, %s, %s) "
                "ON CONFLICT (project, batch) DO UPDATE SET mark = excluded.mark",
                [project, batch, mark],
            )
        return Response({"mark": mark})
