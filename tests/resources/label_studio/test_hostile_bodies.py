"""Bodies that Label Studio would store and never list again, or that no page can have sent, on a real Label Studio.

Each is refused with a sentence, and afterwards everything can be listed. What people may write at all is in
test_role_guard.py.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from chai_resources.label_studio import Annotator, LabelStudio, Task
from chai_resources.people import account_key
from tests.resources.label_studio.test_role_guard import ANN, ANSWER, CONFIG, LONG_AGO
from tests.services.label_studio import LabelStudioHandle, raw_session, start_label_studio

GOOD = json.dumps({"result": ANSWER, "lead_time": 12.5})
DEEP = "[" * 5000 + "]" * 5000


@dataclass(frozen=True)
class Studio:
    """A project, a task of Ann's that is open and one that is answered, and her draft."""

    handle: LabelStudioHandle
    service: LabelStudio
    ann: Annotator
    ids: dict[str, int]

    def doors(self) -> dict[str, tuple[str, str]]:
        """Every write of an answer that an annotator may make: method and path."""
        task, annotation, draft = self.ids["open"], self.ids["annotation"], self.ids["draft"]
        return {
            "submit": ("POST", f"/api/tasks/{task}/annotations/"),
            "update": ("PATCH", f"/api/annotations/{annotation}/"),
            "draft": ("POST", f"/api/tasks/{task}/drafts"),
            "draft of an answer": ("POST", f"/api/tasks/{self.ids['answered']}/annotations/{annotation}/drafts"),
            "change a draft": ("PATCH", f"/api/drafts/{draft}/"),
        }

    def send(self, method: str, path: str, body: bytes, service: bool = False) -> requests.Response:
        headers = {"Content-Type": "application/json"}
        if service:
            headers["Authorization"] = f"Token {self.handle.token}"
            return requests.request(method, self.handle.url + path, data=body, headers=headers, timeout=60)
        return raw_session(self.ann).request(method, self.handle.url + path, data=body, headers=headers, timeout=60)

    def everything(self) -> list[dict[str, Any]]:
        return list(self.service.changed(self.ids["project"], LONG_AGO))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory):
    handle = start_label_studio(tmp_path_factory.mktemp("bodies"))
    service = LabelStudio(url=handle.url, token=handle.token)
    try:
        project = service.ensure_project("critique", "Hostile", CONFIG, "Answer.")
        mine = {"assignee": account_key(ANN)}
        tasks = [Task(key, {"text": key, **mine}) for key in ("open", "answered")]
        ids = service.ensure_tasks(project, "b", tasks) | {"project": project}
        service.ensure_person(ANN, "hostile-pass")
        ann = Annotator(handle.url, ANN, "hostile-pass")
        ids["annotation"] = ann.submit(ids["answered"], ANSWER)
        ids["draft"] = ann.api.send("POST", f"/api/tasks/{ids['open']}/drafts", {"result": ANSWER, "lead_time": 1})[
            "id"
        ]
        yield Studio(handle, service, ann, ids)
    finally:
        handle.stop()


def _with(**fields: Any) -> str:
    return json.dumps({"result": ANSWER, "lead_time": 1} | fields)


def _part(**fields: Any) -> str:
    return _with(result=[ANSWER[0] | {"id": "a"} | fields])


UNSTORABLE = {
    "a number without end": GOOD.replace("12.5", "1e999"),
    "one below all": GOOD.replace("12.5", "-1e999"),
    "no number": GOOD.replace("12.5", "NaN"),
    "infinity by name": GOOD.replace("12.5", "Infinity"),
    "a number without end in a text": GOOD.replace("12.5", '"1e999"'),
    "infinity in a text": GOOD.replace("12.5", '"-Infinity"'),
    "no number in a text": GOOD.replace("12.5", '"nan"'),
    "a number without end in the value": GOOD.replace('["a"]', '["a"], "n": 1e999'),
    "half an emoji": GOOD.replace('["a"]', '["\\ud83d"]'),
    "its other half": GOOD.replace('["a"]', '["\\ude00 a"]'),
    "half an emoji as a key": GOOD.replace('["a"]', '["a"], "\\ud83d": 1'),
    "NUL": GOOD.replace('["a"]', '["a\\u0000"]'),
    "NUL as a key": GOOD.replace('["a"]', '["a"], "\\u0000": 1'),
    "5,000 digits": GOOD.replace("12.5", "9" * 5000),
    "a number that is another in a browser": GOOD.replace("12.5", str(2**63)),
    "5,000 lists in one another": GOOD.replace('["a"]', DEEP),
    "fifty lists in one another": GOOD.replace('["a"]', "[" * 50 + "]" * 50),
    "5,000 objects in one another": GOOD.replace('["a"]', '{"a":' * 5000 + "1" + "}" * 5000),
    "a key twice": GOOD.replace('"lead_time"', '"lead_time": 3, "lead_time"'),
    "no JSON": GOOD[:-1],
    "half an emoji in a result that is a text": _with(result='[{"value": "\\ud83d"}]'),
    "a number without end in a result that is a text": _with(result="[1e999]"),
    "two megabytes": _part(value={"choices": ["a" * 2_000_000]}),
    "a result of lists": _with(result=[[]]),
    "a result of lists that is a text": _with(result="[[]]"),
    "a part whose box is a list": _part(from_name=[]),
    "a part about a number": _part(to_name=7),
    "a part whose type is an object": _part(type={}),
    "a part whose value is a list": _part(value=[]),
}
MEANINGLESS = {
    "a negative time": _with(lead_time=-1),
    "a year on the page": _with(lead_time=31_536_000),
    "a time in words": _with(lead_time="soon"),
    "a time that is a list": _with(lead_time=[1]),
    "a time that is true": _with(lead_time=True),
    "begun in the year 1": _with(started_at="0001-01-01T00:00:00+14:00"),
    "begun in the year 9999": _with(started_at="9999-12-31T23:59:59-14:00"),
    "begun at no time": _with(started_at="yesterday"),
    "begun at a number": _with(started_at=17),
    "a result that is an object": _with(result={}),
    "a result that is a text": _with(result="[]"),
    "a result that is a number": _with(result=7),
    "a result of texts": _with(result=["a"]),
    "a part without a name": _with(result=[{"value": {}}]),
    "a box that the page does not have": _part(from_name="nobody"),
    "a box with a longer name": _part(from_name="cc"),
    "a box of another kind": _part(type="textarea", value={"text": ["a"]}),
    "a box of something else": _part(to_name="video"),
    "a value that is a text": _part(value="a"),
    "choices that are a text": _part(value={"choices": "a"}),
    "choices that are numbers": _part(value={"choices": [1]}),
    "no choices": _part(value={}),
    "an id that is a number": _part(id=7),
    "a novel": _part(value={"choices": ["a" * 5000]}),
    "a thousand parts": _with(result=ANSWER * 1000),
    "a draft that is a text": _with(draft_id="x"),
    "a draft that is a list": _with(draft_id=[1]),
    "a prediction that is true": _with(parent_prediction=True),
    "an id that is none": _with(unique_id="x"),
    "an id that is nothing": _with(unique_id=-0.0),
    "an id without a letter": _with(unique_id=""),
    "an annotation that is a list": _with(parent_annotation=[]),
    "no project": _with(project=None),
    "a project that is none": _with(project=""),
    "skipped, in words": _with(was_cancelled="no"),
}


@pytest.mark.parametrize("name", UNSTORABLE | MEANINGLESS)
def test_a_body_that_cannot_be_stored_or_meant_is_refused_with_a_sentence_at_every_door(studio: Studio, name: str):
    body = (UNSTORABLE | MEANINGLESS)[name].encode()
    for door, (method, path) in studio.doors().items():
        reply = studio.send(method, path, body)
        assert reply.status_code in (400, 403), (name, door, reply.status_code, reply.text[:300])
        assert len(reply.json()["detail"]) > 10, (name, door)
        assert reply.json()["detail"].isprintable(), (name, door)


@pytest.mark.parametrize("name", UNSTORABLE)
def test_the_service_account_cannot_store_either_what_cannot_be_listed(studio: Studio, name: str):
    body = UNSTORABLE[name].encode()
    for door, (method, path) in studio.doors().items():
        assert studio.send(method, path, body, service=True).status_code == 400, (name, door)
    assert [len(task["annotations"]) for task in studio.everything()] == [0, 1]


def test_tasks_and_predictions_that_cannot_be_listed_are_refused(studio: Studio):
    project, task = studio.ids["project"], studio.ids["open"]
    for data in ('{"text": "\\ud83d"}', '{"text": "\\u0000"}', '{"text": 1e999}', '{"text": ' + DEEP + "}"):
        body = f'[{{"data": {data}}}]'
        assert studio.send("POST", f"/api/projects/{project}/import", body.encode(), service=True).status_code == 400
        body = f'{{"project": {project}, "data": {data}}}'
        assert studio.send("POST", "/api/tasks/", body.encode(), service=True).status_code == 400
        body = f'{{"task": {task}, "result": [{{"value": {data}}}]}}'
        assert studio.send("POST", "/api/predictions/", body.encode(), service=True).status_code == 400
    assert len(studio.everything()) == 2


@pytest.mark.parametrize("project", [None, "", 0, False, [], {}], ids=repr)
def test_nobody_takes_an_answer_out_of_its_project(studio: Studio, project: object):
    method, path = "PATCH", f"/api/annotations/{studio.ids['annotation']}/"
    reply = studio.send(method, path, json.dumps({"project": project}).encode(), service=True)
    assert (reply.status_code, "stay in its project" in reply.json()["detail"]) == (400, True)


def test_other_writes_of_annotators_are_looked_at_too(studio: Studio):
    action = f"/api/dm/actions/?project={studio.ids['project']}&id=next_task"
    doors = [("PATCH", "/api/current-user/hotkeys/"), ("POST", action), ("POST", "/api/ml/1/interactive-annotating")]
    for method, path in doors:
        for value in ('"\\ud83d"', '"\\u0000"', "1e999", DEEP, '"' + "a" * 2_000_000 + '"'):
            reply = studio.send(method, path, f'{{"custom_hotkeys": {{"a:b": {{"key": {value}}}}}}}'.encode())
            assert (reply.status_code, bool(reply.json()["detail"])) == (400, True), (path, value[:20])
    for body in ("{", "[]", "7"):
        assert studio.send("PATCH", "/api/current-user/hotkeys/", body.encode()).status_code == 403
    for form in ("email=a%00b@example.com&password=x", "email=a@example.com&password=" + "x" * 2_000_000):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert requests.post(f"{studio.handle.url}/user/login/", data=form, headers=kind).status_code == 400
    far = "/api/annotations/" + "9" * 5000 + "/"
    assert studio.send("PATCH", far, GOOD.encode()).status_code == 400


def test_after_all_of_it_everything_is_listed_and_a_good_answer_is_taken(studio: Studio):
    for method, path in studio.doors().values():
        for body in (UNSTORABLE | MEANINGLESS).values():
            studio.send(method, path, body.encode())
    assert [[a["id"] for a in task["annotations"]] for task in studio.everything()] == [[], [studio.ids["annotation"]]]
    whole = _with(
        result=[ANSWER[0] | {"id": "a", "origin": "manual"}],
        draft_id=studio.ids["draft"],
        started_at="2026-11-30T10:00:00.000Z",
        parent_prediction=None,
        parent_annotation=None,
        project=str(studio.ids["project"]),
    )
    method, path = studio.doors()["submit"]
    assert studio.send(method, path, whole.encode()).status_code == 201
    assert len(studio.everything()[-1]["annotations"]) == 1
