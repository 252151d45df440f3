"""Which engine drafts, revises and merges, by name."""

from collections.abc import Callable
from typing import Protocol

import dagster as dg
from pydantic import NonNegativeFloat, field_validator

from chai_resources.captioners.batch_api.batch_captioner import BatchCaptioner
from chai_resources.captioners.batch_api.handles import Handle
from chai_resources.captioners.calls.answer_store import StoredAnswers
from chai_resources.captioners.calls.model_choice import ModelChoice, ModelRefused
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Captioner, Identity, Request
from chai_resources.errors import UnusableInput
from chai_resources.executors import ExecutorChoice, ExecutorError
from chai_resources.media import Media
from chai_resources.settings import Settings

_PROVIDERS = ("openai", "gemini")
"""Engines that may need a provider's key, and that can ask in batches."""


class Answers(Captioner, Protocol):
    """A captioner that remembers: no request that has an answer is asked again."""

    def paid(self, request: Request) -> bool:
        """Whether the request has an answer already, or is in a batch under way: it costs nothing more."""
        ...


class ModelConfig(ModelChoice, dg.Config):
    """The model as Dagster shows it among the resource's configuration."""


class ExecutorConfig(ExecutorChoice, dg.Config):
    """The executor as Dagster shows it among the resource's configuration."""


class CaptionerChoice(dg.ConfigurableResource):
    """The engine of this deployment. Its answers are stored, so that no request is made twice."""

    name: str = "offline"
    model: ModelConfig = ModelConfig()
    prices: str = ""
    """A price file of one's own; empty for the prices that come with the platform."""
    executor: ExecutorConfig = ExecutorConfig()
    budget_run: NonNegativeFloat = 0.0
    """US dollars that one run may spend; 0 for no limit."""
    budget_day: NonNegativeFloat = 0.0
    """US dollars that all runs may spend between two midnights, UTC; 0 for no limit."""

    @field_validator("model", "executor", mode="before")
    @classmethod
    def _as_config(cls, given: object) -> object:
        return given.model_dump() if isinstance(given, ModelChoice | ExecutorChoice) else given

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

    @property
    def asks(self) -> str:
        """The model whose calls cost money, as its rows name it; empty for an engine without a network."""
        if self.name == "vllm":
            from chai_resources.captioners.engines.vllm_engine import served_model

            return served_model(self.model).name
        return "" if self.name == "offline" else self.model.model

    def open(self, media: Media, context: dg.AssetExecutionContext | None = None) -> Answers:
        """The engine, with answers kept in the media store; in an asset, on the executor that is chosen.

        Commands have no `context` and do their work themselves. Raises ValueError for a name that is none,
        ModelRefused for a model that is not pinned or, where it is asked from here, has no key.
        """
        if context is not None and not self.model.batches and (waiting := self._handed_in(media)):
            raise ModelRefused(
                f"{waiting} requests to {self.model.model} are in batches under way, and would be paid for twice: "
                "fetch them with CHAI_MODEL_MODE=batch, or delete `batches` in the media store to forget them"
            )
        # What a provider answers in its own time needs no machine of ours.
        own_time = self.model.batches and self.name in _PROVIDERS
        if context is None or self.executor.name == "local" or own_time:
            return StoredAnswers(self._engine(media), media)
        try:
            from chai_resources.executors.ray_captioner import RayCaptioner
        except ImportError as error:
            raise ExecutorError(f"CHAI_EXECUTOR=ray needs the extra `ray` ({error}): pip install chai[ray]") from error
        return RayCaptioner(self._identity(media), self.name, self.model, self.executor, media, context)

    def ended_batches(self, media: Media) -> list[Handle]:
        """Batches whose answers wait to be fetched; none where requests are asked one by one.

        Raises CallFailed where the provider cannot be asked, and what `open` raises.
        """
        engine = self._engine(media) if self.model.batches else None
        return engine.ended() if isinstance(engine, BatchCaptioner) else []

    def _handed_in(self, media: Media) -> int:
        """Requests that batches hold which nobody has fetched."""
        if self.name not in _PROVIDERS:
            return 0
        from chai_resources.captioners.batch_api import gemini_batches, openai_batches

        batches = openai_batches if self.name == "openai" else gemini_batches
        return sum(len(h.requests) for h in batches.handles_of(self.model, media).open() if not h.fetched)

    def _identity(self, media: Media) -> Identity:
        """Who answers elsewhere, where the key is: none is needed here. Raises what `open` raises."""
        if self.name in _PROVIDERS:
            from chai_resources.captioners.engines import gemini_engine, openai_engine

            return (openai_engine if self.name == "openai" else gemini_engine).identity_of(self.model)
        engine = self._engine(media)
        return Identity(engine.model, engine.revision, engine.capabilities)

    def _engine(self, media: Media) -> Captioner:
        if self.name not in ENGINES:
            raise UnusableInput(f"CHAI_CAPTIONER={self.name} is no engine: choose one of {', '.join(sorted(ENGINES))}")
        return ENGINES[self.name](self.model, media)


def _offline(choice: ModelChoice, media: Media) -> Captioner:
    return OfflineCaptioner()


def _openai(choice: ModelChoice, media: Media) -> Captioner:
    from chai_resources.captioners.batch_api.openai_batches import openai_batch_captioner
    from chai_resources.captioners.engines.openai_engine import openai_captioner

    return (openai_batch_captioner if choice.batches else openai_captioner)(choice, media)


def _gemini(choice: ModelChoice, media: Media) -> Captioner:
    from chai_resources.captioners.batch_api.gemini_batches import gemini_batch_captioner
    from chai_resources.captioners.engines.gemini_engine import gemini_captioner

    return (gemini_batch_captioner if choice.batches else gemini_captioner)(choice, media)


def _vllm(choice: ModelChoice, media: Media) -> Captioner:
    from chai_resources.captioners.engines.vllm_engine import vllm_captioner

    return vllm_captioner(choice, media)


ENGINES: dict[str, Callable[[ModelChoice, Media], Captioner]] = {
    "offline": _offline,
    "openai": _openai,
    "gemini": _gemini,
    "vllm": _vllm,
}
"""Engines by name; an engine needs one entry here and one module beside this one. SDKs load with their engine."""
