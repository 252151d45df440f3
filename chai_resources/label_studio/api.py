"""HTTP towards Label Studio: JSON in and out, bounded retries of reads only, errors that name the remedy.

Writes are never repeated here: Label Studio carries a request out even when its reply is lost.
"""

import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from chai_resources.errors import Unavailable

READ_ATTEMPTS = 5
# Longer than gunicorn lets a request run, so that a write is over, one way or the other, when we give up.
WRITE_TIMEOUT_S = 660


class LabelStudioDown(Unavailable):
    """Label Studio cannot be reached, or gave no answer."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(
            f"no answer from Label Studio at {url} ({reason}): start it with `make up`, "
            "or look into run/label-studio.log under CHAI_HOME"
        )


class LabelStudioRefused(Unavailable):
    """Label Studio answered with an error; `status` is the HTTP status, the message carries its words."""

    def __init__(self, request: str, status: int, words: str) -> None:
        hint = ": is CHAI_LABEL_STUDIO_TOKEN the token of this Label Studio?" if status == 401 else ""
        super().__init__(f"Label Studio refused {request} ({status}): {words}{hint}")
        self.status = status


class Api:
    """A session with one Label Studio."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Token {token}"

    def get(self, path: str, **params: Any) -> Any:
        """JSON of a read; tried a few times, with growing pauses, while the server fails or is away."""
        for attempt in range(READ_ATTEMPTS):
            last = attempt == READ_ATTEMPTS - 1
            try:
                response = self.session.get(self.url + path, params=params, timeout=120)
            except requests.RequestException as error:
                if last:
                    raise LabelStudioDown(self.url, error) from None
            else:
                if last or response.status_code < 500:
                    return _read(response)
            time.sleep(0.25 * 2**attempt)
        raise AssertionError("unreachable")

    def server_time(self) -> datetime:
        """The server's clock, from the Date header of its answer, UTC."""
        try:
            date = self.session.get(self.url + "/health", timeout=30).headers["Date"]
        except requests.RequestException as error:
            raise LabelStudioDown(self.url, error) from None
        return parsedate_to_datetime(date).astimezone(UTC)

    def send(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """JSON of a write, made once. LabelStudioDown here means: it may have been carried out, or not."""
        # A connection of its own: a kept-alive one may be closing, and then nobody knows what happened.
        headers = {"Connection": "close"}
        try:
            response = self.session.request(
                method, self.url + path, params=params, json=body, headers=headers, timeout=WRITE_TIMEOUT_S
            )
        except requests.RequestException as error:
            raise LabelStudioDown(self.url, error) from None
        return _read(response)


def _read(response: requests.Response) -> Any:
    if response.ok:
        return response.json() if response.content else None
    request = f"{response.request.method} {response.request.path_url.partition('?')[0]}"
    raise LabelStudioRefused(request, response.status_code, _words(response))


def _words(response: requests.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return response.reason if "<html" in response.text[:500] else response.text[:500]
    if isinstance(answer, dict):
        answer = answer.get("validation_errors") or answer.get("detail") or answer
    return answer if isinstance(answer, str) else json.dumps(answer)[:2000]
