"""Serves the annotators' handbook from the media store to everyone who is logged in.

CHAI_MEDIA names the store as it does for the platform: a folder, or s3://bucket/prefix with the AWS_* variables.
The asset `spec` publishes the pages; they run no script and load nothing.
"""
# pyright: reportMissingImports=false

import os
import re
from collections.abc import Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

PAGE = re.compile(r"/(handbook/\d+\.\d+\.\d+/[0-9a-f]{12}/[a-z][a-z0-9_]*\.html)")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# For so long a browser may go on showing a page that has been published anew.
CACHE_SECONDS = 300


class Handbook:
    """Django middleware. Must come after the one that sets the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        hit = PAGE.fullmatch(request.path_info)
        if hit is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not request.user.is_authenticated:
            from django.contrib.auth.views import redirect_to_login

            return redirect_to_login(request.get_full_path(), "/user/login/")
        page = _stored(os.environ.get("CHAI_MEDIA", ""), hit[1])
        if page is None:
            # Not 404: for that, Label Studio shows a page of its own that says nothing.
            text = "This handbook is not published yet: materialize the asset `spec` in Dagster."
            return HttpResponse(text, content_type="text/plain", status=503)
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": f"private, max-age={CACHE_SECONDS}"}
        return HttpResponse(page, content_type="text/html; charset=utf-8", headers=headers)


def _stored(media: str, key: str) -> bytes | None:
    """The object of that key, or None where there is none."""
    if not media.startswith("s3://"):
        path = Path(media, key)
        return path.read_bytes() if media and path.is_file() else None
    import boto3
    from botocore.config import Config

    bucket, _, prefix = media.removeprefix("s3://").strip("/").partition("/")
    own_server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    # A server of one's own has one host name, not one a bucket.
    style = Config(s3={"addressing_style": "path" if own_server else "auto"})
    s3 = boto3.Session().client("s3", config=style)
    try:
        return s3.get_object(Bucket=bucket, Key=f"{prefix}/{key}".lstrip("/"))["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
