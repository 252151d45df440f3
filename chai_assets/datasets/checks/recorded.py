"""Whether each triple says what the tables say that it was made from. Pure but for reading them.

One table at a time is read and only facts are kept, so that a million triples fit into memory.
"""

from collections.abc import Callable, Sequence

import polars as pl

Read = Callable[[str, Sequence[str]], pl.DataFrame]
"""Columns of a table at the version that is checked: distinct rows, in order of writing."""
APPROVE = "approve"


def with_records(facts: pl.DataFrame, read: Read) -> pl.DataFrame:
    """The triples with a fact for each of their records: true where it stands in its table and says the same.

    Where a triple does not name a record, that is another check's business.
    """
    approved = pl.col("approved")
    return facts.with_columns(
        draft_recorded=_as_recorded(facts, read, "drafts", "draft_id", _same("text", "draft") & _same("clip_id")),
        critique_recorded=_as_recorded(
            facts,
            read,
            "critiques",
            "critique_id",
            _same("text", "critique", or_empty=True) & _same("draft_id") & _same("author", "annotator"),
        ),
        revision_recorded=_as_recorded(
            facts,
            read,
            "revisions",
            "revision_id",
            (_same("text", "final") | pl.col("human_edited").fill_null(False))
            & _same("draft_id")
            & _same("critique_id"),
        ),
        review_recorded=_as_recorded(
            facts,
            read,
            "reviews",
            "review_id",
            (pl.col("verdict:found") == APPROVE)
            & _same("author", "reviewer")
            & _same("draft_id")
            & _same("critique_id")
            & _same("revision_id"),
        )
        | ~facts["approved"],
        source_recorded=_as_recorded(facts, read, "clips", "clip_id", _same("source_id"))
        & facts["source_id"].is_in(read("sources", ["source_id"])["source_id"].implode()).fill_null(False),
        stands_in_force=pl.col("triple_id").is_in(in_force_ids(read).implode()).fill_null(True) | ~approved,
    )


def in_force(facts: pl.DataFrame, read: Read) -> pl.DataFrame:
    """The triples in force in their table, and whether each is a candidate."""
    ids = in_force_ids(read)
    return pl.DataFrame({"triple_id": ids, "is_candidate": ids.is_in(facts["triple_id"].implode())})


def in_force_ids(read: Read) -> pl.Series:
    """Ids of the triples that were entered and not withdrawn since; counted apart from what makes the candidates."""
    entries = read("triples", ["triple_id", "standing"])
    last = entries.group_by("triple_id").agg(pl.col("standing").last())
    return last.filter(pl.col("standing") == "verified")["triple_id"].sort()


def _same(column: str, said: str = "", *, or_empty: bool = False) -> pl.Expr:
    """Whether the record's column is what the triple says."""
    found, claimed = pl.col(f"{column}:found"), pl.col(said or column)
    if or_empty:
        found, claimed = found.fill_null(""), claimed.fill_null("")
    return found.eq_missing(claimed)


def _as_recorded(facts: pl.DataFrame, read: Read, table: str, key: str, holds: pl.Expr) -> pl.Series:
    wanted = [name.removesuffix(":found") for name in holds.meta.root_names() if name.endswith(":found")]
    records = read(table, [key, *dict.fromkeys(wanted)]).unique(key, keep="first")
    records = records.rename({name: f"{name}:found" for name in records.columns if name != key})
    joined = facts.join(records.with_columns(stands=True), on=key, how="left", maintain_order="left")
    return joined.select(pl.col(key).is_null() | (pl.col("stands") & holds).fill_null(False)).to_series()
