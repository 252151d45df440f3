"""The client against a real Label Studio, through a proxy that loses replies where that is the point."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chai_resources.label_studio import (
    Annotator,
    LabelStudio,
    LabelStudioDown,
    LabelStudioRefused,
    Task,
    listing,
)
from chai_resources.people import account_key
from chai_resources.services import label_studio_server
from chai_resources.services.label_studio_server import SERVICE_ACCOUNT
from chai_resources.services.processes import ServiceFailed
from chai_resources.services.secrets import home_secrets, password_of
from tests.services.label_studio import LabelStudioHandle, newest, start_label_studio, task_ids
from tests.services.local import S3Server, free_ports, start_s3

CONFIG = """<View><Video name="v" value="$video"/><Text name="t" value="$text"/>
<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>"""
ANSWER = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["a"]}}]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
EMAIL, PASSWORD = "Ann@example.com", "a-password"
NUMBERS = count()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def studio(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioHandle]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.env.items():
            patch.setenv(name, value)
        handle = start_label_studio(tmp_path_factory.mktemp("studio"))
    yield handle
    handle.stop()


@pytest.fixture(scope="module")
def service(studio: LabelStudioHandle) -> LabelStudio:
    return LabelStudio(url=studio.url, token=studio.token)


@pytest.fixture
def project(service: LabelStudio) -> int:
    return service.ensure_project("critique", f"Project {next(NUMBERS)}", CONFIG, "Be fair & exact.")


@pytest.fixture(scope="module")
def ann(studio: LabelStudioHandle, service: LabelStudio) -> Annotator:
    service.ensure_person(EMAIL, PASSWORD)
    return Annotator(studio.url, EMAIL, PASSWORD)


def _tasks(*keys: str, **extra: Any) -> list[Task]:
    data = {"video": "/data/local-files/?d=media/a.mp4", "assignee": account_key(EMAIL), **extra}
    return [Task(key, data | {"text": key}) for key in keys]


class LossyProxy(ThreadingHTTPServer):
    """Passes requests on to Label Studio, one after another; lists say what becomes of imports and of reads.

    "lost": carried out, the reply dropped. "refused": not passed on, answered 503. Else all is well.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.upstream = upstream
        self.import_fates: list[str] = []
        self.read_fates: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Forward(BaseHTTPRequestHandler):
    server: LossyProxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_import = self.path.partition("?")[0].endswith("/import")
        fates = self.server.import_fates if is_import else self.server.read_fates
        fate = fates.pop(0) if fates and (is_import or self.command == "GET") else "fine"
        if fate == "refused":
            self._reply(503, "text/plain", b"")
            return
        names = ("Authorization", "Content-Type")
        kept = {name: self.headers[name] for name in names if self.headers[name]}
        reply = requests.request(self.command, self.server.upstream + self.path, data=body, headers=kept)
        if fate != "lost":
            self._reply(reply.status_code, reply.headers.get("Content-Type", ""), reply.content)

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on

    def _reply(self, status: int, content_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def proxy(studio: LabelStudioHandle) -> Iterator[LossyProxy]:
    server = LossyProxy(studio.url)
    yield server
    server.shutdown()
    server.server_close()


def test_a_project_is_made_once_and_brought_up_to_date(service: LabelStudio, studio: LabelStudioHandle):
    title = "Critique of captions"
    service.ensure_project("critique", title + " 2", CONFIG, "")  # a title that contains the other
    first = service.ensure_project("critique", title, CONFIG, "Be <b>fair</b> & exact.")
    assert service.ensure_project("critique", title, CONFIG, "Be <b>fair</b> & exact.") == first
    wider = CONFIG.replace('<Choice value="b"/>', '<Choice value="b"/><Choice value="c"/>')
    assert service.ensure_project("critique", title, wider, "New words") == first
    there = service._api.get(f"/api/projects/{first}/")
    assert (there["label_config"], there["expert_instruction"]) == (wider, "New words")
    assert (there["show_skip_button"], there["enable_empty_annotation"]) == (False, False)
    assert there["show_collab_predictions"] is True
    assert len(service._api.get("/api/dm/views/", project=first)) == 1


def test_a_project_that_is_up_to_date_is_not_written_to(service: LabelStudio, monkeypatch: pytest.MonkeyPatch):
    words = "Be <b>fair</b> & exact; 1 < 2."
    service.ensure_project("critique", "Untouched", CONFIG, words)
    monkeypatch.setattr(service._api.session, "write", lambda *_, **__: pytest.fail("something was written"))
    service.ensure_project("critique", "Untouched", CONFIG, words)


def test_two_projects_of_one_title_are_refused_by_name(service: LabelStudio):
    first = service.ensure_project("review", "Twice", CONFIG, "")
    second = service._api.send("POST", "/api/projects/", {"title": "Twice", "label_config": CONFIG})["id"]
    with pytest.raises(ValueError, match=rf"projects ({first}, {second}|{second}, {first}) .*'Twice'"):
        service.ensure_project("review", "Twice", CONFIG, "")


def test_a_config_that_label_studio_refuses_says_what_is_wrong(service: LabelStudio):
    with pytest.raises(LabelStudioRefused, match="toName"):
        service.ensure_project("review", "Broken", CONFIG.replace('toName="t"', 'toName="x"'), "")


def test_pushing_again_adds_only_what_is_missing(service: LabelStudio, project: int):
    first = service.ensure_tasks(project, "b1", _tasks("k1", "k2"))
    again = service.ensure_tasks(project, "b1", _tasks("k2", "k3"))
    other = service.ensure_tasks(project, "b2", _tasks("k1"))
    assert again["k2"] == first["k2"]
    assert service.existing(project, "b1") == {k: [i] for k, i in (first | again).items()}
    assert service.existing(project, "b2") == {"k1": [other["k1"]]}
    assert task_ids(service, project) == {
        first["k1"]: "k1",
        first["k2"]: "k2",
        again["k3"]: "k3",
        other["k1"]: "k1",
    }
    assert service.ensure_tasks(project, "b1", []) == {}
    with pytest.raises(ValueError, match="k9"):
        service.ensure_tasks(project, "b1", _tasks("k9", "k9"))


def test_a_prefilled_task_opens_with_its_answers(service: LabelStudio, project: int):
    (task,) = _tasks("k1")
    (task_id,) = service.ensure_tasks(project, "b", [Task("k1", task.data, ANSWER)]).values()
    (prediction,) = service._api.get(f"/api/tasks/{task_id}/")["predictions"]
    assert (prediction["model_version"], prediction["result"]) == ("chai", ANSWER)
    # Only predictions of the project's chosen version are put into the page.
    assert service._api.get(f"/api/projects/{project}/")["model_version"] == "chai"


# The proxy may be one for all examples: each begins by setting its fates.
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pushes=st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=3),
    fates=st.lists(st.sampled_from(["fine", "lost", "refused"]), max_size=6),
)
def test_no_lost_reply_makes_a_task_twice(
    studio: LabelStudioHandle, proxy: LossyProxy, pushes: list[set[int]], fates: list[str]
):
    direct = LabelStudio(url=studio.url, token=studio.token)
    project = direct.ensure_project("critique", f"Project {next(NUMBERS)}", CONFIG, "")
    lossy = LabelStudio(url=proxy.url, token=studio.token)
    proxy.import_fates = list(fates)
    for push in pushes:
        tasks = _tasks(*(f"k{n}" for n in push))
        while True:  # as runs do: what failed is tried again by the next one
            try:
                lossy.ensure_tasks(project, "b", tasks)
                break
            except (LabelStudioDown, LabelStudioRefused):
                assert len(fates) - len(proxy.import_fates) >= 3  # it gave up only after three attempts
    found = direct.existing(project, "b")
    assert set(found) == {f"k{n}" for push in pushes for n in push}
    assert all(len(ids) == 1 for ids in found.values())


def test_duplicates_are_removed_but_no_work_is_deleted(service: LabelStudio, project: int, ann: Annotator):
    form = [{"data": {**t.data, "chai_key": t.chai_key, "chai_batch": "b"}} for t in _tasks(*"pqr")]
    for _ in range(3):
        service._api.send("POST", f"/api/projects/{project}/import", form)
    found = service.existing(project, "b")
    assert all(len(ids) == 3 for ids in found.values())
    ann.submit(found["p"][1], ANSWER)
    ann.api.send("POST", f"/api/tasks/{found['q'][2]}/drafts", {"result": ANSWER, "lead_time": 1})
    ids = service.ensure_tasks(project, "b", _tasks(*"pqr"))
    assert ids == {key: found[key][0] for key in "pqr"}
    kept = {"p": found["p"][:2], "q": [found["q"][0], found["q"][2]], "r": found["r"][:1]}
    assert service.existing(project, "b") == kept


def test_polling_gives_each_task_once_though_many_share_one_time(
    service: LabelStudio, studio: LabelStudioHandle, project: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listing, "PAGE", 4)
    ids = service.ensure_tasks(project, "b", _tasks(*(f"k{n:02}" for n in range(40))))
    # Whole seconds, which Label Studio writes without a fraction, and more at one time than a page holds.
    times = ["2026-01-01 10:00:00"] * 5 + ["2026-01-01 10:00:01"] * 13 + ["2026-01-01 10:00:01.000001"]
    times += [f"2026-01-01 10:00:02.{n:06}" for n in range(19)] + ["2026-01-01 10:00:03"] * 2
    with sqlite3.connect(studio.home / "label_studio" / "label_studio.sqlite3", timeout=30) as database:
        rows = zip(times, ids.values(), strict=True)
        database.executemany("UPDATE task SET updated_at = ? WHERE id = ?", rows)
    begin = datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert sorted(task["id"] for task in service.changed(project, LONG_AGO)) == sorted(ids.values())
    later = [task["id"] for task in service.changed(project, begin + timedelta(seconds=1))]
    assert sorted(later) == sorted(ids.values())[5:]
    assert [t["id"] for t in service.changed(project, begin + timedelta(seconds=3), "b")] == later[-2:]
    assert list(service.changed(project, begin + timedelta(seconds=4))) == []
    assert list(service.changed(project, begin, "another batch")) == []
    assert newest(service, project) == begin + timedelta(seconds=3)
    assert service.existing(project, "b") == {key: [task_id] for key, task_id in ids.items()}


def test_polling_sees_what_people_do_and_who_did_it(service: LabelStudio, project: int, ann: Annotator):
    assert newest(service, project) is None
    ids = service.ensure_tasks(project, "b", _tasks("k1", "k2"))
    pushed = newest(service, project)
    assert pushed is not None
    assert service.touched(project, pushed) == []
    annotation = ann.submit(ids["k2"], ANSWER, lead_time=12.5)
    (task,) = [task for task in service.changed(project, pushed) if task["annotations"]]
    (made,) = task["annotations"]
    assert (made["id"], made["completed_by"], made["updated_by"]) == (
        annotation,
        EMAIL.lower(),
        EMAIL.lower(),
    )
    assert (made["result"], made["lead_time"]) == (ANSWER, 12.5)
    assert task["data"]["chai_key"] == "k2"
    submitted = newest(service, project)
    assert submitted is not None
    assert submitted > pushed
    assert service.touched(project, pushed) == [("b", ids["k2"], submitted)]

    service._api.send("PATCH", f"/api/annotations/{annotation}/", {"result": []})
    (task,) = service.changed(project, submitted + timedelta(microseconds=1), "b")
    (made,) = task["annotations"]
    assert (made["completed_by"], made["updated_by"]) == (EMAIL.lower(), SERVICE_ACCOUNT)

    edited = newest(service, project)
    assert edited is not None
    time.sleep(1.1)  # an unanswered task that changed within a second of its push counts as just pushed
    service._api.send("DELETE", f"/api/annotations/{annotation}/")
    (task,) = service.changed(project, edited + timedelta(microseconds=1))
    assert (task["id"], task["annotations"]) == (ids["k2"], [])
    assert [entry[1] for entry in service.touched(project, edited)] == [ids["k2"]]


def test_closing_keeps_the_task_and_stops_changes(service: LabelStudio, project: int, ann: Annotator):
    ids = service.ensure_tasks(project, "b", _tasks("k1", "k2"))
    annotation = ann.submit(ids["k1"], ANSWER)
    service.close(ids["k1"])
    (before,) = [task for task in service.changed(project, LONG_AGO) if task["id"] == ids["k1"]]
    service.close(ids["k1"])
    (after,) = [task for task in service.changed(project, LONG_AGO) if task["id"] == ids["k1"]]
    (shown,) = _tasks("k1")
    assert after["data"] == shown.data | {"chai_key": "k1", "chai_batch": "b", "chai_state": "closed"}
    assert after["updated_at"] == before["updated_at"]
    with pytest.raises(LabelStudioRefused, match=r"closed"):
        ann.update(annotation, [])
    service.close(ids["k2"])
    assert ann.queue(project) == []


def test_a_queue_holds_what_is_assigned_and_unanswered(service: LabelStudio, project: int, ann: Annotator):
    others = [Task(task.chai_key, task.data | {"assignee": "acc_other"}) for task in _tasks("x1", "x2")]
    ids = service.ensure_tasks(project, "b", [*_tasks("k1", "k2", "k3"), *others])
    tab = service.ensure_queue_tab(project, "Ann's queue", account_key(EMAIL))
    assert service.ensure_queue_tab(project, "Ann's queue", account_key(EMAIL)) == tab
    assert [task["data"]["chai_key"] for task in ann.queue(project)] == ["k1", "k2", "k3"]
    ann.submit(ids["k1"], ANSWER)
    assert [task["id"] for task in ann.queue(project)] == [ids["k2"], ids["k3"]]
    listed = service._api.get("/api/tasks/", project=project, view=tab)["tasks"]
    assert [task["id"] for task in listed] == [ids["k2"], ids["k3"]]
    with pytest.raises(LabelStudioRefused, match="not assigned to you"):
        ann.submit(ids["x1"], ANSWER)


def test_an_account_is_made_once_and_the_invitation_ends(service: LabelStudio, ann: Annotator):
    invitation = service._api.get("/api/invite")["token"]
    made = service.ensure_person("zoe@example.com", PASSWORD)
    assert service.ensure_person("Zoe@Example.com", "another password") == made
    assert Annotator(service.url, "zoe@example.com", PASSWORD).email == "zoe@example.com"
    assert service._api.get("/api/invite")["token"] != invitation
    assert service._api.get(f"/api/users/{made}/")["username"] == account_key("zoe@example.com")


def test_reads_outlast_a_hiccup_and_writes_are_made_once(studio: LabelStudioHandle, proxy: LossyProxy):
    hiccuping = LabelStudio(url=proxy.url, token=studio.token)
    project = hiccuping.ensure_project("critique", f"Project {next(NUMBERS)}", CONFIG, "")
    proxy.read_fates = ["refused", "lost", "refused"]
    assert newest(hiccuping, project) is None
    assert proxy.read_fates == []
    proxy.import_fates = ["refused", "refused"]
    with pytest.raises(LabelStudioRefused, match="503"):
        hiccuping._api.send("POST", f"/api/projects/{project}/import", [])
    assert proxy.import_fates == ["refused"]


def test_an_absent_server_and_a_wrong_token_are_told_with_the_remedy(studio: LabelStudioHandle):
    (port,) = free_ports(1)
    with pytest.raises(LabelStudioDown, match=rf"127.0.0.1:{port}.*make up"):
        newest(LabelStudio(url=f"http://127.0.0.1:{port}", token="x"), 1)
    with pytest.raises(LabelStudioRefused, match=r"401.*CHAI_LABEL_STUDIO_TOKEN"):
        newest(LabelStudio(url=studio.url, token="0" * 40), 1)


def test_media_play_from_the_folder_and_from_s3(
    studio: LabelStudioHandle, service: LabelStudio, project: int, ann: Annotator, s3: S3Server
):
    import boto3

    names = {"endpoint_url": "AWS_ENDPOINT_URL", "region_name": "AWS_REGION"}
    names |= {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
    client = boto3.client("s3", **{option: s3.env[name] for option, name in names.items()})
    client.put_object(Bucket="chai", Key="m/clips/a.mp4", Body=b"0123456789")
    clips = studio.home / "media" / "clips"
    clips.mkdir(parents=True)
    (clips / "a.mp4").write_bytes(b"0123456789")
    for root in (str(studio.home / "media"), "s3://chai/m"):
        service.ensure_storage(project, root)
        service.ensure_storage(project, root)
    assert len(service._api.get("/api/storages/", project=project)) == 2
    data = {"local": "/data/local-files/?d=media/clips/a.mp4", "s3": "s3://chai/m/clips/a.mp4"}
    tasks = [Task(key, task.data | {"video": data[key]}) for key in data for task in _tasks(key)]
    ids = service.ensure_tasks(project, "b", tasks)
    for task_id in ids.values():
        shown = ann.api.get(f"/api/tasks/{task_id}/")["data"]["video"]
        address = shown if shown.startswith("http") else studio.url + shown
        played = ann.api.session.get(address, headers={"Range": "bytes=2-5"})
        assert (played.status_code, played.content) == (206, b"2345"), shown
        assert requests.get(address).status_code == 401
    assert [task["data"]["video"] for task in service.changed(project, LONG_AGO)] == list(data.values())


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path, studio: LabelStudioHandle):
    port = int(studio.url.rpartition(":")[2])
    with pytest.raises(ServiceFailed, match=rf"port {port} is taken.*CHAI_LABEL_STUDIO_PORT"):
        label_studio_server.start_label_studio(tmp_path / "home", port, str(tmp_path / "media"))
    assert not (tmp_path / "home").exists()


def test_secrets_are_made_once_and_are_private(tmp_path: Path):
    first = home_secrets(tmp_path)
    password = password_of(tmp_path, "Ann@example.com")
    assert password_of(tmp_path, "ann@example.com") == password
    assert password_of(tmp_path, "bob@example.com") != password
    assert home_secrets(tmp_path).items() >= first.items()
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
