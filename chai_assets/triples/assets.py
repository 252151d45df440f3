"""Triples: what passed review, joined with its hash chain verified; and one merged caption a clip."""

from collections import Counter

import dagster as dg

from chai_assets.core.asset_metadata import preview, table_result
from chai_assets.core.partitions import batches
from chai_assets.core.rows import TripleRow, read_rows
from chai_assets.inference.generate import Generator
from chai_assets.triples.join import join_triples, triples_in_force
from chai_assets.triples.limit import MergeLimit
from chai_assets.triples.merge_rows import (
    MERGED_COLUMNS,
    still_too_long,
)
from chai_assets.triples.merging import merge_captions
from chai_assets.workflow.resource import Workflow
from chai_resources.captioner import CaptionerChoice


@dg.asset(
    partitions_def=batches,
    group_name="triples",
    deps=["drafts", "critiques", "revisions", "reviews", "feedback"],
    check_specs=[
        dg.AssetCheckSpec(
            "every_chain_holds",
            asset="triples",
            description="Each id of an approved chain follows from its record, and each record from the one before.",
        )
    ],
)
def triples(context: dg.AssetExecutionContext, workflow: Workflow) -> dg.MaterializeResult:
    """Verified triples of draft, critique and revision; one that lost its approval is withdrawn, never erased."""
    batch, tables = context.partition_key, workflow.tables
    items = workflow.standings(batch)
    outcome = join_triples(items, workflow.clips(batch), read_rows(tables, TripleRow, batch), workflow.lineage(batch))
    added = tables.append("triples", outcome.entries)
    current = triples_in_force(tables.read("triples", batch))
    result = table_result(
        tables,
        "triples",
        batch,
        added,
        in_force=current.height,
        withdrawn_now=sum(entry["standing"] == "withdrawn" for entry in outcome.entries),
        stages=preview([{"stage": s, "items": n} for s, n in Counter(i.stage for i in items).most_common()]),
    )
    check = dg.AssetCheckResult(
        passed=not outcome.broken,
        check_name="every_chain_holds",
        metadata={"chains": current.height, "broken": preview(outcome.broken)},
    )
    return dg.MaterializeResult(metadata=result.metadata, check_results=[check])


@dg.asset(partitions_def=batches, group_name="triples", deps=[triples], pool="model")
def merged_captions(
    context: dg.AssetExecutionContext, workflow: Workflow, captioner: CaptionerChoice, merge_limit: MergeLimit
) -> dg.MaterializeResult:
    """One caption a clip, merged from all its approved ones; one over the token limit is asked for once more."""
    batch, tables = context.partition_key, workflow.tables
    generator = Generator.in_run(context, "merge", captioner, tables, workflow.media)
    report = merge_captions(generator, workflow.lineage(batch), merge_limit)
    too_long = still_too_long(tables.read("merged_captions", batch, columns=MERGED_COLUMNS)).to_dicts()
    if too_long:
        context.log.warning(
            f"{len(too_long)} merged captions are longer than the generator reads though shorter ones were asked for, "
            f"the first of {too_long[0]['clip_id']} with {too_long[0]['tokens']} tokens: they are kept and marked "
            "over_limit, and a dataset says where it cuts them; another model may do better"
        )
    more = {"over_limit": preview(too_long), **report.metadata()}
    return table_result(tables, "merged_captions", batch, report.written, **more)
