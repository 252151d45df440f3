"""Dagster's own storage: PostgreSQL when CHAI_POSTGRES_URL is set, the embedded SQLite otherwise.

One `dagster.yaml` serves both. The two base classes are not exported publicly; the import of each is kept to
this file, and a test starts an instance on both storages.
"""

import os
import re
import tempfile
from functools import cache
from typing import Any

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from chai_resources.environment import dagster_home, postgres_url


class InstanceStorage(DagsterStorage, ConfigurableClass):
    """Stands in the `storage: custom:` block of dagster.yaml; builds the real storage and returns that."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> ConfigurableClass:
        if url := postgres_url():
            from dagster_postgres import DagsterPostgresStorage

            return DagsterPostgresStorage(with_driver(url), inst_data=inst_data)
        return DagsterSqliteStorage.from_local(os.path.join(_home(), "storage"), inst_data)


def _home() -> str:
    return dagster_home() or _passing_home().name


@cache
def _passing_home() -> tempfile.TemporaryDirectory[str]:
    """For programs that run without a home, such as `dagster definitions validate`; gone when they end."""
    return tempfile.TemporaryDirectory(prefix="chai-dagster-")


def with_driver(url: str) -> str:
    """The URL with psycopg2 named: SQLAlchemy 2.1 picks a driver that Dagster's NOTIFY does not work with."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", url)
