"""The demo from nothing, twice, as `make demo` runs it: its own home and ports, everything else for real."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chai_assets.chain import Standing
from chai_assets.datasets.verify import verify_dataset
from chai_assets.platform import token
from chai_assets.spec.resource import SpecRelease
from chai_assets.standings import standings_of
from chai_resources.label_studio import LabelStudio
from chai_resources.schemas import TABLES
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.services import free_ports

CHAI = Path(sys.executable).parent / "chai"
KINDS = ("primitives", "critique", "review", "feedback")


class Deployment:
    """A home of its own for the demo."""

    def __init__(self, home: Path) -> None:
        names = ("CHAI_LABEL_STUDIO_PORT", "CHAI_DAGSTER_PORT", "CHAI_CODE_PORT")
        ports = {name: str(port) for name, port in zip(names, free_ports(3), strict=True)}
        self.env = {**os.environ, **ports, "CHAI_HOME": str(home), "CHAI_POLL_SECONDS": "5", "COLUMNS": "120"}

    def chai(self, command: str) -> tuple[str, float]:
        """Runs a command of the CLI, showing what it prints; returns that and the seconds it took."""
        started, lines = time.monotonic(), []
        with subprocess.Popen([CHAI, command], env=self.env, stdout=subprocess.PIPE, text=True) as process:
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
        item for batch in ("practice-real", "practice-rendered") for item in standings_of(tables, SpecRelease(), batch)
    ]
    _shows_every_turn_of_the_loop(items)
    assert tables.rows("quarantine") == []
    [dataset] = tables.rows("datasets")
    assert dataset["triples"] == len(items)
    assert verify_dataset(Path(dataset["uri"])) == []

    before = _everything(tables, settings)
    again, seconds = deployment.chai("demo")
    assert "Nothing was left to do" in again
    assert seconds < 60
    assert _everything(tables, settings) == before


def _shows_every_turn_of_the_loop(items: list[Standing]) -> None:
    by_clip: dict[str, set[str]] = {}
    for item in items:
        by_clip.setdefault(item.clip_id, set()).add(item.stage)
    assert sum(stages == {"approved"} for stages in by_clip.values()) >= 10
    turns = [turn for item in items for turn in item.turns if turn.answer]
    assert any(turn.round == 2 for turn in turns)
    assert any(turn.kind == "review" and turn.answer["verdict"] == "reject" for turn in turns if turn.answer)
    assert any(turn.grade == 2 for turn in turns)


def _everything(tables: Tables, settings: Settings) -> dict[str, object]:
    """Row counts of every table, and of every Label Studio project."""
    label_studio = LabelStudio(url=settings.label_studio_url, token=token(settings))
    tasks = {kind: len(label_studio.task_ids(label_studio.require_project(kind))) for kind in KINDS}
    return {**{name: tables.read(name).height for name in TABLES}, **tasks}
