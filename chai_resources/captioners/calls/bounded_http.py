"""The HTTP client that the providers' SDKs speak through: no answer is endless, larger than meant, or of another host.

What a server does within these bounds is read by the engines; what it does beyond them is one of the errors here.
"""

import math
import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx2

from chai_resources.captioners.calls.answer_body import plain_error
from chai_resources.errors import Unavailable

if TYPE_CHECKING:
    from httpx2._types import AuthTypes

MOST_BYTES = 8 << 20
"""Of an answer, unpacked. 2,048 tokens with their log-probabilities are a hundredth of it."""
MOST_FILE_BYTES = 2 << 30
"""Of a file that is streamed to disk: 10,000 answers of the longest kind are a tenth of it."""
SLOWEST = 64 << 10
"""Bytes a second of the slowest line that is waited for: so much longer than the patience may large files take."""
_PIECE = 64 << 10
_OF_THE_BODY = ("content-length", "transfer-encoding")
_AT_ONCE = 256
"""Connections; more calls are never out at a time."""


class BeyondBounds(Unavailable, httpx2.TransportError):
    """What a server sent is not taken; `code` is how the ledger names it."""

    code = "unbounded"


class AnswerTooLarge(BeyondBounds):
    """More than any answer holds."""

    code = "too_large"


class SentElsewhere(BeyondBounds):
    """A redirect to another host, to which neither the key nor the clip goes."""

    code = "redirected"


class BoundedClient(httpx2.Client):
    """An HTTP client whose calls end within `patience_s`, however slowly a server drips its answer."""

    def __init__(self, patience_s: float, connect_s: float) -> None:
        super().__init__(
            timeout=httpx2.Timeout(patience_s, connect=min(connect_s, patience_s)),
            limits=httpx2.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE),
        )
        self._patience_s, self._connect_s = patience_s, min(connect_s, patience_s)

    def send(
        self,
        request: httpx2.Request,
        *,
        stream: bool = False,
        auth: "AuthTypes | httpx2._client.UseClientDefault | None" = httpx2.USE_CLIENT_DEFAULT,
        follow_redirects: "bool | httpx2._client.UseClientDefault" = httpx2.USE_CLIENT_DEFAULT,
    ) -> httpx2.Response:
        """The response, read but for a `stream`. Raises BeyondBounds beside what the library raises.

        A redirect is followed on the same host alone, whatever `follow_redirects` says.
        """
        clock = _Clock(self._patience_s)
        for _ in range(self.max_redirects):
            response = self._sent(request, clock, stream, auth)
            following = response.next_request
            if not response.has_redirect_location or following is None:
                return response
            response.close()
            if _origin(following.url) != _origin(request.url) or following.method != request.method:
                raise SentElsewhere(f"{_origin(request.url)} sends calls on to {str(following.url)[:200]}")
            request = following
        raise httpx2.TooManyRedirects(f"{_origin(request.url)} redirects in a circle", request=request)

    def _sent(self, request: httpx2.Request, clock: "_Clock", stream: bool, auth: Any) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "gzip, deflate"
        clock.allow(int(request.headers.get("content-length") or 0))
        request.extensions["timeout"] = {"connect": self._connect_s, "pool": None, "read": clock, "write": clock}
        response = super().send(request, stream=True, auth=auth, follow_redirects=False)
        file = stream and response.is_success
        packed = response.headers.pop("content-encoding", "identity").strip().lower()
        response.stream = _Bounded(response, packed, MOST_FILE_BYTES if file else MOST_BYTES, clock)
        if file:
            return response
        try:
            response.read()
        finally:
            response.close()
        # JSON is UTF-8, whatever a server says of it.
        response.encoding = "utf-8"
        if response.is_success or response.has_redirect_location:
            return response
        headers = [pair for pair in response.headers.multi_items() if pair[0].lower() not in _OF_THE_BODY]
        readable = plain_error(response.status_code, response.content)
        return httpx2.Response(response.status_code, headers=headers, content=readable, request=request)


class _Clock:
    """What is left of a call's time, in the whole seconds that a socket waits for its next byte.

    The library sets a socket's timeout before each read and write, from the object it was given: this one, which the
    socket asks for a number. A fixed number would begin anew with each byte.
    """

    def __init__(self, patience_s: float) -> None:
        self._until = time.monotonic() + patience_s

    def allow(self, size: int) -> None:
        """Waits longer for so many bytes."""
        self._until += size / SLOWEST

    def __index__(self) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call took longer than CHAI_MODEL_TIMEOUT")
        return math.ceil(left)


class _Bounded(httpx2.SyncByteStream):
    """The unpacked body of a response, as long as it stays within bounds."""

    def __init__(self, response: httpx2.Response, packed: str, most: int, clock: _Clock) -> None:
        self._stream, self._packed, self._most, self._clock = response.stream, packed, most, clock

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._unpacked():
            size += len(piece)
            self._clock.allow(len(piece))
            if size > self._most:
                raise AnswerTooLarge(f"the answer is larger than {self._most >> 20} MB")
            yield piece

    def _unpacked(self) -> Iterator[bytes]:
        assert isinstance(self._stream, httpx2.SyncByteStream)
        if self._packed in ("identity", ""):
            yield from self._stream
            return
        if self._packed not in ("gzip", "x-gzip", "deflate"):
            raise AnswerTooLarge(f"the answer is packed ({self._packed[:40]}) in a way that was not asked for")
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        for piece in self._stream:
            # Bit by bit: a few bytes may unpack to gigabytes.
            while piece and not unpacker.eof:
                try:
                    yield unpacker.decompress(piece, _PIECE)
                except zlib.error as error:
                    raise httpx2.DecodingError(f"the answer cannot be unpacked: {error}") from error
                piece = unpacker.unconsumed_tail
        if not unpacker.eof:
            raise httpx2.RemoteProtocolError("the packed answer breaks off")

    def close(self) -> None:
        assert isinstance(self._stream, httpx2.SyncByteStream)
        self._stream.close()


def _origin(url: httpx2.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
