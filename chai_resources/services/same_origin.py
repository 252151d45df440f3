"""Keeps other web pages away from a server of this machine: every browser here can reach it, whatever page it shows.

A page elsewhere can send requests to 127.0.0.1, and, with a name that it points there, can even read the answers. So
the name that was asked for has to be one of the server's own, nothing is changed by a GET, and what changes something
comes from the server's own pages or from no browser at all. Who a person is, is not asked here: that is a log-in's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READS = {"GET", "HEAD"}
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_HEADERS = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: the status, and one line for who sent it."""

    status: int
    reason: str


def own_hosts(port: int, *urls: str) -> frozenset[str]:
    """Values of the Host header that mean a server on this port of this machine, or at one of these addresses."""
    names = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    return frozenset(
        names | {_netloc(url) for url in urls if url} | ({"127.0.0.1", "localhost"} if port == 80 else set())
    )


def refusal(method: str, headers: Mapping[str, str], hosts: Collection[str], live: bool = False) -> Refusal | None:
    """Why a request must not be answered, if so; `headers` have names in small letters, `live` is a WebSocket."""
    host = headers.get("host", "").lower()
    if host not in hosts:
        return Refusal(421, f"this server is not {host or 'without a name'}: ask it as {', '.join(sorted(hosts))}")
    if method in _READS and not live:
        return None
    origin = headers.get("origin")
    if origin is not None and _netloc(origin) != host:
        return Refusal(403, f"a page of {origin} may change nothing here")
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return Refusal(403, "a page of another site may change nothing here")
    return None


def _netloc(url: str) -> str:
    """Host and port of an address, as the Host header has it: without the port that its scheme has anyway."""
    try:
        parts = urlsplit(url.lower())
        port = parts.port
    except ValueError:
        return ""
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return name if port in (None, _PORTS.get(parts.scheme)) else f"{name}:{port}"


class SameOrigin:
    """ASGI middleware that answers what `refusal` refuses, wants JSON in what is sent, and forbids frames.

    `queries` are paths whose GET would run what its address says: of those a browser gets only the bare page.
    `open_paths` tell nothing and are answered under any name, for who checks whether the server is alive.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], queries: Collection[str] = (), open_paths: Collection[str] = ()
    ) -> None:
        self._app, self._hosts = app, hosts
        self._queries, self._open = set(queries), set(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refused.reason[:120]})
        else:
            answer = PlainTextResponse(refused.reason + "\n", refused.status)
            await answer(scope, receive, _with_headers(send))

    def _refused(self, scope: Scope) -> Refusal | None:
        headers, method, live = Headers(scope=scope), scope.get("method", "GET"), scope["type"] == "websocket"
        path = scope["path"].rstrip("/") or "/"
        if method in _READS and not live and path in self._open:
            return None
        if refused := refusal(method, {k.lower(): v for k, v in headers.items()}, self._hosts, live):
            return refused
        if live:
            return None
        if method in _READS:
            page = "text/html" in headers.get("accept", "") and not parse_qsl(scope["query_string"].decode("latin-1"))
            asked = path in self._queries and not page
            return Refusal(405, "queries are sent by POST, as application/json") if asked else None
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        return None if kind == "application/json" else Refusal(415, "send application/json: no page elsewhere can")


def _with_headers(send: Send) -> Send:
    """What is sent, with the headers that forbid frames; those that the server sets itself stay beside them."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.append(name, value)
        await send(message)

    return sent
