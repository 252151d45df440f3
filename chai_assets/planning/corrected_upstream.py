"""Captions whose upstream caption was corrected after they were written, with the difference. Pure.

What is done about them is the deployment's policy (CHAI_UPSTREAM_CORRECTED): `accept` leaves them as people approved
them, `redo` writes them again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chai_assets.revision.effects import other_changes
from chai_assets.workflow.item_state import Stage, Standing


@dataclass(frozen=True)
class StaleCaption:
    """An item whose draft rests on an upstream caption that was corrected since, and what changed in that."""

    clip_id: str
    aspect: str
    stage: Stage
    rests_on: str
    difference: str


def rest_on_corrected(items: Iterable[Standing], texts: Mapping[str, str]) -> list[StaleCaption]:
    """A row for each corrected upstream caption an item's draft rests on: which, and what changed in it.

    `texts` holds the caption of every draft and revision by id.
    """
    rows: list[StaleCaption] = []
    for item in items:
        if not item.stale_upstream or item.draft is None:
            continue
        for name, used in item.stale_upstream.items():
            before, after = texts.get(used, ""), item.upstream[name].text
            changes = [f"-{c['before']} +{c['after']}".strip() for c in other_changes(before, [], after)]
            difference = "; ".join(changes) or "punctuation only"
            rows.append(StaleCaption(item.clip_id, item.aspect, item.stage, name, difference))
    return rows
