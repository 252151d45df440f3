"""Facts worked out for every triple, one column each. Pure.

A fact is true where it does not apply (an unknown rating says nothing of the critique), so that one defect is
reported by one check.
"""

from typing import Any

import polars as pl

from chai_assets.datasets.checks.texts import english, is_caption
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.datasets.write.formats import RESERVED
from chai_assets.triples.chain_hash import chain_hash
from chai_resources.schemas import TABLES

ASPECTS = ("subject", "scene", "motion", "spatial", "camera")
CAPTION_WORDS = (3, 400)
# Still cameras are described alike; beyond this many clips, one caption is a habit to look at.
CLIPS_WITH_ONE_CAPTION = 5
# In 3,100 real captions no text stands for more than 0.5 % of an aspect's clips; forty times that is no chance. In
# fewer clips than these, a batch of one still camera may well be described alike.
LARGEST_SHARE = 0.2
CLIPS_FOR_A_SHARE = 50
PERFECT = 5
APPROVED = "approved"
IMPORTED = "import-"
"""Batches of imported corpora begin with it; their critiques are prose, from which findings may not follow."""

_TEXTS = ["draft", "critique", "final"]
_CHAIN = ["draft_id", "critique_id", "revision_id", "review_id", "chain_hash"]


def declared() -> pl.Schema:
    """Columns and types of the table triples."""
    return pl.Schema(TABLES["triples"].schema)


def as_declared(triples: pl.DataFrame) -> pl.DataFrame:
    """The triples with the declared columns and types, null where that cannot be, and each row's review level.

    Rows of the table are approved; candidates below that level say so in a column `review`.
    """
    columns = [
        pl.col(name).cast(kind, strict=False) if name in triples.columns else pl.lit(None, kind).alias(name)
        for name, kind in declared().items()
    ]
    level = pl.col("review") if "review" in triples.columns else pl.lit(APPROVED)
    return triples.select(*columns, approved=level.fill_null(APPROVED) == APPROVED)


def with_facts(triples: pl.DataFrame, counts: DatasetSpec) -> pl.DataFrame:
    """The triples, as `as_declared` gives them, with the facts that follow from them alone."""
    rating, final, draft = pl.col("rating"), pl.col("final"), pl.col("draft")
    rated, perfect = rating.is_between(1, PERFECT).fill_null(False), (rating == PERFECT).fill_null(False)
    revised = pl.col("revision_id").is_not_null()
    has_findings = pl.col("findings").list.len().fill_null(0) > 0
    prose = pl.col("batch").str.starts_with(IMPORTED).fill_null(False)
    placeholder = pl.any_horizontal(pl.col(_TEXTS).str.contains(RESERVED))
    with_text = has_text(final)
    facts = triples.with_columns(
        revised_as_rated=revised | perfect | ~rated,
        review_named=pl.col("review_id").is_not_null() | ~pl.col("approved"),
        chain_matches=pl.struct(_CHAIN).map_elements(_chain_matches, return_dtype=pl.Boolean),
        aspect_known=pl.col("aspect").is_in(ASPECTS).fill_null(False),
        rating_known=rated,
        reviewed_by_another=(pl.col("annotator") != pl.col("reviewer")).fill_null(False) | ~pl.col("approved"),
        spec_counts=counts.covers(),
        final_has_text=with_text,
        critique_as_rated=(has_text(pl.col("critique")) != perfect) | ~rated,
        findings_as_rated=(has_findings != perfect) | (~perfect & prose) | ~rated,
        final_as_rated=final.ne_missing(draft) | perfect | ~rated,
        stood_as_rated=final.eq_missing(draft) | revised | ~perfect | ~with_text,
        texts_are_plain=~placeholder.fill_null(False),
        is_caption=is_caption(triples["final"]),
        in_english=english(triples["final"]),
        findings_quote=_quotes(triples),
    )
    said = pl.when(pl.col("final_has_text") & pl.col("is_caption"))
    return _with_repetition(facts.with_columns(words=said.then(final.str.count_matches(r"\S+"))))


def has_text(text: pl.Expr) -> pl.Expr:
    """Whether a text says anything."""
    return (text.str.strip_chars() != "").fill_null(False)


def _with_repetition(facts: pl.DataFrame) -> pl.DataFrame:
    """How many clips a caption stands for, however it is capitalised; a stock phrase is not told of twice."""
    said = pl.when("final_has_text").then(pl.col("final").str.strip_chars().str.to_lowercase().hash())
    facts = facts.with_columns(said=said).with_columns(
        clips_alike=pl.when("final_has_text").then(pl.col("clip_id").n_unique().over("said")),
        clips_with_it=pl.when("final_has_text").then(pl.col("clip_id").n_unique().over("aspect", "said")),
        clips_of_aspect=pl.col("clip_id").n_unique().over("aspect"),
    )
    many = (pl.col("clips_of_aspect") >= CLIPS_FOR_A_SHARE) & (
        pl.col("clips_with_it") > LARGEST_SHARE * pl.col("clips_of_aspect")
    )
    facts = facts.with_columns(is_no_stock_phrase=~many.fill_null(False))
    return facts.with_columns(clips_alike=pl.when("is_no_stock_phrase").then("clips_alike"))


def _quotes(triples: pl.DataFrame) -> pl.Series:
    """Whether every finding that marks words of the draft quotes what stands there."""
    marks = triples.select("draft", "findings").with_row_index("row").explode("findings").drop_nulls("findings")
    marks = marks.unnest("findings").filter(pl.col("start").is_not_null())
    start = pl.col("start").clip(0)
    there = pl.col("draft").str.slice(start, (pl.col("end") - start).clip(0))
    wrong = marks.filter(there.ne_missing(pl.col("quote")))["row"].unique()
    return pl.Series("findings_quote", ~pl.int_range(len(triples), dtype=pl.UInt32, eager=True).is_in(wrong.implode()))


def _chain_matches(chain: dict[str, Any]) -> bool:
    claimed = chain.pop("chain_hash")
    named = chain["draft_id"] and chain["critique_id"] and chain["review_id"]
    return not named or claimed == chain_hash(**chain)
