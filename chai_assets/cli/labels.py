"""What the labels say, on a terminal: the questions made of them, and how far they reach. Printing only."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_resources.errors import ChaiError
from chai_resources.settings import Settings

if TYPE_CHECKING:
    from chai_assets.datasets.write.question_files import QuestionCounts

_RAREST = 10
"""Primitives that `chai status` shows: what a person can act on; Dagster has them all."""


def show_coverage(settings: Settings, console: Console) -> None:
    """The rarest primitives with what to label next; one line where the targets cannot be used."""
    from chai_assets.datasets.assets import DatasetStore
    from chai_assets.datasets.coverage.coverage import read_coverage, summary
    from chai_assets.datasets.coverage.targets import read_targets
    from chai_assets.spec.resource import release_of
    from chai_resources.tables import Tables

    try:
        release = release_of(settings)
        targets = read_targets(settings.coverage_targets, release.load())
        found = read_coverage(Tables(root=settings.tables), release, targets, DatasetStore.of(settings).selection)
    except ChaiError as error:
        console.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        return
    table = Table("primitive", "aspect", "train", "eval", "label next")
    for one in [one for one in found if one.missing][:_RAREST]:
        table.add_row(*(escape(str(value)) for value in one.as_row().values()))
    if table.row_count:
        console.print(table)
    console.print(summary(found), highlight=False)


def print_questions(written: Iterable["QuestionCounts"], unknown: int, console: Console) -> None:
    """What was written of each split, and what could not be."""
    table = Table("split", "yes/no questions", "binary files", "pair files", "pairs", "primitives of one answer only")
    for one in written:
        counts = (one.questions, one.binary_files, one.pair_files, one.pairs, one.one_sided)
        table.add_row(one.split, *(f"{count:,}" for count in counts))
    console.print(table)
    if unknown:
        console.print(
            f"{unknown:,} labels are left out: their primitive is not in the specification, or meant something else",
            soft_wrap=True,
            highlight=False,
        )
