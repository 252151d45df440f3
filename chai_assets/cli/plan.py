"""`chai plan` and `chai backfill`: print plans, and move batches. How a plan is made is in `chai_assets/planning`."""

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_assets.core.prompts import Templates
from chai_assets.planning.effort import summary
from chai_assets.planning.load import ReleasePlan, corrected_upstream, make_plan
from chai_assets.planning.prompt_impact import by_task, in_money, prompt_changes
from chai_assets.spec.resource import SpecRelease, release_of
from chai_assets.spec.versioning.adoption import settle
from chai_resources.captioner import CaptionerChoice
from chai_resources.settings import Settings
from chai_resources.tables import Tables

_WORDS = {
    "ask": "asked again",
    "draft": "written again",
    "wait": "waits for those",
    "confirm": "stands",
    "drop": "withdrawn",
}


def show_plan(settings: Settings, to: str, every_row: bool, console: Console) -> None:
    """Prints the plan for moving to a version, and what rests on corrected captions.

    Without a version also what the prompt templates on disk change. Raises SpecError, PricesRefused.
    """
    tables, release, choice = Tables(root=settings.tables), release_of(settings), CaptionerChoice.of(settings)
    made = make_plan(tables, release, to or release.in_force).in_money(tables, choice)
    _print_plan(made, release, every_row, console)
    if not to:
        changes = in_money(prompt_changes(tables, release, Templates.on_disk(), settings.polish), tables, choice)
        _print_prompts(changes, settings.redraft, every_row, console)
    _print_corrected(tables, release, settings.redo_upstream, every_row, console)


def run_backfill(settings: Settings, console: Console) -> bool:
    """Moves every batch that is behind to the version in force; returns whether all succeeded."""
    from chai_assets.deployment.run_job import adopt_here

    tables, release = Tables(root=settings.tables), release_of(settings)
    made = make_plan(tables, release, release.in_force)
    settle(tables, made.untouched, release.load())
    if made.untouched:
        console.print(f"{len(made.untouched)} batches are untouched by {made.target} and count as moved", markup=False)
    if not made.affected:
        console.print(f"no batch has a row that specification {made.target} changes: nothing to do", markup=False)
        return True
    failed = []
    for number, batch in enumerate(made.affected, start=1):
        rows = made.rows.filter(pl.col("batch") == batch).height
        console.print(f"{number} of {len(made.affected)}  {batch}: {rows} rows", markup=False)
        if not adopt_here(settings, batch):
            failed.append(batch)
    if failed:
        console.print(
            f"[red]failed: {escape(', '.join(failed))}[/red]; the log above names the step. Run this again to go on."
        )
    else:
        console.print(f"done: {len(made.affected)} batches are worked under specification {made.target}", markup=False)
    return not failed


def _print_plan(made: ReleasePlan, release: SpecRelease, every_row: bool, console: Console) -> None:
    console.print(f"[bold]To specification {escape(made.target)}[/bold]: {len(made.behind)} batches are behind it.")
    if made.rows.is_empty():
        console.print("No row of any batch changes." if made.behind else "Every batch is worked under it already.")
        return
    table = Table("batch", "aspect", "what", "rows", "minutes", "requests", "USD")
    for row in summary(made.rows, "batch", "aspect").iter_rows(named=True):
        minutes, requests, usd = ((row[name], row[f"may_{name}"]) for name in ("minutes", "requests", "usd"))
        table.add_row(
            escape(row["batch"]),
            escape(row["aspect"]),
            _WORDS[row["action"]],
            f"{row['rows']:,}",
            f"{minutes[0]:,.1f}" + (f" (+{minutes[1]:,.1f})" if minutes[1] else ""),
            f"{requests[0]:,}" + (f" (+{requests[1]:,})" if requests[1] else ""),
            f"{usd[0]:,.2f}" + (f" (+{usd[1]:,.2f})" if usd[1] else ""),
        )
    console.print(table)
    hours, may = made.total("minutes") / 60, made.total("may_minutes") / 60
    console.print(
        f"{made.rows.height:,} rows in {len(made.affected)} batches: {hours:.1f} hours of people and "
        f"{made.total('requests'):,.0f} model requests ({made.total('tokens'):,.0f} tokens, about "
        f"{made.total('usd', 2):,.2f} USD) for certain; (+) up to {may:.1f} hours and "
        f"{made.total('may_requests'):,.0f} requests ({made.total('may_usd', 2):,.2f} USD) more where new answers "
        "change a caption."
    )
    _print_unpriced(made.rows, console)
    rest = "the published medians" if not made.measured else f"medians of {made.measured:,} answers so far"
    console.print(f"[dim]Minutes are {rest}. Critiques and reviews of all other rows stay valid.[/dim]")
    if made.target not in release.releases.locked:
        console.print(f"{made.target} is not released: `chai spec release {made.target}` makes it so.", markup=False)
    if every_row:
        _print_rows(made.rows.select("batch", "clip_id", "aspect", "action", "questions", "why"), console)


def _print_prompts(changes: pl.DataFrame, redraft: bool, every_row: bool, console: Console) -> None:
    if changes.is_empty():
        console.print("\n[bold]Prompts[/bold]: no row was written with another template than those on disk.")
        return
    count = changes.filter(pl.col("action") != "stays").height
    policy = (
        "redraft: the next run of a batch writes them again; CHAI_PROMPT_CHANGED=keep leaves them"
        if redraft
        else "keep: nothing is written again; CHAI_PROMPT_CHANGED=redraft would"
    )
    console.print(f"\n[bold]{count:,} rows were written with other prompts than those on disk[/bold] ({policy}).")
    table = Table("batch", "aspect", "task", "written again", "wait", "stay", "USD")
    for row in by_task(changes).iter_rows(named=True):
        figures = (f"{row[name]:,}" for name in ("again", "wait", "stays"))
        named = (row["batch"], row["aspect"] or "all", row["task"])
        table.add_row(*map(escape, named), *figures, f"{row['usd']:,.2f}")
    console.print(table)
    console.print(
        f"{changes['requests'].sum():,} model requests, about {changes['usd'].sum():,.2f} USD. What waits is written "
        "again once its open questions are answered; what stays was answered by a person."
    )
    _print_unpriced(changes, console)
    if every_row:
        _print_rows(changes.select("batch", "clip_id", "aspect", "task", "action"), console)


def _print_unpriced(rows: pl.DataFrame, console: Console) -> None:
    if rows["usd"].null_count():
        console.print(
            "The model has no price: add it to a price file of your own (CHAI_PRICES) to see what this costs."
        )


def _print_corrected(tables: Tables, release: SpecRelease, redo: bool, every_row: bool, console: Console) -> None:
    rows = corrected_upstream(tables, release)
    if not rows:
        return
    policy = (
        "redo: the next run writes them again" if redo else "accept: they stand; CHAI_UPSTREAM_CORRECTED=redo redoes"
    )
    console.print(f"\n[bold]{len(rows)} captions rest on one that was corrected since[/bold] ({policy}).")
    _print_rows(pl.DataFrame(rows if every_row else rows[:10]), console)


def _print_rows(rows: pl.DataFrame, console: Console) -> None:
    table = Table(*rows.columns)
    for row in rows.iter_rows():
        table.add_row(*(escape(", ".join(value) if isinstance(value, list) else str(value)) for value in row))
    console.print(table)
