"""Which version of the specification a batch is worked under, and the only writer of the table `spec_adoptions`.

A release changes nothing for the work under way. A batch adopts it at ingestion, or in the backfill that a release
asks for, and from then on people and models are asked by it. It counts as settled once a run came to its end under it.
"""

from collections.abc import Sequence

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.imported import own_work
from chai_assets.core.rows import NewRow
from chai_assets.spec.models import Spec
from chai_assets.spec.versioning.releases import order
from chai_resources.errors import NotAllowed
from chai_resources.tables import Tables


class AdoptionRefused(NotAllowed):
    """A batch cannot adopt that version; the text says why and what to do."""


def adopted_version(tables: Tables, batch: str, in_force: str) -> str:
    """The version a batch is worked under: the last one it adopted, else the newest its labels were given under.

    A batch without labels that adopted nothing is worked under the version in force.
    """
    for table in ("spec_adoptions", "primitives"):
        versions = tables.read(table, batch, columns=["spec_version"])["spec_version"].drop_nulls().unique()
        if len(versions):
            return max(versions, key=order)
    return in_force


def adopted_versions(tables: Tables) -> dict[str, str]:
    """The version of every batch that has one, by the same rule."""
    labels = tables.read("primitives", columns=["batch", "spec_version"], where=own_work()).drop_nulls().unique()
    adoptions = tables.read("spec_adoptions", columns=["batch", "spec_version"])
    found: dict[str, str] = {}
    for frame in (labels, adoptions):  # what was adopted counts more than what the labels tell
        newest: dict[str, str] = {}
        for name, version in frame.iter_rows():
            newest[name] = max(newest.get(name, version), version, key=order)
        found |= newest
    return found


def adopt(tables: Tables, batches: Sequence[str], spec: Spec) -> int:
    """Lets these batches adopt a version; returns how many rows that took, none for batches that have.

    Raises AdoptionRefused where a batch is worked under a newer version.
    """
    return _record(tables, batches, spec, (False,))


def settle(tables: Tables, batches: Sequence[str], spec: Spec) -> int:
    """As `adopt`, and records that nothing is left to do for it, not even what a killed run would have left."""
    return _record(tables, batches, spec, (False, True))


def unsettled(tables: Tables) -> list[str]:
    """Batches that began to adopt a version and of which no run has come to its end under it since."""
    now = adopted_versions(tables)
    recorded = tables.read("spec_adoptions", columns=["batch", "spec_version", "settled"])
    current = [row for row in recorded.iter_rows() if row[1] == now[row[0]]]
    return sorted({row[0] for row in current} - {row[0] for row in current if row[2]})


def _record(tables: Tables, batches: Sequence[str], spec: Spec, wanted: Sequence[bool]) -> int:
    """The one place that writes the table: a row for each batch and each value of `settled` that is not there yet."""
    for batch in batches:
        version = adopted_version(tables, batch, spec.version)
        if order(version) > order(spec.version):
            raise AdoptionRefused(
                f"batch {batch} is worked under specification {version}, and {spec.version} is older: "
                "release the change you want as a new version, or unset CHAI_SPEC_VERSION"
            )
    recorded = tables.read("spec_adoptions", batches[0] if len(batches) == 1 else None)
    done = set(recorded.filter(pl.col("spec_version") == spec.version).select("batch", "settled").iter_rows())
    missing = [(batch, settled) for batch in batches for settled in wanted if (batch, settled) not in done]
    return tables.append("spec_adoptions", [_row(batch, spec, settled) for batch, settled in missing])


def _row(batch: str, spec: Spec, settled: bool) -> NewRow:
    row = {"batch": batch, "spec_version": spec.version, "spec_hash": spec.hash, "settled": settled}
    return {**row, "adoption_id": record_id("adoption", **row)}
