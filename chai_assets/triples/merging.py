"""Merging the approved captions of a batch's clips: asked for whole, then once more where one came out too long.

Which clips are due is decided in `merge_rows.py`; here the tables are read, the model is asked, and rows are written.
"""

from chai_assets.inference.generate import GenerationReport, Generator
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.triples.join import triples_in_force
from chai_assets.triples.limit import MergeLimit
from chai_assets.triples.merge_rows import (
    MERGED_COLUMNS,
    TRIPLE_COLUMNS,
    clips_to_merge,
    complete_merge,
    pending_merges,
)

PASSES = ("whole", "shorter")
"""The second pass asks for a shorter caption of what the first one wrote over the limit."""


def merge_captions(generator: Generator, lineage: Lineage, limit: MergeLimit) -> GenerationReport:
    """Writes the merged captions that are due; what a pass asked in vain is left to the next run."""
    tables, batch, aspects = generator.tables, generator.batch, list(lineage.spec.aspects)
    approved = triples_in_force(tables.read("triples", batch, columns=[*TRIPLE_COLUMNS, "final"]))
    report, asked = GenerationReport(), set[str]()
    for _ in PASSES:
        merged = tables.read("merged_captions", batch, columns=[*MERGED_COLUMNS, "text"])
        due = clips_to_merge(approved, merged, aspects, lineage.templates)
        texts = dict(approved.select("triple_id", "final").iter_rows())
        texts |= dict(merged.select("merged_id", "text").iter_rows())
        pending = pending_merges(due, texts, lineage.spec, generator.captioner, generator.given_up(), limit)
        pending = [item for item in pending if item.request.hash not in asked]
        asked |= {item.request.hash for item in pending}
        report = report.plus(generator.run(pending, complete_merge(due, limit), asked_before=asked))
    return report
