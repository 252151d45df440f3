"""What is asked about the clips of a dataset by its labels: yes/no questions with their answers. Pure but for reading.

They are compiled from the specification and the rows of primitives.parquet. A primitive that does not apply to a clip,
or that nobody could tell there, is not asked about.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from chai_assets.datasets.file_names import PRIMITIVES
from chai_assets.datasets.read.published import DatasetNotFound, PublishedDataset
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import Primitive, Spec
from chai_assets.spec.questions import NO, YES, denials, questions
from chai_assets.spec.versioning.carry import means_the_same
from chai_assets.spec.versioning.releases import Releases


@dataclass(frozen=True)
class LabelQuestions:
    """The questions of one specification, and the clips that answer them."""

    spec: Spec
    asked: pl.DataFrame
    """One row a primitive: aspect, sub_aspect, primitive, term, question, statement, denying_question, denial."""
    answers: pl.DataFrame
    """One row a clip and primitive: video, clip_id, split, primitive, answer (yes or no), and who said so."""
    unknown: int
    """Labels that are left out: no such primitive in the specification, or it meant something else."""

    def clips(self, split: str) -> dict[str, dict[str, list[str]]]:
        """The videos of a split by primitive and answer, both in the specification's order, each list sorted."""
        here = self.answers.filter(pl.col("split") == split).sort("video")
        found = {name: {YES: list[str](), NO: list[str]()} for name in self.asked["primitive"]}
        for primitive, answer, video in here.select("primitive", "answer", "video").iter_rows():
            found[primitive][answer].append(video)
        return found


def label_questions(dataset: PublishedDataset, releases: Releases) -> LabelQuestions:
    """The questions that a dataset's labels answer, under its own specification; of an import, under the newest.

    Raises DatasetNotFound where the dataset holds no labels, SpecError where its specification is not here.
    """
    version = dataset.manifest.get("spec_version", "")
    spec = releases.load(version if version in releases.locked else None)
    with _labels(dataset) as rows:
        decided = rows.filter(pl.col("state").is_in([PRESENT, ABSENT])).collect()
    fit = decided.join(_same_meaning(decided, spec, releases), on=["spec_version", "primitive"], maintain_order="left")
    answers = fit.select(
        "video",
        "clip_id",
        "split",
        "primitive",
        "labeled_by",
        "confirmed_by",
        "spec_version",
        answer=pl.when(pl.col("state") == PRESENT).then(pl.lit(YES)).otherwise(pl.lit(NO)),
    )
    return LabelQuestions(spec, _asked(spec), answers, decided.height - answers.height)


@contextmanager
def _labels(dataset: PublishedDataset) -> Iterator[pl.LazyFrame]:
    if not dataset.store.exists(PRIMITIVES):
        raise DatasetNotFound(
            f"{dataset.store.root} holds no {PRIMITIVES}: it was exported before datasets had labels, or the file is "
            "missing; export again (`chai dataset export`), or see `chai dataset verify`"
        )
    with dataset.rows(PRIMITIVES) as labels:
        yield labels


def _asked(spec: Spec) -> pl.DataFrame:
    rows: list[dict[str, str]] = []
    for aspect in spec.aspects.values():
        denied = denials(aspect)
        for question in questions(aspect):
            denying, denial = denied[question["primitive"]]
            rows.append(question | {"denying_question": denying, "denial": denial})
    return pl.DataFrame(rows)


def _same_meaning(labels: pl.DataFrame, spec: Spec, releases: Releases) -> pl.DataFrame:
    """spec_version and primitive of the labels whose primitive means under the specification what it meant then."""
    now = _primitives(spec)
    found: list[tuple[str, str]] = []
    for version in labels["spec_version"].unique():
        # An imported corpus has labels of no version; those that bear our names were mapped to the newest one.
        then = _primitives(releases.load(version)) if version in releases.locked else now
        found += [(version, name) for name in now if name in then and means_the_same(then[name], now[name])]
    return pl.DataFrame(found, schema={"spec_version": pl.String, "primitive": pl.String}, orient="row")


def _primitives(spec: Spec) -> dict[str, Primitive]:
    return {primitive.id: primitive for aspect in spec.aspects.values() for primitive in aspect.primitives}
