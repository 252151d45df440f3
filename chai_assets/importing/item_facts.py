"""What the integrity audit counts: one (clip, aspect) of a corpus as it was read. No rule stands here."""

from dataclasses import dataclass, field
from typing import Literal

from chai_assets.importing.caption_versions import WordingShown
from chai_assets.importing.upstream_quotes import UpstreamState

ItemStatus = Literal["no critique", "unreviewed", "approved", "corrected", "reworked", "rejected"]
"""Where an item stands, by its critique and its review."""


@dataclass(frozen=True)
class ItemFacts:
    """What the report is made from: one (clip, aspect) as it was read."""

    clip: str
    source: str
    aspect: str
    status: ItemStatus
    path: str
    """The file to look at: the current critique, or the draft."""
    rating: int | None = None
    """Of the draft, by the critique that stands."""
    first_rating: int | None = None
    """Of the draft, by the critique that was reviewed: the earlier one where there is one."""
    asks_change: bool = False
    hand_edited: bool = False
    wording_shown: WordingShown = ""
    findings: int = 0
    author: str | None = None
    first_author: str | None = None
    reviewer: str | None = None
    rejected: bool = False
    upstream: dict[str, UpstreamState] = field(default_factory=dict)
    triple: bool = False
