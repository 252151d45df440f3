"""Which engine has which name, how one is opened, and which of them are providers that can ask in batches.

An engine needs one entry here and one module in `engines/`. SDKs load with their engine.
"""

from collections.abc import Callable

from chai_resources.captioners.batch_api.batch_captioner import BatchCaptioner
from chai_resources.captioners.batch_api.pending_batches import PendingBatches
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Captioner, Identity
from chai_resources.errors import UnusableInput
from chai_resources.media_store import MediaStore

PROVIDERS = ("openai", "gemini")
"""Engines that may need a provider's key, and that can ask in batches."""


def open_engine(name: str, choice: ModelChoice, media: MediaStore) -> Captioner:
    """The engine of this name. Raises UnusableInput for a name that is none, and ModelRefused."""
    if name not in ENGINES:
        raise UnusableInput(f"CHAI_CAPTIONER={name} is no engine: choose one of {', '.join(sorted(ENGINES))}")
    return ENGINES[name](choice, media)


def batch_captioner(name: str, choice: ModelChoice, media: MediaStore) -> BatchCaptioner:
    """One of PROVIDERS, asking in batches. Raises ModelRefused."""
    from chai_resources.captioners.batch_api import gemini_batches, openai_batches

    make = {"openai": openai_batches.openai_batch_captioner, "gemini": gemini_batches.gemini_batch_captioner}
    return make[name](choice, media)


def pending_batches(name: str, choice: ModelChoice, media: MediaStore) -> PendingBatches:
    """The notes on batches of this model at one of PROVIDERS."""
    from chai_resources.captioners.batch_api import gemini_batches, openai_batches

    return {"openai": openai_batches, "gemini": gemini_batches}[name].pending_batches_of(choice, media)


def identity_of(name: str, choice: ModelChoice) -> Identity:
    """Who answers at one of PROVIDERS: known without its key. Raises ModelRefused."""
    from chai_resources.captioners.engines import gemini_engine, openai_engine

    return {"openai": openai_engine, "gemini": gemini_engine}[name].identity_of(choice)


def _offline(choice: ModelChoice, media: MediaStore) -> Captioner:
    return OfflineCaptioner()


def _openai(choice: ModelChoice, media: MediaStore) -> Captioner:
    from chai_resources.captioners.engines.openai_engine import openai_captioner

    return batch_captioner("openai", choice, media) if choice.batches else openai_captioner(choice, media)


def _gemini(choice: ModelChoice, media: MediaStore) -> Captioner:
    from chai_resources.captioners.engines.gemini_engine import gemini_captioner

    return batch_captioner("gemini", choice, media) if choice.batches else gemini_captioner(choice, media)


def _vllm(choice: ModelChoice, media: MediaStore) -> Captioner:
    from chai_resources.captioners.engines.vllm_engine import vllm_captioner

    return vllm_captioner(choice, media)


ENGINES: dict[str, Callable[[ModelChoice, MediaStore], Captioner]] = {
    "offline": _offline,
    "openai": _openai,
    "gemini": _gemini,
    "vllm": _vllm,
}
"""Engines by name."""
