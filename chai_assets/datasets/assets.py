"""Datasets: what is about to be exported is pinned and checked first, then published in one step."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from chai_assets.core.asset_metadata import preview
from chai_assets.datasets.checks.frames import EMPTY_FRAME_NOTES
from chai_assets.datasets.checks.label_agreement import contradicting_triples
from chai_assets.datasets.checks.last_export import last_export
from chai_assets.datasets.checks.suite import suite
from chai_assets.datasets.checks.validation import Evidence, Outcome, Validation, validate
from chai_assets.datasets.contamination.against import ContaminationCheck
from chai_assets.datasets.contamination.benchmark import read_benchmark
from chai_assets.datasets.coverage.coverage import read_coverage, summary
from chai_assets.datasets.coverage.targets import read_targets
from chai_assets.datasets.export import (
    ExportForm,
    current_versions,
    dataset_row,
    export_inputs,
    find_dataset_spec,
    pinned_tables,
    selected_triples,
    spec_of,
)
from chai_assets.datasets.select.dialects import parse_dialects
from chai_assets.datasets.select.export_plan import Log
from chai_assets.datasets.select.selection import Selection, parse_selection
from chai_assets.datasets.select.spec_compatibility import (
    DatasetSpec,
    describe_other_specs,
    triples_of_other_specs,
)
from chai_assets.datasets.write.publish import publish
from chai_assets.linting.lint_report import count_flags, find_flags, flags_metadata
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.load import states_in_force
from chai_resources.errors import UnusableInput
from chai_resources.media import Media
from chai_resources.media_store import MediaError
from chai_resources.services.secrets import pseudonym_key
from chai_resources.settings import DatasetChoice, Settings
from chai_resources.tables import Tables, now

MOST_DOUBTFUL = 0.05
"""Share of captions with a doubt that is no news: the linter itself errs now and then."""
CANDIDATE = "candidate.json"
"""Object beside the datasets that holds the table versions the next one is made from."""


class DatasetStore(DatasetChoice, dg.ConfigurableResource):
    """Folder or `s3://` prefix under which datasets are published, and what the nightly export takes."""

    root: str
    tokenizer: str = ""
    """Path of a spiece.model that counts the tokens of merged captions; empty to estimate them."""
    data_docs: str = ""
    """Folder for the checks' Data Docs; empty for none."""
    home: str = ""
    """Folder of the deployment's secrets, the key of people's pseudonyms among them; empty to leave ids as they are."""
    coverage_targets: str = ""
    """File that says how many clips shall have each primitive; empty for one on either side."""
    benchmarks: str = ""
    """Benchmarks that exports are compared with, joined by commas; empty for none."""
    media: str = ""
    cache: str = ""
    """Folder for the features of clips that were read for that."""

    @classmethod
    def of(cls, settings: Settings) -> "DatasetStore":
        """The store and the nightly selection as a deployment's settings name them."""
        choice = settings.dataset.model_dump()
        places = {"benchmarks": settings.benchmarks, "media": settings.media, "cache": str(settings.cache)}
        places |= {"data_docs": str(settings.home / "data_docs"), "home": str(settings.home)}
        places["coverage_targets"] = settings.coverage_targets
        return cls(root=settings.datasets, tokenizer=settings.tokenizer, **places, **choice)

    @property
    def selection(self) -> Selection:
        """What the nightly export takes. Raises UnusableInput where the settings name no such thing."""
        return parse_selection(**self.model_dump(include=set(DatasetChoice.model_fields) - {"formats"}))

    @property
    def form(self) -> ExportForm:
        """How the rows are written. Raises UnusableInput where the settings name no such thing."""
        key = pseudonym_key(Path(self.home)) if self.home else ""
        return ExportForm(self.tokenizer, key, parse_dialects(self.formats))

    def contamination(self, tables: Tables, log: Log, against: Sequence[Path] = ()) -> ContaminationCheck | None:
        """The check against these benchmarks, or those of the settings; None without any. Raises BenchmarkUnusable."""
        paths = against or [Path(name.strip()) for name in self.benchmarks.split(",") if name.strip()]
        read = tuple(read_benchmark(path) for path in paths)
        return ContaminationCheck(read, tables, Media(root=self.media), Path(self.cache), log) if read else None

    @property
    def store(self) -> Media:
        return Media(root=self.root)

    def pin(self, versions: dict[str, int]) -> None:
        """Notes the table versions of the candidate."""
        self.store.put_bytes(CANDIDATE, json.dumps(versions, sort_keys=True).encode())

    def pinned(self) -> dict[str, int]:
        """The table versions of the candidate. Raises MediaError if none was pinned."""
        return json.loads(self.store.get_bytes(CANDIDATE))


def candidate_triples(tables: Tables, datasets: DatasetStore) -> pl.DataFrame:
    """The triples in force at the pinned version that the nightly export may take."""
    return selected_triples(tables, datasets.pinned(), datasets.selection).collect()


def _counted(triples: pl.DataFrame, release: SpecRelease, datasets: DatasetStore) -> DatasetSpec:
    return find_dataset_spec(triples, release, datasets.selection)


@dg.asset(group_name="datasets", deps=["triples", "merged_captions"])
def dataset_candidate(
    context: dg.AssetExecutionContext, tables: Tables, release: SpecRelease, datasets: DatasetStore
) -> dg.MaterializeResult:
    """The triples of the next dataset: the tables' versions are pinned, so that what is checked is published."""
    versions = current_versions(tables)
    datasets.pin(versions)
    rows = candidate_triples(tables, datasets)
    counts = _counted(rows, release, datasets)
    mixed = triples_of_other_specs(rows, counts)
    if mixed:
        context.log.warning(
            f"not of specification {counts.version}: {describe_other_specs(mixed)}; the export will be refused"
        )
    metadata = {"dagster/row_count": rows.height, "preview": preview(rows.head(5).to_dicts())}
    metadata |= {"specification": counts.version, "of_other_specifications": preview(mixed, at_most=50)}
    metadata |= _coverage(context, tables, release, datasets)
    return dg.MaterializeResult(metadata={**metadata, **{f"version_of_{name}": n for name, n in versions.items()}})


def _coverage(
    context: dg.AssetExecutionContext, tables: Tables, release: SpecRelease, datasets: DatasetStore
) -> dict[str, Any]:
    """How many clips have each primitive, the rarest first; a fault of the targets stops no export."""
    try:
        targets = read_targets(datasets.coverage_targets, release.load())
        found = read_coverage(tables, release, targets, datasets.selection)
    except UnusableInput as error:
        context.log.warning(f"no table of coverage: {error}")
        return {"coverage": str(error)}
    rows = [one.as_row() for one in found]
    return {"coverage": summary(found), "rarest_primitives": preview(rows, at_most=len(rows))}


@dg.multi_asset_check(
    name="triples_expectations",
    specs=[
        dg.AssetCheckSpec(
            check.name,
            asset="dataset_candidate",
            blocking=check.severity == "error",
            description=check.description,
        )
        for check in suite()
    ],
)
def triples_expectations(
    context: dg.AssetCheckExecutionContext, tables: Tables, release: SpecRelease, datasets: DatasetStore
):
    """The Great Expectations suite on the candidate; a failing check of severity error stops the export."""
    selection, versions = datasets.selection, datasets.pinned()
    triples = candidate_triples(tables, datasets)
    # Of the triples only those that were to be taken; what they were made from may stand anywhere.
    taken = {"triples": selection.batch_filter() & selection.aspect_filter()}

    def read(table: str, columns: Sequence[str]) -> pl.DataFrame:
        return tables.read(table, None, columns, versions.get(table), taken.get(table))

    counts = _counted(triples, release, datasets)
    spec = spec_of(counts, release, selection)
    pinned = pinned_tables(tables, versions)
    evidence = Evidence(
        read=read,
        last_export=_last_export(context, datasets),
        now=now(),
        contradicting=contradicting_triples(triples, read, lambda: states_in_force(pinned, release.releases), spec),
    )
    validation = validate(triples, counts, evidence)
    docs = _data_docs(context, validation, datasets)
    for outcome in validation.outcomes:
        yield _as_check(outcome, docs)


def _last_export(context: dg.AssetCheckExecutionContext, datasets: DatasetStore) -> pl.DataFrame | None:
    """The last export, to compare with; a damaged one must not stop the next, which will take its place."""
    try:
        return last_export(datasets.store, datasets.selection.as_manifest())
    except MediaError as error:
        context.log.warning(f"nothing is compared with the last export: {error}")
        return None


def _data_docs(
    context: dg.AssetCheckExecutionContext, validation: Validation, datasets: DatasetStore
) -> dict[str, Any]:
    """Writes the Data Docs, and says where; the outcomes count even if they cannot be written."""
    if not datasets.data_docs:
        return {}
    from chai_assets.datasets.checks.docs import write_docs

    try:
        page = write_docs(validation, Path(datasets.data_docs))
    except OSError as error:
        context.log.warning(f"no Data Docs in {datasets.data_docs} ({error}): free space or mend its rights")
        return {}
    context.log.info(f"Data Docs: {page}")
    return {"data_docs": dg.MetadataValue.path(str(page))}


@dg.asset_check(
    asset=dataset_candidate,
    description=f"The approved captions say what the labels say, in the specification's terms: none contradicts its "
    f"labels, and no more than {MOST_DOUBTFUL:.0%} have a loose term, a guess, a mood or talk of the video.",
)
def captions_follow_the_specification(
    tables: Tables, release: SpecRelease, datasets: DatasetStore
) -> dg.AssetCheckResult:
    """The caption linter on the candidate, with the labels in force; never stops the export."""
    triples = candidate_triples(tables, datasets)
    pinned = pinned_tables(tables, datasets.pinned())
    label_of = dict(pinned.read("drafts", columns=["draft_id", "label_id"]).iter_rows())
    captions = [
        {"clip_id": clip, "aspect": aspect, "text": final, "label_id": label_of.get(draft)}
        for clip, aspect, final, draft in triples.select("clip_id", "aspect", "final", "draft_id").iter_rows()
    ]
    spec = spec_of(_counted(triples, release, datasets), release, datasets.selection)
    doubts = find_flags(captions, states_in_force(pinned, release.releases), spec)
    doubtful = len({(row["clip_id"], row["aspect"]) for row in doubts})
    return dg.AssetCheckResult(
        passed=not count_flags(doubts)["contradiction"] and doubtful <= MOST_DOUBTFUL * len(captions),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"evaluated": len(captions), "captions_with_doubts": doubtful, **flags_metadata(doubts)},
    )


# The export runs every night; a day and two hours without one is worth a warning color.
NIGHTLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=25), fail_window=timedelta(hours=26))


@dg.asset(group_name="datasets", deps=[dataset_candidate], freshness_policy=NIGHTLY)
def dataset(
    context: dg.AssetExecutionContext, tables: Tables, release: SpecRelease, datasets: DatasetStore
) -> dg.MaterializeResult:
    """The published dataset: immutable, named by its content, split by source, with manifest and task files."""
    selection, versions = datasets.selection, datasets.pinned()
    nothing = selected_triples(tables, versions, selection).select("triple_id").collect().is_empty()
    if nothing and selection.review == "approved" and not selection.imported:
        return dg.MaterializeResult(metadata={"dagster/row_count": 0, "note": "no triple has been approved yet"})
    contamination = datasets.contamination(tables, context.log.info)
    export = export_inputs(tables, release, selection, versions, datasets.form, contamination)
    published = publish(export, datasets.root, log=context.log.info)
    manifest = published.manifest
    tables.append_new("datasets", [dataset_row(published)])
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.dataset_id),
        metadata={
            "dagster/row_count": manifest.counts.triples,
            "left_out": preview([entry.model_dump() for entry in manifest.left_out]),
            "dagster/uri": published.uri,
            "dataset_id": manifest.dataset_id,
            "new": published.new,
            "manifest": dg.MetadataValue.md(f"```json\n{manifest.text()}\n```"),
        },
    )


def _as_check(outcome: Outcome, docs: dict[str, Any]) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if outcome.severity == "error" else dg.AssetCheckSeverity.WARN
    metadata: dict[str, Any] = {"evaluated": outcome.evaluated, "unexpected": outcome.unexpected_count}
    if not outcome.evaluated:
        metadata["note"] = EMPTY_FRAME_NOTES[outcome.check.frame]
    return dg.AssetCheckResult(
        passed=outcome.passed,
        check_name=outcome.name,
        severity=severity,
        description=outcome.check.description,
        metadata={**metadata, "failing_rows": preview(outcome.failing_rows), **docs},
    )
