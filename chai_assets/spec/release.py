"""Which released specification is in force, as a Dagster resource."""

import dagster as dg

from chai_assets.spec.load import load_spec
from chai_assets.spec.models import Spec


class SpecRelease(dg.ConfigurableResource):
    """A released specification by version; an empty version means the newest release."""

    version: str = ""

    def load(self) -> Spec:
        """The compiled specification. Raises SpecError where the release is missing or contradicts itself."""
        return load_spec(self.version or None)
