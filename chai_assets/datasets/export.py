"""An export from the tables: their versions are pinned, a selection is taken, and the dataset is published.

The nightly job and `chai dataset export` both come through here; what a dataset is made of is in `export_inputs.py`.
"""

from importlib.metadata import version as package_version
from typing import Any

import polars as pl

from chai_assets.core.ids import sha256_text
from chai_assets.core.token_count import counter
from chai_assets.datasets.select.candidates import in_force
from chai_assets.datasets.select.export_inputs import Export
from chai_assets.datasets.select.membership import Say
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.select.spec_compatibility import Counted, counted, declared
from chai_assets.datasets.write.publish import Published, publish
from chai_assets.spec.resource import SpecRelease
from chai_resources.tables import Tables

RECORDS = ("drafts", "critiques", "revisions", "reviews", "annotation_events")
PINNED = ("triples", "clips", "merged_captions", "polished_critiques", *RECORDS)
"""Every table that an export reads."""
CHECKED = (*PINNED, "sources")
"""Every table that is pinned: the checks look into one more."""


def versions_of(tables: Tables) -> dict[str, int]:
    """The versions that the tables have now."""
    return {name: tables.version(name) for name in CHECKED}


def triples_of(tables: Tables, versions: dict[str, int], selection: Selection) -> pl.LazyFrame:
    """The triples in force at the pinned version that the selection may take; only the columns asked for are read."""
    rows = tables.scan("triples", versions["triples"]).filter(selection.takes_batch(), selection.takes_aspect())
    return in_force(rows)


def counted_for(triples: pl.DataFrame | pl.LazyFrame, release: SpecRelease, selection: Selection) -> Counted:
    """What the dataset is made under: a specification, or an imported corpus, which is its own. Raises SpecError."""
    if selection.imported:
        return Counted(selection.batch, sha256_text(selection.batch))
    taken = triples.lazy().filter(selection.takes_batch(), selection.takes_aspect())
    rows = taken.select("aspect", "spec_version", "spec_hash").unique().collect()
    return counted(rows, release.releases, declared(selection.specs, release.in_force))


def export_of(
    tables: Tables, release: SpecRelease, selection: Selection, versions: dict[str, int], tokenizer: str = ""
) -> Export:
    """The export of a selection from the tables at these versions. Raises SpecError.

    `tokenizer`: path of the vocabulary that merged captions are counted with; empty to estimate.
    """
    scanned: dict[str, Any] = {name: tables.scan(name, versions[name]) for name in PINNED}
    counts = counted_for(scanned["triples"], release, selection)
    spec = release.load() if selection.imported else release.releases.load(counts.version)
    return Export(
        **scanned,
        instructions_from={"version": spec.version, "hash": spec.hash},
        instructions={aspect.id: aspect.instruction for aspect in spec.aspects.values()},
        table_versions={name: versions[name] for name in PINNED},
        counted=counts,
        code_version=package_version("chai"),
        selection=selection,
        tokens=counter(tokenizer),
    )


def publish_selection(
    tables: Tables,
    release: SpecRelease,
    selection: Selection,
    root: str,
    say: Say,
    tokenizer: str,
) -> Published:
    """Publishes a selection from the tables as they are now, and enters it in the table of datasets.

    It never becomes the current one: that is what the checks have passed. Raises ExportRefused, NoRoom, SpecError.
    """
    export = export_of(tables, release, selection, versions_of(tables), tokenizer)
    published = publish(export, root, say, current=False)
    tables.append_new("datasets", [dataset_row(published)])
    return published


def dataset_row(published: Published) -> dict[str, Any]:
    """The row of a published dataset."""
    manifest = published.manifest
    return {
        "dataset_id": manifest.dataset_id,
        "uri": published.uri,
        "triples": manifest.counts.triples,
        "clips": manifest.counts.clips,
        "sources": manifest.counts.sources,
        "spec_version": manifest.spec_version,
        "manifest": manifest.text(),
    }
