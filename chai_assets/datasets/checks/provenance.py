"""Whether each triple says what the tables say that it was made from. Pure but for reading them.

One table at a time is read and only facts are kept, so that a million triples fit into memory.
"""

from collections.abc import Callable, Sequence

import polars as pl

ReadTable = Callable[[str, Sequence[str]], pl.DataFrame]
"""Columns of a table at the version that is checked: distinct rows, in order of writing."""
APPROVE = "approve"


def with_provenance(facts: pl.DataFrame, read: ReadTable) -> pl.DataFrame:
    """The triples with a fact for each of their records: true where it stands in its table and says the same.

    A triple that names no record passes: that it should is another check.
    """
    approved = pl.col("approved")
    return facts.with_columns(
        draft_recorded=_recorded(facts, read, "drafts", "draft_id", _equal("text", "draft") & _equal("clip_id")),
        critique_recorded=_recorded(
            facts,
            read,
            "critiques",
            "critique_id",
            _equal("text", "critique", null_is_empty=True) & _equal("draft_id") & _equal("author", "annotator"),
        ),
        revision_recorded=_recorded(
            facts,
            read,
            "revisions",
            "revision_id",
            (_equal("text", "final") | pl.col("human_edited").fill_null(False))
            & _equal("draft_id")
            & _equal("critique_id"),
        ),
        review_recorded=_recorded(
            facts,
            read,
            "reviews",
            "review_id",
            (pl.col("verdict:recorded") == APPROVE)
            & _equal("author", "reviewer")
            & _equal("draft_id")
            & _equal("critique_id")
            & _equal("revision_id"),
        )
        | ~facts["approved"],
        approval_agrees=~pl.col("review_id").is_in(_with_objections(read).implode()).fill_null(False) | ~approved,
        source_recorded=_recorded(facts, read, "clips", "clip_id", _equal("source_id"))
        & facts["source_id"].is_in(read("sources", ["source_id"])["source_id"].implode()).fill_null(False),
        still_in_force=pl.col("triple_id").is_in(in_force_ids(read).implode()).fill_null(True) | ~approved,
    )


def in_force(facts: pl.DataFrame, read: ReadTable) -> pl.DataFrame:
    """The triples in force in their table, and whether each is a candidate."""
    ids = in_force_ids(read)
    return pl.DataFrame({"triple_id": ids, "is_candidate": ids.is_in(facts["triple_id"].implode())})


def in_force_ids(read: ReadTable) -> pl.Series:
    """Ids of the triples that were entered and not withdrawn since, apart from the code that chooses the candidates."""
    entries = read("triples", ["triple_id", "standing"])
    last = entries.group_by("triple_id").agg(pl.col("standing").last())
    return last.filter(pl.col("standing") == "verified")["triple_id"].sort()


def _with_objections(read: ReadTable) -> pl.Series:
    """Ids of the reviews that hold something against what they are about, whatever their verdict."""
    reviews = read("reviews", ["review_id", "ticks", "misses", "reasons"])
    ticked_wrong = pl.col("ticks").list.eval(~pl.element().struct.field("right")).list.any()
    said = pl.sum_horizontal(pl.col("misses", "reasons").list.len().fill_null(0)) > 0
    return reviews.filter(ticked_wrong.fill_null(False) | said)["review_id"].unique()


def _equal(column: str, claimed: str = "", *, null_is_empty: bool = False) -> pl.Expr:
    """Whether the record's column equals the triple's: of the same name, or the one named."""
    recorded, said = pl.col(f"{column}:recorded"), pl.col(claimed or column)
    if null_is_empty:
        recorded, said = recorded.fill_null(""), said.fill_null("")
    return recorded.eq_missing(said)


def _recorded(facts: pl.DataFrame, read: ReadTable, table: str, key: str, agrees: pl.Expr) -> pl.Series:
    """Whether the record that a triple names is in the table and `agrees`, a condition on `<column>:recorded`."""
    wanted = [name.removesuffix(":recorded") for name in agrees.meta.root_names() if name.endswith(":recorded")]
    records = read(table, [key, *dict.fromkeys(wanted)]).unique(key, keep="first")
    records = records.rename({name: f"{name}:recorded" for name in records.columns if name != key})
    joined = facts.join(records.with_columns(exists=True), on=key, how="left", maintain_order="left")
    return joined.select(pl.col(key).is_null() | (pl.col("exists") & agrees).fill_null(False)).to_series()
