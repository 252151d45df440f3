"""The model of the settings, for commands that ask it about a published dataset."""

from chai_assets.inference.metered import MeteredCaptioner
from chai_resources.captioner import CaptionerChoice
from chai_resources.media import Media
from chai_resources.settings import Settings
from chai_resources.tables import Tables


def open_metered_model(
    settings: Settings, tables: Tables, *, batch: str, stage: str, engine: str = ""
) -> MeteredCaptioner:
    """The engine of the settings, or the one of this name; its calls are entered in the ledger under batch and stage.

    It answers while the user waits, so never in a provider's batches. Raises ModelRefused.
    """
    choice = CaptionerChoice.of(settings.asking_live(), engine)
    return MeteredCaptioner(choice.open(Media(root=settings.media)), choice, tables, batch=batch, stage=stage)
