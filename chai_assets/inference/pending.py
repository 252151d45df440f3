"""A request that waits to be asked, and the row that its answer will complete."""

from dataclasses import dataclass

from chai_assets.core.rows import NewRow
from chai_resources.captioners.protocol import Request


@dataclass(frozen=True)
class PendingRequest:
    """A request, and the columns of its row that do not depend on the answer: batch, clip, aspect and the like."""

    request: Request
    base: NewRow
