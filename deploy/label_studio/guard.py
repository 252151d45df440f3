"""Roles for Label Studio Community: superusers do as they like, everyone else only labels their own tasks.

The Community edition gives every user every right. This middleware refuses, to all but superusers: writing to
a task that is not assigned to them, that they worked on before or that is closed; deleting; exports, tokens,
invitations and administration; API tokens; writes from other sites. What may be written is a short list of
the requests that the labelling page itself sends, so test it again with every Label Studio upgrade. Reads of
tasks stay open; other people's e-mails are masked.
"""
# pyright: reportMissingImports=false

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

SAFE = {"GET", "HEAD", "OPTIONS"}
TASK = r"/api/tasks/(?P<task>\d+)"
PREVIEW = r"/api/ml/(?P<model>\d+)/interactive-annotating"
PREVIEW_TITLE = "CHAI preview"  # as chai_assets/preview/protocol.py has it
_SORRY = "No preview now: its server gives no answer. Your work is not touched; submit as usual."
_SHOWN = {"id": "preview", "from_name": "preview", "to_name": "facts", "type": "textarea", "value": {"text": [_SORRY]}}
# As chai_assets/critique/page.py puts texts there; for an error the page would show nothing at all.
NO_PREVIEW = {"data": {"result": [_SHOWN]}}
WRITES = [
    (method, re.compile(pattern + r"/?\Z"))
    for method, pattern in [
        ("POST", r"/user/login"),
        ("POST", r"/user/signup"),  # only opens with the invite link, which annotators cannot read
        ("POST", r"/logout"),
        ("PATCH", r"/api/current-user/hotkeys"),
        ("POST", r"/api/dm/actions"),
        ("POST", TASK + r"/annotations"),
        ("PATCH", r"/api/annotations/(?P<annotation>\d+)"),
        ("POST", TASK + r"/drafts"),
        ("POST", TASK + r"/annotations/(?P<annotation>\d+)/drafts"),
        ("PATCH", r"/api/drafts/(?P<draft>\d+)"),
        ("DELETE", r"/api/drafts/(?P<draft>\d+)"),
        ("POST", PREVIEW),
    ]
]
CLOSED_READS = re.compile(
    r"/(admin|django-rq|metrics)(/|\Z)"
    r"|/api/projects/\d+/exports?(/|\Z)"
    r"|/api/(token|jwt|invite|storages|webhooks|organizations|ml|model-provider-connections|session-policy)(/|\Z)"
    r"|/api/current-user/(token|reset-token)(/|\Z)"
)
# What the labelling page sends. Others ("task", "ground_truth", "completed_by") move or bless an annotation.
FIELDS = {
    "result",
    "lead_time",
    "draft_id",
    "started_at",
    "parent_prediction",
    "parent_annotation",
    "project",
}
FIELDS |= {"was_cancelled", "unique_id"}


class Refused(Exception):
    """A request that this user may not make; the words are shown to them."""


class RoleGuard:
    """Django middleware; must come behind Label Studio's own, when the user is known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/heidi-tips"):  # the one call-out that no setting switches off
            return JsonResponse({}, status=404)
        try:
            _same_origin(request)
            restricted = _restricted_user(request)
            if restricted and request.method == "GET" and request.path_info == "/api/ml":
                # Every page asks for model servers, and shows a refusal as an error.
                return JsonResponse(_previews(request.GET.get("project", "")), safe=False)
            if restricted:
                _check(request, restricted)
        except Refused as why:
            return JsonResponse({"detail": str(why)}, status=403)
        response = self.get_response(request)
        if restricted and re.match(PREVIEW, request.path_info) and b'"errors"' in response.content[:10]:
            return JsonResponse(NO_PREVIEW)
        return _mask_emails(response, restricted) if restricted else response


def account_key(email: str) -> str:
    """Pseudonym of an account in task data; the same function as in chai_resources/people.py."""
    return "acc_" + hashlib.sha256(email.lower().encode()).hexdigest()[:16]


def _same_origin(request: HttpRequest) -> None:
    """Label Studio switches CSRF checks off for its API; a browser always names the origin of a write."""
    origin = request.META.get("HTTP_ORIGIN")
    if request.method not in SAFE and origin and origin.split("://", 1)[-1] != request.get_host():
        raise Refused("requests from another site are refused")


def _restricted_user(request: HttpRequest) -> Any:
    """The user to hold to the rules; None for superusers, and for strangers, whom Label Studio turns away."""
    from jwt_auth.auth import TokenAuthenticationPhaseout
    from rest_framework.exceptions import APIException

    user, by_token = request.user, getattr(request, "is_jwt", False)
    if "HTTP_AUTHORIZATION" in request.META and not by_token:
        try:
            found = TokenAuthenticationPhaseout().authenticate(request)
        except APIException:
            found = None  # not a valid token: Label Studio refuses it, or goes by the session
        if found:
            user, by_token = found[0], True
    if user.is_superuser or not user.is_authenticated:
        return None
    if by_token:
        raise Refused("API tokens are not for annotators; log in on the web page")
    return user


def _check(request: HttpRequest, user: Any) -> None:
    path = request.path_info
    if not path.isprintable():
        raise Refused("no such page")
    if request.method in SAFE:
        if CLOSED_READS.match(path):
            raise Refused("not for annotators")
        return
    hits = (pattern.match(path) for method, pattern in WRITES if method == request.method)
    hit = next((hit for hit in hits if hit), None)
    if hit is None:
        raise Refused("not for annotators")
    ids = {name: int(value) for name, value in hit.groupdict().items()}
    if "model" in ids:
        _check_preview(request, user, ids["model"])
    elif ids:
        _check_labelling(request, user, ids)
    elif path.startswith("/api/dm/actions") and request.GET.getlist("id") != ["next_task"]:
        raise Refused("the only action for annotators is taking the next task")


def _check_labelling(request: HttpRequest, user: Any, ids: dict[str, int]) -> None:
    task = _task(user, ids)
    _check_assigned(task, user)
    if request.method != "DELETE":
        _check_body(request, task)


def _check_assigned(task: Any, user: Any) -> None:
    me = account_key(user.email)
    if me in (task.data.get("excluded") or []):
        raise Refused("you worked on this item in an earlier step")
    if task.data.get("assignee") != me:
        raise Refused("this task is not assigned to you")
    if task.data.get("chai_state") == "closed":
        raise Refused("this task has been collected and is closed")


def _previews(project: str) -> list[dict[str, Any]]:
    """The one model server that annotators may know of, and no more of it than the page needs."""
    from ml.models import MLBackend

    asked = MLBackend.objects.filter(title=PREVIEW_TITLE, project=int(project) if project.isdecimal() else 0)
    return [{"id": model.pk, "title": model.title, "is_interactive": True} for model in asked[:1]]


def _check_preview(request: HttpRequest, user: Any, model: int) -> None:
    """A preview may be asked for as the task may be answered, and by nothing but the task and what was typed."""
    from ml.models import MLBackend
    from tasks.models import Task

    body = _json(request)
    if set(body) - {"task", "context"} or not isinstance(body.get("task"), int):
        raise Refused("the request sets fields that are not for annotators")
    task = Task.objects.filter(pk=body["task"]).first()
    if task is None or not MLBackend.objects.filter(pk=model, title=PREVIEW_TITLE, project=task.project_id).exists():
        raise Refused("not for annotators")
    _check_assigned(task, user)


def _task(user: Any, ids: dict[str, int]) -> Any:
    """The task a request writes to; the annotation or draft in question must be the user's own."""
    from tasks.models import Annotation, AnnotationDraft, Task

    tasks = {ids["task"]} if "task" in ids else set()
    if "annotation" in ids:
        annotation = Annotation.objects.filter(pk=ids["annotation"], completed_by=user).first()
        if annotation is None:
            raise Refused("this annotation belongs to someone else")
        tasks.add(annotation.task_id)
    if "draft" in ids:
        draft = AnnotationDraft.objects.filter(pk=ids["draft"], user=user).first()
        if draft is None:
            raise Refused("this draft belongs to someone else")
        tasks.add(draft.task_id)
    task = Task.objects.filter(pk__in=tasks).first() if len(tasks) == 1 else None
    if task is None:
        raise Refused("no such task")
    return task


def _json(request: HttpRequest) -> dict[str, Any]:
    """The body as Label Studio will read it: in another character set it could say two things."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type != "application/json" or charset.lower() not in ("utf-8", "utf8"):
        raise Refused("only JSON in UTF-8 is accepted")
    try:
        body = json.loads(request.body.decode("utf-8") or "{}")
    except ValueError:
        raise Refused("the request is not JSON") from None
    if not isinstance(body, dict):
        raise Refused("the request is no JSON object")
    return body


def _check_body(request: HttpRequest, task: Any) -> None:
    body = _json(request)
    if set(body) - FIELDS:
        raise Refused("the request sets fields that are not for annotators")
    if str(body.get("project") or task.project_id) != str(task.project_id):
        raise Refused("the task belongs to another project")
    if body.get("parent_annotation"):
        raise Refused("copying another annotation is not for annotators")
    if body.get("was_cancelled") or request.GET.get("was_cancelled", "0").lower() not in ("0", "false"):
        raise Refused("tasks cannot be skipped; say on the page what is wrong with the clip")


def _mask_emails(response: HttpResponse, user: Any) -> HttpResponse:
    """Show other people by their pseudonym: lists of users and annotations carry everyone's e-mail."""
    from users.models import User

    if response.streaming or "json" not in response.get("Content-Type", ""):
        return response
    others = User.objects.exclude(pk=user.pk).exclude(email="").values_list("email", flat=True)
    names = {email.encode(): account_key(email).encode() for email in others}
    if names:
        pattern = b"|".join(re.escape(email) for email in sorted(names, key=len, reverse=True))
        response.content = re.sub(pattern, lambda hit: names[hit[0]], response.content)
    return response
