"""The assets `spec`, what is in force with its handbook, and `spec_adoptions`, the version each batch is worked under.

The rules are in the modules beside this one; what a new version changes is planned in `chai_assets/planning`.
"""

import dagster as dg

from chai_assets.core.asset_metadata import preview, table_result
from chai_assets.core.partitions import batches
from chai_assets.spec.handbook import publish
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopt
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.tables import Tables


@dg.asset(group_name="specification")
def spec(release: SpecRelease, media: Media, label_studio: LabelStudio) -> dg.MaterializeResult:
    """The released specification in force: aspects, the attributes people answer, the primitives that follow.

    Its handbook is published where the tasks' links lead.
    """
    loaded = release.load()
    written = publish.publish(loaded, media)
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
            "handbook": dg.MetadataValue.url(label_studio.url + publish.address(loaded)),
            "handbook_pages_written": len(written),
            "dagster/row_count": sum(row["primitives"] for row in rows),
            "aspects": preview(rows),
        },
    )


@dg.asset(partitions_def=batches, group_name="specification", deps=[spec])
def spec_adoptions(
    context: dg.AssetExecutionContext, release: SpecRelease, tables: Tables, media: Media
) -> dg.MaterializeResult:
    """The batch moves to the specification in force: what people and models are asked for it from now on."""
    batch, in_force = context.partition_key, release.load()
    publish.publish(in_force, media)  # before the tasks that link to it
    added = adopt(tables, [batch], in_force)
    return table_result(tables, "spec_adoptions", batch, added, version=in_force.version)
