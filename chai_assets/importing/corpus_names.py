"""What a corpus may be called here, and the error that ends an import."""

import re

from chai_assets.core.imported import batch_of_corpus
from chai_resources.errors import UnusableInput

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,72}\Z")


class ImportRefused(UnusableInput):
    """A corpus cannot be imported as asked; the text says why and what to do."""


def import_batch(name: str) -> str:
    """The batch for the corpus of that name. Raises ImportRefused for a name that cannot be part of one."""
    if not _NAME.match(name):
        raise ImportRefused(
            f"a corpus cannot be named {name!r}: use lower-case letters, digits, dots, dashes and underscores, "
            "at most 73 characters"
        )
    return batch_of_corpus(name)
