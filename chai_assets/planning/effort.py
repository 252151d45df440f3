"""What a plan costs: minutes of people and requests to models, from the medians of our own work so far.

Where nothing was measured yet, the medians are those of the records that the method's authors published (13,453
items): five minutes of an annotator and three of a reviewer for an item. US dollars are in `price.py`.
"""

from dataclasses import dataclass

import polars as pl

from chai_assets.core.imported import own_work
from chai_assets.spec.models import Spec
from chai_resources.tables import Tables

PUBLISHED_MINUTES = {"primitives": 2.0, "critiques": 5.0, "reviews": 3.0}
"""Minutes an item. The time to answer the questions was not published: two minutes is a guess until measured."""


@dataclass(frozen=True)
class Medians:
    """Median minutes by table and aspect, median tokens of a draft by aspect, and how many items they rest on."""

    minutes: dict[tuple[str, str], float]
    tokens: dict[str, float]
    measured: int

    def of(self, table: str, aspect: str) -> float:
        """Minutes a person needs for one answer of this kind."""
        return self.minutes.get((table, aspect), PUBLISHED_MINUTES[table])


def medians(tables: Tables) -> Medians:
    """Medians over everything that people and models did here so far; imported work is somebody else's."""
    minutes: dict[tuple[str, str], float] = {}
    measured = 0
    for table in PUBLISHED_MINUTES:
        # Pages report how long they were open; what came without a page reports nothing.
        times = tables.read(table, columns=["aspect", "lead_time_s"], where=own_work()).filter(
            pl.col("lead_time_s") > 0
        )
        measured += times.height
        found = times.group_by("aspect").agg(pl.col("lead_time_s").median() / 60)
        minutes |= {(table, aspect): value for aspect, value in found.iter_rows()}
    drafts = tables.read("drafts", columns=["aspect", "tokens_in", "tokens_out"], where=own_work())
    used = drafts.group_by("aspect").agg((pl.col("tokens_in") + pl.col("tokens_out")).median())
    return Medians(minutes, {aspect: value or 0.0 for aspect, value in used.iter_rows()}, measured)


def priced(rows: pl.DataFrame, spec: Spec, costs: Medians) -> pl.DataFrame:
    """A plan's rows with `minutes` and `requests` that are certain, and `may_minutes`, `may_requests` that may follow.

    What may follow depends on answers: a caption is only written, critiqued and reviewed again where they change
    what it has to say. A label that nobody gave yet costs nothing more: it was to be given anyway.
    """
    per_aspect = pl.DataFrame(
        [
            (
                aspect.id,
                costs.of("primitives", aspect.id) / len(aspect.attributes),
                costs.of("critiques", aspect.id) + costs.of("reviews", aspect.id),
                costs.tokens.get(aspect.id, 0.0),
            )
            for aspect in spec.aspects.values()
        ],
        schema=["aspect", "a_question", "a_caption", "a_draft"],
        orient="row",
    )
    asked, again = pl.col("action") == "ask", pl.col("action").is_in(["draft", "wait"])
    worked = pl.col("critiqued").fill_null(False) & pl.col("draft_id").is_not_null()
    may = asked & pl.col("draft_id").is_not_null()
    return rows.join(per_aspect, on="aspect", how="left").select(
        *rows.columns,
        minutes=pl.when(asked)
        .then(pl.col("questions").list.len() * pl.col("a_question"))
        .when(again & worked)
        .then(pl.col("a_caption"))
        .otherwise(0.0),
        requests=again.cast(pl.Int64),
        tokens=pl.when(again).then(pl.col("a_draft")).otherwise(0.0),
        may_minutes=pl.when(may & worked).then(pl.col("a_caption")).otherwise(0.0),
        may_requests=may.cast(pl.Int64),
    )


def summary(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Rows, minutes, requests and, where it has them, US dollars of a priced plan, by these columns and action."""
    keys = [*by, "action"]
    figures = ("minutes", "requests", "tokens", "usd", "may_minutes", "may_requests", "may_usd")
    sums = [pl.col(name).sum() for name in figures if name in rows.columns]
    return rows.group_by(keys).agg(pl.len().alias("rows"), *sums).sort(keys)
