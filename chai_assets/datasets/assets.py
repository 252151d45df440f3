"""Datasets: what is about to be exported is pinned and checked first, then published in one step."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from chai_assets.core.asset_metadata import preview
from chai_assets.datasets.checks.last_export import last_export
from chai_assets.datasets.checks.suite import EMPTY_FRAME_NOTES, suite
from chai_assets.datasets.checks.validation import Evidence, Outcome, Validation, validate
from chai_assets.datasets.contamination.against import ContaminationCheck
from chai_assets.datasets.contamination.benchmark import read_benchmark
from chai_assets.datasets.export import (
    current_versions,
    dataset_row,
    export_inputs,
    find_dataset_spec,
    selected_triples,
)
from chai_assets.datasets.select.export_plan import Log
from chai_assets.datasets.select.selection import Selection, parse_selection
from chai_assets.datasets.select.spec_compatibility import (
    DatasetSpec,
    describe_other_specs,
    triples_of_other_specs,
)
from chai_assets.datasets.write.publish import publish
from chai_assets.linting.lint_report import count_flags, find_flags, flags_metadata, label_states
from chai_assets.spec.resource import SpecRelease
from chai_resources.media import Media
from chai_resources.media_store import MediaError
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
    benchmarks: str = ""
    """Benchmarks that exports are compared with, joined by commas; empty for none."""
    media: str = ""
    cache: str = ""
    """Folder for the features of clips that were read for that."""

    @classmethod
    def of(cls, settings: Settings) -> "DatasetStore":
        """The store and the nightly selection as a deployment's settings name them."""
        choice = settings.dataset.model_dump()
        data_docs = str(settings.home / "data_docs")
        places = {"benchmarks": settings.benchmarks, "media": settings.media, "cache": str(settings.cache)}
        return cls(root=settings.datasets, tokenizer=settings.tokenizer, data_docs=data_docs, **places, **choice)

    @property
    def selection(self) -> Selection:
        """What the nightly export takes. Raises UnusableInput where the settings name no such thing."""
        return parse_selection(**self.model_dump(include=set(DatasetChoice.model_fields)))

    def contamination(self, tables: Tables, log: Log) -> ContaminationCheck | None:
        """The check against the benchmarks of the settings, None without any. Raises BenchmarkUnusable."""
        paths = [Path(name.strip()) for name in self.benchmarks.split(",") if name.strip()]
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
    return dg.MaterializeResult(metadata={**metadata, **{f"version_of_{name}": n for name, n in versions.items()}})


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
    evidence = Evidence(
        read=lambda table, columns: tables.read(table, None, columns, versions.get(table), taken.get(table)),
        last_export=_last_export(context, datasets),
        now=now(),
    )
    validation = validate(triples, _counted(triples, release, datasets), evidence)
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
    """The caption linter on the candidate, with the labels each caption was made from; never stops the export."""
    triples = candidate_triples(tables, datasets)
    pinned = datasets.pinned()["drafts"]
    label_of = dict(tables.read("drafts", columns=["draft_id", "label_id"], version=pinned).iter_rows())
    captions = [
        {"clip_id": clip, "aspect": aspect, "text": final, "label_id": label_of.get(draft)}
        for clip, aspect, final, draft in triples.select("clip_id", "aspect", "final", "draft_id").iter_rows()
    ]
    spec = release.releases.load(_counted(triples, release, datasets).version)
    doubts = find_flags(captions, label_states(tables), spec)
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
    export = export_inputs(tables, release, selection, versions, datasets.tokenizer, contamination)
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
