"""The specification as an asset: what is in force, that it compiles, and its handbook for annotators."""

import dagster as dg

from chai_assets.desk import Desk
from chai_assets.reporting import preview
from chai_assets.spec import publish
from chai_assets.spec.resource import SpecRelease


@dg.asset(group_name="specification")
def spec(release: SpecRelease, desk: Desk) -> dg.MaterializeResult:
    """The released specification in force: aspects, the attributes people answer, the primitives that follow.

    Its handbook is published where the tasks' links lead.
    """
    loaded = release.load()
    written = publish.publish(loaded, desk.media)
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
            "handbook": dg.MetadataValue.url(desk.label_studio.url + publish.address(loaded)),
            "handbook_pages_written": len(written),
            "dagster/row_count": sum(row["primitives"] for row in rows),
            "aspects": preview(rows),
        },
    )
