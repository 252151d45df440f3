"""What happens to requests when Label Studio fails, against a server that answers as each test says."""

import json
import socket
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chai_resources.label_studio import LabelStudio, LabelStudioDown, LabelStudioRefused, Task, connection
from chai_resources.label_studio.api import Api
from tests.services.local import free_ports

TOKEN = "0" * 40
Reply = tuple[int, str, bytes] | None
"""Status, content type and body; None where the server closes the connection without a word."""


class ScriptedServer(ThreadingHTTPServer):
    """Answers every request with the next reply, the last one from then on, and keeps what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.replies: list[Reply] = [(200, "application/json", b"{}")]
        self.asked: list[tuple[str, str]] = []
        self.connections: list[int] = []
        self.headers: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def _reply(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path.partition("?")[0]))
        self.server.connections.append(self.client_address[1])
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        replies = self.server.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply is None:
            self.close_connection = True
            return
        status, content_type, content = reply
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _reply

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    monkeypatch.setattr(connection, "READ_PAUSES_S", (0.0,) * len(connection.READ_PAUSES_S))
    scripted = ScriptedServer()
    yield scripted
    scripted.shutdown()
    scripted.server_close()


@pytest.fixture
def service(server: ScriptedServer) -> LabelStudio:
    return LabelStudio(url=server.url, token=TOKEN)


def _json(status: int, body: Any) -> Reply:
    return status, "application/json", json.dumps(body).encode()


WRITES: dict[str, Callable[[LabelStudio], object]] = {
    "an import": lambda service: service._import(1, "b", [Task("k", {})]),
    "a new project": lambda service: service._sdk.projects.create(title="New"),
    "a changed task": lambda service: service._sdk.tasks.update("1", data={}),
    "a deleted task": lambda service: service._sdk.tasks.delete("1"),
    "a tab": lambda service: service._sdk.views.create(project=1),
    "a storage": lambda service: service._sdk.import_storage.local.create(project=1, path="/x"),
    "a model server": lambda service: service._sdk.ml.create(project=1, url="http://x"),
    "a new invitation": lambda service: service._sdk.organizations.reset_token(),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_whose_reply_is_lost_is_sent_exactly_once(server: ScriptedServer, service: LabelStudio, write: str):
    server.replies = [None]
    with pytest.raises(LabelStudioDown):
        WRITES[write](service)
    assert len(server.asked) == 1, server.asked
    assert server.asked[0][0] != "GET"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_write_that_the_sdk_would_repeat_is_sent_exactly_once(
    server: ScriptedServer, service: LabelStudio, status: int
):
    server.replies = [_json(status, {"detail": "not now"})]
    with pytest.raises(LabelStudioRefused, match=rf"POST /api/projects/ \({status}\): not now") as refusal:
        service._sdk.projects.create(title="New")
    assert refusal.value.status == status
    assert len(server.asked) == 1


def test_each_write_has_a_connection_of_its_own_and_reads_share_one(server: ScriptedServer, service: LabelStudio):
    for _ in range(2):
        service._api.get("/api/users/")
        service._api.send("POST", "/api/projects/1/import", [])
        service._sdk.tasks.update("1", data={})
    reads = {port for port, (method, _) in zip(server.connections, server.asked, strict=True) if method == "GET"}
    writes = [port for port, (method, _) in zip(server.connections, server.asked, strict=True) if method != "GET"]
    assert len(reads) == 1
    assert len(set(writes)) == len(writes) == 4
    assert not reads & set(writes)


@pytest.mark.parametrize("failure", [None, _json(503, {}), (502, "text/html", b"<html>Bad gateway</html>")])
def test_a_read_outlasts_four_failures(server: ScriptedServer, service: LabelStudio, failure: Reply):
    server.replies = [failure] * 4 + [_json(200, [{"id": 3, "email": "ann@example.com"}])]
    assert [user.email for user in service._sdk.users.list()] == ["ann@example.com"]
    assert len(server.asked) == 5


def test_a_read_is_given_up_after_five_attempts(server: ScriptedServer, service: LabelStudio):
    server.replies = [None]
    with pytest.raises(LabelStudioDown, match=rf"at {server.url} .*make up"):
        service._sdk.users.list()
    assert len(server.asked) == 5
    server.replies = [(503, "text/html", b"<html>Busy</html>")]
    with pytest.raises(LabelStudioRefused, match=r"GET /api/users/ \(503\): Service Unavailable"):
        service._api.get("/api/users/")
    assert len(server.asked) == 10


def test_a_refused_read_is_not_repeated(server: ScriptedServer, service: LabelStudio):
    server.replies = [_json(404, {"detail": "No such task."})]
    with pytest.raises(LabelStudioRefused, match=r"GET /api/tasks/7/ \(404\): No such task\."):
        service._sdk.tasks.get("7")
    assert len(server.asked) == 1


def test_a_refusal_carries_what_is_wrong_with_each_field(server: ScriptedServer, service: LabelStudio):
    server.replies = [_json(400, {"detail": "Validation error", "validation_errors": {"title": ["too short"]}})]
    with pytest.raises(LabelStudioRefused, match=r'\(400\): \{"title": \["too short"\]\}'):
        service._sdk.projects.create(title="x")


def test_a_wrong_token_is_told_with_the_remedy(server: ScriptedServer, service: LabelStudio):
    server.replies = [_json(401, {"detail": "Invalid token."})]
    with pytest.raises(LabelStudioRefused, match=r"401.*Invalid token.*CHAI_LABEL_STUDIO_TOKEN"):
        service._sdk.users.list()


def test_a_token_that_has_run_out_is_told_before_anything_is_sent(server: ScriptedServer):
    parts = [b'{"alg":"HS256","typ":"JWT"}', b'{"exp":1,"token_type":"refresh"}']
    expired = ".".join([*(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "c2ln"])
    with pytest.raises(LabelStudioRefused, match=r"expired.*CHAI_LABEL_STUDIO_TOKEN"):
        LabelStudio(url=server.url, token=expired).project("critique")
    assert server.asked == []


@pytest.mark.parametrize("page", [(200, "text/html", b"<html>Welcome</html>"), (200, "text/plain", b"hello")])
def test_an_address_of_something_else_is_told(server: ScriptedServer, service: LabelStudio, page: Reply):
    server.replies = [page]
    for ask in (lambda: service._sdk.users.list(), lambda: service._api.get("/api/tasks/")):
        with pytest.raises(LabelStudioRefused, match=r"GET /api/\w+/ \(200\): .*is this Label Studio's address"):
            ask()


def test_a_redirected_write_is_refused_and_not_turned_into_a_read(server: ScriptedServer, service: LabelStudio):
    server.replies = [(301, "text/html", b"")]
    with pytest.raises(LabelStudioRefused, match=r"POST /api/projects/ \(301\)"):
        service._sdk.projects.create(title="New")
    assert server.asked == [("POST", "/api/projects/")]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "127.0.0.1:{port}", "http://[::1", "http://studio:port"])
def test_an_address_that_leads_nowhere_is_told_with_the_remedy(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "READ_PAUSES_S", ())
    (port,) = free_ports(1)
    url = url.format(port=port)
    with pytest.raises(LabelStudioDown, match=r"no answer from Label Studio at .*make up") as down:
        LabelStudio(url=url, token=TOKEN).project("critique")
    assert url in str(down.value)


def test_a_server_that_says_nothing_is_given_up(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "READ_PAUSES_S", ())
    monkeypatch.setattr(connection, "READ_TIMEOUT_S", 0.2)
    monkeypatch.setattr(connection, "WRITE_TIMEOUT_S", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = LabelStudio(url=f"http://127.0.0.1:{silent.getsockname()[1]}", token=TOKEN)
        for ask, seconds in ((service._sdk.users.list, 0.2), (service._sdk.organizations.reset_token, 0.4)):
            begun = time.monotonic()
            with pytest.raises(LabelStudioDown, match="timed out"):
                ask()
            assert seconds <= time.monotonic() - begun < seconds + 5


def test_the_token_is_sent_to_label_studio_and_nobody_else_is_spoken_to(
    server: ScriptedServer, service: LabelStudio, monkeypatch: pytest.MonkeyPatch
):
    reached: list[Any] = []
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: (reached.append(a[:2]), resolve(*a, **k))[1])
    service._sdk.users.list()
    service._api.send("POST", "/api/projects/1/import", [])
    assert {headers["authorization"] for headers in server.headers} == {f"Token {TOKEN}"}
    assert {str(host) for host, _ in reached} == {"127.0.0.1"}


def test_a_persons_session_sends_no_token(server: ScriptedServer):
    Api(server.url).get("/api/tasks/")
    assert "authorization" not in server.headers[0]


def test_importing_the_client_loads_no_sdk():
    program = "import sys, chai_resources.label_studio; print({'httpx', 'label_studio_sdk'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_using_the_client_loads_no_pandas():
    program = (
        "import sys; from chai_resources.label_studio.api import Api; "
        "api = Api('http://127.0.0.1:1', 'x'); api.sdk.projects, api.sdk.tasks, api.sdk.views; "
        "print({'pandas', 'jsf', 'smart_open'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
