"""What every answer of Label Studio carries or must not carry, whoever asked and whatever went wrong.

Headers that forbid frames, cookies that scripts cannot read, and errors that name neither folders nor settings.
"""
# pyright: reportMissingImports=false

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

POLICY = "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
BROKEN = "Label Studio could not do this. Try again; if it stays so, its administrator finds the reason in its log"


def form_is_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What a form gets that does not carry the cookie's token; Django's own page advises to change settings."""
    words = "This form is too old, or cookies are blocked. Open the page again, and send it once more."
    return HttpResponse(f'<!doctype html><title>Log in</title><p class="error">{words}</p>', status=403)


class Responses:
    """Django middleware. Must be the outermost, so that no answer passes by it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        folders = [settings.BASE_DIR, settings.BASE_DATA_DIR, settings.LOCAL_FILES_DOCUMENT_ROOT, sys.prefix]
        roots = {root for folder in folders if folder for root in (str(folder), str(Path(folder).resolve()))}
        roots |= {str(Path(root).parent) for root in roots} - {"/"}
        self._folders = re.compile("|".join(re.escape(root) for root in sorted(roots, key=len, reverse=True)).encode())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400 and not response.streaming:
            self._without_folders(request, response)
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Content-Security-Policy", POLICY)
        for cookie in response.cookies.values():
            cookie["httponly"] = True
            cookie["samesite"] = cookie["samesite"] or "Lax"
            if request.is_secure():
                cookie["secure"] = True
        return response

    def _without_folders(self, request: HttpRequest, response: HttpResponse) -> None:
        caller = getattr(request, "chai_caller", None)
        if caller is not None and caller.is_superuser:
            return  # our own service account, whose errors the platform shows to its operator
        if response.status_code >= 500 and response.status_code != 503:
            self._say_only_that_it_broke(response)
        response.content = self._folders.sub(b"...", response.content)
        if "Content-Length" in response:
            response["Content-Length"] = len(response.content)

    def _say_only_that_it_broke(self, response: HttpResponse) -> None:
        if "json" in response.get("Content-Type", ""):
            response.content = json.dumps({"status_code": response.status_code, "detail": BROKEN}).encode()
