"""Log-ins that can be ended, and guesses that are slowed down.

Label Studio keeps its sessions in signed cookies, which go on working after a log-out wherever they were copied to.
Here each log-in also has a record in the database, and a cookie is worth as much as its record. The records, and the
counts of failed log-ins, lie in Django's table of sessions, which is there and which Label Studio leaves empty: so
they hold for all workers.
"""
# pyright: reportMissingImports=false

import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now

LOG_IN = "^user/login/"
RECORD = "chai_login"
"""Where a session's cookie names its record."""

FORGOTTEN = timedelta(hours=1)
"""How long a failed log-in counts after the last one."""
# Failures that are free, and the longest pause in seconds after more. Nobody is locked out for good, and who guesses
# at somebody's password from elsewhere makes that person wait a minute at most.
ACCOUNT_AND_ADDRESS = (5, 300)
ACCOUNT = (20, 60)
ADDRESS = (100, 60)


class Sessions:
    """Django middleware. Must come after the one that sets the user, and before all that asks who it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        by_session = request.user.is_authenticated and not getattr(request, "is_jwt", False)
        if by_session and not _stands(request.session.get(RECORD, ""), request.user):
            logout(request)
        response = self.get_response(request)
        if response.status_code == 302:  # a log-in that failed shows its form again
            _forget(getattr(request, "chai_attempt", ()))
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, ids: object) -> HttpResponse | None:
        """Counts a log-in as failed until it has succeeded, and refuses it while there is a pause."""
        if request.resolver_match.route != LOG_IN or request.method != "POST":
            return None
        limits = _limits(request.POST.get("email", "").strip().lower(), _address(request))
        wait = max(_pause(key, *limit) for key, limit in limits.items())
        if wait > 0:
            return _too_many(wait)
        for key in limits:
            _count(key)
        request.chai_attempt = list(limits)[:2]
        return None


def end_sessions(user_id: int) -> None:
    """End every log-in of this account at once."""
    _records().filter(session_key__startswith=f"login-{user_id}-").delete()


def _begin(sender: object, request: HttpRequest, user: Any, **_: object) -> None:
    records = _records()
    records.filter(expire_date__lt=now()).delete()
    key = f"login-{user.pk}-{secrets.token_hex(10)}"
    records.create(session_key=key, expire_date=now() + timedelta(seconds=settings.MAX_SESSION_AGE))
    request.session[RECORD] = key


def _end(sender: object, request: HttpRequest, user: Any, **_: object) -> None:
    _records().filter(session_key=request.session.get(RECORD, "")).delete()


user_logged_in.connect(_begin)
user_logged_out.connect(_end)


def _stands(key: str, user: Any) -> bool:
    own = key.startswith(f"login-{user.pk}-")
    return own and _records().filter(session_key=key, expire_date__gt=now()).exists()


def _records() -> Any:
    from django.contrib.sessions.models import Session

    return Session.objects


def _limits(email: str, address: str) -> dict[str, tuple[int, int]]:
    """What is counted for one attempt, and its limits; the last is not forgotten when it succeeds."""
    parts = {f"{email}\n{address}": ACCOUNT_AND_ADDRESS, email: ACCOUNT, f"\n{address}": ADDRESS}
    return {f"tries-{hashlib.sha256(part.encode()).hexdigest()[:32]}": limit for part, limit in parts.items()}


def _address(request: HttpRequest) -> str:
    """Whose attempt it is: behind a proxy on this machine, the last address that it names."""
    peer = request.META.get("REMOTE_ADDR", "")
    named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return named if named and peer in ("127.0.0.1", "::1", "") else peer


def _pause(key: str, free: int, longest: int) -> float:
    """Seconds until the next attempt may be made; none or less where it may be made now."""
    record = _records().filter(session_key=key, expire_date__gt=now()).first()
    failed = int(record.session_data) if record else 0
    if failed < free:
        return 0
    last = record.expire_date - FORGOTTEN
    return min(2.0 ** min(failed - free, 20), longest) - (now() - last).total_seconds()


def _count(key: str) -> None:
    records = _records()
    known = records.filter(session_key=key, expire_date__gt=now()).first()
    failed = int(known.session_data) + 1 if known else 1
    until = now() + FORGOTTEN
    records.update_or_create(session_key=key, defaults={"session_data": str(failed), "expire_date": until})


def _forget(keys: Iterable[str]) -> None:
    if keys:
        _records().filter(session_key__in=keys).delete()


def _too_many(wait: float) -> HttpResponse:
    seconds = int(wait) + 1
    words = f"Too many log-ins failed. Try again in {seconds} s."
    page = f'<!doctype html><title>Log in</title><p class="error">{words}</p><p><a href="/user/login/">Log in</a></p>'
    return HttpResponse(page, status=429, headers={"Retry-After": str(seconds)})
