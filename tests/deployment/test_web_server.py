"""Dagster's web server takes changes from its own pages and from no browser at all, and from no other page."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import cast
from urllib.parse import quote

import dagster as dg
import pytest
import requests
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.webserver import DagsterWebserver
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from chai_assets.demo.model_server.server import serve as practice_server
from chai_assets.deployment.local import dagster_services
from chai_assets.deployment.web_server import guarded
from chai_assets.preview.protocol import PREVIEW_USER
from chai_assets.preview.server import Previews, preview_app
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.services.same_origin import own_hosts
from chai_resources.settings import Settings
from tests.services.local import free_ports

PUBLIC = "https://dagster.example.com"
CHANGE = 'mutation { setConcurrencyLimit(concurrencyKey: "taken", limit: 7) }'
JSON = json.dumps({"query": CHANGE})
AT = "http://127.0.0.1:PORT"
"""An address in a header below; PORT is the server's."""


@contextmanager
def served(app: object, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, dg.DagsterInstance]]:
    """Dagster's real web server behind the guard: its port and its instance."""
    [port] = free_ports(1)
    settings = Settings(home=tmp_path_factory.mktemp("home"), dagster_port=port, dagster_public_url=PUBLIC)
    with (
        dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context,
        served(guarded(DagsterWebserver(context).create_asgi_app(), settings), port),
    ):
        yield port, instance


def limits(instance: dg.DagsterInstance) -> list[str]:
    return [limit.name for limit in instance.event_log_storage.get_pool_limits()]


def ask(port: int, method: str, path: str, headers: dict[str, str], body: str = "") -> requests.Response:
    sent = {name: value.replace("PORT", str(port)) for name, value in headers.items()}
    return requests.request(method, f"http://127.0.0.1:{port}{path}", headers=sent, data=body, timeout=30)


BY_ADDRESS = f"/graphql?query={quote(CHANGE)}"
AS_JSON = {"content-type": "application/json"}
ATTACKS: dict[str, tuple[str, str, dict[str, str], str, int]] = {
    "an image or a link": ("GET", BY_ADDRESS, {}, "", 405),
    "a link that a person follows": ("GET", BY_ADDRESS, {"accept": "text/html"}, "", 405),
    "with a slash": ("GET", f"/graphql/?query={quote(CHANGE)}", {}, "", 405),
    "head": ("HEAD", BY_ADDRESS, {}, "", 405),
    "a form": ("POST", BY_ADDRESS, {"content-type": "application/x-www-form-urlencoded"}, "a=b", 415),
    "a file form": ("POST", BY_ADDRESS, {"content-type": "multipart/form-data; boundary=x"}, "", 415),
    "a form of no type": ("POST", BY_ADDRESS, {}, "", 415),
    "plain text": ("POST", "/graphql", {"content-type": "text/plain"}, JSON, 415),
    "plain text named JSON": ("POST", "/graphql", {"content-type": "text/plain; application/json"}, JSON, 415),
    "graphql": ("POST", "/graphql", {"content-type": "application/graphql"}, CHANGE, 415),
    "another page": ("POST", "/graphql", AS_JSON | {"origin": "https://evil.example"}, JSON, 403),
    "a page of no origin": ("POST", "/graphql", AS_JSON | {"origin": "null"}, JSON, 403),
    "an empty origin": ("POST", "/graphql", AS_JSON | {"origin": ""}, JSON, 403),
    "an origin that is no address": ("POST", "/graphql", AS_JSON | {"origin": "http://[oops"}, JSON, 403),
    "another port": ("POST", "/graphql", AS_JSON | {"origin": "http://127.0.0.1:8080"}, JSON, 403),
    "another name of this": ("POST", "/graphql", AS_JSON | {"origin": "http://localhost:PORT"}, JSON, 403),
    "a name that begins so": ("POST", "/graphql", AS_JSON | {"origin": f"{AT}.evil.example"}, JSON, 403),
    "another site": ("POST", "/graphql", AS_JSON | {"sec-fetch-site": "cross-site"}, JSON, 403),
    "another name of the site": ("POST", "/graphql", AS_JSON | {"sec-fetch-site": "same-site"}, JSON, 403),
    "a name pointed here": ("POST", "/graphql", AS_JSON | {"host": "evil.example:PORT"}, JSON, 421),
    "a name pointed here, read": ("GET", "/", {"host": "evil.example:PORT"}, "", 421),
    "its own name and port 80": ("GET", "/", {"host": "127.0.0.1"}, "", 421),
    "an event by form": ("POST", "/report_asset_materialization/clips", {"content-type": "text/plain"}, "", 415),
    "an event by a page": ("POST", "/report_asset_materialization/clips", AS_JSON | {"origin": "null"}, "{}", 403),
    "logs of a name pointed here": ("GET", "/logs/a/b/c/out", {"host": "evil.example"}, "", 421),
    "another method": ("PUT", "/graphql", AS_JSON | {"origin": "https://evil.example"}, JSON, 403),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_other_page_changes_or_reads_anything(dagster: tuple[int, dg.DagsterInstance], name: str) -> None:
    port, instance = dagster
    method, path, headers, body, status = ATTACKS[name]
    answer = ask(port, method, path, headers, body)
    assert answer.status_code == status, answer.text[:200]
    assert "taken" not in limits(instance)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-frame-options"] == "DENY"


def test_its_own_pages_and_programs_change_and_read_as_ever(dagster: tuple[int, dg.DagsterInstance]) -> None:
    port, instance = dagster
    own = {"origin": AT, "sec-fetch-site": "same-origin"}
    public = {"host": "dagster.example.com", "origin": PUBLIC}
    for number, headers in enumerate([{}, own, public, {"content-type": "application/json; charset=utf-8"}]):
        body = json.dumps({"query": CHANGE.replace("taken", f"own-{number}")})
        answer = ask(port, "POST", "/graphql", AS_JSON | headers, body)
        assert answer.json() == {"data": {"setConcurrencyLimit": True}}
        assert f"own-{number}" in limits(instance)
    page = ask(port, "GET", "/assets", {"accept": "text/html"})
    assert "Dagster" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert ask(port, "GET", "/graphql", {"accept": "text/html"}).ok
    assert ask(port, "GET", "/server_info", {"host": "10.0.0.7:PORT"}).ok, "what an orchestrator asks"


@pytest.mark.parametrize(
    ("origin", "taken"),
    [
        (AT, True),
        (None, True),
        ("https://evil.example", False),
        ("null", False),
        ("http://evil.example:PORT", False),
    ],
)
def test_only_its_own_pages_listen_to_it(
    dagster: tuple[int, dg.DagsterInstance], origin: str | None, taken: bool
) -> None:
    port, _ = dagster
    named = Origin(origin.replace("PORT", str(port))) if origin else None
    protocols = [Subprotocol("graphql-ws")]
    url = f"ws://127.0.0.1:{port}/graphql"
    refused = nullcontext() if taken else pytest.raises(InvalidStatus, match="403")
    with refused, connect(url, origin=named, subprotocols=protocols) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(timeout=10)) == {"type": "connection_ack"}


def test_make_up_starts_this_server_on_this_machine_only(tmp_path: Path) -> None:
    [web] = [one for one in dagster_services(Settings(home=tmp_path)) if one.name == "dagster-webserver"]
    assert web.argv[1:3] == ["-m", "chai_assets.deployment.web_server"]
    assert "--host" not in web.argv


# The other servers of this machine


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"host": "evil.example:PORT"}, 421),
        ({"content-type": "text/plain"}, 415),
        ({}, 200),
    ],
)
def test_a_page_gets_no_preview_even_with_the_password(headers: dict[str, str], status: int) -> None:
    [port] = free_ports(1)
    key = b64encode(f"{PREVIEW_USER}:secret".encode()).decode()
    app = preview_app(cast("Previews", None), "secret", own_hosts(port))
    with served(app, port):
        assert (
            ask(port, "POST", "/setup", AS_JSON | {"authorization": f"Basic {key}"} | headers, "{}").status_code
            == status
        )


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"origin": "https://evil.example"}, 403),
        ("POST", {"host": "evil.example:PORT"}, 421),
        ("GET", {"host": "evil.example:PORT"}, 421),
        ("GET", {}, 200),
    ],
)
def test_a_page_asks_no_practice_model(method: str, headers: dict[str, str], status: int) -> None:
    server = practice_server(0, load_spec())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert ask(server.server_port, method, "/v1/chat/completions", headers, "{}").status_code == status
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
