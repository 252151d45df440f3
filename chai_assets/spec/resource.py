"""Which released specification is in force, as a Dagster resource."""

import dagster as dg

from chai_assets.spec.models import Spec
from chai_assets.spec.releases import Releases, releases_in


class SpecRelease(dg.ConfigurableResource):
    """A released specification by version and the folder of all versions.

    An empty version means the newest release, an empty root the versions that come with the platform.
    """

    version: str = ""
    root: str = ""

    @property
    def releases(self) -> Releases:
        """Every version of the specification."""
        return releases_in(self.root)

    def load(self) -> Spec:
        """The specification in force. Raises SpecError where the release is missing or contradicts itself."""
        return self.releases.load(self.version or None)
