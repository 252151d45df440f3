"""Where new videos arrive, and how they are to be cut."""

import dagster as dg


class Inbox(dg.ConfigurableResource):
    """A folder or `s3://` prefix; each sub-folder is a batch. Clip lengths in seconds."""

    root: str
    detector: str = "adaptive"
    shortest_s: float = 1.0
    longest_s: float = 20.0

    def folder(self, batch: str) -> str:
        """Where a batch's videos lie."""
        return f"{self.root.rstrip('/')}/{batch}"
