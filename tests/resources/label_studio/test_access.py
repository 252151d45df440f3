"""What people may read in a real Label Studio, with media in a folder and in a bucket, and how long they may."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
import requests

from chai_resources.environment import CHECKOUT
from chai_resources.label_studio import Annotator, LabelStudioRefused, Task
from chai_resources.people import account_key
from chai_resources.services.label_studio_server import LABEL_STUDIO_VENV
from tests.resources.label_studio.guarded import (
    ANN,
    ANSWER,
    BOB,
    CLIP,
    PASSWORD,
    SECRET,
    SECRETS,
    Guarded,
    encoded,
    guarded,
)
from tests.services.label_studio import raw_session
from tests.services.local import S3Server

ALL_TASKS = json.dumps({"filters": {"conjunction": "and", "items": []}})


@pytest.fixture(scope="module", params=["folder", "bucket"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server
) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("access")
    root = str(home / "media")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "bucket":
            root = f"s3://chai/access-{os.getpid()}"
            for name, value in s3_server.env.items():
                patch.setenv(name, value)
        with guarded(home, root) as ready:
            yield ready


OTHERS = (
    "/api/tasks/{bobs}/",
    "/api/tasks/{bobs}",
    "/api/tasks/{nobodys}/",
    "/api/tasks/{bobs}/drafts",
    "/api/tasks/{bobs_answered}/annotations/",
    "/api/tasks/{bobs_answered}/annotations/{bobs_annotation}/drafts",
    "/api/annotations/{bobs_annotation}/",
    "/api/annotations/{bobs_annotation}/convert-to-draft",
    "/api/drafts/{bobs_draft}/",
    "/api/tasks/{bobs}/agreement/",
    "/api/tasks/999999/",
    "/api/annotations/999999/",
    "/api/predictions/",
    "/api/predictions.json?task={bobs}",
    "/api/projects/{project}/tasks/",
    "/api/projects/{project}/next/",
    "/api/projects/{project}/sample-task/",
    "/api/projects/{project}/summary/",
    "/api/projects/{project}/annotators/",
    "/api/projects/{project}/export?exportType=JSON",
    "/api/projects/{project}/exports/",
    "/api/projects/{project}/file-uploads",
    "/api/dm/views/{tab}/",
    "/api/dm/views.json?project={project}",
    "/api/users/{bob}/",
    "/api/users.json",
    "/api/fsm/entities/task/{bobs}/history",
    "/api/webhooks/info/",
    "/api/session-policy/",
    "/docs/api/schema/json/",
    "/projects/{project}/settings/",
    "/people/",
    "/organization/",
    "/data/upload/1/x.json",
    "/data/avatars/x.png",
    "/storage-data/uploaded/?filepath=upload/1/x.json",
)


def test_what_is_anothers_is_refused(stage: Guarded) -> None:
    for path in OTHERS:
        for method in ("GET", "HEAD"):
            assert stage.ask(stage.ann, method, path).status_code == 403, path
        assert stage.ask(None, "GET", path).status_code == 401, path


def test_one_may_read_ones_own(stage: Guarded) -> None:
    for path in ("/api/tasks/{bobs}/", "/api/annotations/{bobs_annotation}/", "/api/drafts/{bobs_draft}/"):
        assert stage.ask(stage.bob, "GET", path).status_code == 200, path
    for path in ("/api/tasks/{bobs_answered}/annotations/", "/api/tasks/{bobs}/drafts"):
        assert len(stage.ask(stage.bob, "GET", path).json()) == 1


@pytest.mark.parametrize(
    "query",
    ["", "&fields=all", f"&query={ALL_TASKS}", "&view={tab}", "&fields=all&page=1&page_size=100&resolve_uri=false"],
)
def test_lists_hold_only_ones_own_tasks(stage: Guarded, query: str) -> None:
    path = f"/api/tasks/?project={stage.ids['project']}" + query.replace("{tab}", str(stage.ids["tab"]))
    reply = stage.ask(stage.ann, "GET", path.replace("{", "{{").replace("}", "}}"))
    assert reply.status_code == 200, reply.text
    assert {task["id"] for task in reply.json()["tasks"]} <= {stage.ids["mine"]}
    assert reply.json()["total"] <= 1


def test_the_next_task_is_ones_own_whatever_is_asked_for(stage: Guarded) -> None:
    included = {"selectedItems": {"all": False, "included": [stage.ids["bobs"]]}}
    for body in ({}, json.loads(ALL_TASKS), included, {"view": stage.ids["tab"]}):
        reply = stage.ask(stage.ann, "POST", "/api/dm/actions/?project={project}&id=next_task", json=body)
        assert reply.status_code == 404 or reply.json()["id"] == stage.ids["mine"], reply.text


def _play(stage: Guarded, who: Annotator | None, address: str, **headers: str) -> requests.Response:
    """What a player gets at an address, after the redirect to the bucket that it may meet."""
    reply = stage.ask(who, "GET", address.replace("{", "{{").replace("}", "}}"), headers=headers)
    return requests.get(reply.headers["Location"], headers=headers) if reply.status_code == 303 else reply


def test_ones_own_clip_plays_also_by_parts(stage: Guarded) -> None:
    address = stage.address("clips/mine.mp4")
    assert _play(stage, stage.ann, address).content == CLIP
    part = _play(stage, stage.ann, address, Range="bytes=4-9")
    assert (part.status_code, part.content) == (206, CLIP[4:10])
    assert stage.ask(None, "GET", address).status_code == 401


@pytest.mark.parametrize("key", SECRETS)
def test_no_other_object_of_the_media_is_shown(stage: Guarded, key: str) -> None:
    ways = [stage.address(key), stage.address(key, "bobs"), stage.address(key, "nobodys")]
    if stage.media.is_s3:
        plain = stage.media.url(key)
        for task in (stage.ids["mine"], stage.ids["bobs"]):
            ways += [
                f"/tasks/{task}/{door}/?fileuri={as_}"
                for door in ("resolve", "presign")
                for as_ in (plain, encoded(plain))
            ]
        ways += [
            f"/projects/{stage.ids['project']}/{door}/?fileuri={encoded(plain)}" for door in ("resolve", "presign")
        ]
        own = stage.media.url("clips/mine.mp4")
        ways += [f"/tasks/{stage.ids['mine']}/resolve/?fileuri={encoded(own)}&fileuri={encoded(plain)}"]
        ways += [f"/tasks/{stage.ids['mine']}/resolve/?fileuri={encoded(f'{own}/../../{key}')}"]
    for way in ways:
        reply = _play(stage, stage.ann, way)
        assert reply.status_code == 403, (way, reply.status_code, reply.text[:100])


def test_thumbnails_are_for_all_who_are_logged_in(stage: Guarded) -> None:
    if not stage.media.is_s3:
        assert stage.ask(stage.ann, "GET", stage.address("thumbs/mine.webp")).content == CLIP


def test_no_file_outside_the_media_folder_is_shown(stage: Guarded) -> None:
    home = stage.studio.home
    inside = home / "media" / "clips"
    inside.mkdir(parents=True, exist_ok=True)
    (home / "people.yaml").write_bytes(SECRET)
    link, folder = inside / "link.mp4", home / "media" / "thumbs"
    folder.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(home / "people.yaml")
        (folder / "up").symlink_to(home)
    names = ["people.yaml", "secrets.json", "label_studio/label_studio.sqlite3", "run/label-studio.log"]
    tricks = ["media/clips/link.mp4", "media/thumbs/up/people.yaml", str(home / "people.yaml"), "", ".", "media"]
    for name in names:
        tricks += [name, f"media/clips/../../{name}", f"media/clips/..%2f..%2f{name}", f"media/../{name}", f"/{name}"]
        tricks += [f"media//clips/../../{name}", f"media/clips/%2e%2e/%2e%2e/{name}", f"media\\..\\{name}"]
        tricks += [f"media/clips/%252e%252e/%252e%252e/{name}", f"media/clips/\0/../../{name}", f"MEDIA/../{name}"]
    for trick in tricks:
        for raw in (f"/data/local-files/?d={trick}", f"/data/local-files/?d=media/clips/mine.mp4&d={trick}"):
            reply = stage.ask(stage.ann, "GET", raw)
            assert reply.status_code in (403, 404), (raw, reply.status_code)
            assert str(home) not in reply.text


def test_a_copied_cookie_is_dead_after_the_log_out(stage: Guarded) -> None:
    ann = Annotator(stage.studio.url, ANN, PASSWORD)
    other = Annotator(stage.studio.url, ANN, PASSWORD)
    copied = requests.Session()
    copied.cookies.update(raw_session(ann).cookies)
    mine = f"{stage.studio.url}/api/tasks/{stage.ids['mine']}/"
    assert copied.get(mine).status_code == 200
    assert stage.ask(ann, "GET", "/logout").status_code == 302
    assert copied.get(mine).status_code == 401
    assert copied.post(f"{mine}annotations/", json={"result": ANSWER}).status_code == 401
    page = {"Accept": "text/html"}
    assert "/user/login/" in copied.get(stage.studio.url, headers=page, allow_redirects=False).headers["Location"]
    assert stage.ask(other, "GET", "/api/tasks/{mine}/").status_code == 200  # another browser's log-in stands


def test_log_ins_are_slowed_after_five_failures_and_nobody_is_locked_out(stage: Guarded) -> None:
    stage.service.ensure_person("cat@example.com", PASSWORD)
    for _ in range(5):
        with pytest.raises(LabelStudioRefused, match=r"don.+t match"):
            Annotator(stage.studio.url, "cat@example.com", "a guess")
    # A pause of a second, and of two after one more failure; how long a log-in takes itself depends on the machine.
    _until_it_may(lambda: Annotator(stage.studio.url, "Cat@example.com", "a guess"), r"don.+t match")
    for password in ("a guess", PASSWORD):
        with pytest.raises(LabelStudioRefused, match=r"\(429\): Too many log-ins failed. Try again in \d s"):
            Annotator(stage.studio.url, "CAT@example.com", password)
    Annotator(stage.studio.url, BOB, PASSWORD)  # others are not slowed
    time.sleep(2.1)
    Annotator(stage.studio.url, "cat@example.com", PASSWORD)
    Annotator(stage.studio.url, "cat@example.com", PASSWORD)


def _until_it_may(log_in: Callable[[], object], refusal: str) -> None:
    """Tries until the pause is over and the log-in is refused for its own reason."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with pytest.raises(LabelStudioRefused) as refused:
            log_in()
        if re.search(refusal, str(refused.value)):
            return
        assert "Too many log-ins failed" in str(refused.value)
        time.sleep(0.3)
    pytest.fail("the pause has no end")


CLOSED = (
    "/x/metrics/",
    "/metrics/",
    "/version/metrics/",
    "/trigger500/",
    "/x/trigger500/",
    "/version/",
    "/x/version/",
    "/x/health/",
    "/feature-flags/",
    "/heidi-tips/",
    "/__lsa/",
    "/api-auth/login/",
)


def test_some_doors_are_closed_for_all(stage: Guarded) -> None:
    token = {"Authorization": f"Token {stage.studio.token}"}
    for path in CLOSED:
        replies = [stage.ask(stage.ann, "GET", path), stage.ask(None, "GET", path)]
        replies.append(stage.ask(None, "GET", path, headers=token))
        assert [reply.status_code for reply in replies] == [404, 404, 404], path


def test_some_doors_are_for_administrators(stage: Guarded) -> None:
    for path in ("/admin/", "/admin/login/", "/django-rq/", "/docs/api/", "/samples/time-series.csv"):
        assert stage.ask(stage.ann, "GET", path).status_code == 403, path
        assert stage.ask(None, "GET", path).status_code == 401, path


ERRORS = {
    "no such page": ("GET", "/no-such-page/", {}),
    "a path above the files": ("GET", "/data/local-files/?d=../../etc/passwd", {}),
    "no such task": ("GET", "/api/tasks/999999/", {}),
    "no such project": ("GET", "/api/projects/999999/", {}),
    "a filter that breaks": ("GET", "/api/tasks/?project={project}&query=1", {}),
    "an ordering that breaks": (
        "GET",
        "/api/tasks/?project={project}&query=%7B%22ordering%22:[%22tasks:nope%22]%7D",
        {},
    ),
    "a number out of range": ("GET", "/api/tasks/?project=99999999999999999999999", {}),
    "a page out of range": ("GET", "/api/projects/?page=99999", {}),
    "a body that is no form": ("POST", "/user/login/", {"data": b"\xff\xfe"}),
    "no token of the form": ("POST", "/user/login/", {"data": {"email": "x"}}),
}


def test_errors_name_no_folders_or_settings(stage: Guarded) -> None:
    for who, (name, (method, path, options)) in product((stage.ann, None), ERRORS.items()):
        reply = stage.ask(who, method, path, **options)
        assert reply.status_code >= 400, (name, reply.status_code)
        for telling in (str(stage.studio.home), str(CHECKOUT), "site-packages", "Traceback", "DEBUG", "SECRET_KEY"):
            assert telling not in reply.text, (name, telling)


def test_every_answer_forbids_frames_and_hides_its_cookies_from_scripts(stage: Guarded) -> None:
    for who, path in [(None, "/user/login/"), (stage.ann, "/projects/"), (stage.ann, "/api/tasks/{bobs}/")]:
        reply = stage.ask(who, "GET", path)
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
    form = requests.get(f"{stage.studio.url}/user/login/")
    told = form.raw.headers.getlist("Set-Cookie")
    assert told
    for cookie in told:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie
    behind = requests.get(f"{stage.studio.url}/user/login/", headers={"X-Forwarded-Proto": "https"})
    assert all("Secure" in cookie for cookie in behind.raw.headers.getlist("Set-Cookie"))


def test_a_signed_up_stranger_needs_a_password_that_is_none_of_the_common_ones(stage: Guarded) -> None:
    for password in ("password123", "1234567890123", "short"):
        with pytest.raises(LabelStudioRefused):
            stage.service.ensure_person(f"new.{len(password)}@example.com", password)


def test_only_its_owner_reads_the_database(stage: Guarded) -> None:
    folder = stage.studio.home / "label_studio"
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "label_studio.sqlite3" in files
    assert [str(path) for path in files if path.stat().st_mode & 0o077] == []
    assert (stage.studio.home / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_an_account_is_closed_and_opened_and_its_role_holds(stage: Guarded) -> None:
    dan, roles = "dan@example.com", {ANN: ("annotator",), BOB: ("annotator",)}
    stage.service.ensure_person(dan, PASSWORD)
    review = {"assignee": account_key(dan), "chai_kind": "review", "text": "x", "video": "x"}
    (task,) = stage.service.ensure_tasks(stage.ids["project"], "roles", [Task("dans", review)]).values()
    stage.service.hold_accounts_to(roles | {dan: ("annotator",)})
    session = Annotator(stage.studio.url, dan, PASSWORD)
    with pytest.raises(LabelStudioRefused, match="work for a reviewer"):
        session.submit(task, ANSWER)
    assert stage.service.hold_accounts_to(roles) == ([], [dan])
    assert stage.ask(session, "GET", f"/api/tasks/{task}/").status_code == 401
    with pytest.raises(LabelStudioRefused, match=r"don.+t match"):
        Annotator(stage.studio.url, dan, PASSWORD)
    assert stage.service.hold_accounts_to(roles | {dan.upper(): ("reviewer",)}) == ([dan], [])
    assert stage.ask(session, "GET", f"/api/tasks/{task}/").status_code == 401  # the old log-in stays ended
    with pytest.raises(LabelStudioRefused, match="the verdict is missing"):  # the role holds; the answer is none
        Annotator(stage.studio.url, dan, PASSWORD).submit(task, ANSWER)


def test_only_the_service_account_opens_and_closes_accounts(stage: Guarded) -> None:
    for who, status in ((stage.ann, 403), (None, 403)):
        for method, body in (("PUT", {"people": []}), ("PATCH", {"email": BOB})):
            assert stage.ask(who, method, "/api/chai/accounts", json=body).status_code == status
    assert stage.ask(stage.bob, "GET", "/api/tasks/{bobs}/").status_code == 200


def test_every_door_of_label_studio_is_decided_on(tmp_path: Path) -> None:
    program = (
        "import boot; boot.load(); import doors; from django.urls import get_resolver; "
        "there = doors.routes(get_resolver()); print('\\n'.join(r for r in there if not doors.is_decided(r))); "
        "print('\\n'.join(r for r in doors.DOORS if r not in there))"
    )
    env = {"LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path), "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true"}
    env |= {"SECRET_KEY": "x", "DJANGO_DB": "sqlite", "SENTRY_DSN": "", "LOG_LEVEL": "ERROR"}
    told = subprocess.run(
        [str(LABEL_STUDIO_VENV / "bin" / "python"), "-c", program],
        cwd=CHECKOUT / "deploy" / "label_studio",
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line for line in told.splitlines() if line and not line.startswith("=>")] == []
