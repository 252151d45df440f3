"""Triples: what passed review, joined with its hash chain verified; and one merged caption a clip."""

from collections import Counter

import dagster as dg

from chai_assets.asking import ask, given_up
from chai_assets.desk import Desk
from chai_assets.partitions import batches
from chai_assets.reporting import preview, table_result
from chai_assets.triples.join import in_force, join
from chai_assets.triples.merge_rows import MERGED, TRIPLE, finish_merge, to_merge, wanted_merges
from chai_resources.captioners.choice import CaptionerChoice


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
def triples(context: dg.AssetExecutionContext, desk: Desk) -> dg.MaterializeResult:
    """Verified triples of draft, critique and revision; one that lost its approval is withdrawn, never erased."""
    batch, tables = context.partition_key, desk.tables
    items = desk.standings(batch)
    outcome = join(items, desk.clips(batch), tables.rows("triples", batch), desk.lineage(batch))
    added = tables.append("triples", outcome.entries)
    current = in_force(tables.read("triples", batch))
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
def merged_captions(context: dg.AssetExecutionContext, desk: Desk, captioner: CaptionerChoice) -> dg.MaterializeResult:
    """One caption a clip, merged from its five approved ones."""
    batch, tables = context.partition_key, desk.tables
    engine = captioner.open(desk.media)
    lineage = desk.lineage(batch)
    approved = in_force(tables.read("triples", batch, columns=[*TRIPLE, "final"]))
    merged = tables.read("merged_captions", batch, columns=MERGED)
    due = to_merge(approved, merged, list(lineage.spec.aspects), lineage.templates)
    texts = dict(approved.select("triple_id", "final").iter_rows())
    wanted = wanted_merges(due, texts, lineage.spec, engine, given_up(tables, batch))
    outcome = ask(
        "merge",
        "merged_captions",
        wanted,
        finish_merge(due),
        choice=captioner,
        captioner=engine,
        tables=tables,
        run=context.run.run_id,
        log=context.log.info,
    )
    return table_result(tables, "merged_captions", batch, outcome.made, **outcome.metadata())
