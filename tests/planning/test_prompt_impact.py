"""A prompt changed by one character, on a real Label Studio: what the plan says first is what then happens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from chai_assets.annotation.push import task_ledger
from chai_assets.cli.plan import show_plan
from chai_assets.core.partitions import batches
from chai_assets.core.prompts import TEMPLATES, Templates, WritingTask
from chai_assets.drafting.draft import pending_drafts
from chai_assets.inference.budget import open_budget
from chai_assets.planning.prompt_impact import in_money, prompt_changes
from chai_assets.spec.resource import release_of
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.media import Media
from chai_resources.schemas import TABLES
from chai_resources.settings import Settings
from tests.services.label_studio import LabelStudioHandle
from tests.test_loop import critique, label_all, review_everywhere
from tests.world import World

Change = Callable[[WritingTask, str, str], None]


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Changes a template on disk, of which it first makes a copy."""
    for task, path in list(TEMPLATES.items()):
        copy = tmp_path / f"{task}.md"
        copy.write_bytes(path.read_bytes())
        monkeypatch.setitem(TEMPLATES, task, copy)

    def edit(task: WritingTask, old: str, new: str) -> None:
        text = TEMPLATES[task].read_text()
        assert old in text
        TEMPLATES[task].write_text(text.replace(old, new, 1))

    return edit


def planned(world: World, action: str = "again") -> set[tuple[str, str, str | None, str]]:
    release = release_of(world.settings)
    rows = prompt_changes(world.tables, release, release.templates, False).filter(action=action)
    return set(rows.select("task", "clip_id", "aspect", "batch").iter_rows())


def written(world: World) -> dict[str, list[tuple[str, str | None, str]]]:
    """The rows of each table a model writes, in order of writing."""
    found = {}
    for table, task in [("drafts", "draft"), ("revisions", "revise"), ("merged_captions", "merge")]:
        rows = world.tables.rows(table)
        found[table] = [(task, row["clip_id"], row.get("aspect"), row["batch"]) for row in rows]
    return found


def versions(world: World) -> dict[str, int]:
    return {name: world.tables.version(name) for name in TABLES}


def begun(world: World, name: str) -> tuple[str, str, dict[str, Any]]:
    """Two batches with drafts: in the first, one item was critiqued and waits with its revision, one for review.

    Returns the batches, and what the tasks of those two items showed. Tests share Label Studio, hence the name.
    """
    one, two = f"{name}-one", f"{name}-two"
    for batch in (one, two):
        world.add_clips(batch)
        world.advance(batch)
        label_all(world, batch)
        world.advance(batch)
    changed, perfect = world.queue("ann", "critique", one)[:2]
    world.person("ann").submit(changed["id"], critique(changed["data"], 3, "A bird crosses the sky."))
    world.person("ann").submit(perfect["id"], critique(perfect["data"], 5))
    world.advance(one)
    return one, two, {"changed": changed["data"], "perfect": perfect["data"]}


def test_one_character_writes_just_the_drafts_again_that_nobody_critiqued(world: World, change: Change) -> None:
    one, two, answered = begun(world, "prompts-draft")
    worked_on = {(data["clip_id"], data["aspect"]) for data in answered.values()}
    assert planned(world) == set()
    before = written(world)
    unanswered = {row for row in before["drafts"] if row[1:3] not in worked_on}
    assert len(unanswered) == 4, "one more draft in the first batch, three in the second"
    shown = {task["data"]["draft_id"] for batch in (one, two) for task in world.queue("ann", "critique", batch)}

    change("draft", "as one paragraph", "As one paragraph")
    assert planned(world) == unanswered
    assert {row[1:3] for row in planned(world, "stays")} == worked_on
    for batch in (one, two):
        world.advance(batch)
    after = written(world)
    assert set(after["drafts"][len(before["drafts"]) :]) == unanswered
    assert len(after["drafts"]) == len(before["drafts"]) + len(unanswered)
    assert {**after, "drafts": []} == {**before, "drafts": []}
    assert planned(world) == set()

    fresh = {row["draft_id"] for row in world.tables.rows("drafts")[len(before["drafts"]) :]}
    queue = [task["data"] for batch in (one, two) for task in world.queue("ann", "critique", batch)]
    assert {data["draft_id"] for data in queue if (data["clip_id"], data["aspect"]) not in worked_on} == fresh
    for batch in (one, two):
        for row in task_ledger(world.tables, batch).filter(kind="critique").to_dicts():
            old = row["chai_key"].removeprefix("critique:")
            if (row["clip_id"], row["aspect"]) not in worked_on and old not in fresh:
                assert (old in shown, row["state"]) == (True, "closed")
    done = versions(world)
    for batch in (one, two):
        world.advance(batch)
    assert versions(world) == done, "a second run writes something"


def test_a_revision_nobody_answered_is_written_again_and_an_answered_one_stays(world: World, change: Change) -> None:
    one, _, answered = begun(world, "prompts-revise")
    item = answered["changed"]
    here = ("revise", item["clip_id"], item["aspect"], one)
    change("revise", "caption alone", "caption Alone")
    before = written(world)
    assert planned(world) == {here}
    world.advance(one)
    assert written(world) == {**before, "revisions": [here, here]}
    second = world.tables.rows("revisions")[1]
    [task] = [t for t in world.queue("ann", "critique", one) if t["data"]["draft_id"] == item["draft_id"]]
    assert task["data"]["chai_key"] == f"critique:{second['revision_id']}"
    world.person("ann").submit(task["id"], critique(task["data"], 5))
    world.advance(one)
    change("revise", "caption Alone", "Caption Alone")
    assert planned(world) == set()
    assert here in planned(world, "stays")
    done = versions(world)
    world.advance(one)
    assert versions(world) == done


def test_a_merged_caption_is_merged_again_and_the_loop_goes_on_from_rows_written_again(
    world: World, change: Change
) -> None:
    batch = "prompts-merged"
    [clip] = world.add_clips(batch)
    world.advance(batch)
    label_all(world, batch)
    world.advance(batch)
    change("draft", "as one paragraph", "As one paragraph")
    for _ in range(3):
        world.advance(batch)
        for task in world.queue("ann", "critique", batch):
            world.person("ann").submit(task["id"], critique(task["data"], 5))
        world.advance(batch)
        review_everywhere(world, batch)
    world.advance(batch)
    assert {item.stage for item in world.standings(batch)} == {"approved"}
    assert len(world.ids(batch)["triples"]) == 5, "their chains hold"
    change("merge", "paragraph", "Paragraph")
    assert planned(world) == {("merge", clip, None, batch)}
    world.advance(batch)
    assert [row["template_hash"] for row in world.tables.rows("merged_captions")][1:] == [Templates.on_disk().merge]
    assert planned(world) == set()
    done = versions(world)
    world.advance(batch)
    assert versions(world) == done


def test_keep_leaves_everything_and_the_plan_says_what_redraft_would_cost(
    world: World, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, _ = begun(world, "prompts-keep")
    change("draft", "as one paragraph", "As one paragraph")
    monkeypatch.setenv("CHAI_PROMPT_CHANGED", "keep")
    kept = World(world.home, world.server, monkeypatch)
    assert planned(kept) == set()
    done = versions(world)
    kept.instance.add_dynamic_partitions(batches.name or "", [one, two])
    for batch in (one, two):
        kept.advance(batch)
    assert versions(world) == done

    monkeypatch.setenv("CHAI_CAPTIoneR", "openai")
    monkeypatch.setenv("CHAI_MODEL", "gpt-4.1-2025-04-14")
    said = Console(record=True, width=140)
    show_plan(Settings.from_env(), "", True, said)
    text = said.export_text()
    assert "4 rows were written with other prompts than those on disk (keep: nothing is written again" in text
    assert "4 model requests, about 0.0" in text


def test_the_planned_dollars_are_those_the_run_will_plan(world: World, change: Change, tmp_path: Path) -> None:
    one, two, _ = begun(world, "prompts-money")
    change("draft", "as one paragraph", "As one paragraph")
    prices = tmp_path / "prices.yaml"
    prices.write_text('version: "1"\nmodels: {served: {input: 2000, cached: 0, output: 1000}}\n')
    model = ModelChoice(model="served-2025-01-01", url="http://127.0.0.1:9/v1")
    choice = CaptionerChoice(name="openai", model=model, prices=str(prices))
    engine, release = choice.open(Media(root=str(tmp_path / "media"))), release_of(world.settings)

    def of_runs() -> float:
        total = 0.0
        for batch in (one, two):
            clips = {row["clip_id"]: row for row in world.tables.rows("clips", batch)}
            pending = pending_drafts(world.standings(batch), world.spec, clips, engine, given_up=set())
            total += open_budget(choice, engine, world.tables, "draft", "run").estimate(pending)
        return total

    def of_plan() -> float:
        return in_money(prompt_changes(world.tables, release, release.templates, False), world.tables, choice)[
            "usd"
        ].sum()

    assert of_plan() == pytest.approx(of_runs(), rel=0.05), "guessed from clips and prompts"
    assert of_plan() > 1
    call = {"batch": one, "run": "r", "stage": "draft", "model": model.model, "charged": "yes"}
    aspects = {row["aspect"] for row in world.tables.rows("drafts")}
    costs = {aspect: 0.5 + number for number, aspect in enumerate(sorted(aspects))}
    rows = [
        {**call, "call_id": a, "request_hash": a, "aspect": a, "cost": cost, "tokens_in": int(cost * 500)}
        for a, cost in costs.items()
    ]
    rows = [{**row, "tokens_cached": 0, "tokens_out": 0} for row in rows]
    world.tables.append("model_calls", rows)
    assert of_plan() == pytest.approx(of_runs()), "the means of what such requests cost so far"
    assert of_plan() == pytest.approx(sum(costs[aspect or ""] for _, _, aspect, _ in planned(world)))
