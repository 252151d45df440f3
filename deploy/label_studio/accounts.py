"""Holds Label Studio's accounts to the people file: who may log in, and as what.

The platform's service account puts the people here, since Label Studio's own API cannot close an account. Whoever is
not among them is logged out at once and cannot log in again until they are; what they did stays.
"""
# pyright: reportMissingImports=false

import json
from collections.abc import Callable, Iterable
from typing import Any

import sessions
from django.http import HttpRequest, HttpResponse, JsonResponse
from guard import ROLE_GROUPS

PATH = "/api/chai/accounts"


class Accounts:
    """Django middleware. Must come after the role guard, which finds out who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.rstrip("/") != PATH:
            return self.get_response(request)
        if request.chai_caller is None or request.chai_person is not None:
            return JsonResponse({"detail": "only for the service account"}, status=403)
        if request.method == "PUT":
            people = {one["email"].lower(): set(one["roles"]) for one in json.loads(request.body)["people"]}
            return JsonResponse(hold_to(people))
        if request.method == "PATCH":
            return JsonResponse({"opened": _open(json.loads(request.body)["email"].lower())})
        return JsonResponse({"detail": "only PUT and PATCH are known here"}, status=405)


def hold_to(people: dict[str, set[str]]) -> dict[str, list[str]]:
    """Opens the accounts of these people with their roles, closes all others but superusers'; says which changed."""
    from django.db import transaction
    from users.models import User

    with transaction.atomic():
        accounts = User.objects.filter(is_superuser=False).prefetch_related("groups")
        changed = {user.email: _settle(user, people.get(user.email.lower())) for user in accounts}
    return {what: sorted(email for email, did in changed.items() if did == what) for what in ("opened", "closed")}


def _settle(user: Any, roles: set[str] | None) -> str:
    """Brings one account in line; what was done to it, or nothing."""
    before = {ROLE_GROUPS[group.name] for group in user.groups.all() if group.name in ROLE_GROUPS}
    if roles != before:
        _release(user)
        user.groups.set(_groups(roles or ()))
    if user.is_active == (roles is not None):
        return ""
    user.is_active = roles is not None
    user.save(update_fields=["is_active"])
    if user.is_active:
        return "opened"
    sessions.end_sessions(user.pk)
    return "closed"


def _open(email: str) -> list[str]:
    from users.models import User

    opened = User.objects.filter(email=email, is_active=False)
    return [email] if opened.update(is_active=True) else []


def _groups(roles: Iterable[str]) -> list[Any]:
    from django.contrib.auth.models import Group

    return [Group.objects.get_or_create(name=name)[0] for name, role in ROLE_GROUPS.items() if role in roles]


def _release(user: Any) -> None:
    """Tasks that the person had open are kept from others for an hour, which would be whoever they are handed on to."""
    from tasks.models import TaskLock

    TaskLock.objects.filter(user=user).delete()
