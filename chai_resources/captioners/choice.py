"""Which engine drafts, revises and merges, by name."""

from collections.abc import Callable

import dagster as dg

from chai_resources.captioners import Captioner
from chai_resources.captioners.offline import OfflineCaptioner
from chai_resources.captioners.stored import StoredAnswers
from chai_resources.media import Media

ENGINES: dict[str, Callable[[], Captioner]] = {"offline": OfflineCaptioner}
"""Engines by name; an engine needs one entry here and one module beside this one."""


class CaptionerChoice(dg.ConfigurableResource):
    """The engine of this deployment. Its answers are stored, so that no request is made twice."""

    name: str = "offline"

    def open(self, media: Media) -> Captioner:
        """The engine, with answers kept in the media store. Raises ValueError for a name that is none."""
        if self.name not in ENGINES:
            raise ValueError(f"CHAI_CAPTIONER={self.name} is no engine: choose one of {', '.join(sorted(ENGINES))}")
        return StoredAnswers(ENGINES[self.name](), media)
