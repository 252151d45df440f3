"""One session with Label Studio: its SDK, and plain JSON requests for what the SDK cannot do, or does too slowly.

Which request is made when is not decided here.
"""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from chai_resources.label_studio.errors import LabelStudioRefused

if TYPE_CHECKING:
    from label_studio_sdk.core.request_options import RequestOptions

T = TypeVar("T")


class Api:
    """A session of the account whose token is given, or of nobody yet: logging in then makes it a person's.

    All requests, the SDK's too, raise LabelStudioDown and LabelStudioRefused.
    """

    def __init__(self, url: str, token: str = "") -> None:
        # Imported here: many commands never ask Label Studio and need not wait for its SDK. Of that the base class:
        # `label_studio_sdk.LabelStudio` adds conveniences that are not used here, and loads pandas and more, for 1 s.
        from label_studio_sdk.base_client import LabelStudioBase
        from label_studio_sdk.core.api_error import ApiError

        from chai_resources.label_studio.connection import Connection

        self.url = url.rstrip("/")
        self.session = Connection(self.url)
        try:
            # No repeats by the SDK, which repeats a write as well when only its reply was lost.
            self.sdk = LabelStudioBase(base_url=self.url, api_key=token, httpx_client=self.session, max_retries=0)
        except ApiError as error:  # an access token that has run out; nothing was sent
            raise LabelStudioRefused("its token", error.status_code or 401, str(error.body)) from None
        self._http = self.sdk._client_wrapper.httpx_client
        # A person's session has a cookie; without a token the SDK would send an empty one, which is refused.
        self._options: RequestOptions = {} if token else {"additional_headers": {"Authorization": None}}

    def get(self, path: str, **params: Any) -> Any:
        """JSON of a read."""
        response = self._http.request(path, method="GET", params=params, request_options=self._options)
        return response.json() if response.content else None

    def send(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """JSON of a write, made once."""
        # Encoded here: the SDK would first walk through every value of the body.
        content = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        response = self._http.request(
            path, method=method, params=params, content=content, headers=headers, request_options=self._options
        )
        return response.json() if response.content else None

    def server_time(self) -> datetime:
        """The server's clock, from the Date header of its answer, UTC."""
        return parsedate_to_datetime(self.session.get("/health").headers["Date"]).astimezone(UTC)


def required(value: T | None) -> T:
    """What Label Studio always sends, though the types of its SDK let it be missing."""
    if value is None:
        raise ValueError("Label Studio left out what it always sends: this client was written for another version")
    return value
