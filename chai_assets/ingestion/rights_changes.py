"""Rights that came or changed after a video was ingested: rows of the table `rights_changes`, of which the latest of a
source counts, and in whose absence what its own row says. How a rights file is read is in `rights.py`.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.rows import NewRow, RightsChangeRow, SourceRow, read_rows
from chai_assets.ingestion.rights import RIGHTS_FILE, FolderRights, Right, folder_rights
from chai_resources.media import Media
from chai_resources.tables import Tables

_SOURCE_COLUMNS = ["batch", "source_id", "name", "rights", "licence"]


@dataclass(frozen=True)
class SourceRights:
    """A source and the rights that stand for it."""

    batch: str
    source_id: str
    name: str
    stands: Right
    changes: int
    """How often they changed so far."""


@dataclass(frozen=True)
class RightsChange:
    """New rights of a source, and where they are said."""

    source: SourceRights
    becomes: Right
    said_in: str

    def row(self) -> NewRow:
        """The row of `rights_changes`."""
        change: NewRow = {
            "source_id": self.source.source_id,
            "rights": self.becomes.rights,
            "licence": self.becomes.licence,
            "said_in": self.said_in,
        }
        # What a change says of these is a part of its identity; one that says neither has the id it always had.
        said = {"until": self.becomes.until, "purposes": self.becomes.purposes}
        change |= {name: value for name, value in said.items() if value is not None}
        change_id = record_id("rights", earlier=self.source.changes, **change)
        return {"batch": self.source.batch, "change_id": change_id, **change}


def source_rights(tables: Tables, batch: str) -> list[SourceRights]:
    """The sources of a batch with the rights that stand now, by name."""
    changes = read_rows(tables, RightsChangeRow, batch)
    counts = Counter(row["source_id"] for row in changes)
    latest = {row["source_id"]: row for row in changes}
    found = []
    for row in read_rows(tables, SourceRow, batch, _SOURCE_COLUMNS):
        said: Mapping[str, object] = latest.get(row["source_id"], row)
        rights, licence = (str(said[name] or Right().rights) for name in ("rights", "licence"))
        stands = Right(rights, licence, *_until_and_purposes(latest.get(row["source_id"])))
        found.append(SourceRights(batch, row["source_id"], row["name"], stands, counts[row["source_id"]]))
    return sorted(found, key=lambda source: source.name)


def _until_and_purposes(change: RightsChangeRow | None) -> tuple[str | None, tuple[str, ...] | None]:
    """These of the latest change; only changes say them, one of a source's first day included."""
    if change is None:
        return None, None
    return change["until"], None if change["purposes"] is None else tuple(change["purposes"])


def plan_changes(
    sources: list[SourceRights], rights_of: Callable[[SourceRights], Right], said_in: str
) -> list[RightsChange]:
    """What must change so that every source has the rights that are said of it."""
    changes = [RightsChange(source, rights_of(source), said_in) for source in sources]
    return [change for change in changes if change.becomes != change.source.stands]


def changes_by_folder(tables: Tables, batch: str, folder: Media) -> tuple[list[RightsChange], FolderRights]:
    """What the batch's rights file changes, and the file. Nothing where there is none that can be used: what was
    recorded stands then.

    Raises MediaError if the bucket or the folder cannot be read.
    """
    sources = source_rights(tables, batch)
    rights = folder_rights(folder, (source.name for source in sources))
    if rights.said is None:
        return [], rights
    return plan_changes(sources, lambda source: rights.of(source.name), folder.uri(RIGHTS_FILE)), rights


def record_changes(tables: Tables, changes: list[RightsChange]) -> int:
    """Appends changes; returns how many were new."""
    return tables.append_new("rights_changes", [change.row() for change in changes])


def with_rights_in_force(clips: pl.LazyFrame, changes: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of the table `clips` with the rights that stand by these rows of `rights_changes`.

    `rights_until` and `rights_purposes` are added: null where nothing was said of them.
    """
    once = changes.sort("recorded_at", maintain_order=True).unique("change_id", keep="first", maintain_order=True)
    latest = once.unique("source_id", keep="last", maintain_order=True)
    columns = {
        "_rights_now": "rights",
        "_licence_now": "licence",
        "rights_until": "until",
        "rights_purposes": "purposes",
    }
    now = latest.select("source_id", **columns)
    # Null is "unknown" to who recorded the clip, and never to a change.
    return (
        clips.join(now, on="source_id", how="left")
        .with_columns(rights=pl.coalesce("_rights_now", "rights"), licence=pl.coalesce("_licence_now", "licence"))
        .drop("_rights_now", "_licence_now")
    )
