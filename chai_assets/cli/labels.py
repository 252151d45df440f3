"""What the labels say, on a terminal: the questions made of them, how far they reach, and which are in doubt."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_resources.errors import ChaiError
from chai_resources.settings import Settings

if TYPE_CHECKING:
    from chai_assets.datasets.write.question_files import QuestionCounts
    from chai_assets.review.label_doubts import DoubtKind
    from chai_assets.workflow.item_state import Standing

_RAREST = 10
"""Primitives that `chai status` shows: what a person can act on; Dagster has them all."""
_DOUBTS = 3
"""Doubts of a kind that are shown; Dagster has them all, with the check on `task_states`."""


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
    console.print(summary(found), highlight=False, markup=False)


def print_questions(written: Iterable["QuestionCounts"], unknown: int, console: Console) -> None:
    """What was written of each split, and what could not be."""
    table = Table("split", "yes/no questions", "binary files", "pair files", "pairs", "primitives of one answer only")
    for one in written:
        counts = (one.questions, one.binary_files, one.pair_files, one.pairs, one.one_sided)
        table.add_row(escape(one.split), *(f"{count:,}" for count in counts))
    console.print(table)
    if unknown:
        console.print(
            f"{unknown:,} labels are left out: their primitive is not in the specification, or meant something else",
            soft_wrap=True,
            highlight=False,
        )


def doubt_lines(settings: Settings, batches: "Mapping[str, Sequence[Standing]]") -> Iterator[str]:
    """A line for each kind of doubt, and one for each of its first doubts."""
    from chai_assets.review.label_doubts import DOUBT_KINDS, batch_doubts
    from chai_assets.spec.resource import release_of
    from chai_assets.spec.versioning.adoption import adopted_version
    from chai_resources.tables import Tables

    tables, release = Tables(root=settings.tables), release_of(settings)
    found: dict[DoubtKind, list[str]] = defaultdict(list)
    for batch, items in batches.items():
        spec = release.releases.load(adopted_version(tables, batch, release.in_force))
        for doubt in batch_doubts(tables, batch, items, spec):
            found[doubt["kind"]].append(f"  {batch} {doubt['clip_id']} {doubt['aspect']}: {doubt['what']}")
    for kind, meaning in DOUBT_KINDS.items():
        if kind in found:
            yield f"{len(found[kind])} labels in doubt ({kind.replace('_', ' ')}): {meaning}"
            yield from found[kind][:_DOUBTS]
