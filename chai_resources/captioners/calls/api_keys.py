"""Keys of models: read where a model is asked, by the name of their variable, and sent to nobody else."""

from chai_resources.captioners.calls.model_choice import ModelChoice, ModelRefused
from chai_resources.environment import MODEL_KEY, secret

MODEL_KEYS = ("OPENAI_API_KEY", "GEMINI_API_KEY", MODEL_KEY)
"""Variables that hold keys of models."""


class KeyMissing(ModelRefused):
    """A provider's key is not in the environment of who asks the model."""

    def __init__(self, variable: str) -> None:
        super().__init__(f"{variable} is not set: put the provider's key there, then run again")
        self.variable = variable


def key_of(choice: ModelChoice, variable: str) -> str:
    """The key for the server of this choice: the provider's, by its variable; a server of one's own may need none.

    A provider's key is never sent to another server. Raises KeyMissing where the provider's is.
    """
    if choice.url:
        return secret(MODEL_KEY) or "none"
    if value := secret(variable):
        return value
    raise KeyMissing(variable)
