"""The one partition key of the platform: a batch of clips ingested together (hundreds to thousands)."""

import re

import dagster as dg

from chai_assets.core.imported import IMPORT_PREFIX, is_import
from chai_resources.errors import UnusableInput

batches = dg.DynamicPartitionsDefinition(name="batches")

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}\Z")
# Partition keys are bound as SQL variables, and SQLite allows a limited number of them in one statement.
KEYS_AT_ONCE = 1000


def batch_key(folder: str) -> str:
    """The batch key of an inbox folder: its name. Raises UnusableInput for a name that cannot be one."""
    if not _KEY.match(folder):
        raise UnusableInput(
            f"inbox folder {folder!r} cannot be a batch: rename it to lower-case letters, digits, dots, dashes "
            "and underscores, at most 80 characters"
        )
    if is_import(folder):
        raise UnusableInput(
            f"inbox folder {folder!r} cannot be a batch: names that begin with {IMPORT_PREFIX} are those of "
            "imported corpora; rename it"
        )
    return folder


def register(instance: dg.DagsterInstance, keys: list[str]) -> list[str]:
    """Adds the keys that are new to the batches partition; returns those."""
    known = set(instance.get_dynamic_partitions(batches.name or ""))
    fresh = [key for key in dict.fromkeys(keys) if key not in known]
    for start in range(0, len(fresh), KEYS_AT_ONCE):
        instance.add_dynamic_partitions(batches.name or "", fresh[start : start + KEYS_AT_ONCE])
    return fresh
