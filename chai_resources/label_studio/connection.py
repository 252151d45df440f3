"""The HTTP connection to one Label Studio: what is repeated, how long it may take, what its failures are called.

Label Studio's SDK and our own requests both go through it. Nothing here knows what is asked.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from chai_resources.label_studio.errors import LabelStudioDown, LabelStudioRefused

READS = {"GET", "HEAD", "OPTIONS"}
READ_TIMEOUT_S = 120
READ_PAUSES_S = (0.25, 0.5, 1.0, 2.0)
"""A read is tried once more after each pause, so five times at most."""
HASTY_PAUSES_S = (0.25,)
"""For reads of which some are expected to be answered with an error."""
# Longer than gunicorn lets a request run, so that a write is over, one way or the other, when we give up.
WRITE_TIMEOUT_S = 660


class Connection(httpx.Client):
    """Repeats reads while the server fails or is away, and makes each write once.

    Raises LabelStudioDown or LabelStudioRefused for whatever is no success, before the SDK sees it: all errors
    are named here, and the SDK's own ApiError never comes up.
    """

    def __init__(self, url: str) -> None:
        certificates = httpx.create_ssl_context()
        try:
            super().__init__(base_url=url, verify=certificates, timeout=READ_TIMEOUT_S, follow_redirects=True)
        except httpx.InvalidURL as error:
            raise LabelStudioDown(url, error) from None
        # Each write gets a connection of its own: one that was kept open may be closing, and then nobody knows
        # whether the write arrived.
        once = httpx.Limits(max_keepalive_connections=0)
        self._writes = httpx.Client(verify=certificates, timeout=WRITE_TIMEOUT_S, limits=once)
        self._label_studio = url
        self._pauses_s = READ_PAUSES_S

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """The answer to a request that succeeded."""
        response = self._read(request, **options) if request.method in READS else self.write(request)
        if not response.is_success:  # a redirected write too: following it would turn it into a read
            raise _refusal(response, _words(response))
        if self._is_api(request) and response.content and not _is_json(response):
            raise _refusal(response, "it answered with something else than JSON: is this Label Studio's address?")
        return response

    def post_form(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """What comes back when a browser posts this form: a redirect is not followed, an error not raised."""
        return self.write(self.build_request("POST", path, data=fields))

    @contextmanager
    def hasty(self) -> Iterator[None]:
        """Meanwhile a read that is answered with an error is tried only once more."""
        self._pauses_s = HASTY_PAUSES_S
        try:
            yield
        finally:
            self._pauses_s = READ_PAUSES_S

    def _read(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Some servers' errors may be expected, but no connection that breaks: one kept open may just be closing."""
        failed, broken = iter(self._pauses_s), iter(READ_PAUSES_S)
        while True:
            try:
                response = super().send(request, **options)
                pause = next(failed, None)
                if response.status_code < 500 or pause is None:
                    return response
            except httpx.HTTPError as error:
                pause = next(broken, None)
                if pause is None:
                    raise self._down(error) from None
            time.sleep(pause)

    def write(self, request: httpx.Request) -> httpx.Response:
        """What comes back when this is sent, once. All changes that we make in Label Studio go through here."""
        request.extensions["timeout"] = self._writes.timeout.as_dict()
        try:
            response = self._writes.send(request)
        except httpx.HTTPError as error:
            raise self._down(error) from None
        self.cookies.extract_cookies(response)
        return response

    def _down(self, error: httpx.HTTPError) -> LabelStudioDown:
        return LabelStudioDown(self._label_studio, str(error) or type(error).__name__)

    def _is_api(self, request: httpx.Request) -> bool:
        return request.url.path.startswith(f"{self.base_url.path.rstrip('/')}/api/")


def _is_json(response: httpx.Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("application/json")


def _refusal(response: httpx.Response, words: str) -> LabelStudioRefused:
    return LabelStudioRefused(f"{response.request.method} {response.request.url.path}", response.status_code, words)


def _words(response: httpx.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return response.reason_phrase if "<html" in response.text[:500] else response.text[:500]
    if isinstance(answer, dict):
        answer = answer.get("validation_errors") or answer.get("detail") or answer
    return answer if isinstance(answer, str) else json.dumps(answer)[:2000]
