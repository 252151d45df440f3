"""The asset `clips`: videos of an inbox folder become a batch of clips. What is done to a video is in `ingest.py`."""

from typing import cast

import dagster as dg

from chai_assets.core.asset_metadata import preview, table_result
from chai_assets.core.imported import own_work
from chai_assets.core.partitions import batches
from chai_assets.core.rows import ClipRow, SourceRow
from chai_assets.ingestion.files.disguised import disguised
from chai_assets.ingestion.files.listing import Listing, list_folder
from chai_assets.ingestion.inbox import MOST_NAMES, in_short, other_files
from chai_assets.ingestion.rights import RIGHTS_FILE
from chai_assets.ingestion.rights_changes import changes_by_folder, record_changes
from chai_resources.inbox import Inbox
from chai_resources.media import Media
from chai_resources.tables import Tables, as_rows

_KNOWN_COLUMNS = ("clip_id", "source_id", "name", "duration_s", "media_key", "phash")
"""What tells whether a shot is stored already; the features take a hundred times as much."""


@dg.asset(
    partitions_def=batches,
    group_name="ingestion",
    check_specs=[
        dg.AssetCheckSpec(
            "every_file_became_clips",
            asset="clips",
            description="Every video file of the batch was ingested; those that were not are listed with a reason.",
        )
    ],
)
def clips(context: dg.AssetExecutionContext, tables: Tables, media: Media, inbox: Inbox) -> dg.MaterializeResult:
    """Shots of a few seconds, cut from the batch's videos, normalized, stored, and identified by content."""
    # Video libraries take half a second to import, which every run and code server would pay.
    from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest

    batch = context.partition_key
    folder = inbox.folder(batch)
    listing = list_folder(Media(root=folder))
    listing.left_out += disguised(Media(root=folder), listing)
    # An imported corpus has names and no media: nothing of it can be what a file here shows.
    stored = StoredRows(
        cast("list[SourceRow]", as_rows(tables.read("sources", where=own_work()))),
        cast("list[ClipRow]", as_rows(tables.read("clips", columns=_KNOWN_COLUMNS, where=own_work()))),
    )
    rules = ClipRules(inbox.detector, inbox.shortest_s, inbox.longest_s)
    added, seen = 0, set()
    for outcome in ingest(batch, folder, media, stored, rules, listing):
        tables.append_new("rights_changes", outcome.rights_changes, batch)
        added += tables.append_new("clips", outcome.clips, batch)
        tables.append_new("ingest_problems", outcome.problems, batch)
        seen |= {problem["problem_id"] for problem in outcome.problems}
        tables.append_new("sources", outcome.sources, batch)
        if outcome.sources:
            context.log.info(f"{outcome.name}: {len(outcome.clips)} clips")
        for problem in outcome.problems[:MOST_NAMES]:
            context.log.warning(problem["reason"])
    changes, _ = changes_by_folder(tables, batch, Media(root=inbox.folder(batch)))
    changed = record_changes(tables, changes)
    if changed:
        context.log.warning(f"rights of {changed} sources that were ingested before: changed as {RIGHTS_FILE} has them")
    # What is wrong with a whole file is found again on every run, until the file is mended or removed.
    rows = tables.rows("ingest_problems", batch)
    listed = [row for row in rows if row["start_s"] is not None or row["problem_id"] in seen]
    found = {"videos_found": len(listing.videos), "left_out": _left_out(listing), "other_files": other_files(listing)}
    result = table_result(tables, "clips", batch, added, problems=len(listed), problem_list=preview(listed), **found)
    check = dg.AssetCheckResult(
        passed=not listed,
        severity=dg.AssetCheckSeverity.WARN,
        check_name="every_file_became_clips",
        metadata={"problems": len(listed), "list": preview(listed)},
    )
    metadata = {**(result.metadata or {}), "rights_changed": changed}
    return dg.MaterializeResult(metadata=metadata, check_results=[check])


def _left_out(listing: Listing) -> str:
    """What was not taken although a person may have meant it, by name and number."""
    left = listing.left_out
    return f"{len(left)} ({in_short(each.name for each in left)})" if left else "none"
