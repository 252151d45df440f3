"""Killed at random points and run again until done, the platform ends where an untroubled run ends."""

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest

from chai_assets.workflow.records import TaskKind
from chai_resources.environment import LABEL_STUDIO_TOKEN
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables
from tests.chaos.children import Children, Outcome
from tests.chaos.driver import Errand, Job
from tests.chaos.script import answer_all
from tests.ingestion import films
from tests.services.label_studio import LabelStudioHandle
from tests.world import World

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]

FEWEST_KILLS = 10


@dataclass
class Deployment:
    """A deployment whose jobs run in children; what they asked the engine is on file."""

    world: World
    batch: str
    children: Children
    in_hand: Counter[str] = field(default_factory=Counter)
    """Requests that were with the engine when a child was killed, and how often that happened to each."""

    def run(self, job: Job, dies_at: int | None = None, kill_after: float | None = None) -> Outcome:
        env = {**self.world.settings.as_env(), LABEL_STUDIO_TOKEN: self.world.server.token}
        before = self.asked()
        outcome = self.children.run(Errand(job, self.batch, env, str(self._calls), dies_at), kill_after)
        if outcome.killed:
            self._take_stock(self.asked() - before)
        return outcome

    def asked(self) -> Counter[str]:
        """How often each request reached the engine."""
        return Counter(self._calls.read_text().split()) if self._calls.exists() else Counter()

    def answers(self) -> dict[str, str]:
        """The stored text of each request."""
        found = {}
        for path in Path(self.world.settings.media).glob("answers/*/*.json"):
            answer = json.loads(path.read_text())
            found[answer["request_hash"]] = answer["text"]
        return found

    def tasks(self) -> dict[str, list[int]]:
        """Ids of the batch's tasks in Label Studio by their key."""
        client = self.world.label_studio
        projects = [client.require_project(kind) for kind in get_args(TaskKind)]
        return {key: ids for project in projects for key, ids in client.existing(project, self.batch).items()}

    def task_states(self) -> dict[str, str]:
        """The last word of the ledger on each task."""
        return {row["chai_key"]: row["state"] for row in self.world.tables.rows("tasks", self.batch)}

    def record_ids(self) -> str:
        """The ids of every record, as one text."""
        ids = self.world.ids(self.batch) | {"sources": set(self.world.tables.read("sources", self.batch)["source_id"])}
        return json.dumps({table: sorted(found) for table, found in ids.items()}, indent=1)

    def _take_stock(self, reached: Counter[str]) -> None:
        """What must hold at the instant after a kill: every table reads, and at most one request was in hand.

        `reached` are the requests that the killed child brought to the engine: one that an earlier child left in
        hand, and that this one did not come to, is not counted again.
        """
        tables = Tables(root=self.world.settings.tables)
        for name in TABLES:
            tables.rows(name)
        answers = self.answers()
        unanswered = [request_hash for request_hash in reached if request_hash not in answers]
        assert len(unanswered) <= 1
        self.in_hand.update(unanswered)

    @property
    def _calls(self) -> Path:
        return self.world.home / "calls.log"


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    with Children(tmp_path / "children.log") as running:
        yield running


@pytest.fixture
def rng() -> random.Random:
    seed = int(os.environ.get("CHAI_CHAOS_SEED") or random.randrange(10**6))
    print(f"CHAI_CHAOS_SEED={seed}")
    return random.Random(seed)


def deployment(
    name: str, folder: Path, server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch, children: Children
) -> Deployment:
    world = World(folder / name, server, monkeypatch)
    shutil.copytree(folder / "films", Path(world.settings.inbox) / name)
    return Deployment(world, name, children)


def test_killed_anywhere_and_run_again_ends_with_the_same_records_and_no_task_or_request_twice(
    tmp_path: Path,
    label_studio_server: LabelStudioHandle,
    monkeypatch: pytest.MonkeyPatch,
    children: Children,
    rng: random.Random,
) -> None:
    (tmp_path / "films").mkdir()
    films.write(tmp_path / "films" / "two-shots.mp4", films.scene(1, 45) + films.scene(2, 45))
    films.write(tmp_path / "films" / "one-shot.mp4", films.scene(3, 45))
    calm = deployment("chaos-calm", tmp_path, label_studio_server, monkeypatch, children)
    normal = [calm.run("ingest")]
    while answer_all(calm.world, calm.batch):
        normal.append(calm.run("advance"))

    killed = deployment("chaos-killed", tmp_path, label_studio_server, monkeypatch, children)
    kills = []
    for number, untroubled in enumerate(normal):
        job: Job = "advance" if number else "ingest"
        assert bool(answer_all(killed.world, killed.batch)) == bool(number)
        # One kill exactly where something is being changed, and one at any instant, from outside.
        ways = [{"dies_at": rng.randrange(untroubled.moments)}, {"kill_after": rng.uniform(0, untroubled.seconds)}]
        rng.shuffle(ways)
        for way in ways:
            outcome = killed.run(job, **way)
            kills += [(job, number, way, round(outcome.seconds, 2))] if outcome.killed else []
        killed.run(job)
    print(f"{len(kills)} kills, {killed.in_hand.total()} with a request in hand:", *kills, sep="\n  ")

    assert len(kills) >= FEWEST_KILLS
    assert {item.stage for item in calm.world.standings(calm.batch)} == {"approved"}
    assert killed.record_ids() == calm.record_ids()
    assert {key: len(ids) for key, ids in killed.tasks().items()} == dict.fromkeys(calm.tasks(), 1)
    assert killed.task_states() == calm.task_states()
    assert killed.answers() == calm.answers()
    assert killed.asked() == calm.asked() + killed.in_hand
