"""Every version of an answer that Label Studio accepted is archived once, also what changed before anybody looked."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

from chai_assets.labeling import page as labeling_page
from tests.services.label_studio import LabelStudioHandle, raw_session
from tests.world import World, plain_answers

ADDRESS = "/api/chai/accepted"


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


def said(world: World, data: dict[str, Any], subject: str) -> list[dict[str, Any]]:
    answers = plain_answers(world.spec.aspects[data["aspect"]], subject)
    return labeling_page.write(data, labeling_page.Labels(answers, None, None))


def test_versions_that_were_overwritten_or_deleted_before_a_look_are_archived_once(world: World) -> None:
    batch, ann = "accepted", world.person("ann")
    world.add_clips(batch)
    world.advance(batch)
    tasks = {task["data"]["aspect"]: task for task in world.queue("ann", "primitives", batch)}
    edited, deleted = tasks["subject"], tasks["scene"]
    versions = [said(world, edited["data"], subject) for subject in ("a ball", "a red ball", "a blue ball")]
    annotation = ann.submit(edited["id"], versions[0])
    for version in versions[1:]:
        ann.update(annotation, version)
    gone = ann.submit(deleted["id"], said(world, deleted["data"], "a ball"))
    world.label_studio._api.send("DELETE", f"/api/annotations/{gone}/")

    # Before anybody looked: kept, and open to the service account alone.
    project = world.label_studio.require_project("primitives")
    assert len(world.label_studio.accepted(project, batch).versions) == 4
    asked = f"{world.server.url}{ADDRESS}?project={project}&batch={batch}"
    assert raw_session(ann).get(asked).status_code == 403
    assert raw_session(ann).post(asked, json={"archived": [1]}).status_code == 403
    assert requests.get(asked).status_code in (401, 403)

    world.advance(batch)
    assert world.label_studio.accepted(project, batch).versions == []
    world.advance(batch, full_look=True)
    events = sorted(world.tables.rows("annotation_events", batch), key=lambda event: event["updated_at"])
    submitted = [event for event in events if event["what"] == "submitted"]
    archived = [json.loads(event["annotation"])["result"] for event in submitted if event["task_id"] == edited["id"]]
    assert archived == versions
    assert Counter(event["what"] for event in events) == {"submitted": 4, "deleted": 1}
    assert [event["annotation_id"] for event in events if event["what"] == "deleted"] == [gone]
    [item] = [item for item in world.standings(batch) if item.aspect == "subject"]
    assert item.label is not None
    assert item.label["event_id"] == submitted[2]["event_id"]
    [item] = [item for item in world.standings(batch) if item.aspect == "scene"]
    assert item.label is None
