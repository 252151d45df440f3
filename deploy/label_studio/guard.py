"""Roles for Label Studio Community: superusers do as they like, everyone else only labels their own tasks.

The Community edition gives every user every right. This middleware takes most of them from all but superusers:
- They may answer a task only if it is assigned to them, is open, and they did not work on its item before.
- They may read their own tasks and the media of these; other people's e-mails are masked.
- They may not delete, export or administer anything, read tokens or invitations, or use the API with a token.
- Nothing may be written from another site.

What may be written is a short list of the requests that the labeling page itself sends, so test it again with
every Label Studio upgrade. Where one may go in at all stands in doors.py, what one may read there in reads.py.
"""
# pyright: reportMissingImports=false

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import answers
import doors
import reads
from django.http import HttpRequest, HttpResponse, JsonResponse
from refusals import NotAllowed, account_key

READS = {"GET", "HEAD", "OPTIONS"}
TASK = r"/api/tasks/(?P<task>\d+)"
PREVIEW = r"/api/ml/(?P<model>\d+)/interactive-annotating"
PREVIEW_TITLE = "CHAI preview"  # as chai_assets/preview/protocol.py has it
_UNAVAILABLE = "No preview now: its server gives no answer. Your work is not touched; submit as usual."
_SHOWN_TEXT = {
    "id": "preview",
    "from_name": "preview",
    "to_name": "facts",
    "type": "textarea",
    "value": {"text": [_UNAVAILABLE]},
}
# In the form in which chai_assets/critique/page.py fills in texts. An error would leave the page empty.
NO_PREVIEW = {"data": {"result": [_SHOWN_TEXT]}}
ALLOWED_WRITES = [
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
# What the labeling page sends. Other fields ("task", "ground_truth", "completed_by") move or bless an annotation.
ANNOTATION_FIELDS = {
    "result",
    "lead_time",
    "draft_id",
    "started_at",
    "parent_prediction",
    "parent_annotation",
    "project",
    "was_cancelled",
    "unique_id",
}


# Which role a task of each kind asks for, as chai_assets/deployment/provision.py has it.
ROLE_OF_KIND = {"primitives": "annotator", "critique": "annotator", "feedback": "annotator", "review": "reviewer"}
ROLE_GROUPS = {"CHAI annotator": "annotator", "CHAI reviewer": "reviewer"}
"""Groups of Label Studio's database that accounts.py keeps as the people file says."""


class RoleGuard:
    """Django middleware. Must come after Label Studio's own, which sets the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            _same_origin(request)
            caller = _caller(request)
            person = caller if caller and not caller.is_superuser else None
            request.chai_caller, request.chai_person = caller, person
            if person and request.method == "GET" and request.path_info == "/api/ml":
                # Every page asks for model servers, and shows a refusal as an error.
                return JsonResponse(_previews(request.GET.get("project", "")), safe=False)
            if person:
                _check(request, person)
        except NotAllowed as why:
            return JsonResponse({"detail": str(why)}, status=403)
        response = self.get_response(request)
        if person and re.match(PREVIEW, request.path_info) and b'"errors"' in response.content[:10]:
            return JsonResponse(NO_PREVIEW)
        return _mask_emails(response, person) if person else response

    def process_view(
        self, request: HttpRequest, view: object, args: object, ids: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Stops the request at a door that is not open to whoever asks."""
        rule = doors.rule_of(request.resolver_match.route, request.path_info)
        caller, person = request.chai_caller, request.chai_person
        if rule == "nobody":
            return JsonResponse({"detail": "there is no such page"}, status=404)
        if rule == "everyone" or (caller and not person):
            return None
        if caller is None:
            return _log_in_first(request)
        try:
            if rule == "administrators":
                raise NotAllowed("not for annotators")
            if request.method in READS:
                reads.check_read(rule, request, person, ids)
        except NotAllowed as why:
            return JsonResponse({"detail": str(why)}, status=403)
        return None


def _log_in_first(request: HttpRequest) -> HttpResponse:
    """What strangers get: the log-in page instead of a page, a refusal instead of anything else."""
    if request.method in READS and "text/html" in request.headers.get("Accept", ""):
        from django.contrib.auth.views import redirect_to_login

        return redirect_to_login(request.get_full_path(), "/user/login/")
    return JsonResponse({"detail": "log in first: there is no log-in, or it has ended"}, status=401)


def _same_origin(request: HttpRequest) -> None:
    """Refuse writes from other sites: Label Studio checks no CSRF token, but a browser names the origin of a write."""
    origin = request.META.get("HTTP_ORIGIN")
    if request.method not in READS and origin and origin.split("://", 1)[-1] != request.get_host():
        raise NotAllowed("requests from another site are refused")


def _caller(request: HttpRequest) -> Any:
    """Who asks, by session or token; None for strangers. Raises NotAllowed for a token of somebody restricted."""
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
    if not user.is_authenticated:
        return None
    if by_token and not user.is_superuser:
        raise NotAllowed("API tokens are not for annotators; log in on the web page")
    return user


def _check(request: HttpRequest, user: Any) -> None:
    path = request.path_info
    if not path.isprintable():
        raise NotAllowed("no such page")
    if request.method in READS:
        return
    hits = (pattern.match(path) for method, pattern in ALLOWED_WRITES if method == request.method)
    hit = next((hit for hit in hits if hit), None)
    if hit is None:
        raise NotAllowed("not for annotators")
    ids = {name: int(value) for name, value in hit.groupdict().items()}
    if "model" in ids:
        _check_preview(request, user, ids["model"])
    elif ids:
        _check_answer(request, user, ids)
    elif path.startswith("/api/current-user/hotkeys"):
        _json(request)  # Label Studio answers 500 to what is none
    elif path.startswith("/api/dm/actions") and request.GET.getlist("id") != ["next_task"]:
        raise NotAllowed("the only action for annotators is taking the next task")


def _check_answer(request: HttpRequest, user: Any, ids: dict[str, int]) -> None:
    task = _task(user, ids)
    _check_assigned(task, user)
    if request.method != "DELETE":
        _check_body(request, task)


def _check_assigned(task: Any, user: Any) -> None:
    me = account_key(user.email)
    if me in (task.data.get("excluded") or []):
        raise NotAllowed("you worked on this item in an earlier step")
    if task.data.get("assignee") != me:
        raise NotAllowed("this task is not assigned to you")
    if task.data.get("chai_state") == "closed":
        raise NotAllowed("this task has been collected and is closed")
    roles = {ROLE_GROUPS[name] for name in user.groups.values_list("name", flat=True) if name in ROLE_GROUPS}
    needed = ROLE_OF_KIND.get(task.data.get("chai_kind"))
    # An account that was never held against a people file has no role yet, and only what is assigned to it.
    if roles and needed and needed not in roles:
        raise NotAllowed(f"this is work for a {needed}, and the people file no longer says that you are one")


def _previews(project: str) -> list[dict[str, Any]]:
    """What annotators may know of model servers: the one for previews, and of that what the page needs."""
    from ml.models import MLBackend

    asked = MLBackend.objects.filter(title=PREVIEW_TITLE, project=int(project) if project.isdecimal() else 0)
    return [{"id": model.pk, "title": model.title, "is_interactive": True} for model in asked[:1]]


def _check_preview(request: HttpRequest, user: Any, model: int) -> None:
    """Refuse a preview of a task that the user may not answer, or a request that sends more than what was typed."""
    from ml.models import MLBackend
    from tasks.models import Task

    body = _json(request)
    if set(body) - {"task", "context"} or not isinstance(body.get("task"), int):
        raise NotAllowed("the request sets fields that are not for annotators")
    task = Task.objects.filter(pk=body["task"]).first()
    if task is None or not MLBackend.objects.filter(pk=model, title=PREVIEW_TITLE, project=task.project_id).exists():
        raise NotAllowed("not for annotators")
    _check_assigned(task, user)


def _task(user: Any, ids: dict[str, int]) -> Any:
    """The task that a request writes to. Refuses an annotation or draft that is not the user's own."""
    from tasks.models import Annotation, AnnotationDraft, Task

    tasks = {ids["task"]} if "task" in ids else set()
    if "annotation" in ids:
        annotation = Annotation.objects.filter(pk=ids["annotation"], completed_by=user).first()
        if annotation is None:
            raise NotAllowed("this annotation belongs to someone else")
        tasks.add(annotation.task_id)
    if "draft" in ids:
        draft = AnnotationDraft.objects.filter(pk=ids["draft"], user=user).first()
        if draft is None:
            raise NotAllowed("this draft belongs to someone else")
        tasks.add(draft.task_id)
    task = Task.objects.filter(pk__in=tasks).first() if len(tasks) == 1 else None
    if task is None:
        raise NotAllowed("no such task")
    return task


def _json(request: HttpRequest) -> dict[str, Any]:
    """The body as Label Studio will read it. Only UTF-8: in another character set it could say two things."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type != "application/json" or charset.lower() not in ("utf-8", "utf8"):
        raise NotAllowed("only JSON in UTF-8 is accepted")
    try:
        body = json.loads(request.body.decode("utf-8") or "{}")
    except ValueError:
        raise NotAllowed("the request is not JSON") from None
    if not isinstance(body, dict):
        raise NotAllowed("the request is no JSON object")
    return body


def _check_body(request: HttpRequest, task: Any) -> None:
    body = _json(request)
    if set(body) - ANNOTATION_FIELDS:
        raise NotAllowed("the request sets fields that are not for annotators")
    if str(body.get("project", task.project_id)) != str(task.project_id):
        raise NotAllowed("the task belongs to another project")
    if body.get("parent_annotation"):
        raise NotAllowed("copying another annotation is not for annotators")
    if body.get("was_cancelled") or request.GET.get("was_cancelled", "0").lower() not in ("0", "false"):
        raise NotAllowed("tasks cannot be skipped; say on the page what is wrong with the clip")
    try:
        answers.check_answer(body, task.project.label_config, task.data, draft="draft" in request.path_info)
    except answers.NoAnswer as why:
        raise NotAllowed(str(why)) from None


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
