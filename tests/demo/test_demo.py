"""The demo from nothing, twice, as `make demo` runs it: its own home and ports, everything else for real."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.demo.material import slips
from chai_assets.deployment.local import token
from chai_assets.deployment.run_job import instance_of
from chai_assets.orchestration.backfill import SPEC_TAG
from chai_assets.planning.load import make_plan
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.releases import PACKAGED
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import standings_of
from chai_resources.label_studio import LabelStudio
from chai_resources.schemas import TABLES
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.services.label_studio import task_ids
from tests.services.local import free_ports
from tests.spec.versions import rehearsal

CHAI = Path(sys.executable).parent / "chai"
KINDS = ("primitives", "critique", "review", "feedback")


class Deployment:
    """A home of its own for the demo."""

    def __init__(self, home: Path) -> None:
        names = ("CHAI_LABEL_STUDIO_PORT", "CHAI_DAGSTER_PORT", "CHAI_CODE_PORT")
        ports = {name: str(port) for name, port in zip(names, free_ports(3), strict=True)}
        self.specs = home.parent / "specs"
        shutil.copytree(PACKAGED, self.specs)
        own = {"CHAI_HOME": str(home), "CHAI_SPECS": str(self.specs), "CHAI_POLL_SECONDS": "5", "COLUMNS": "120"}
        self.env = {**os.environ, **ports, **own}

    def chai(self, *command: str) -> tuple[str, float]:
        """Runs a command of the CLI, showing what it prints; returns that and the seconds it took."""
        started, lines = time.monotonic(), []
        with subprocess.Popen([CHAI, *command], env=self.env, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        assert process.returncode == 0, "".join(lines)
        return "".join(lines), time.monotonic() - started


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path_factory.mktemp("demo") / "home")
    yield deployment
    deployment.chai("down")


@pytest.mark.demo
@pytest.mark.timeout(1500)
def test_the_demo_runs_the_whole_loop_and_again_finds_nothing_to_do(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = deployment.chai("demo")
    assert "The loop, stage by stage" in text
    for name, value in deployment.env.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_env()
    tables = Tables(root=settings.tables)
    items = [
        item
        for batch in ("practice-real", "practice-rendered")
        for item in standings_of(tables, release_of(settings), batch)
    ]
    _shows_every_turn_of_the_loop(items)
    planted = len(slips())
    assert f"{planted} of {planted} planted slips corrected through critiques" in text
    assert "0 approved captions contradict their labels, 0 explained" in text
    assert tables.rows("quarantine") == []
    [dataset] = tables.rows("datasets")
    assert dataset["triples"] == len(items)
    assert verify_dataset(Path(dataset["uri"])) == []

    before = _everything(tables, settings)
    again, seconds = deployment.chai("demo")
    assert "Nothing was left to do" in again
    assert seconds < 60
    assert _everything(tables, settings) == before


@pytest.mark.demo
@pytest.mark.timeout(900)
def test_a_release_is_one_backfill_of_just_the_batches_and_rows_it_changes(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployment.env.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_env()
    tables, given = Tables(root=settings.tables), release_of(settings)
    rehearsal(deployment.specs, "1.2.0", base="1.1.0")
    text, _ = deployment.chai("plan", "--to", "1.2.0")
    assert "1.2.0 is not released" in text
    plan = make_plan(tables, release_of(settings), "1.2.0")
    rows = {(row["clip_id"], row["aspect"]): row["action"] for row in plan.rows.iter_rows(named=True)}
    assert {aspect for _, aspect in rows} == {"camera"}
    assert "ask" in rows.values()
    assert "confirm" in rows.values()
    before = _items_by_row(tables)
    deployment.chai("spec", "release", "1.2.0")

    instance = instance_of(settings)
    deadline, backfills = time.monotonic() + 400, instance.get_backfills()
    while time.monotonic() < deadline and not (backfills and backfills[0].status in _ENDED):
        time.sleep(2)
        backfills = [fill for fill in instance.get_backfills() if fill.tags.get(SPEC_TAG) == "1.2.0"]
    assert [fill.status for fill in backfills] == [BulkActionStatus.COMPLETED_SUCCESS]
    runs = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfills[0].backfill_id}))
    assert sorted(run.tags["dagster/partition"] for run in runs) == plan.affected
    assert {run.tags["dagster/priority"] for run in runs} == {"-10"}
    assert {row[1:] for row in _items_by_row(tables) - before} == set(rows)
    asked = {row["clip_id"] for row in tables.rows("tasks") if row["chai_key"].endswith(":camera:1.2.0")}
    assert asked == {clip for (clip, _), action in rows.items() if action == "ask"}
    assert make_plan(tables, given, "1.2.0").rows.is_empty()
    text, _ = deployment.chai("backfill")
    assert "nothing to do" in text
    assert len([fill for fill in instance.get_backfills() if fill.tags.get(SPEC_TAG)]) == 1


_ENDED = {BulkActionStatus.COMPLETED_SUCCESS, BulkActionStatus.COMPLETED_FAILED, BulkActionStatus.FAILED}


def _items_by_row(tables: Tables) -> set[tuple[str, str, str]]:
    """(key, clip, aspect) of every row about an item, in every table."""
    found: set[tuple[str, str, str]] = set()
    for name, table in TABLES.items():
        if {"clip_id", "aspect"} <= set(table.schema.names):
            found |= set(tables.read(name).select(table.key, "clip_id", "aspect").iter_rows())
    return found


def _shows_every_turn_of_the_loop(items: list[Standing]) -> None:
    by_clip: dict[str, set[str]] = {}
    for item in items:
        by_clip.setdefault(item.clip_id, set()).add(item.stage)
    assert sum(stages == {"approved"} for stages in by_clip.values()) >= 10
    assert any(len(item.critiques) == 2 for item in items)
    reviews = [review for item in items for review in item.reviews]
    assert any(verdict["verdict"] == "reject" for _, verdict in reviews)
    assert any(turn.grade == 2 for turn, _ in reviews)


def _everything(tables: Tables, settings: Settings) -> dict[str, object]:
    """Row counts of every table, and of every Label Studio project."""
    label_studio = LabelStudio(url=settings.label_studio_url, token=token(settings))
    tasks = {kind: len(task_ids(label_studio, label_studio.require_project(kind))) for kind in KINDS}
    return {**{name: tables.read(name).height for name in TABLES}, **tasks}
