"""What the prompt templates on disk change: the rows that the next runs write again, and those that stay.

Drafts and revisions are decided from the log of standings by the rule of `workflow/item_state.py`, once for each set of
templates; merged captions by the rule that merges them (`triples/merge_rows.py`); polished critiques by the newest one.
"""

from collections.abc import Mapping

import polars as pl

from chai_assets.core.imported import own_work
from chai_assets.core.prompts import Templates
from chai_assets.planning.load import current_states
from chai_assets.planning.price import with_usd
from chai_assets.spec.resource import SpecRelease
from chai_assets.triples.join import triples_in_force
from chai_assets.triples.merge_rows import MERGED_COLUMNS, TRIPLE_COLUMNS, clips_to_merge
from chai_assets.workflow.walk import first_current
from chai_resources.captioner import CaptionerChoice
from chai_resources.tables import Tables

STATE_COLUMNS = ["batch", "clip_id", "aspect", "asked_again", "written"]
PLAN = pl.Schema([(name, pl.String()) for name in ("batch", "clip_id", "aspect", "task", "action")])
"""Columns of the plan. `task`: draft, revise, merge or polish; `aspect` is null for merge. `action`: again (by the
next run), wait (again, once the item's open questions are answered) or stays (a person worked on it)."""


def prompt_changes(tables: Tables, release: SpecRelease, templates: Templates, polishes: bool) -> pl.DataFrame:
    """The rows in our own batches that were written with other templates than these: PLAN, in order of batch.

    `polishes`: whether critiques are polished here; where not, polished ones stay as they are. Raises SpecError.
    """
    states, versions = current_states(tables, release, STATE_COLUMNS)
    found = [of_items(states, templates), _of_clips(tables, release, versions, templates)]
    found += [_of_critiques(tables, templates)] if polishes else []
    return pl.concat(found).sort("batch", "clip_id", "aspect", "task")


def in_money(rows: pl.DataFrame, tables: Tables, choice: CaptionerChoice) -> pl.DataFrame:
    """The plan with `requests` and `usd`: what the next runs will probably cost. Raises PricesRefused."""
    rows = rows.with_columns(requests=(pl.col("action") == "again").cast(pl.Int64))
    return with_usd(rows, pl.col("task"), tables, choice)


def by_task(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of each action, and US dollars, by batch, aspect and task."""
    counts = [(pl.col("action") == action).sum().alias(action) for action in ("again", "wait", "stays")]
    keys = ["batch", "aspect", "task"]
    return rows.group_by(keys).agg(*counts, pl.col("usd").sum()).sort(keys)


def of_items(states: pl.DataFrame, templates: Templates) -> pl.DataFrame:
    """Drafts and revisions."""
    known = states.filter(pl.col("written").is_not_null()).explode("written").unnest("written")
    known = known.with_columns(pl.col("templates").list.join(" "))
    groups = known.select("task", "templates").unique()
    stale = [first_current(task, used.split(), templates.replaced) is None for task, used in groups.iter_rows()]
    waits = pl.col("asked_again") & (pl.col("task") == "draft")
    action = pl.when("answered").then(pl.lit("stays")).when(waits).then(pl.lit("wait")).otherwise(pl.lit("again"))
    rows = known.join(groups.filter(pl.Series(stale, dtype=pl.Boolean)), on=["task", "templates"], how="semi")
    return rows.select(*(name for name in PLAN if name != "action"), action=action)


def _of_clips(tables: Tables, release: SpecRelease, versions: Mapping[str, str], templates: Templates) -> pl.DataFrame:
    """Merged captions."""
    merged = tables.read("merged_captions", columns=[*MERGED_COLUMNS, "batch"], where=own_work())
    found = [pl.DataFrame(schema=PLAN)]
    written = merged["template_hash"].unique()
    if not any(templates.replaced(task, each) for task in ("merge", "shorten") for each in written):
        return found[0]
    triples = triples_in_force(tables.read("triples", columns=TRIPLE_COLUMNS, where=own_work()))
    for version in sorted(set(versions.values())):
        here = pl.col("batch").is_in([batch for batch, worked_under in versions.items() if worked_under == version])
        aspects = list(release.releases.load(version).aspects)
        due = clips_to_merge(triples.filter(here), merged.filter(here), aspects, templates)
        again = due.filter(pl.col("why") == "template")
        more = {"aspect": pl.lit(None, pl.String), "task": pl.lit("merge"), "action": pl.lit("again")}
        found.append(again.with_columns(**more).select(*PLAN))
    return pl.concat(found)


def _of_critiques(tables: Tables, templates: Templates) -> pl.DataFrame:
    """Polished critiques."""
    columns = ["critique_id", "batch", "clip_id", "aspect", "template_hash"]
    polished = tables.read("polished_critiques", columns=columns, where=own_work())
    newest = polished.unique("critique_id", keep="last", maintain_order=True)
    gone = [each for each in newest["template_hash"].unique() if templates.replaced("polish", each)]
    again = newest.filter(pl.col("template_hash").is_in(gone))
    return again.with_columns(task=pl.lit("polish"), action=pl.lit("again")).select(*PLAN)
