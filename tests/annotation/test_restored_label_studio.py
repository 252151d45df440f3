"""A Label Studio that was restored from a backup: what it lost still counts, and ids that repeat are other things."""

import json
from pathlib import Path
from typing import Any

import pytest

from chai_assets.labeling import page as labeling_page
from tests.annotation.label_studio_database import back_up, restore
from tests.services.label_studio import LabelStudioHandle, start_label_studio
from tests.world import World, plain_answers


@pytest.fixture
def server(tmp_path: Path):
    """A Label Studio of its own: restoring one takes other tests' tasks away."""
    handle = start_label_studio(tmp_path / "label-studio")
    yield handle
    handle.stop()


def answer(world: World, task: dict[str, Any], subject: str = "a red ball") -> int:
    answers = plain_answers(world.spec.aspects[task["data"]["aspect"]], subject)
    result = labeling_page.write(task["data"], labeling_page.Labels(answers, None, None))
    return world.person("ann").submit(task["id"], result)


def answered(world: World, batch: str) -> set[str]:
    """Keys of the labeling tasks whose answer counts."""
    turns = [turn for item in world.standings(batch) for turn in item.turns if turn.kind == "primitives"]
    return {turn.key for turn in turns if turn.answer is not None}


def test_what_a_restore_lost_still_counts_and_repeated_ids_are_other_answers(
    tmp_path: Path, server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, batch = World(tmp_path / "home", server, monkeypatch), "restored"
    clips = world.add_clips(batch, 2)
    world.advance(batch)
    first = world.queue("ann", "primitives", batch)
    keys = {task["id"]: task["data"]["chai_key"] for task in first}
    kept = [answer(world, task) for task in first[:2]]
    world.advance(batch)
    backup = tmp_path / "backup.sqlite3"
    back_up(server.home, backup)

    lost = [answer(world, task) for task in first[2:5]]
    world.advance(batch)
    closed = {row["chai_key"] for row in world.tables.rows("tasks", batch) if row["state"] == "closed"}
    counted = answered(world, batch)
    assert counted == {keys[task["id"]] for task in first[:5]}

    restore(server.home, backup)
    # Other answers take the ids of those that were lost.
    new = [answer(world, task) for task in first[5:8]]
    assert new == lost
    world.advance(batch)
    assert answered(world, batch) == counted | {keys[task["id"]] for task in first[5:8]}
    events = world.tables.rows("annotation_events", batch)
    assert [event for event in events if event["what"] in ("deleted", "task_deleted")] == []
    assert {event["annotation_id"] for event in events if event["what"] == "lost"} == set(lost)
    of_first = [event["annotation_id"] for event in events if event["what"] == "submitted" and event["epoch"] is None]
    assert sorted(of_first) == sorted(kept + lost)
    [epoch] = {event["epoch"] for event in events if event["annotation_id"] in new and event["epoch"]}

    # Tasks pushed since the backup are there again, once, and the whole queue can be answered.
    for kind in ("primitives", "critique"):
        project = world.label_studio.require_project(kind)
        there = world.label_studio.existing(project, batch)
        assert all(len(ids) == 1 for ids in there.values())
        assert all(row["chai_key"] in there for row in world.tables.rows("tasks", batch) if row["kind"] == kind)
        states = world.label_studio.task_states(project, batch).values()
        assert {key for key, state in states if state == "closed"} >= closed & {key for key, _ in states}
    for task in world.queue("ann", "primitives", batch):
        if task["data"]["chai_key"] not in answered(world, batch):
            answer(world, task)
    world.advance(batch)
    assert len(answered(world, batch)) == 5 * len(clips)

    # A deletion is one again: of an answer that the backup brought back, and of one that has a lost one's id.
    for annotation in (kept[0], new[0]):
        world.label_studio._api.send("DELETE", f"/api/annotations/{annotation}/")
    world.advance(batch, full_look=True)
    gone = [event for event in world.tables.rows("annotation_events", batch) if event["what"] == "deleted"]
    assert {(event["annotation_id"], event["epoch"]) for event in gone} == {(kept[0], None), (new[0], epoch)}
    remaining = {task["data"]["chai_key"] for task in first} - {keys[first[0]["id"]], keys[first[5]["id"]]}
    assert answered(world, batch) == remaining
    submitted = [event for event in world.tables.rows("annotation_events", batch) if event["what"] == "submitted"]
    versions = [json.loads(event["annotation"])["updated_at"] for event in submitted]
    assert len(versions) == len(set(versions)), "a version is archived twice"
