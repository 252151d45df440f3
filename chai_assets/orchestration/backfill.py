"""One backfill over chosen batches, as a request that a sensor can make.

Dagster has no public call for it. What is private is kept in this file, and `tests/demo/test_demo.py` runs it through
a real daemon. To be replaced once there is a public call.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.events import AssetKeyPartitionKey

from chai_assets.orchestration.jobs import ADOPT

SPEC_TAG = "chai/spec"
TAGS = {"dagster/priority": "-10"}
"""Live human work goes first."""


def backfill_request(context: dg.SensorEvaluationContext, batches: Sequence[str], version: str) -> dg.RunRequest:
    """A request for one backfill of these batches; the sensor must have `asset_selection`, not `target`."""
    repository = context.repository_def
    assert repository is not None
    wanted = {AssetKeyPartitionKey(dg.AssetKey(name), batch) for name in ADOPT for batch in batches}
    subset = AssetGraphSubset.from_asset_partition_set(wanted, repository.asset_graph)
    return dg.RunRequest.for_asset_graph_subset(subset, tags={**TAGS, SPEC_TAG: version})
