"""Which engine drafts, revises and merges, by name."""

from collections.abc import Callable
from typing import Protocol

import dagster as dg
from pydantic import NonNegativeFloat

from chai_resources.captioners import Captioner, Request
from chai_resources.captioners.models import ModelChoice
from chai_resources.captioners.offline import OfflineCaptioner
from chai_resources.captioners.stored import StoredAnswers
from chai_resources.executors import ExecutorChoice
from chai_resources.media import Media
from chai_resources.settings import Settings


class Answers(Captioner, Protocol):
    """A captioner that remembers: no request that has an answer is asked again."""

    def answered(self, request: Request) -> bool:
        """Whether the request has an answer already, which costs nothing more."""
        ...


class CaptionerChoice(dg.ConfigurableResource):
    """The engine of this deployment. Its answers are stored, so that no request is made twice."""

    name: str = "offline"
    model: ModelChoice = ModelChoice()
    prices: str = ""
    """A price file of one's own; empty for the prices that come with the platform."""
    executor: ExecutorChoice = ExecutorChoice()
    budget_run: NonNegativeFloat = 0.0
    """US dollars that one run may spend; 0 for no limit."""
    budget_day: NonNegativeFloat = 0.0
    """US dollars that all runs may spend between two midnights, UTC; 0 for no limit."""

    @classmethod
    def of(cls, settings: Settings, name: str = "") -> "CaptionerChoice":
        """The engine of a deployment's settings, or the one of this name asking the model that they name."""
        return cls(
            name=name or settings.captioner,
            model=settings.model,
            prices=settings.prices,
            executor=settings.executor,
            budget_run=settings.budget_run,
            budget_day=settings.budget_day,
        )

    def open(self, media: Media, context: dg.AssetExecutionContext | None = None) -> Answers:
        """The engine, with answers kept in the media store; in an asset, on the executor that is chosen.

        Commands have no `context` and do their work themselves. Raises ValueError for a name that is none,
        ModelRefused for a model that is not pinned or has no key.
        """
        if self.name not in ENGINES:
            raise ValueError(f"CHAI_CAPTIONER={self.name} is no engine: choose one of {', '.join(sorted(ENGINES))}")
        engine = ENGINES[self.name](self.model, media)
        if context is None or self.executor.name == "local":
            return StoredAnswers(engine, media)
        from chai_resources.executors.ray_jobs import RayCaptioner

        return RayCaptioner(engine, self.name, self.model, self.executor, media, context)


def _offline(choice: ModelChoice, media: Media) -> Captioner:
    return OfflineCaptioner()


def _openai(choice: ModelChoice, media: Media) -> Captioner:
    from chai_resources.captioners.openai_engine import openai_captioner

    return openai_captioner(choice, media)


def _gemini(choice: ModelChoice, media: Media) -> Captioner:
    from chai_resources.captioners.gemini_engine import gemini_captioner

    return gemini_captioner(choice, media)


def _vllm(choice: ModelChoice, media: Media) -> Captioner:
    from chai_resources.captioners.vllm_engine import vllm_captioner

    return vllm_captioner(choice, media)


ENGINES: dict[str, Callable[[ModelChoice, Media], Captioner]] = {
    "offline": _offline,
    "openai": _openai,
    "gemini": _gemini,
    "vllm": _vllm,
}
"""Engines by name; an engine needs one entry here and one module beside this one. SDKs load with their engine."""
