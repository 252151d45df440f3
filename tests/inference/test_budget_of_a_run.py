"""A budget of half of what a run costs, on a real deployment: the platform's own job against a model server."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.captioners.model_server import model_server
from tests.inference.model_stage import EACH, MODELS, PRICES
from tests.ingestion.films import scene, write
from tests.services.label_studio import LabelStudioHandle
from tests.test_loop import label_all
from tests.world import World

TOKENS = (1_500, 150)
"""Tokens of an answer here: near to what is guessed of one, which is all that is known before the first."""


def drafting(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What the drafting stage of a run shows."""
    [made] = result.asset_materializations_for_node("drafts")
    return {name: value.value for name, value in made.metadata.items()}


def test_half_a_budget_stops_a_run_cleanly_at_half_and_the_next_one_finishes_the_rest(
    tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch
):
    batch, clips, wanted = "budget-half", 4, 12
    (tmp_path / "prices.yaml").write_text(PRICES)
    each = EACH / 2 * (TOKENS[0] / 100 + TOKENS[1] / 20)
    with model_server() as (url, book):
        book.tokens = TOKENS
        settings = {"CHAI_CAPTIONER": "openai", "CHAI_MODEL": MODELS["openai"], "CHAI_MODEL_URL": f"{url}/v1"}
        settings |= {"CHAI_PRICES": str(tmp_path / "prices.yaml"), "CHAI_BUDGET_RUN": str(wanted / 2 * each)}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        world = World(tmp_path / "home", label_studio_server, monkeypatch)
        film = write(tmp_path / "film.mp4", scene(1, 25), rate=25).read_bytes()
        for clip in world.add_clips(batch, clips):
            target = Path(world.settings.media, "clips", f"{clip}.mp4")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(film)
        world.advance(batch)
        label_all(world, batch)

        half = drafting(world.advance(batch))
        assert half["held_back_by_budget"] == wanted / 2
        assert half["cost_usd"] == pytest.approx(wanted / 2 * each)
        assert len(world.ids(batch)["drafts"]) == book.charged.total() == wanted / 2

        monkeypatch.setenv("CHAI_BUDGET_RUN", str(wanted * each))
        richer = World(tmp_path / "home", label_studio_server, monkeypatch)
        richer.instance.add_dynamic_partitions("batches", [batch])
        rest = drafting(richer.advance(batch))
        assert rest["held_back_by_budget"] == 0
        assert rest["planned_cost_usd"] == pytest.approx(wanted / 2 * each)
        assert len(world.ids(batch)["drafts"]) == wanted
        assert book.charged.total() == wanted, "nothing is asked twice"
