"""The resource that says which engine drafts, revises and merges, and opens it where its work is to be done."""

import dagster as dg
from pydantic import NonNegativeFloat, field_validator

from chai_resources.captioners.batch_api.pending_batches import PendingBatch
from chai_resources.captioners.calls.answer_store import StoredAnswers
from chai_resources.captioners.calls.model_choice import ModelChoice, ModelRefused
from chai_resources.captioners.protocol import CachingCaptioner, Identity
from chai_resources.captioners.registry import PROVIDERS, batch_captioner, identity_of, open_engine, pending_batches
from chai_resources.executors import ExecutorChoice, ExecutorError
from chai_resources.media_store import MediaStore
from chai_resources.settings import Settings


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
    def billed_model(self) -> str:
        """The model whose calls cost money, as its rows name it; empty for an engine without a network."""
        if self.name == "vllm":
            from chai_resources.captioners.engines.vllm_engine import served_model

            return served_model(self.model).name
        return "" if self.name == "offline" else self.model.model

    def open(self, media: MediaStore, context: dg.AssetExecutionContext | None = None) -> CachingCaptioner:
        """The engine, with answers kept in the media store; in an asset, on the executor that is chosen.

        Commands have no `context` and do their work themselves. Raises UnusableInput for a name that is none,
        ModelRefused for a model that is not pinned or, where it is asked from here, has no key.
        """
        if context is not None and not self.model.batches and (waiting := self._in_batches(media)):
            raise ModelRefused(
                f"{waiting} requests to {self.model.model} are in batches under way, and would be paid for twice: "
                "fetch them with CHAI_MODEL_MODE=batch, or delete `batches` in the media store to forget them"
            )
        # What a provider answers in its own time needs no machine of ours.
        own_time = self.model.batches and self.name in PROVIDERS
        if context is None or self.executor.name == "local" or own_time:
            return StoredAnswers(open_engine(self.name, self.model, media), media)
        try:
            from chai_resources.executors.ray_captioner import RayCaptioner
        except ImportError as error:
            raise ExecutorError(f"CHAI_EXECUTOR=ray needs the extra `ray` ({error}): pip install chai[ray]") from error
        return RayCaptioner(self._identity(media), self.name, self.model, self.executor, media, context)

    def ended_batches(self, media: MediaStore) -> list[PendingBatch]:
        """Batches whose answers wait to be fetched; none where requests are asked one by one.

        Raises CallFailed where the provider cannot be asked, and what `open` raises.
        """
        if not self.model.batches or self.name not in PROVIDERS:
            return []
        return batch_captioner(self.name, self.model, media).ended()

    def _in_batches(self, media: MediaStore) -> int:
        """Requests in batches that nobody has fetched."""
        if self.name not in PROVIDERS:
            return 0
        pending = pending_batches(self.name, self.model, media).open()
        return sum(len(batch.requests) for batch in pending if not batch.fetched)

    def _identity(self, media: MediaStore) -> Identity:
        """Who answers elsewhere, where the key is: none is needed here. Raises what `open` raises."""
        if self.name in PROVIDERS:
            return identity_of(self.name, self.model)
        engine = open_engine(self.name, self.model, media)
        return Identity(engine.model, engine.revision, engine.capabilities)
