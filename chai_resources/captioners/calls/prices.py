"""What a model's tokens cost: read from one YAML file whose version stands on every call of the ledger."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, ValidationError

from chai_resources.errors import UnusableInput
from chai_resources.yaml_text import YamlRefused, read_yaml

OWN = Path(__file__).with_name("prices.yaml")


class PricesRefused(UnusableInput):
    """The price file cannot be used; the text names it and what is wrong."""


class Price(BaseModel):
    """US dollars for a million tokens; `cached` for prompt tokens that the provider had already read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    input: NonNegativeFloat
    cached: NonNegativeFloat
    output: NonNegativeFloat

    def cost(self, tokens_in: float, tokens_cached: float, tokens_out: float) -> float:
        """US dollars; `tokens_in` include the cached ones."""
        fresh = max(0, tokens_in - tokens_cached)
        return (fresh * self.input + tokens_cached * self.cached + tokens_out * self.output) / 1e6


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    version: str
    batch: NonNegativeFloat = 0.5
    models: dict[str, Price]


@dataclass(frozen=True)
class Prices:
    """All known prices, in one version."""

    version: str
    models: dict[str, Price]
    batch: float = 0.5
    """What a call in a batch costs, as a share of the price."""

    @classmethod
    def load(cls, path: Path | str = "") -> "Prices":
        """The prices of a file, by default those that come with the platform. Raises PricesRefused."""
        path = Path(path or OWN)
        try:
            text = read_yaml(path)
        except (OSError, YamlRefused) as error:
            raise PricesRefused(f"price file {path} cannot be read ({error}): mend it, or unset CHAI_PRICES") from error
        try:
            read = _File.model_validate(text.value)
        except ValidationError as error:
            why = text.faults(error, [*_File.model_fields, *Price.model_fields])
            raise PricesRefused(f"price file {path} cannot be used ({why}): mend it, or unset CHAI_PRICES") from error
        return cls(read.version, read.models, read.batch)

    def of(self, model: str) -> Price | None:
        """The price of a model: the entry whose name is the longest start of it; None where there is none."""
        fitting = [name for name in self.models if model.startswith(name)]
        return self.models[max(fitting, key=len)] if fitting else None
