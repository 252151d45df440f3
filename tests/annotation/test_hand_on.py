"""Somebody leaves the people file, changes roles, comes back: what becomes of their account, tasks and answers."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.annotation.hand_on import may_do
from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.deployment.provision import provision
from chai_assets.labeling import page as labeling_page
from chai_assets.orchestration.people_watch import build_people_watch
from chai_resources.label_studio import Annotator, LabelStudioRefused
from chai_resources.people import People, Person, account_key
from tests.services.label_studio import LabelStudioHandle
from tests.world import PEOPLE, World, plain_answers

EVE = "- {id: eve, name: Eve, email: eve@example.com, roles: [annotator]}\n"
BATCH = "leaver"


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


def _say(world: World, people: str) -> None:
    world.settings.people.write_text(people)


def _make_up(world: World) -> None:
    provision(world.label_studio, str(world.server.home / "media"), world.people, world.server.home)


def _tick(world: World, cursor: str | None = None) -> Any:
    resources = {
        "tables": world.tables,
        "annotation_tasks": AnnotationTasks(
            label_studio=world.label_studio,
            people_file={"path": str(world.settings.people)},  # type: ignore[arg-type]
        ),
    }
    with dg.build_sensor_context(world.instance, cursor, resources=resources) as context:
        return build_people_watch(30)(context)


def _answer(world: World, task: dict[str, Any]) -> list[dict[str, Any]]:
    answers = plain_answers(world.spec.aspects[task["data"]["aspect"]])
    return labeling_page.write(task["data"], labeling_page.Labels(answers, None, None))


def test_who_leaves_is_logged_out_their_open_tasks_go_on_and_what_they_did_stays(world: World) -> None:
    _say(world, PEOPLE + EVE)
    _make_up(world)
    world.add_clips(BATCH, 2)
    world.advance(BATCH)
    eve, ann = world.person("eve"), world.person("ann")
    hers, anns = world.queue("eve", "primitives", BATCH), world.queue("ann", "primitives", BATCH)
    assert len(hers) + len(anns) == 10
    first, second, deleted = hers[:3]
    eve.submit(first["id"], _answer(world, first))
    draft = {"result": _answer(world, second), "lead_time": 1}
    eve.api.send("POST", f"/api/tasks/{second['id']}/drafts", draft)
    world.advance(BATCH)
    world.label_studio._sdk.tasks.delete(str(deleted["id"]))  # by hand; it must not keep the others
    cursor = _tick(world).cursor

    _say(world, PEOPLE)
    asked = _tick(world, cursor)
    assert [run.partition_key for run in asked.run_requests] == [BATCH]
    with pytest.raises(LabelStudioRefused, match=r"\(401\)"):
        eve.submit(second["id"], _answer(world, second))
    with pytest.raises(LabelStudioRefused, match=r"don.+t match"):
        Annotator(world.server.url, "eve@example.com", "whatever")

    world.advance(BATCH)
    left = {task["id"] for task in (*anns, *hers)} - {first["id"], deleted["id"]}
    assert {task["id"] for task in world.queue("ann", "primitives", BATCH)} == left
    assert [row["author"] for row in world.tables.rows("primitives", BATCH)] == ["eve"]
    api = world.label_studio._api
    assert len(api.get(f"/api/tasks/{second['id']}/drafts")) == 1
    assert api.get(f"/api/tasks/{first['id']}/")["data"]["assignee"] == account_key("eve@example.com")
    before = world.tables.rows("tasks", BATCH)
    world.advance(BATCH)
    assert world.tables.rows("tasks", BATCH) == before
    assert isinstance(_tick(world, asked.cursor), dg.SkipReason)
    ann.submit(second["id"], _answer(world, second))

    _say(world, PEOPLE + EVE)
    again = _tick(world, asked.cursor)
    assert again.run_requests == []
    with pytest.raises(LabelStudioRefused, match=r"\(401\)"):
        eve.queue(world.label_studio.require_project("primitives"))  # the ended log-in stays ended
    world.sessions.clear()
    assert world.queue("eve", "primitives", BATCH) == []  # what was handed on stays so


def test_who_changes_roles_or_address_keeps_no_task_under_the_old_one(world: World) -> None:
    batch = "role-b"  # of its clips, one is drawn for each
    _say(world, PEOPLE + EVE)
    _make_up(world)
    world.add_clips(batch, 2)
    world.advance(batch)
    hers = world.queue("eve", "primitives", batch)
    eve = world.person("eve")

    _say(world, PEOPLE + EVE.replace("annotator", "reviewer"))
    world.advance(batch)
    assert world.queue("eve", "primitives", batch) == []
    with pytest.raises(LabelStudioRefused, match="not assigned to you"):
        eve.submit(hers[0]["id"], _answer(world, hers[0]))
    assert {task["id"] for task in hers} <= {task["id"] for task in world.queue("ann", "primitives", batch)}

    # Eve is back: what is Ann's stays Ann's, under her new address.
    _say(world, (PEOPLE + EVE).replace("ann@example.com", "ann.new@example.com"))
    _make_up(world)
    world.advance(batch)
    world.sessions.clear()
    assert len(world.queue("ann", "primitives", batch)) == 10
    (last,) = {row["account"] for row in world.tables.rows("tasks", batch)[-10:]}
    assert last == account_key("ann.new@example.com")
    _say(world, PEOPLE)
    _make_up(world)


@pytest.mark.parametrize(
    ("kind", "assignee", "account", "may"),
    [
        ("primitives", "ann", None, True),
        ("critique", "ann", account_key("ann@example.com"), True),
        ("critique", "ann", account_key("old@example.com"), False),
        ("review", "ann", None, False),
        ("feedback", "rev", None, False),
        ("review", "rev", None, True),
        ("review", "gone", None, False),
    ],
)
def test_who_may_do_a_task(kind: Any, assignee: str, account: str | None, may: bool) -> None:
    ann = Person(id="ann", name="Ann", email="ann@example.com", roles=("annotator",))
    rev = Person(id="rev", name="Rev", email="rev@example.com", roles=("reviewer",))
    assert may_do(kind, assignee, account, People((ann, rev))) == may
