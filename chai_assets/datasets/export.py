"""Exports from the tables, for the nightly job and for `chai dataset export`: the tables' versions and the inputs.

The export itself takes data frames and knows no tables: see `select/export_inputs.py` and `write/publish.py`.
"""

from dataclasses import dataclass
from importlib.metadata import version as package_version

import polars as pl

from chai_assets.core.ids import sha256_text
from chai_assets.core.token_count import token_counter
from chai_assets.datasets.contamination.against import ContaminationCheck
from chai_assets.datasets.select.dialects import DIALECTS
from chai_assets.datasets.select.export_inputs import ExportInputs
from chai_assets.datasets.select.export_plan import Log
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.select.spec_compatibility import DatasetSpec, parse_version_range, resolve_dataset_spec
from chai_assets.datasets.select.unapproved import triples_in_force
from chai_assets.datasets.write.publish import PublishResult, publish
from chai_assets.ingestion.rights_changes import with_rights_in_force
from chai_assets.labeling.in_force import corrected_labels
from chai_assets.spec.models import Spec
from chai_assets.spec.resource import SpecRelease
from chai_resources.tables import Tables, now

RECORD_TABLES = ("drafts", "critiques", "revisions", "reviews", "annotation_events")
EXPORT_TABLES = ("triples", "clips", "merged_captions", "polished_critiques", "primitives", *RECORD_TABLES)
"""Every table that an export reads."""
PINNED_TABLES = (*EXPORT_TABLES, "sources")
"""Every table whose version is pinned: those of the export, and one that only the checks read."""
RIGHTS = "rights_changes"
DECISIONS = "lead_decisions"
LATER_TABLES = (RIGHTS, DECISIONS, "label_corrections")
"""Pinned and read as well once they were written: where no rights ever changed and nothing was corrected or recalled,
datasets say nothing of it."""


@dataclass(frozen=True)
class ExportForm:
    """How the rows of an export are written."""

    tokenizer: str = ""
    """Path of the vocabulary that merged captions are counted with; empty to estimate."""
    people_key: str = ""
    """Key of people's pseudonyms; empty to leave their ids as they are."""
    dialects: tuple[str, ...] = DIALECTS
    """Trainers whose files are written beside the tables."""


def current_versions(tables: Tables) -> dict[str, int]:
    """The versions of PINNED_TABLES as they are now, and of LATER_TABLES where there are any."""
    versions = {name: tables.version(name) for name in (*PINNED_TABLES, *LATER_TABLES)}
    return {name: version for name, version in versions.items() if name not in LATER_TABLES or version >= 0}


def selected_triples(tables: Tables, versions: dict[str, int], selection: Selection) -> pl.LazyFrame:
    """The triples in force at the pinned version, of the batches and aspects of the selection; lazy."""
    rows = tables.scan("triples", versions["triples"]).filter(selection.batch_filter(), selection.aspect_filter())
    return triples_in_force(rows)


def find_dataset_spec(triples: pl.DataFrame | pl.LazyFrame, release: SpecRelease, selection: Selection) -> DatasetSpec:
    """The specification of the dataset; an imported corpus is its own one,
    with the aspects in force. Raises SpecError."""
    if selection.imported:
        return DatasetSpec(selection.batch, sha256_text(selection.batch), aspects=tuple(release.load().aspects))
    selected = triples.lazy().filter(selection.batch_filter(), selection.aspect_filter())
    rows = selected.select("aspect", "spec_version", "spec_hash").unique().collect()
    return resolve_dataset_spec(rows, release.releases, parse_version_range(selection.specs, release.in_force))


def spec_of(dataset_spec: DatasetSpec, release: SpecRelease, selection: Selection) -> Spec:
    """The released specification that the captions of a dataset are held against; of an import, the one in force."""
    return release.load() if selection.imported else release.releases.load(dataset_spec.version)


def pinned_tables(tables: Tables, versions: dict[str, int]) -> Tables:
    """The tables as they were when these versions were pinned; one that was not written then is empty."""
    return tables.at({name: versions.get(name, -1) for name in (*PINNED_TABLES, *LATER_TABLES)})


def export_inputs(
    tables: Tables,
    release: SpecRelease,
    selection: Selection,
    versions: dict[str, int],
    form: ExportForm = ExportForm(),
    contamination: ContaminationCheck | None = None,
) -> ExportInputs:
    """The inputs of an export of the selection, from the tables at these versions. Raises SpecError."""

    def scan(name: str) -> pl.LazyFrame:
        # Versions that were pinned before a table was read by exports do not name it: it is empty then.
        return tables.scan(name, versions.get(name, -1))

    triples, clips, labels = scan("triples"), scan("clips"), scan("primitives")
    read = [name for name in (*EXPORT_TABLES, *LATER_TABLES) if name in versions]
    if RIGHTS in read:
        clips = with_rights_in_force(clips, scan(RIGHTS))
    dataset_spec = find_dataset_spec(triples, release, selection)
    spec = spec_of(dataset_spec, release, selection)
    return ExportInputs(
        triples=triples,
        clips=clips,
        merged_captions=scan("merged_captions"),
        polished_critiques=scan("polished_critiques"),
        drafts=scan("drafts"),
        critiques=scan("critiques"),
        revisions=scan("revisions"),
        reviews=scan("reviews"),
        annotation_events=scan("annotation_events"),
        lead_decisions=scan(DECISIONS),
        primitives=labels,
        corrected_labels=corrected_labels(pinned_tables(tables, versions), release),
        specs=_specs_of(labels.filter(selection.batch_filter()), release),
        instructions_from={"version": spec.version, "hash": spec.hash},
        instructions={aspect.id: aspect.instruction for aspect in spec.aspects.values()},
        table_versions={name: versions[name] for name in read},
        dataset_spec=dataset_spec,
        code_version=package_version("chai"),
        selection=selection,
        token_counter=token_counter(form.tokenizer),
        today=now().date(),
        # An import has made pseudonyms of its people, or was told to keep their names.
        people_key="" if selection.imported else form.people_key,
        dialects=form.dialects,
        contamination=contamination,
    )


def _specs_of(labels: pl.LazyFrame, release: SpecRelease) -> tuple[Spec, ...]:
    """The released versions that these labels were given under; an imported corpus has labels of no version of ours."""
    named = sorted(labels.select(pl.col("spec_version").unique()).collect()["spec_version"].drop_nulls())
    return tuple(release.releases.load(version) for version in named if version in release.releases.locked)


def publish_selection(
    tables: Tables,
    release: SpecRelease,
    selection: Selection,
    root: str,
    log: Log,
    form: ExportForm = ExportForm(),
    contamination: ContaminationCheck | None = None,
) -> PublishResult:
    """Publishes a selection from the tables as they are now, and enters it in the table of datasets.

    It never becomes the latest one: only what passed the checks does. Raises ExportRefused, DiskFull, SpecError.
    """
    export = export_inputs(tables, release, selection, current_versions(tables), form, contamination)
    published = publish(export, root, log, make_latest=False)
    tables.append_new("datasets", [dataset_row(published)])
    return published


def dataset_row(published: PublishResult) -> dict[str, str | int]:
    """The row of a published dataset for the table `datasets`."""
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
