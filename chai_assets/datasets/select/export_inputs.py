"""What an export is made from, read a chunk at a time, so that memory never holds all texts.

A chunk is some batches, or a range of sources of one large batch; a clip is never in two. The tables are lazy frames:
what is joined here reads only the columns that its caller asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from chai_assets.core.ids import record_id
from chai_assets.core.token_count import ESTIMATING_COUNTER, TokenCounter
from chai_assets.datasets.select.corrected_upstream import corrected_upstream
from chai_assets.datasets.select.dialects import DIALECTS
from chai_assets.datasets.select.selection import LEVELS, Selection
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.datasets.select.splits import EVAL_SHARE
from chai_assets.datasets.select.unapproved import LoopRecords, first_rejections, triples_in_force, unapproved_captions
from chai_assets.labeling.in_force import NONE_CORRECTED
from chai_assets.spec.models import Spec
from chai_assets.triples.chain_hash import chain_hashes
from chai_resources.schemas import TABLES

CHUNK_ROWS = 20_000
"""Captions read at once: about 40 MB of text, and several times that as JSON of all formats."""

if TYPE_CHECKING:
    from chai_assets.datasets.contamination.against import ContaminationCheck

AnyFrame = pl.DataFrame | pl.LazyFrame


def _empty(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema=pl.Schema(TABLES[table].schema))


@dataclass(frozen=True)
class ExportInputs:
    """What a dataset is made from: rows of the tables, the specification's instructions, and the versions."""

    triples: AnyFrame
    """Rows of the table triples as written, withdrawn ones included."""
    clips: AnyFrame
    """Rows of the table clips, those of other exports too: similar shots are searched for among all of them."""
    merged_captions: AnyFrame
    """Rows of the table merged_captions; may be empty."""
    instructions: dict[str, str]
    """The plain task instruction of each aspect; never a draft prompt, which holds the human labels."""
    instructions_from: dict[str, str]
    """Version and hash of the specification that has the instructions."""
    table_versions: dict[str, int]
    dataset_spec: DatasetSpec
    """The specification of the dataset, and the versions that count as equal to it."""
    code_version: str
    eval_share: float = EVAL_SHARE
    selection: Selection = field(default_factory=Selection)
    token_counter: TokenCounter = ESTIMATING_COUNTER
    """Counts the tokens that a video generator makes of a merged caption."""
    today: date = date.min
    """The day by which rights have run out or not."""
    people_key: str = ""
    """Key of the pseudonyms of annotators and reviewers; empty where their ids are pseudonyms already."""
    dialects: tuple[str, ...] = DIALECTS
    """Trainers whose files are written beside the tables."""
    drafts: AnyFrame = field(default_factory=lambda: _empty("drafts"))
    critiques: AnyFrame = field(default_factory=lambda: _empty("critiques"))
    revisions: AnyFrame = field(default_factory=lambda: _empty("revisions"))
    reviews: AnyFrame = field(default_factory=lambda: _empty("reviews"))
    annotation_events: AnyFrame = field(default_factory=lambda: _empty("annotation_events"))
    polished_critiques: AnyFrame = field(default_factory=lambda: _empty("polished_critiques"))
    lead_decisions: AnyFrame = field(default_factory=lambda: _empty("lead_decisions"))
    primitives: AnyFrame = field(default_factory=lambda: _empty("primitives"))
    corrected_labels: pl.DataFrame = field(default_factory=lambda: NONE_CORRECTED)
    """Labels in force of batches in which some were corrected; they take the place of `primitives`."""
    specs: tuple[Spec, ...] = ()
    """The versions of the specification that the labels were given under, as far as they are released here."""
    contamination: "ContaminationCheck | None" = None
    """Compares what is exported with public benchmarks; nothing is compared without."""


@dataclass(frozen=True)
class Chunk:
    """Some batches, by name; of a large one, the sources from `first` up to but without `end`."""

    batches: tuple[str, ...]
    first: str | None = None
    end: str | None = None

    def contains_source(self) -> pl.Expr:
        """Whether a row with source_id lies in the chunk."""
        here = pl.col("batch").is_in(self.batches)
        if self.first is not None:
            here &= pl.col("source_id") >= self.first
        return here & (pl.col("source_id") < self.end) if self.end is not None else here


def chunks(inputs: ExportInputs, max_rows: int = CHUNK_ROWS) -> list[Chunk]:
    """The chunks of an export in order: batches by name, each chunk with at most about so many triples or clips."""
    in_selection = inputs.selection.batch_filter()
    tables = [inputs.triples, inputs.clips, inputs.merged_captions]
    counts = [table.lazy().filter(in_selection).group_by("batch").agg(n=pl.len()).collect() for table in tables]
    sized = pl.concat(counts).group_by("batch").agg(pl.col("n").max()).sort("batch")
    found: list[Chunk] = []
    together: list[str] = []
    size = 0
    for batch, count in sized.iter_rows():
        if together and size + count > max_rows:
            found.append(Chunk(tuple(together)))
            together, size = [], 0
        if count > max_rows:
            found += _source_ranges(inputs, batch, max_rows)
            continue
        together.append(batch)
        size += count
    return [*found, Chunk(tuple(together))] if together else found


def _source_ranges(inputs: ExportInputs, batch: str, max_rows: int) -> list[Chunk]:
    here = pl.col("batch") == batch
    tables = [table.lazy().filter(here).select("source_id") for table in (inputs.triples, inputs.clips)]
    sources = pl.concat([table.group_by("source_id").agg(n=pl.len()) for table in tables]).collect()
    sizes = sources.group_by("source_id").agg(pl.col("n").max()).sort("source_id")
    number = (sizes["n"].cum_sum() - sizes["n"]) // max_rows
    starts = sizes.with_columns(part=number).group_by("part").agg(pl.col("source_id").min()).sort("part")
    bounds = [None, *starts["source_id"].to_list()[1:], None]
    return [Chunk((batch,), first, end) for first, end in pairwise(bounds)]


@dataclass(frozen=True)
class ChunkCaptions:
    """The captions of a chunk, lazy: of triples in force, and of items without one.

    Columns: `id` (of a triple), those of the table triples, `review` (the level), human_edited.
    """

    approved: pl.LazyFrame
    unapproved: pl.LazyFrame
    rejected: pl.LazyFrame
    """`draft_id` and `was_...`: what a reviewer first rejected of each draft."""
    critiqued: pl.LazyFrame
    """clip_id and aspect of every item with a critique: those without a triple may be among `others`."""
    prompts: pl.LazyFrame
    """draft_id and prompt_hash."""
    corrected: pl.LazyFrame
    """draft_id and `corrected_upstream`, of drafts that rest on a caption which was corrected later."""


def chunk_captions(inputs: ExportInputs, chunk: Chunk, clips: pl.DataFrame) -> ChunkCaptions:
    """The captions of a chunk. `clips` has at least the clip_id, batch and source_id of every clip."""
    triples = triples_in_force(inputs.triples.lazy().filter(chunk.contains_source()))
    records = _records(inputs, chunk, clips)
    of_clip = clips.lazy().filter(chunk.contains_source()).select("clip_id", "source_id")
    approved = triples.rename({"triple_id": "id"}).with_columns(
        review=pl.lit(LEVELS[0]), human_edited=pl.col("human_edited").fill_null(False)
    )
    others = unapproved_captions(records, triples).join(of_clip, on="clip_id", how="left").rename({"level": "review"})
    prompts = records.drafts.select("draft_id", "prompt_hash").unique("draft_id", keep="any")
    critiqued = records.critiques.select("clip_id", "aspect").unique()
    return ChunkCaptions(
        approved,
        others,
        first_rejections(records),
        critiqued,
        prompts,
        corrected_upstream(records, triples),
    )


_VARIANT_KEYS = ("critique_id", "revision_id", "review_id")


def collect_captions(captions: pl.LazyFrame, rejected: pl.LazyFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The columns of a chunk's approved or unapproved captions, with `was_...` of `rejected` and `variant_differs`.

    `was_final` is the caption that was rejected; like all of `was_...` it counts where `variant_differs`. Both are read
    before they are joined: planned as one query, Polars takes three times as long for it.
    """
    if not any(name.startswith("was_") or name == "variant_differs" for name in columns):
        return captions.select(columns).collect()
    was = [name for name in columns if name.startswith("was_") and name != "was_final"]
    was += [f"was_{name}" for name in _VARIANT_KEYS]
    own = [name for name in columns if not name.startswith("was_") and name != "variant_differs"]
    own += ["draft_id", "critique_id", "revision_id"]
    if "was_final" in columns:
        was, own = [*was, "was_revised"], [*own, "draft"]
    rows, first = pl.collect_all(
        [captions.select(list(dict.fromkeys(own))), rejected.select("draft_id", *dict.fromkeys(was))]
    )
    another = pl.any_horizontal(
        pl.col(f"was_{name}").ne_missing(pl.col(name)) for name in ("critique_id", "revision_id")
    )
    joined = rows.join(first, on="draft_id", how="left").with_columns(
        variant_differs=pl.col("was_review_id").is_not_null() & another
    )
    if "was_final" in columns:
        joined = joined.with_columns(
            was_final=pl.when(pl.col("was_revision_id").is_null()).then("draft").otherwise("was_revised")
        )
    return joined.select(columns)


TRIPLE_ONLY_COLUMNS = ("id", "chain_hash", "review_id", "reviewer")
"""What only a triple has: `with_record_ids` makes the first two for other captions and leaves the rest empty."""


def with_record_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Captions without a triple, with the id and the chain hash that follow from their records."""
    chains = rows.select("draft_id", "critique_id", "revision_id").iter_rows()
    ids = [
        record_id("triple", draft_id=draft, critique_id=critique, revision_id=revision, review_id=None)
        for draft, critique, revision in chains
    ]
    absent = (pl.lit(None, pl.String).alias(name) for name in ("review_id", "reviewer"))
    rows = rows.with_columns(pl.Series("id", ids, dtype=pl.String), *absent)
    return rows.with_columns(chain_hashes(rows))


def merged_captions_of(inputs: ExportInputs, chunk: Chunk) -> pl.DataFrame:
    """Rows of merged_captions in a chunk, each once."""
    rows = inputs.merged_captions.lazy().filter(chunk.contains_source()).drop("prompt").collect()
    return rows.sort("recorded_at", maintain_order=True).unique("merged_id", keep="first", maintain_order=True)


def polished_critiques_of(inputs: ExportInputs, chunk: Chunk) -> pl.DataFrame:
    """critique_id and polished text in a chunk, if the selection takes them: the latest, unless it has a fault."""
    rows = inputs.polished_critiques.lazy().filter(pl.col("batch").is_in(chunk.batches))
    if inputs.selection.critiques == "written":
        rows = rows.limit(0)
    latest = rows.sort("recorded_at", "polished_id").unique("critique_id", keep="last", maintain_order=True)
    return latest.filter(pl.col("fault").is_null()).select("critique_id", polished="text").collect()


def _records(inputs: ExportInputs, chunk: Chunk, clips: pl.DataFrame) -> LoopRecords:
    here = pl.col("batch").is_in(chunk.batches)
    if chunk.first is not None or chunk.end is not None:
        here &= pl.col("clip_id").is_in(clips.filter(chunk.contains_source())["clip_id"].implode())
    tables = (inputs.drafts, inputs.critiques, inputs.revisions, inputs.reviews)
    records = LoopRecords(*(table.lazy().filter(here) for table in tables))
    return records.without_deleted(inputs.annotation_events.lazy().filter(pl.col("batch").is_in(chunk.batches)))
