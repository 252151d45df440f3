"""One specification for one dataset: which triples count as made under it, and which do not. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict, cast

import polars as pl

from chai_assets.spec.loading.document import SpecError
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.spec.versioning.releases import Releases, order
from chai_resources.errors import UnusableInput


@dataclass(frozen=True)
class DatasetSpec:
    """The specification of a dataset; `equivalent` are the (aspect, version, hash) that count as made under it."""

    version: str
    hash: str
    equivalent: frozenset[tuple[str, str, str]] = frozenset()
    aspects: tuple[str, ...] = ()
    """Its aspects, in their order."""

    def covers(self) -> pl.Expr:
        """Whether a row counts as made under it, by aspect, spec_version and spec_hash."""
        exact = (pl.col("spec_version") == self.version) & (pl.col("spec_hash") == self.hash)
        row = pl.concat_str("aspect", "spec_version", "spec_hash", separator=" ")
        return (exact | row.is_in([" ".join(also) for also in self.equivalent])).fill_null(False)


def parse_version_range(text: str, in_force: str) -> tuple[str, str]:
    """The first and last version that a dataset may hold, of `1.1.0`, `1.0.0-1.1.0` or nothing (the one in force).

    Raises UnusableInput with the remedy.
    """
    first, _, last = (text or in_force).partition("-")
    last = last or first
    try:
        if order(first) <= order(last):
            return first, last
    except ValueError:
        pass
    remedy = "write 1.1.0, or 1.0.0-1.1.0, older one first"
    raise UnusableInput(f"CHAI_DATASET_SPECS={text} is no version or range: {remedy}")


def resolve_dataset_spec(triples: pl.DataFrame, releases: Releases, versions: tuple[str, str]) -> DatasetSpec:
    """The specification of a dataset of these versions: the last one, with what means the same or is in the range.

    Raises SpecError where the last version is not released.
    """
    first, last = versions
    lineage = Lineage(releases, last)
    releases.load(last)
    rows = triples.select("aspect", "spec_version", "spec_hash").drop_nulls().unique().iter_rows()
    also = {row for row in rows if _is_covered(row, releases, lineage, first, last)}
    return DatasetSpec(last, lineage.spec.hash, frozenset(also), tuple(lineage.spec.aspects))


class SpecCount(TypedDict):
    """How many triples of an aspect were made under a specification."""

    aspect: str
    spec_version: str
    spec_hash: str | None
    triples: int


def triples_of_other_specs(triples: pl.DataFrame, spec: DatasetSpec) -> list[SpecCount]:
    """How many triples `spec` does not cover: aspect, spec_version, spec_hash, triples."""
    rest = triples.filter(~spec.covers())
    keys = ["aspect", "spec_version", "spec_hash"]
    return cast("list[SpecCount]", rest.group_by(keys).agg(triples=pl.len()).sort(keys).to_dicts())


def describe_other_specs(mixed: Iterable[SpecCount]) -> str:
    """The counts of `triples_of_other_specs` in words."""
    parts = [(r["triples"], r["aspect"], r["spec_version"], str(r["spec_hash"])[:8]) for r in mixed]
    return ", ".join(f"{n} of {aspect} under {version} ({hash_})" for n, aspect, version, hash_ in parts)


def _is_covered(row: tuple[str, str, str], releases: Releases, lineage: Lineage, first: str, last: str) -> bool:
    aspect, version, recorded = row
    try:
        if releases.load(version).hash != recorded:
            return False
        return lineage.compatible(aspect, version) or order(first) <= order(version) <= order(last)
    except (SpecError, ValueError):
        return False
