"""Captions whose upstream caption was corrected after they were written, with the difference. Pure.

What is done about them is the deployment's policy (CHAI_UPSTREAM_CORRECTED): `accept` leaves them as people approved
them, `redo` writes them again.
"""

from collections.abc import Iterable, Mapping

from chai_assets.core.rows import Row
from chai_assets.revision.effects import other_changes
from chai_assets.workflow.item_state import Standing


def rest_on_corrected(items: Iterable[Standing], texts: Mapping[str, str]) -> list[Row]:
    """A row for each corrected upstream caption an item's draft rests on: which, and what changed in it.

    `texts` holds the caption of every draft and revision by id.
    """
    rows = []
    for item in items:
        if not item.stale_upstream or item.draft is None:
            continue
        for name, used in item.stale_upstream.items():
            before, after = texts.get(used, ""), item.upstream[name].text
            changes = [f"-{c['before']} +{c['after']}".strip() for c in other_changes(before, [], after)]
            row = {"clip_id": item.clip_id, "aspect": item.aspect, "stage": item.stage, "rests_on": name}
            rows.append({**row, "difference": "; ".join(changes) or "punctuation only"})
    return rows
