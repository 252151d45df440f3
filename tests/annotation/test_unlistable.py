"""One answer that Label Studio cannot list costs that answer: the others are collected, and it is named."""

import time
from pathlib import Path
from typing import Any

import pytest

from chai_assets.labeling import page as labeling_page
from tests.annotation.label_studio_database import execute, plant
from tests.services.label_studio import LabelStudioHandle
from tests.world import World, plain_answers

HALF = "\ud83d"


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


def good(world: World, data: dict[str, Any]) -> list[dict[str, Any]]:
    answers = plain_answers(world.spec.aspects[data["aspect"]])
    return labeling_page.write(data, labeling_page.Labels(answers, None, None))


def test_the_good_answers_of_a_list_that_fails_are_collected_and_the_bad_ones_quarantined_once(world: World) -> None:
    batch, home = "unlistable", world.server.home
    world.add_clips(batch, 2)
    world.advance(batch)
    tasks = world.queue("ann", "primitives", batch)
    began = world.label_studio.server_time()
    answers = [world.person("ann").submit(task["id"], good(world, task["data"])) for task in tasks]
    emoji, endless, broken = answers[1], answers[4], tasks[7]["id"]
    plant(home, emoji, [{"value": {"text": [HALF]}}])
    plant(home, endless, good(world, tasks[4]["data"]), lead_time=float("inf"))
    [(data,)] = execute(home, "SELECT data FROM task WHERE id = ?", broken)
    execute(home, "UPDATE task SET data = json_set(data, '$.title', json(?)) WHERE id = ?", '"\\ud83d"', broken)
    try:
        started = time.monotonic()
        assert world.advance(batch).success
        assert time.monotonic() - started < 120
        rows = {row["task_id"]: row for row in world.tables.rows("quarantine", batch)}
        assert rows.keys() == {tasks[1]["id"], tasks[4]["id"], broken}
        for number, annotation in ((1, emoji), (4, endless)):
            row = rows[tasks[number]["id"]]
            assert f"cannot list the annotation {annotation} of task" in row["reason"]
            assert f"DELETE /api/annotations/{annotation}/" in row["remedy"]
            assert (row["chai_key"], row["account"]) == (tasks[number]["data"]["chai_key"], "ann@example.com")
        assert f"cannot list the task {broken}" in rows[broken]["reason"]
        # The answer in the task that is broken was accepted, and kept beside it.
        assert len(world.tables.rows("primitives", batch)) == len(tasks) - 2
        assert world.advance(batch, full_look=True).success
        assert len(world.tables.rows("quarantine", batch)) == 3

        project = world.label_studio.require_project("primitives")
        touched = {task for _, task, _ in world.label_studio.touched(project, began)}
        assert touched >= {task["id"] for task in tasks} - {broken}

        # The remedy that the row names.
        world.label_studio._api.send("DELETE", f"/api/annotations/{emoji}/")
    finally:
        execute(home, "UPDATE task SET data = ? WHERE id = ?", data, broken)
        execute(home, "UPDATE task_completion SET lead_time = 1 WHERE id = ?", endless)
    world.person("ann").submit(tasks[1]["id"], good(world, tasks[1]["data"]))
    world.advance(batch, full_look=True)
    assert len({row["chai_key"] for row in world.tables.rows("primitives", batch)}) == len(tasks)
