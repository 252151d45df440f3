"""The resource that knows which version of the specification is in force, and loads it."""

from functools import lru_cache

import dagster as dg

from chai_assets.core.prompts import Templates
from chai_assets.spec.models import Spec
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.spec.versioning.releases import Releases, releases_in
from chai_resources.settings import Settings


class SpecRelease(dg.ConfigurableResource):
    """A released specification by version and the folder of all versions.

    An empty version means the newest release, an empty root the versions that come with the platform.
    `redo_upstream`: a caption is written again when an upstream caption that it rests on was corrected.
    `redraft`: what a model wrote and no person has answered is written again when its prompt template was changed.
    """

    version: str = ""
    root: str = ""
    redo_upstream: bool = False
    redraft: bool = True

    @property
    def releases(self) -> Releases:
        """Every version of the specification."""
        return releases_in(self.root)

    @property
    def in_force(self) -> str:
        """The version that new batches are worked under. Raises SpecError where nothing is released."""
        return self.version or self.releases.newest

    def load(self) -> Spec:
        """The specification in force. Raises SpecError where the release is missing or contradicts itself."""
        return self.releases.load(self.in_force)

    def lineage(self, version: str) -> Lineage:
        """A released version with all that came before it. Raises SpecError."""
        self.releases.load(version)
        return _lineage(self.releases, version, self.redo_upstream, self.templates)

    @property
    def templates(self) -> Templates:
        """The prompt templates that count now; none of them where changed ones leave everything as it is."""
        return Templates.on_disk() if self.redraft else Templates()


_lineage = lru_cache(maxsize=8)(Lineage)


def release_of(settings: Settings) -> SpecRelease:
    """The specification as a deployment's settings name it."""
    return SpecRelease(
        version=settings.spec_version,
        root=settings.specs,
        redo_upstream=settings.redo_upstream,
        redraft=settings.redraft,
    )
