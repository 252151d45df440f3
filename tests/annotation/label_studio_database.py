"""Reaches into the SQLite database of a test's Label Studio: what a server without the guard, or a restore, leaves."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def database(home: Path) -> Path:
    """The database of a Label Studio that runs under `home`."""
    return home / "label_studio" / "label_studio.sqlite3"


def execute(home: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of one statement, committed."""
    with closing(sqlite3.connect(database(home), timeout=30)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def back_up(home: Path, target: Path) -> None:
    """A copy of the database as it stands, by SQLite's own means."""
    with closing(sqlite3.connect(database(home))) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def restore(home: Path, backup: Path) -> None:
    """The database as it was backed up; Label Studio may run meanwhile."""
    with closing(sqlite3.connect(backup)) as source, closing(sqlite3.connect(database(home), timeout=30)) as target:
        source.backup(target)


def plant(home: Path, annotation: int, result: list[Any], lead_time: float | None = 1.0) -> None:
    """An answer as it lies there where no guard refused it, changed just now."""
    task_time = "UPDATE task SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = "
    execute(home, task_time + "(SELECT task_id FROM task_completion WHERE id = ?)", annotation)
    execute(
        home,
        "UPDATE task_completion SET result = ?, lead_time = ?, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') "
        "WHERE id = ?",
        json.dumps(result),
        lead_time,
        annotation,
    )
    # What the guard accepted of it was never there.
    execute(home, "DELETE FROM chai_accepted WHERE json_extract(annotation, '$.id') = ?", annotation)
