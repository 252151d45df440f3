"""What an export is made from, read a part at a time: rows are joined here, and nothing holds all texts at once.

A part is some batches, or a range of sources of one large batch; a clip is never in two. Every table is a lazy
frame, so what is joined here reads only the columns that its caller asks for.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.token_count import ESTIMATE, Counter
from chai_assets.datasets.select.candidates import Records, candidates, in_force, rejected_first
from chai_assets.datasets.select.selection import LEVELS, Selection
from chai_assets.datasets.select.spec_compatibility import Counted
from chai_assets.datasets.select.splits import EVAL_SHARE
from chai_assets.triples.chain_hash import chain_hash
from chai_resources.schemas import TABLES

PART_ROWS = 20_000
"""Captions read at once: about 40 MB of text, and several times that as JSON of all formats."""

Frame = pl.DataFrame | pl.LazyFrame


def _none_of(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema=pl.Schema(TABLES[table].schema))


@dataclass(frozen=True)
class Export:
    """What a dataset is made from: rows of the tables, the specification's instructions, and the versions."""

    triples: Frame
    """Rows of the table triples, as written: withdrawn ones are told from those in force here."""
    clips: Frame
    """Rows of the table clips, those of other exports too: likeness is looked for among all."""
    merged_captions: Frame
    """Rows of the table merged_captions; may be empty."""
    instructions: dict[str, str]
    """The plain task instruction of each aspect; never a draft prompt, which holds the human labels."""
    instructions_from: dict[str, str]
    """Version and hash of the specification that the instructions stand in."""
    table_versions: dict[str, int]
    counted: Counted
    """The specification the dataset is made under, and what counts as made under it."""
    code_version: str
    eval_share: float = EVAL_SHARE
    selection: Selection = field(default_factory=Selection)
    tokens: Counter = ESTIMATE
    """Counts the tokens that a video generator makes of a merged caption."""
    drafts: Frame = field(default_factory=lambda: _none_of("drafts"))
    critiques: Frame = field(default_factory=lambda: _none_of("critiques"))
    revisions: Frame = field(default_factory=lambda: _none_of("revisions"))
    reviews: Frame = field(default_factory=lambda: _none_of("reviews"))
    annotation_events: Frame = field(default_factory=lambda: _none_of("annotation_events"))
    polished_critiques: Frame = field(default_factory=lambda: _none_of("polished_critiques"))


@dataclass(frozen=True)
class Part:
    """Some batches, by name; of a large one, the sources from `first` up to but without `end`."""

    batches: tuple[str, ...]
    first: str | None = None
    end: str | None = None

    def holds_source(self) -> pl.Expr:
        """Whether a row with source_id lies in the part."""
        here = pl.col("batch").is_in(self.batches)
        if self.first is not None:
            here &= pl.col("source_id") >= self.first
        return here & (pl.col("source_id") < self.end) if self.end is not None else here


def parts(export: Export, rows: int = PART_ROWS) -> list[Part]:
    """The parts of an export in order: batches by name, each part of at most about so many triples or clips."""
    taken = export.selection.takes_batch()
    tables = [export.triples, export.clips, export.merged_captions]
    counts = [table.lazy().filter(taken).group_by("batch").agg(n=pl.len()).collect() for table in tables]
    sized = pl.concat(counts).group_by("batch").agg(pl.col("n").max()).sort("batch")
    found: list[Part] = []
    together: list[str] = []
    size = 0
    for batch, count in sized.iter_rows():
        if together and size + count > rows:
            found.append(Part(tuple(together)))
            together, size = [], 0
        if count > rows:
            found += _ranges(export, batch, rows)
            continue
        together.append(batch)
        size += count
    return [*found, Part(tuple(together))] if together else found


def _ranges(export: Export, batch: str, rows: int) -> list[Part]:
    here = pl.col("batch") == batch
    tables = [table.lazy().filter(here).select("source_id") for table in (export.triples, export.clips)]
    sources = pl.concat([table.group_by("source_id").agg(n=pl.len()) for table in tables]).collect()
    sizes = sources.group_by("source_id").agg(pl.col("n").max()).sort("source_id")
    number = (sizes["n"].cum_sum() - sizes["n"]) // rows
    starts = sizes.with_columns(part=number).group_by("part").agg(pl.col("source_id").min()).sort("part")
    bounds = [None, *starts["source_id"].to_list()[1:], None]
    return [Part((batch,), first, end) for first, end in pairwise(bounds)]


@dataclass(frozen=True)
class Captions:
    """The captions of a part, lazy: of triples in force, and of items without one.

    Columns: `id` (of a triple), those of the table triples, `review` (the level), human_edited, and `was_...`: what
    a reviewer first rejected of the same draft, which counts where `variant_differs`.
    """

    approved: pl.LazyFrame
    others: pl.LazyFrame
    critiqued: pl.LazyFrame
    """clip_id and aspect of every item with a critique: those without a triple may be among `others`."""
    prompts: pl.LazyFrame
    """draft_id and prompt_hash."""


def captions(export: Export, part: Part, clips: pl.DataFrame) -> Captions:
    """The captions of a part. `clips` has at least the clip_id, batch and source_id of every clip."""
    triples = in_force(export.triples.lazy().filter(part.holds_source()))
    records = _records(export, part, clips)
    rejected = rejected_first(records)
    of_clip = clips.lazy().filter(part.holds_source()).select("clip_id", "source_id")
    approved = triples.rename({"triple_id": "id"}).with_columns(
        review=pl.lit(LEVELS[0]), human_edited=pl.col("human_edited").fill_null(False)
    )
    others = candidates(records, triples).join(of_clip, on="clip_id", how="left").rename({"level": "review"})
    prompts = records.drafts.select("draft_id", "prompt_hash").unique("draft_id", keep="any")
    critiqued = records.critiques.select("clip_id", "aspect").unique()
    return Captions(_with_rejected(approved, rejected), _with_rejected(others, rejected), critiqued, prompts)


NAMED = ("id", "chain_hash", "review_id", "reviewer")
"""What only a triple has: `named` makes the first two for the other captions, and leaves the rest empty."""


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of captions without a triple with the id and the chain hash that follow from their records."""
    chains = rows.select("draft_id", "critique_id", "revision_id").iter_rows()
    ids, hashes = [], []
    for draft, critique, revision in chains:
        ids.append(record_id("triple", draft_id=draft, critique_id=critique, revision_id=revision, review_id=None))
        hashes.append(chain_hash(draft, critique, revision, None))
    new = {"id": ids, "chain_hash": hashes}
    return rows.with_columns(
        *(pl.Series(name, values, dtype=pl.String) for name, values in new.items()),
        *(pl.lit(None, pl.String).alias(name) for name in ("review_id", "reviewer")),
    )


def merged_of(export: Export, part: Part) -> pl.DataFrame:
    """Rows of merged_captions in a part, each once."""
    rows = export.merged_captions.lazy().filter(part.holds_source()).drop("prompt").collect()
    return rows.sort("recorded_at", maintain_order=True).unique("merged_id", keep="first", maintain_order=True)


def polished_of(export: Export, part: Part) -> pl.DataFrame:
    """critique_id and polished words of a part, where the selection takes them: the latest, unless it has a fault."""
    rows = export.polished_critiques.lazy().filter(pl.col("batch").is_in(part.batches))
    if export.selection.critiques == "written":
        rows = rows.limit(0)
    latest = rows.sort("recorded_at", "polished_id").unique("critique_id", keep="last", maintain_order=True)
    return latest.filter(pl.col("fault").is_null()).select("critique_id", polished="text").collect()


def _records(export: Export, part: Part, clips: pl.DataFrame) -> Records:
    here = pl.col("batch").is_in(part.batches)
    if part.first is not None or part.end is not None:
        here &= pl.col("clip_id").is_in(clips.filter(part.holds_source())["clip_id"].implode())
    tables = (export.drafts, export.critiques, export.revisions, export.reviews)
    records = Records(*(table.lazy().filter(here) for table in tables))
    return records.without(export.annotation_events.lazy().filter(pl.col("batch").is_in(part.batches)))


def _with_rejected(rows: pl.LazyFrame, rejected: pl.LazyFrame) -> pl.LazyFrame:
    another = pl.col("was_critique_id").ne_missing(pl.col("critique_id")) | pl.col("was_revision_id").ne_missing(
        pl.col("revision_id")
    )
    was_final = pl.when(pl.col("was_revision_id").is_null()).then("draft").otherwise("was_revised")
    joined = rows.join(rejected, on="draft_id", how="left")
    return joined.with_columns(variant_differs=pl.col("was_review_id").is_not_null() & another, was_final=was_final)
