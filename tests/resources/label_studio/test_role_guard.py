"""Attacks on the role guard of a real Label Studio, in the sessions of people without other rights."""

import base64
import hashlib
import hmac
import json
import sqlite3
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from chai_resources.environment import CHECKOUT
from chai_resources.label_studio import Annotator, LabelStudio, LabelStudioRefused, Task
from chai_resources.people import account_key
from chai_resources.services.label_studio_server import LABEL_STUDIO_VENV
from chai_resources.services.secrets import home_secrets
from tests.services.label_studio import LabelStudioHandle, raw_session, start_label_studio

CONFIG = """<View><Text name="t" value="$text"/>
<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices></View>"""
ANSWER = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["a"]}}]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ANN, BOB = "ann@example.com", "bob@example.com"


@dataclass(frozen=True)
class Stage:
    """Two people, their tasks and what they did: the ids that attacks aim at."""

    studio: LabelStudioHandle
    service: LabelStudio
    ann: Annotator
    bob: Annotator
    ids: dict[str, int]

    def ask(self, who: Annotator, method: str, path: str, **options: Any) -> requests.Response:
        """A raw request in a person's session; `{name}` in the path stands for an id."""
        address = self.studio.url + path.format(**self.ids)
        return raw_session(who).request(method, address, allow_redirects=False, timeout=60, **options)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory):
    studio = start_label_studio(tmp_path_factory.mktemp("guard"))
    service = LabelStudio(url=studio.url, token=studio.token)
    try:
        project = service.ensure_project("critique", "Guarded", CONFIG, "Answer.")
        ann_key, bob_key = account_key(ANN), account_key(BOB)
        data = {
            "mine": {"assignee": ann_key},
            "answered": {"assignee": ann_key},
            "bobs": {"assignee": bob_key},
            "bobs_answered": {"assignee": bob_key},
            "nobodys": {},
            "excluded": {"assignee": ann_key, "excluded": [bob_key, ann_key]},
            "closed": {"assignee": ann_key},
        }
        tasks = [Task(key, {"text": key, **extra}) for key, extra in data.items()]
        ids = service.ensure_tasks(project, "b", tasks) | {"project": project}
        for email in (ANN, BOB):
            ids[email[:3]] = service.ensure_person(email, "guarded-pass")
        ann, bob = (Annotator(studio.url, email, "guarded-pass") for email in (ANN, BOB))
        ids["annotation"] = ann.submit(ids["answered"], ANSWER)
        ids["closed_annotation"] = ann.submit(ids["closed"], ANSWER)
        service.close(ids["closed"])
        ids["bobs_annotation"] = bob.submit(ids["bobs_answered"], ANSWER)
        drafts = f"/api/tasks/{ids['bobs']}/drafts"
        ids["bobs_draft"] = bob.api.send("POST", drafts, {"result": ANSWER, "lead_time": 1})["id"]
        yield Stage(studio, service, ann, bob, ids)
    finally:
        studio.stop()


@dataclass(frozen=True)
class Attack:
    method: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)


def _json(method: str, path: str, body: Any) -> Attack:
    return Attack(method, path, {"json": body})


def _raw(method: str, path: str, body: bytes, content_type: str) -> Attack:
    return Attack(method, path, {"data": body, "headers": {"Content-Type": content_type}})


SUBMIT = {"result": ANSWER}
# In UTF-8 one field with a text; in UTF-7, where +ACI- is a quotation mark, also the field "task".
SMUGGLED = b'{"result": [{"a": "+ACI-}], +ACI-task+ACI-: 1, +ACI-z+ACI-: [{+ACI-a+ACI-: +ACI-"}]}'
OWN, MINE = "/api/annotations/{annotation}/", "/api/tasks/{mine}/annotations/"
ACTION = "/api/dm/actions/?project={project}&id="

ATTACKS = {
    "label another's task": _json("POST", "/api/tasks/{bobs}/annotations/", SUBMIT),
    "the same without the last slash": _json("POST", "/api/tasks/{bobs}/annotations", SUBMIT),
    "label a task given to nobody": _json("POST", "/api/tasks/{nobodys}/annotations/", SUBMIT),
    "label an item worked on before": _json("POST", "/api/tasks/{excluded}/annotations/", SUBMIT),
    "label a closed task": _json("POST", "/api/tasks/{closed}/annotations/", SUBMIT),
    "label a missing task": _json("POST", "/api/tasks/999999/annotations/", SUBMIT),
    "change an answer after closing": _json("PATCH", "/api/annotations/{closed_annotation}/", SUBMIT),
    "change another's answer": _json("PATCH", "/api/annotations/{bobs_annotation}/", SUBMIT),
    "replace an answer": _json("PUT", OWN, SUBMIT),
    "move an answer to another task": _json("PATCH", OWN, {"task": 1, "result": ANSWER}),
    "bless an answer as ground truth": _json("PATCH", OWN, {"ground_truth": True}),
    "sign with another's name": _json("POST", MINE, SUBMIT | {"completed_by": 1}),
    "copy another's answer": _json("POST", MINE, SUBMIT | {"parent_annotation": 1}),
    "put an answer into another project": _json("POST", MINE, SUBMIT | {"project": 999}),
    "skip a task": _json("POST", MINE, SUBMIT | {"was_cancelled": True}),
    "skip a task by address": _json("POST", MINE + "?was_cancelled=1", SUBMIT),
    "send a form": _raw("PATCH", OWN, b"task=1", "application/x-www-form-urlencoded"),
    "send two meanings": _raw("PATCH", OWN, SMUGGLED, "application/json; charset=utf-7"),
    "send no JSON": _raw("PATCH", OWN, b"{", "application/json"),
    "send a list": _json("PATCH", OWN, [1]),
    "draft on another's task": _json("POST", "/api/tasks/{bobs}/drafts", SUBMIT),
    "draft there by way of one's own answer": _json(
        "POST", "/api/tasks/{bobs}/annotations/{annotation}/drafts", SUBMIT
    ),
    "change another's draft": _json("PATCH", "/api/drafts/{bobs_draft}/", SUBMIT),
    "delete another's draft": Attack("DELETE", "/api/drafts/{bobs_draft}/"),
    "delete one's own answer": Attack("DELETE", OWN),
    "delete another's answer": Attack("DELETE", "/api/annotations/{bobs_annotation}/"),
    "delete a task": Attack("DELETE", "/api/tasks/{mine}/"),
    "delete the project": Attack("DELETE", "/api/projects/{project}/"),
    "delete all tasks": Attack("DELETE", "/api/projects/{project}/tasks/"),
    "delete tasks by action": _json("POST", ACTION + "delete_tasks", {"selectedItems": {"all": True}}),
    "delete answers by action": _json("POST", ACTION + "delete_tasks_annotations", {"selectedItems": {"all": True}}),
    "two actions in one": _json("POST", ACTION + "next_task&id=delete_tasks", {}),
    "an action without a name": _json("POST", "/api/dm/actions/?project={project}", {}),
    "delete under another method": Attack("POST", OWN, {"headers": {"X-HTTP-Method-Override": "DELETE"}}),
    "turn an answer into a draft": _json("POST", OWN + "convert-to-draft", {}),
    "change a task": _json("PATCH", "/api/tasks/{mine}/", {"data": {"text": "x"}}),
    "make a task": _json("POST", "/api/tasks/", {"project": 1, "data": {"text": "x"}}),
    "import tasks": _json("POST", "/api/projects/{project}/import", [{"text": "x"}]),
    "make a prediction": _json("POST", "/api/predictions/", {"task": 1, "result": []}),
    "change the project": _json("PATCH", "/api/projects/{project}/", {"title": "Mine now"}),
    "make a project": _json("POST", "/api/projects/", {"title": "Mine"}),
    "make a tab": _json("POST", "/api/dm/views/", {"project": 1, "data": {}}),
    "make a webhook": _json("POST", "/api/webhooks/", {"url": "http://example.com"}),
    "change one's address": _json("PATCH", "/api/users/{ann}/", {"email": "boss@example.com"}),
    "bring old tokens back": _json("POST", "/api/jwt/settings", {"legacy_api_tokens_enabled": True}),
    "reset the invitation": _json("POST", "/api/invite/reset-token", {}),
    "make a token": _json("POST", "/api/token/", {}),
    "reset a token": _json("POST", "/api/current-user/reset-token/", {}),
    "write from another site": Attack("POST", MINE, {"json": SUBMIT, "headers": {"Origin": "http://evil.example"}}),
    "write from nowhere": Attack("POST", MINE, {"json": SUBMIT, "headers": {"Origin": "null"}}),
    "export": Attack("GET", "/api/projects/{project}/export?exportType=JSON"),
    "list exports": Attack("GET", "/api/projects/{project}/exports/"),
    "read one's token": Attack("GET", "/api/current-user/token"),
    "read tokens": Attack("GET", "/api/token/"),
    "read the invitation": Attack("GET", "/api/invite"),
    "read it past the pattern": Attack("GET", "/api/invite%0A"),
    "read the storages": Attack("GET", "/api/storages/"),
    "read the webhooks": Attack("GET", "/api/webhooks/"),
    "read the organization": Attack("GET", "/api/organizations/1/memberships"),
    "read a model server": Attack("GET", "/api/ml/1"),
    "open the administration": Attack("GET", "/admin/"),
    "open the job queues": Attack("GET", "/django-rq/"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_annotator_may_not(stage: Stage, name: str):
    attack = ATTACKS[name]
    reply = stage.ask(stage.ann, attack.method, attack.path, **attack.options)
    assert reply.status_code == 403, (name, reply.status_code, reply.text[:300])
    assert reply.json()["detail"]


def test_there_are_no_model_servers_for_annotators_and_asking_is_no_error(stage: Stage):
    reply = stage.ask(stage.ann, "GET", "/api/ml?project={project}")
    assert (reply.status_code, reply.json()) == (200, [])


def test_after_all_attacks_everything_stands_as_it_was(stage: Stage):
    for attack in ATTACKS.values():
        stage.ask(stage.ann, attack.method, attack.path, **attack.options)
    changed = stage.service.changed(stage.ids["project"], LONG_AGO)
    tasks = {task["data"]["chai_key"]: task for task in changed}
    answers = {key: [a["id"] for a in task["annotations"]] for key, task in tasks.items() if task["annotations"]}
    assert answers == {
        "answered": [stage.ids["annotation"]],
        "bobs_answered": [stage.ids["bobs_annotation"]],
        "closed": [stage.ids["closed_annotation"]],
    }
    drafts = stage.ask(stage.bob, "GET", "/api/tasks/{bobs}/drafts").json()
    assert [(draft["id"], draft["lead_time"]) for draft in drafts] == [(stage.ids["bobs_draft"], 1.0)]
    assert not any(a["ground_truth"] for task in tasks.values() for a in task["annotations"])


def test_an_annotator_may_draft_submit_and_change_their_own(stage: Stage):
    ann, ids = stage.ann, stage.ids
    drafts = f"/api/tasks/{ids['mine']}/drafts"
    draft = ann.api.send("POST", drafts, {"result": ANSWER, "lead_time": 1})["id"]
    ann.api.send("PATCH", f"/api/drafts/{draft}/", {"result": ANSWER, "lead_time": 2})
    same_site = {"Origin": stage.studio.url, "Content-Type": "application/json; charset=UTF-8"}
    body = {"result": ANSWER, "lead_time": 3, "draft_id": draft, "started_at": "2026-01-01T00:00:00Z"}
    body |= {"unique_id": "5bfe6d72-0000-4000-8000-000000000001", "project": ids["project"]}
    body |= {"parent_prediction": None, "parent_annotation": None}
    sent = {"data": json.dumps(body), "headers": same_site}
    made = stage.ask(ann, "POST", f"/api/tasks/{ids['mine']}/annotations/?project={ids['project']}", **sent)
    assert made.status_code == 201, made.text
    ann.update(made.json()["id"], ANSWER)
    of_answer = f"/api/tasks/{ids['mine']}/annotations/{made.json()['id']}/drafts"
    draft = ann.api.send("POST", of_answer, {"result": ANSWER, "lead_time": 1})["id"]
    ann.api.send("DELETE", f"/api/drafts/{draft}/")
    (task,) = [t for t in stage.service.changed(ids["project"], LONG_AGO) if t["id"] == ids["mine"]]
    assert [a["completed_by"] for a in task["annotations"]] == [ANN]
    assert stage.ask(ann, "GET", "/api/tasks/{mine}/drafts").json() == []


def test_an_annotator_may_take_the_next_task_set_hotkeys_read_and_log_out(stage: Stage):
    ann = Annotator(stage.studio.url, ANN, "guarded-pass")
    taken = stage.ask(ann, "POST", ACTION + "next_task", json={"project": stage.ids["project"]})
    assert taken.status_code == 200, taken.text
    keys = {"custom_hotkeys": {"video:media:playpause": {"key": "space", "active": True}}}
    assert stage.ask(ann, "PATCH", "/api/current-user/hotkeys/", json=keys).status_code == 200
    reads = ["/", "/projects/{project}/data", "/api/projects/{project}/", "/api/tasks/{mine}/"]
    reads += ["/api/dm/views/?project={project}", "/api/dm/actions/?project={project}", "/api/users/"]
    for path in reads:
        assert stage.ask(ann, "GET", path).status_code in (200, 302), path
    assert stage.ask(ann, "GET", "/logout").status_code == 302
    assert stage.ask(ann, "GET", "/api/projects/{project}/").status_code == 401


def test_no_answer_shows_an_annotator_anothers_email(stage: Stage):
    paths = ["/api/users/", "/api/tasks/{bobs_answered}/", "/api/annotations/{bobs_annotation}/"]
    paths += ["/api/tasks/{bobs}/drafts", "/api/projects/{project}/", "/api/users/{bob}/"]
    paths += ["/api/tasks/?project={project}&fields=all", "/api/projects/{project}/annotators/"]
    seen = "".join(stage.ask(stage.ann, "GET", path).text for path in paths)
    assert account_key(BOB) in seen
    assert BOB not in seen
    assert "chai@example.com" not in seen
    assert ANN in stage.ask(stage.ann, "GET", "/api/current-user/whoami").text
    assert BOB in requests.get(f"{stage.studio.url}/api/users/", headers=_token(stage.studio.token)).text


def test_an_annotators_api_token_opens_nothing(stage: Stage):
    database = stage.studio.home / "label_studio" / "label_studio.sqlite3"
    query = "SELECT key FROM authtoken_token JOIN htx_user ON id = user_id WHERE email = ?"
    with sqlite3.connect(database) as connection:
        (key,) = connection.execute(query, (ANN,)).fetchone()
    access = _access_token(stage, stage.ids["ann"])
    url = f"{stage.studio.url}/api/projects/{stage.ids['project']}/"
    for header in (_token(key), {"X-API-Key": key}, {"Authorization": f"Bearer {access}"}):
        for session in (requests.Session(), raw_session(stage.bob)):  # alone, and under another's session
            reply = session.get(url, headers=header)
            assert (reply.status_code, "token" in reply.text) == (403, True), header
    service = _access_token(stage, 1)
    assert requests.get(url, headers={"Authorization": f"Bearer {service}"}).status_code == 200


def test_strangers_get_nothing_and_cannot_sign_up(stage: Stage):
    with pytest.raises(LabelStudioRefused, match=r"ann@example\.com"):
        Annotator(stage.studio.url, ANN, "wrong password")
    stranger = requests.Session()
    page = stranger.get(f"{stage.studio.url}/user/signup/").text
    form = {"email": "eve@example.com", "password": "eve-eve-eve"}
    form["csrfmiddlewaretoken"] = page.split('csrfmiddlewaretoken" value="')[-1].split('"')[0]
    assert stranger.post(f"{stage.studio.url}/user/signup/", data=form).status_code == 403
    task = f"{stage.studio.url}/api/tasks/{stage.ids['mine']}/"
    assert stranger.get(task).status_code == 401
    assert stranger.post(task + "annotations/", json=SUBMIT).status_code == 401
    assert stranger.get(task, headers=_token("0" * 40)).status_code == 401


def test_the_service_account_is_unrestricted(stage: Stage):
    headers = _token(stage.studio.token)
    url = f"{stage.studio.url}/api/projects/{stage.ids['project']}"
    assert requests.get(f"{url}/export?exportType=JSON", headers=headers).status_code == 200
    body = {"data": {"text": "by hand"}, "project": stage.ids["project"]}
    made = requests.post(f"{stage.studio.url}/api/tasks/", json=body, headers=headers).json()["id"]
    assert requests.delete(f"{stage.studio.url}/api/tasks/{made}/", headers=headers).status_code == 204


def test_the_guard_and_the_platform_agree_on_pseudonyms():
    program = "import guard, sys; print(*(guard.account_key(e) for e in sys.argv[1:]))"
    emails = ["ann@example.com", "Ann@Example.COM", "jürgen.groß@example.com"]
    told = subprocess.run(
        [str(LABEL_STUDIO_VENV / "bin" / "python"), "-c", program, *emails],
        cwd=CHECKOUT / "deploy" / "label_studio",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert told == [account_key(email) for email in emails]


def _token(key: str) -> dict[str, str]:
    return {"Authorization": f"Token {key}"}


def _access_token(stage: Stage, user_id: int) -> str:
    """A valid JWT of the user, signed as Label Studio signs its own."""
    claims = {"token_type": "access", "exp": int(time.time()) + 300, "jti": "0" * 32, "user_id": user_id}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    key = home_secrets(stage.studio.home)["label_studio_secret_key"].encode()
    signature = hmac.new(key, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()
