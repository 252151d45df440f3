"""What a plan costs in US dollars: the mean of what such requests cost so far, else an estimate from clip and prompt.

The estimate is the one by which runs are held to their budgets (`inference/budget.py`).
"""

from typing import Any

import polars as pl

from chai_assets.core.imported import own_work
from chai_assets.core.prompts import TEMPLATES, WritingTask
from chai_assets.inference.budget import Budget, planning_budget
from chai_resources.captioner import CaptionerChoice
from chai_resources.tables import Tables

_TABLE: dict[WritingTask, str] = {
    "draft": "drafts",
    "revise": "revisions",
    "merge": "merged_captions",
    "polish": "polished_critiques",
}


def with_usd(rows: pl.DataFrame, task: pl.Expr, tables: Tables, choice: CaptionerChoice) -> pl.DataFrame:
    """A plan's rows with `usd`, and `may_usd` where they have `may_requests`; null where no price is known.

    `task` says which request a row is about: draft, revise, merge or polish. Raises PricesRefused.
    """
    rows = rows.with_columns(task.alias("task"))
    each = _usd_each(rows, tables, choice)
    money = [
        pl.when(pl.col(name) > 0)
        .then(pl.col(name) * pl.col("each"))
        .otherwise(0.0)
        .alias(name.replace("requests", "usd"))
        for name in _requests(rows)
    ]
    priced = rows.join(each, on=["task", "aspect"], how="left", nulls_equal=True, maintain_order="left")
    return priced.with_columns(money).drop("each")


def _requests(rows: pl.DataFrame) -> list[str]:
    return [name for name in ("requests", "may_requests") if name in rows.columns]


def _usd_each(rows: pl.DataFrame, tables: Tables, choice: CaptionerChoice) -> pl.DataFrame:
    """What a request of each task and aspect costs, as `each`."""
    asked = rows.filter(pl.sum_horizontal(_requests(rows)) > 0)
    kinds = asked.select("task", "aspect").unique().to_dicts()
    if choice.billed_model and kinds:
        clips = tables.read("clips", columns=["clip_id", "duration_s"], where=own_work())
        timed = asked.join(clips, on="clip_id", how="left")
        means = timed.group_by("task", "aspect").agg(pl.col("duration_s").mean(), pl.col("batch").first())
        budgets = {task: planning_budget(choice, tables, task) for task in means["task"].unique()}
        kinds = [{**kind, "each": _estimate(kind, budgets[kind["task"]], tables)} for kind in means.to_dicts()]
    else:
        kinds = [{**kind, "each": 0.0} for kind in kinds]
    schema = {"task": pl.String, "aspect": pl.String, "each": pl.Float64}
    return pl.DataFrame(kinds, schema={**schema, "duration_s": pl.Float64, "batch": pl.String}).select(*schema)


def _estimate(kind: dict[str, Any], budget: Budget, tables: Tables) -> float | None:
    task, aspect = kind["task"], kind["aspect"]
    if aspect not in budget.paid and budget.price is None:
        return None
    seconds = 0.0 if task in ("merge", "polish") else kind["duration_s"] or 0.0
    length = 0.0 if aspect in budget.paid else _prompt_length(tables, task, aspect, kind["batch"])
    return budget.estimate_request(aspect, length, seconds)


def _prompt_length(tables: Tables, task: WritingTask, aspect: str | None, batch: str) -> float:
    """Characters of such a prompt: the mean of one batch, else what the template has."""
    where = pl.col("batch") == batch
    if aspect is not None:
        where &= pl.col("aspect") == aspect
    prompts = tables.read(_TABLE[task], columns=["prompt"], where=where)["prompt"]
    mean: Any = prompts.str.len_chars().mean()
    return float(mean) if mean else len(TEMPLATES[task].read_text(encoding="utf-8"))
