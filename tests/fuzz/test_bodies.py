"""Bodies that no page sends, posted for real: whatever is accepted can be listed, archived and read or quarantined.

They go to a real Label Studio in an annotator's session, and some with the service account's token.
"""

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from chai_assets.labeling import page as labeling_page
from tests.fuzz.cases import Cases
from tests.services.label_studio import LabelStudioHandle, raw_session
from tests.world import World, plain_answers

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SLOWEST_S = 60
HOSTILE = ["1e999", "-1e999", "NaN", "-Infinity", '"1e999"', '"nan"', "1e308", "-0.0", "1e-999", str(2**63), "9" * 5000]
HOSTILE += ['"\\ud83d"', '"a\\udc00b"', '"\\u0000"', '"\\\\ud83d"', '"\\ud83d\\ude00"', '"\\u202e"', '"\\ufffe"']
HOSTILE += ["[" * 40 + "]" * 40, "[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000, "[" * 3000, '"', "{", ""]
HOSTILE += [
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "0",
    "-1",
    "7",
    '"[1e999]"',
    '"[]"',
    '{"a": 1, "a": 2}',
    '"' + "a" * 4001 + '"',
]
HOSTILE += ['["\\ud83d"]', '{"\\ud83d": 1}', '{"\\u0000": 1}', '"9999-12-31T23:59:59-14:00"', '"0001-01-01"']
HOSTILE += ['"' + "a" * 1_100_000 + '"', "[" + "0," * 300_000 + "0]"]
FIELDS = ["lead_time", "started_at", "draft_id", "unique_id", "parent_prediction", "parent_annotation", "was_cancelled"]
FIELDS += ["result", "project", "nobody"]


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


def good(world: World, data: dict[str, Any], subject: str = "a red ball") -> list[dict[str, Any]]:
    answers = plain_answers(world.spec.aspects[data["aspect"]], subject)
    return labeling_page.write(data, labeling_page.Labels(answers, None, None))


def hostile(rng: random.Random, result: list[dict[str, Any]]) -> bytes:
    """A body like the page's, with one to three things in it that are not."""
    body: dict[str, Any] = {"result": result, "lead_time": round(rng.uniform(0, 99), 3)}
    pieces = [rng.choice(HOSTILE) for _ in range(rng.choice([0, 1, 1, 1, 2, 3]))]
    for number in range(len(pieces)):
        _put(rng, body, f"@@{number}@@")
    text = json.dumps(body)
    for number, piece in enumerate(pieces):
        text = text.replace(f'"@@{number}@@"', piece)
    raw = text.encode()
    if rng.random() < 0.15:
        at = rng.randrange(len(raw))
        raw = rng.choice([raw[:at], raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1 :], raw[:at] + raw[at:] * 2])
    return raw


def _put(rng: random.Random, body: dict[str, Any], mark: str) -> None:
    """The mark in place of something in the body, or beside it."""
    if rng.random() < 0.5:
        body[rng.choice(FIELDS)] = mark
        return
    place: Any = body["result"] if isinstance(body["result"], list) else body
    while isinstance(place, list | dict) and place:
        key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if not isinstance(place[key], list | dict) or not place[key] or rng.random() < 0.3:
            place[key] = mark
            return
        place = place[key]


class Doors:
    """Where bodies are sent, and what was accepted there: by annotation, how many versions."""

    def __init__(self, world: World, tasks: list[dict[str, Any]]) -> None:
        self.world, self.tasks = world, tasks
        self.accepted: Counter[int] = Counter()
        self.annotations: list[tuple[int, dict[str, Any]]] = []
        self.session = raw_session(world.person("ann"))
        for task in tasks:
            self.note(world.person("ann").submit(task["id"], good(world, task["data"])), task)
        first = {"result": good(world, tasks[0]["data"]), "lead_time": 1}
        self.draft = world.person("ann").api.send("POST", f"/api/tasks/{tasks[0]['id']}/drafts", first)["id"]

    def note(self, annotation: int, task: dict[str, Any]) -> None:
        if annotation not in self.accepted:
            self.annotations.append((annotation, task))
        self.accepted[annotation] += 1

    def send(self, rng: random.Random) -> requests.Response:
        """One hostile body, at a door that is drawn, by Ann or the service account."""
        annotation, task = rng.choice(self.annotations)
        body = hostile(
            rng, json.loads(json.dumps(good(self.world, task["data"], rng.choice(["a ball", "a red ball"]))))
        )
        doors = {
            "update": ("PATCH", f"/api/annotations/{annotation}/"),
            "submit": ("POST", f"/api/tasks/{task['id']}/annotations/"),
            "draft": ("POST", f"/api/tasks/{task['id']}/annotations/{annotation}/drafts"),
            "change a draft": ("PATCH", f"/api/drafts/{self.draft}/"),
            "keys": ("PATCH", "/api/current-user/hotkeys/"),
        }
        door = rng.choice(["update"] * 8 + list(doors))
        method, path = doors[door]
        headers, sender = {"Content-Type": "application/json"}, self.session
        if rng.random() < 0.2 and door in ("update", "draft"):
            headers["Authorization"], sender = f"Token {self.world.server.token}", requests.Session()
        reply = sender.request(method, self.world.server.url + path, data=body, headers=headers, timeout=SLOWEST_S)
        if reply.ok and door == "update":
            self.note(annotation, task)
        if reply.ok and door == "submit":
            self.note(reply.json()["id"], task)
        return reply


def test_whatever_is_posted_the_rest_is_listed_collected_and_each_bad_thing_has_one_row(
    world: World, cases: Cases
) -> None:
    batch = "hostile-bodies"
    world.add_clips(batch, 2)
    world.advance(batch)
    doors = Doors(world, world.queue("ann", "primitives", batch))
    refused = 0
    for name, rng in cases:
        began = time.monotonic()
        reply = doors.send(rng)
        assert time.monotonic() - began < SLOWEST_S / 2, name
        assert reply.status_code < 500 or "Authorization" in reply.request.headers, (name, reply.text[:300])
        if not reply.ok:
            refused += 1
            assert reply.json(), (name, reply.text[:300])
    print(f"{cases.count} bodies: {refused} refused, {sum(doors.accepted.values())} versions accepted")
    assert refused > cases.count / 4

    project = world.label_studio.require_project("primitives")
    listed = list(world.label_studio.changed(project, LONG_AGO, batch))
    assert not any("unlistable" in task for task in listed)
    assert {a["id"] for task in listed for a in task["annotations"]} == set(doors.accepted)
    world.advance(batch)
    events = [event for event in world.tables.rows("annotation_events", batch) if event["kind"] == "primitives"]
    assert Counter(event["annotation_id"] for event in events) == doors.accepted
    read = Counter(row["event_id"] for row in world.tables.rows("primitives", batch))
    bad = Counter(row["event_id"] for row in world.tables.rows("quarantine", batch))
    assert read + bad == Counter(event["event_id"] for event in events), "each version is read or has one row"

    for annotation, task in doors.annotations:
        person = world.person("ann")
        person.update(annotation, good(world, task["data"], "the last word"))
    world.advance(batch)
    standing = {turn.key for item in world.standings(batch) for turn in item.turns if turn.answer is not None}
    assert standing >= {task["data"]["chai_key"] for task in doors.tasks}
