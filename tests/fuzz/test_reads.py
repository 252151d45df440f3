"""Addresses drawn by lot, in the session of somebody without other rights: none shows what is not theirs."""

import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from tests.fuzz.cases import Cases
from tests.resources.label_studio.guarded import BOB, BOBS_WORDS, SECRET, SECRETS, Guarded, encoded, guarded
from tests.services.label_studio import raw_session

DOORS = (
    "/data/local-files/?d={file}",
    "/tasks/{id}/resolve/?fileuri={file}",
    "/tasks/{id}/presign/?fileuri={file64}",
    "/projects/{id}/resolve/?fileuri={file64}",
    "/data/upload/{file}",
    "/data/avatars/{file}",
    "/static/{file}",
    "/react-app/{file}",
    "/handbook/1.0.0/0123456789ab/{file}",
    "/storage-data/uploaded/?filepath={file}",
    "/api/tasks/{id}",
    "/api/tasks/{id}/annotations",
    "/api/tasks/{id}/drafts",
    "/api/tasks?project={id}&fields=all&query={query}",
    "/api/tasks?view={id}&fields=all",
    "/api/annotations/{id}",
    "/api/drafts/{id}",
    "/api/predictions?task={id}",
    "/api/projects/{id}/tasks",
    "/api/projects/{id}/next",
    "/api/projects/{id}/export?exportType={word}",
    "/api/projects/{id}/{word}",
    "/api/{word}/{id}",
    "/{word}/{id}/{word}",
    "/api/fsm/entities/{word}/{id}/history",
)
WORDS = ("tasks", "annotations", "users", "dm/views", "exports", "metrics", "admin", "json", "JSON", "task", "resolve")
WORDS += ("file-proxy", "health", "version", "people", "storages/localfiles", "ml", "summary", "samples", "trigger500")
FILES = (*(f"media/{key}" for key in SECRETS), "people.yaml", "secrets.json", "label_studio/label_studio.sqlite3")
QUERIES = ("", "{}", '{"filters":{"conjunction":"or","items":[]}}', '{"ordering":["-tasks:id"]}', "[]", "1", '"x"')


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("reads")
    (home / "people.yaml").write_bytes(SECRET)
    with guarded(home, str(home / "media")) as ready:
        yield ready


def test_no_address_shows_what_is_anothers(cases: Cases, stage: Guarded) -> None:
    session = raw_session(stage.ann)
    forbidden = (SECRET[:12], BOBS_WORDS.encode(), BOB.encode(), b"SQLite format", str(stage.studio.home).encode())
    for name, draw in cases:
        method, address = draw.choice(("GET", "GET", "HEAD", "OPTIONS")), _address(draw, stage.studio.home)
        request = session.prepare_request(requests.Request(method, stage.studio.url))
        request.url = stage.studio.url + address  # as it is: requests would tidy it up
        reply = session.send(request, allow_redirects=False, timeout=60)
        # A list with a filter that is none breaks within Label Studio; what it says then is looked at as well.
        assert reply.status_code < 500 or "query=" in address, (name, address, reply.text[:300])
        shown = [text for text in forbidden if text in reply.content]
        assert not shown, (name, address, reply.status_code, shown)


def _address(draw: random.Random, home: Path) -> str:
    file = _file(draw, home)
    parts = {"file": file, "file64": encoded(file), "id": str(draw.randint(0, 6)), "query": quote(draw.choice(QUERIES))}
    address = draw.choice(DOORS).replace("{word}", draw.choice(WORDS)).format(**parts)
    if draw.random() < 0.3:
        path, mark, query = address.partition("?")
        path = draw.choice(
            (path + "/", path + ".json", path + "%0A", "/" + path, path.upper(), "/x" + path, path + "//")
        )
        address = path + mark + query
    return address.replace(" ", "%20").replace("\0", "%00")


def _file(draw: random.Random, home: Path) -> str:
    """A file that is not to be shown, on some way around."""
    name = draw.choice(FILES)
    before = ("", "media/", "media/clips/", "media/thumbs/", "/", f"{home}/", "./", "media/handbook/", "MEDIA/", "\0")
    up = draw.choice(("../", "..%2f", "%2e%2e/", "%252e%252e%252f", "..\\", "....//", "..;/", ".%00./", "//"))
    steps = up * draw.randint(0, 3)
    name = quote(name, safe="") if draw.random() < 0.2 else name
    scheme = draw.choice(("", "", "", "file://", "s3://media/", "/data/local-files/?d="))
    return scheme + draw.choice(before) + steps + name
