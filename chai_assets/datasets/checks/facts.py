"""Facts about every triple that follow from the triples alone, one column each. Pure.

A fact is true where it does not apply (an unknown rating says nothing about the critique), so that one defect is
reported by one check. What needs other tables is in `provenance.py`.
"""

from typing import Any

import polars as pl

from chai_assets.core.imported import imported_work
from chai_assets.datasets.checks.texts import english, is_caption
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.datasets.write.formats import RESERVED
from chai_assets.triples.chain_hash import chain_hash
from chai_resources.schemas import TABLES

CAPTION_WORDS = (3, 400)
# Still cameras are described alike; beyond this many clips, one caption is a habit to look at.
CLIPS_WITH_ONE_CAPTION = 5
# In 3,100 real captions no text stands for more than 0.5 % of an aspect's clips; forty times that is no chance. In
# fewer clips than these, a batch of one still camera may well be described alike.
LARGEST_SHARE = 0.2
CLIPS_FOR_A_SHARE = 50
PERFECT = 5
APPROVED = "approved"

_TEXTS = ["draft", "critique", "final"]
_CHAIN = ["draft_id", "critique_id", "revision_id", "review_id", "chain_hash"]


def declared_schema() -> pl.Schema:
    """Columns and types of the table triples."""
    return pl.Schema(TABLES["triples"].schema)


def column_types(triples: pl.DataFrame) -> pl.DataFrame:
    """The declared columns, each with its declared type and the type found: column, declared, found."""
    found = triples.schema
    rows = [(name, str(kind), str(found.get(name) or "missing")) for name, kind in declared_schema().items()]
    return pl.DataFrame(rows, schema=["column", "declared", "found"], orient="row")


def as_declared(triples: pl.DataFrame) -> pl.DataFrame:
    """The triples with the declared columns and types, null where a value does not fit, and whether each is approved.

    Rows of the table are approved; candidates below that level say so in a column `review`.
    """
    columns = [
        pl.col(name).cast(kind, strict=False) if name in triples.columns else pl.lit(None, kind).alias(name)
        for name, kind in declared_schema().items()
    ]
    level = pl.col("review") if "review" in triples.columns else pl.lit(APPROVED)
    return triples.select(*columns, approved=level.fill_null(APPROVED) == APPROVED)


def with_facts(triples: pl.DataFrame, counts: DatasetSpec) -> pl.DataFrame:
    """The triples, as `as_declared` gives them, with the facts that follow from them alone."""
    rating, final, draft = pl.col("rating"), pl.col("final"), pl.col("draft")
    rated, perfect = rating.is_between(1, PERFECT).fill_null(False), (rating == PERFECT).fill_null(False)
    revised = pl.col("revision_id").is_not_null()
    has_findings = pl.col("findings").list.len().fill_null(0) > 0
    prose = imported_work().fill_null(False)
    with_text = has_text(final)
    facts = triples.with_columns(
        revised_as_rated=revised | perfect | ~rated,
        chain_matches=pl.struct(_CHAIN).map_elements(_chain_matches, return_dtype=pl.Boolean),
        reviewed_by_another=(pl.col("annotator") != pl.col("reviewer")).fill_null(False) | ~pl.col("approved"),
        spec_counts=counts.covers(),
        final_has_text=with_text,
        critique_as_rated=(has_text(pl.col("critique")) != perfect) | ~rated,
        findings_as_rated=(has_findings != perfect) | (~perfect & prose) | ~rated,
        changed_as_rated=final.ne_missing(draft) | perfect | ~rated,
        kept_as_rated=final.eq_missing(draft) | revised | ~perfect | ~with_text,
        placeholder=pl.coalesce(pl.col(_TEXTS).str.extract(f"({RESERVED})")),
        is_caption=is_caption(triples["final"]),
        in_english=english(triples["final"]),
        findings_quote=_findings_quote(triples),
    )
    worded = pl.when(pl.col("final_has_text") & pl.col("is_caption"))
    return _with_repetition(facts.with_columns(words=worded.then(final.str.count_matches(r"\S+"))))


def has_text(text: pl.Expr) -> pl.Expr:
    """Whether a text says anything."""
    return (text.str.strip_chars() != "").fill_null(False)


def _with_repetition(facts: pl.DataFrame) -> pl.DataFrame:
    """How many clips have the same caption, whatever its capitals, and their share of the aspect's clips.

    Null where that is not judged: no share of too few clips, and no count where the share is already too large.
    """
    with_text = pl.when("final_has_text")
    facts = facts.with_columns(same=with_text.then(pl.col("final").str.strip_chars().str.to_lowercase().hash()))
    facts = facts.with_columns(
        clips_alike=with_text.then(pl.col("clip_id").n_unique().over("same")),
        clips_with_it=with_text.then(pl.col("clip_id").n_unique().over("aspect", "same")),
        clips_of_aspect=pl.col("clip_id").n_unique().over("aspect"),
    )
    enough = pl.when(pl.col("clips_of_aspect") >= CLIPS_FOR_A_SHARE)
    facts = facts.with_columns(share_of_aspect=enough.then(pl.col("clips_with_it") / pl.col("clips_of_aspect")))
    too_large = (pl.col("share_of_aspect") > LARGEST_SHARE).fill_null(False)
    return facts.with_columns(clips_alike=pl.when(~too_large).then("clips_alike")).drop("same")


def _findings_quote(triples: pl.DataFrame) -> pl.Series:
    """Whether every finding that marks words of the draft quotes what stands there."""
    marks = triples.select("draft", "findings").with_row_index("row").explode("findings").drop_nulls("findings")
    marks = marks.unnest("findings").filter(pl.col("start").is_not_null())
    start = pl.col("start").clip(0)
    there = pl.col("draft").str.slice(start, (pl.col("end") - start).clip(0))
    wrong = marks.filter(there.ne_missing(pl.col("quote")))["row"].unique()
    return pl.Series("findings_quote", ~pl.int_range(len(triples), dtype=pl.UInt32, eager=True).is_in(wrong.implode()))


def _chain_matches(chain: dict[str, Any]) -> bool:
    claimed = chain.pop("chain_hash")
    complete = chain["draft_id"] and chain["critique_id"] and chain["review_id"]
    return not complete or claimed == chain_hash(**chain)
