"""The specification as an asset: what is in force, and that it compiles."""

import dagster as dg

from chai_assets.reporting import preview
from chai_assets.spec.resource import SpecRelease


@dg.asset(group_name="specification")
def spec(release: SpecRelease) -> dg.MaterializeResult:
    """The released specification in force: aspects, the attributes people answer, the primitives that follow."""
    loaded = release.load()
    rows = [
        {
            "aspect": aspect.id,
            "needs": ", ".join(aspect.depends_on) or "nothing",
            "attributes": len(aspect.attributes),
            "primitives": len(aspect.primitives),
            "instruction": aspect.instruction,
        }
        for aspect in loaded.aspects.values()
    ]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(f"{loaded.version}/{loaded.hash[:12]}"),
        metadata={
            "version": loaded.version,
            "hash": loaded.hash,
            "dagster/row_count": sum(row["primitives"] for row in rows),
            "aspects": preview(rows),
        },
    )
