"""A deployment with previews: a real Label Studio, the server of previews, a model server, drafts to criticize."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chai_assets.deployment.local import PREVIEW, preview_service
from chai_assets.deployment.provision import provision
from chai_resources.label_studio import Annotator
from chai_resources.services import processes
from tests.captioners.model_server import MODELS, Book, model_server
from tests.inference.model_stage import PRICES
from tests.ingestion.films import scene, write
from tests.services.label_studio import start_label_studio
from tests.services.local import free_ports
from tests.test_loop import label_all
from tests.world import World

BATCH = "preview"


@dataclass
class Studio:
    """A deployment with previews, what its model server saw, and one person who criticizes."""

    world: World
    book: Book
    project: int

    @property
    def ann(self) -> Annotator:
        return self.world.person("ann")

    def provision(self, preview_url: str) -> None:
        """Connects the page to previews, or disconnects it where the address is empty."""
        world = self.world
        provision(world.label_studio, world.settings.media, world.people, world.home, preview_url=preview_url)

    def tasks(self) -> list[dict[str, Any]]:
        """Open critique tasks, one for each draft that nobody criticized."""
        return self.world.queue("ann", "critique", BATCH)

    def model(self) -> int:
        """Id of the model server that the page finds."""
        [found] = self.ann.api.get("/api/ml", project=self.project)
        return found["id"]

    def type(self, task: dict[str, Any], result: list[dict[str, Any]], after_s: float = 0.3) -> None:
        """What the page does while somebody works: it saves a draft a moment after what was pressed."""
        path = f"/api/tasks/{task['id']}/drafts"
        threading.Timer(after_s, self.ann.api.send, ("POST", path, {"result": result, "lead_time": 1})).start()

    def press(self, task: dict[str, Any], parts: list[dict[str, Any]]) -> list[str]:
        """What the page shows after a part of the critique was finished; only that part is sent along."""
        body = {"task": task["id"], "context": {"result": parts}}
        answer = self.ann.api.send("POST", f"/api/ml/{self.model()}/interactive-annotating", body)
        assert "errors" not in answer, answer
        return self.texts(answer["data"]["result"])

    @staticmethod
    def texts(parts: list[dict[str, Any]]) -> list[str]:
        """What an answer of the server shows."""
        return [text for part in parts for text in part["value"]["text"]]

    def body(self, task: dict[str, Any], result: list[dict[str, Any]]) -> dict[str, Any]:
        """What Label Studio sends to the server once the page has saved this critique."""
        self.ann.api.send("POST", f"/api/tasks/{task['id']}/drafts", {"result": result, "lead_time": 1})
        data = {"id": task["id"], "data": task["data"], "drafts": []}
        return {"tasks": [data], "params": {"context": {"result": result[-1:]}}}

    def preview(self, task: dict[str, Any], result: list[dict[str, Any]]) -> list[str]:
        """Types a whole critique and presses Enter in the last part of it."""
        self.type(task, result)
        return self.press(task, result[-1:])

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return [row for row in self.world.tables.rows("model_calls", BATCH) if row["stage"] in ("preview", "revise")]


@contextmanager
def previewing(home: Path) -> Iterator[Studio]:
    """Drafts of two clips wait for their critiques."""
    (home / "prices.yaml").write_text(PRICES)
    server = start_label_studio(home, local_models=True)
    with model_server() as (url, book), pytest.MonkeyPatch.context() as patch:
        settings = {"CHAI_CAPTIONER": "openai", "CHAI_MODEL": MODELS["openai"], "CHAI_MODEL_URL": f"{url}/v1"}
        settings |= {"CHAI_PREVIEW": "on", "CHAI_PREVIEW_URL": f"http://127.0.0.1:{free_ports(1)[0]}"}
        settings |= {"CHAI_PRICES": str(home / "prices.yaml"), "CHAI_BUDGET_DAY": "1"}
        for name, value in settings.items():
            patch.setenv(name, value)
        world = World(home, server, patch)
        try:
            processes.start(home, preview_service(world.settings))
            studio = Studio(world, book, world.label_studio.require_project("critique"))
            studio.provision(world.settings.preview_url)
            film = write(home / "film.mp4", scene(1, 25), rate=25).read_bytes()
            for clip in world.add_clips(BATCH, 2):
                target = Path(world.settings.media, "clips", f"{clip}.mp4")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(film)
            world.advance(BATCH)
            label_all(world, BATCH)
            world.advance(BATCH)
            yield studio
        finally:
            processes.stop(home, PREVIEW)
            server.stop()
