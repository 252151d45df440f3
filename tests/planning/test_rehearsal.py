"""A release rehearsed on a real Label Studio: what is planned is what is touched, and nothing of it happens twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.core.partitions import batches, register
from chai_assets.deployment.run_job import instance_of
from chai_assets.labeling import page as labeling_page
from chai_assets.planning.load import ReleasePlan, make_plan
from chai_assets.spec.authoring.release import release
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.adoption import AdoptionRefused, adopted_version
from chai_assets.spec.versioning.adoption import adopt as begin_adoption
from chai_assets.spec.versioning.releases import Releases
from chai_resources.schemas import TABLES
from tests.services.label_studio import LabelStudioHandle
from tests.spec.versions import rehearsal, reword, specs_folder, write_version
from tests.test_loop import critique, labels, review_everywhere
from tests.world import World, plain_answers

Item = tuple[str, str]
ZOOM = {"zoom": ["in"], "movement": ["slow"]}
NOT_ABOUT_ITEMS = {"spec_adoptions", "clips", "sources", "ingest_problems", "datasets", "scorecards"}
NOT_ABOUT_ITEMS |= {"rights_changes"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return specs_folder(tmp_path)


@pytest.fixture
def world(tmp_path: Path, root: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("CHAI_SPECS", str(root))
    return World(tmp_path / "home", label_studio_server, monkeypatch)


def label(world: World, batch: str, zooming: int = 0) -> list[str]:
    """Labels every item; the lens zooms in so many clips. Returns the ids of those."""
    zoomed: list[str] = []
    for task in sorted(world.queue("ann", "primitives", batch), key=lambda task: task["data"]["clip_id"]):
        data = task["data"]
        answers = plain_answers(world.spec.aspects[data["aspect"]])
        if data["aspect"] == "camera" and len(zoomed) < zooming:
            zoomed.append(data["clip_id"])
            answers |= ZOOM
        world.person("ann").submit(task["id"], labels(data, answers))
    return zoomed


def approve_all(world: World, batch: str) -> None:
    """Takes a labeled batch to the end: every draft is perfect, every review approves."""
    for _ in range(8):
        world.advance(batch)
        for task in world.queue("ann", "critique", batch):
            world.person("ann").submit(task["id"], critique(task["data"], 5))
        review_everywhere(world, batch)
        if {item.stage for item in world.standings(batch)} == {"approved"}:
            world.advance(batch)
            return
    raise AssertionError(Counter(item.stage for item in world.standings(batch)))


def planned(world: World) -> ReleasePlan:
    given = release_of(world.settings)
    return make_plan(world.tables, given, given.in_force)


def written(world: World) -> dict[str, Counter[Any]]:
    """How often each key stands in each table about items, with the item it is about."""
    found = {}
    for name, table in TABLES.items():
        if name not in NOT_ABOUT_ITEMS:
            rows = world.tables.read(name)
            item = ("clip_id", "aspect") if "aspect" in rows.columns else ("clip_id",)
            found[name] = Counter(rows.select(table.key, *(c for c in item if c in rows.columns)).iter_rows())
    return found


def touched(before: dict[str, Counter[Any]], after: dict[str, Counter[Any]]) -> set[Item]:
    """The items that any table has a row more about."""
    return {(row[1], row[2]) for name in after for row in (after[name] - before[name]) if len(row) == 3}


def adopt(world: World, *names: str) -> None:
    for batch in names:
        assert world.run("adopt", batch).success


def rows_of(plan: ReleasePlan) -> dict[Item, str]:
    return {(row["clip_id"], row["aspect"]): row["action"] for row in plan.rows.iter_rows(named=True)}


def test_a_release_touches_the_rows_it_planned_and_no_other(world: World, root: Path) -> None:
    for batch, clips in {"done": 2, "underway": 2, "fresh": 1}.items():
        world.add_clips(f"rehearse-{batch}", clips)
        world.advance(f"rehearse-{batch}")
    done, underway, fresh = "rehearse-done", "rehearse-underway", "rehearse-fresh"
    (zoomed,) = label(world, done, zooming=1)
    approve_all(world, done)
    (zoomed_underway,) = label(world, underway, zooming=1)
    world.advance(underway)
    assert world.run("export").success
    rehearsal(root)
    assert planned(world).rows.is_empty()
    release(Releases(root), "1.1.0")

    plan = planned(world)
    actions = rows_of(plan)
    assert {aspect for _, aspect in actions} == {"camera"}
    assert Counter(actions.values()) == {"ask": 3, "confirm": 1}
    assert actions[zoomed, "camera"] == actions[zoomed_underway, "camera"] == "ask"
    assert plan.total("minutes") > 0
    open_before = {task["id"] for kind in ("critique", "review") for task in world.queue("ann", kind, underway)}

    before = written(world)
    for batch in (done, underway, fresh):
        world.advance(batch)
    assert written(world) == before, "a release moves no batch by itself"
    adopt(world, *plan.affected)
    after = written(world)
    assert touched(before, after) == set(actions)
    commits = {name: world.tables.version(name) for name in TABLES}
    adopt(world, *plan.affected)
    assert {name: world.tables.version(name) for name in TABLES} == commits, "adopting twice writes something"
    assert planned(world).rows.is_empty()
    still_open = {task["id"] for kind in ("critique", "review") for task in world.queue("ann", kind, underway)}
    assert still_open == open_before, "work under way was closed or reopened"

    # The zooming clip's camera triple still counts for 1.0.0: a dataset would mix the two.
    with pytest.raises(dg.DagsterError, match="one_specification"):
        world.run("export")
    seen = world.instance.get_latest_materialization_event(dg.AssetKey("dataset_candidate"))
    assert seen is not None
    assert seen.asset_materialization is not None
    told = seen.asset_materialization.metadata["of_other_specifications"]
    assert isinstance(told, dg.TableMetadataValue)
    [mixed] = [record.data for record in told.records]
    assert (mixed["aspect"], mixed["spec_version"], mixed["triples"]) == ("camera", "1.0.0", "1")
    assert len(world.tables.rows("datasets")) == 1, "a mixed dataset was published"
    [task] = world.queue("ann", "primitives", done)
    assert [row["key"] for row in task["data"]["choices"]] == ["zoom_pace"]
    assert [row["q"] for row in task["data"]["choices"]] == ["How fast does the zoom run? (zoom: in)"]
    assert "1.1.0 asks anew" in task["data"]["title"]
    world.person("ann").submit(
        task["id"], labeling_page.write(task["data"], labeling_page.Labels({"zoom_pace": ["gentle"]}, None, None))
    )
    untouched = {t["triple_id"] for t in world.tables.rows("triples", done) if t["aspect"] != "camera"}
    approve_all(world, done)
    by_aspect = {(item.clip_id, item.aspect): item for item in world.standings(done)}
    camera = by_aspect[zoomed, "camera"]
    assert camera.draft is not None
    assert "gentle zoom in" in camera.draft["text"]
    assert camera.answers["movement"] == ["slow"], "the other answers were carried over"
    assert {t["triple_id"] for t in world.tables.rows("triples", done) if t["aspect"] != "camera"} == untouched
    assert world.run("export").success
    [dataset] = world.tables.rows("datasets")[-1:]
    assert (dataset["spec_version"], dataset["triples"]) == ("1.1.0", 10)


def test_an_answer_to_an_old_task_is_kept_and_only_the_rest_is_asked(world: World, root: Path) -> None:
    batch = "rehearse-late"
    world.add_clips(batch)
    world.advance(batch)
    (zoomed,) = label(world, batch, zooming=1)  # submitted, and not collected before the release
    rehearsal(root)
    release(Releases(root), "1.1.0")
    adopt(world, batch)
    assert not world.tables.rows("quarantine", batch)
    [asked] = world.queue("ann", "primitives", batch)
    assert (asked["data"]["clip_id"], asked["data"]["aspect"]) == (zoomed, "camera")
    assert [row["key"] for row in asked["data"]["choices"]] == ["zoom_pace"]
    assert len(world.ids(batch)["primitives"]) == 5


def test_a_move_that_broke_off_is_finished_by_the_next(world: World, root: Path) -> None:
    batch = "rehearse-broken"
    world.add_clips(batch)
    world.advance(batch)
    label(world, batch, zooming=1)
    world.advance(batch)
    rehearsal(root)
    release(Releases(root), "1.1.0")
    wanted = rows_of(planned(world))
    before = written(world)
    # What a run leaves that is killed after its first step.
    begin_adoption(world.tables, [batch], Releases(root).load("1.1.0"))
    assert adopted_version(world.tables, batch, "") == "1.1.0"
    assert planned(world).affected == [batch], "what was begun counts as done"
    adopt(world, batch)
    assert touched(before, written(world)) == set(wanted)
    assert planned(world).affected == []


def test_a_patch_touches_nothing_and_a_batch_never_goes_back(world: World, root: Path) -> None:
    batch = "rehearse-patch"
    world.add_clips(batch)
    world.advance(batch)
    label(world, batch)
    world.advance(batch)
    write_version(root, "1.0.1", camera=reword)
    release(Releases(root), "1.0.1")
    plan = planned(world)
    assert (plan.affected, plan.untouched) == ([], [batch])
    before = written(world)
    adopt(world, batch)
    assert written(world) == before
    assert adopted_version(world.tables, batch, "") == "1.0.1"
    world.monkeypatch.setenv("CHAI_SPEC_VERSION", "1.0.0")
    older = World(world.home, world.server, world.monkeypatch)
    older.instance.add_dynamic_partitions(batches.name or "", [batch])
    with pytest.raises(AdoptionRefused, match=rf"{batch} is worked under specification 1\.0\.1, and 1\.0\.0 is older"):
        older.run("adopt", batch)


def test_a_backfill_killed_again_and_again_ends_as_it_was_planned(world: World, root: Path) -> None:
    names = [f"rehearse-kill-{number}" for number in range(3)]
    for batch in names:
        world.add_clips(batch, 2)
        world.advance(batch)
        label(world, batch, zooming=1)
        world.advance(batch)
    rehearsal(root)
    release(Releases(root), "1.1.0")
    register(instance_of(world.settings), names)
    plan, before, chance = planned(world), written(world), random.Random(20261124)
    command = [sys.executable, "-c", "from chai_assets.cli.main import main; main()", "backfill"]
    kills = 0
    while True:
        child = subprocess.Popen(command, env={**os.environ, **world.settings.as_env()}, stdout=subprocess.DEVNULL)
        try:
            assert child.wait(timeout=chance.uniform(3.0, 7.0) if kills < 6 else 300) == 0
            break
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
            time.sleep(0.2)
    assert kills >= 1
    assert touched(before, written(world)) == set(rows_of(plan))
    assert planned(world).rows.is_empty()
    for batch in names:
        pushed = [row["chai_key"] for row in world.tables.rows("tasks", batch) if row["state"] == "pushed"]
        assert len(pushed) == len(set(pushed))
        project = world.label_studio.require_project("primitives")
        assert all(len(ids) == 1 for ids in world.label_studio.existing(project, batch).values())
