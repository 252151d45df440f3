"""Which version of the specification a batch is worked under: a batch moves when it is told to, never by itself.

A release alone changes nothing for the work under way. A batch adopts it (at ingestion, or in the backfill that
a release asks for), and from then on people and models are asked by it.
"""

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.imported import own_work
from chai_assets.core.rows import Row
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


def adoptions(tables: Tables, batches: list[str], spec: Spec, settled: bool = False) -> list[Row]:
    """Rows that let these batches adopt a version; none for those that have. Raises AdoptionRefused going backwards.

    `settled`: nothing is left to do for it, neither now nor after a run that was killed in between.
    """
    for batch in batches:
        version = adopted_version(tables, batch, spec.version)
        if order(version) > order(spec.version):
            raise AdoptionRefused(
                f"batch {batch} is worked under specification {version}, and {spec.version} is older: "
                "release the change you want as a new version, or unset CHAI_SPEC_VERSION"
            )
    recorded = tables.read("spec_adoptions", batches[0] if len(batches) == 1 else None)
    done = set(recorded.filter(pl.col("spec_version") == spec.version).select("batch", "settled").iter_rows())
    wanted = [(batch, whether) for batch in batches for whether in (False, True) if settled or not whether]
    return [_row(batch, spec, whether) for batch, whether in wanted if (batch, whether) not in done]


def unsettled(tables: Tables) -> list[str]:
    """Batches that began to adopt a version and of which no run has come to its end under it since."""
    now = adopted_versions(tables)
    recorded = tables.read("spec_adoptions", columns=["batch", "spec_version", "settled"])
    current = [row for row in recorded.iter_rows() if row[1] == now[row[0]]]
    return sorted({row[0] for row in current} - {row[0] for row in current if row[2]})


def _row(batch: str, spec: Spec, settled: bool) -> Row:
    row = {"batch": batch, "spec_version": spec.version, "spec_hash": spec.hash, "settled": settled}
    return {**row, "adoption_id": record_id("adoption", **row)}
