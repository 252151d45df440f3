"""The workflow as a resource: where the items of a batch stand, and what they stand on.

It reads the tables and walks them; how an item moves on is decided in `item_state.py`. Nothing is written here, and
nothing of Label Studio is known.
"""

import dagster as dg
from pydantic import PrivateAttr

from chai_assets.core.rows import ClipRow, read_rows
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopted_version
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import WALKED, load_standings
from chai_resources.media import Media
from chai_resources.tables import Tables


class Workflow(dg.ConfigurableResource):
    """The tables, the media store and the specification: what says where each (clip, aspect) of a batch stands."""

    tables: Tables
    media: Media
    release: SpecRelease
    _walked: tuple[tuple[object, ...], list[Standing]] | None = PrivateAttr(default=None)

    def lineage(self, batch: str) -> Lineage:
        """The specification that a batch is worked under."""
        return self.release.lineage(adopted_version(self.tables, batch, self.release.in_force))

    def clips(self, batch: str) -> dict[str, ClipRow]:
        """Clip rows of a batch by clip id."""
        return {row["clip_id"]: row for row in read_rows(self.tables, ClipRow, batch)}

    def standings(self, batch: str) -> list[Standing]:
        """Where every item of the batch stands, to be read only: walked again once a table it rests on has changed."""
        # Versions are looked up before rows are read: what is written in between only makes the next call walk again.
        lineage = self.lineage(batch)
        made_from = (
            batch,
            lineage.spec.version,
            lineage.spec.hash,
            lineage.templates,
            *map(self.tables.version, WALKED),
        )
        if self._walked is None or self._walked[0] != made_from:
            self._walked = (made_from, load_standings(self.tables, lineage, batch))
        return self._walked[1]
