"""A stage that asks a model: a store, tables and an engine behind its real SDK, for tests of what is charged."""

from pathlib import Path

import polars as pl

from chai_assets.inference.generate import GenerationReport, Generator
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.protocol import Request
from chai_resources.media import Media
from chai_resources.tables import Tables
from tests.captioners.model_server import MODELS, TOKENS

EACH = 0.01
"""US dollars an answer of the test server costs under PRICES."""
PRICES = f"""
version: "7"
models:
  gpt-4.1-2025: {{input: {EACH / 2 / TOKENS[0] * 1e6}, cached: 0, output: {EACH / 2 / TOKENS[1] * 1e6}}}
  gemini-2.5-flash: {{input: {EACH / 2 / TOKENS[0] * 1e6}, cached: 0, output: {EACH / 2 / TOKENS[1] * 1e6}}}
  served: {{input: 1, cached: 1, output: 1}}
"""


class ModelStage:
    """A store, tables and an engine: what a stage asks with."""

    def __init__(
        self, engine: str, url: str, root: Path, media: str = "", batches: bool = False, **budget: float
    ) -> None:
        (root / "prices.yaml").write_text(PRICES)
        self.tables, self.media = Tables(root=str(root / "tables")), Media(root=media or str(root / "media"))
        place = f"{url}/v1" if engine == "openai" else url
        model = ModelChoice(model=MODELS[engine], url=place, timeout_s=2.0, parallel=4, max_tokens=200, batches=batches)
        self.choice = CaptionerChoice(name=engine, model=model, prices=str(root / "prices.yaml"), **budget)

    def ask(self, names: list[str], run: str) -> GenerationReport:
        """Asks for those that have no row yet and did not fail for good, as a stage does."""
        done, failed = self.made, self.generator("").given_up()
        items = [wanted(name) for name in names if name not in done]
        return self.ask_these([item for item in items if item.request.hash not in failed], run)

    def ask_these(self, items: list[PendingRequest], run: str) -> GenerationReport:
        """Asks for these in any case."""
        return self.generator(run).run(items, lambda row: {**row, "draft_id": row["clip_id"]})

    def generator(self, run: str) -> Generator:
        captioner = self.choice.open(self.media)
        return Generator("draft", "b1", self.tables, self.choice, captioner, run, log=lambda _: None)

    @property
    def made(self) -> list[str]:
        """Names of the rows that were made."""
        return self.tables.read("drafts", "b1", columns=["clip_id"])["clip_id"].to_list()

    @property
    def ledger(self) -> pl.DataFrame:
        return self.tables.read("model_calls")


def wanted(name: str) -> PendingRequest:
    request = Request(name, f"req_{name.encode().hex():0>32}", "draft", f"Describe it. {name}", {})
    return PendingRequest(request, {"batch": "b1", "clip_id": name, "aspect": "camera"})
