"""What `chai status` says of labels that are in doubt: how many of each kind, and the first of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from chai_assets.review.label_doubts import DOUBT_KINDS, DoubtKind, batch_doubts
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.adoption import adopted_version
from chai_assets.workflow.item_state import Standing
from chai_resources.settings import Settings
from chai_resources.tables import Tables

SHOWN = 3
"""Doubts of a kind that are shown; Dagster has them all, with the check on `task_states`."""


def doubt_lines(settings: Settings, batches: Mapping[str, Sequence[Standing]]) -> Iterator[str]:
    """A line for each kind of doubt, and one for each of its first doubts."""
    tables, release = Tables(root=settings.tables), release_of(settings)
    found: dict[DoubtKind, list[str]] = defaultdict(list)
    for batch, items in batches.items():
        spec = release.releases.load(adopted_version(tables, batch, release.in_force))
        for doubt in batch_doubts(tables, batch, items, spec):
            found[doubt["kind"]].append(f"  {batch} {doubt['clip_id']} {doubt['aspect']}: {doubt['what']}")
    for kind, meaning in DOUBT_KINDS.items():
        if kind in found:
            yield f"{len(found[kind])} labels in doubt ({kind.replace('_', ' ')}): {meaning}"
            yield from found[kind][:SHOWN]
