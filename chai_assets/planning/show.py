"""`chai plan` and `chai backfill`: what they print and do."""

import polars as pl
from rich.console import Console
from rich.table import Table

from chai_assets.planning.costs import summary
from chai_assets.planning.lookup import Plan, corrected_upstream, make_plan
from chai_assets.spec.adoption import adoptions
from chai_assets.spec.resource import SpecRelease, release_of
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
    """Prints the plan for moving to a version, and what rests on corrected captions. Raises SpecError."""
    tables, release = Tables(root=settings.tables), release_of(settings)
    made = make_plan(tables, release, to or release.in_force)
    _print_plan(made, release, every_row, console)
    _print_corrected(tables, release, settings.redo_upstream, every_row, console)


def run_backfill(settings: Settings, console: Console) -> bool:
    """Moves every batch that is behind to the version in force; returns whether all succeeded."""
    from chai_assets.running import adopt_here

    tables, release = Tables(root=settings.tables), release_of(settings)
    made = make_plan(tables, release, release.in_force)
    tables.append("spec_adoptions", adoptions(tables, made.untouched, release.load(), settled=True))
    if made.untouched:
        console.print(f"{len(made.untouched)} batches are untouched by {made.target} and count as moved")
    if not made.affected:
        console.print(f"no batch has a row that specification {made.target} changes: nothing to do")
        return True
    failed = []
    for number, batch in enumerate(made.affected, start=1):
        rows = made.rows.filter(pl.col("batch") == batch).height
        console.print(f"{number} of {len(made.affected)}  {batch}: {rows} rows")
        if not adopt_here(settings, batch):
            failed.append(batch)
    if failed:
        console.print(f"[red]failed: {', '.join(failed)}[/red]; the log above names the step. Run this again to go on.")
    else:
        console.print(f"done: {len(made.affected)} batches are worked under specification {made.target}")
    return not failed


def _print_plan(made: Plan, release: SpecRelease, every_row: bool, console: Console) -> None:
    console.print(f"[bold]To specification {made.target}[/bold]: {len(made.behind)} batches are behind it.")
    if made.rows.is_empty():
        console.print("No row of any batch changes." if made.behind else "Every batch is worked under it already.")
        return
    table = Table("batch", "aspect", "what", "rows", "minutes", "requests")
    for row in summary(made.rows, "batch", "aspect").iter_rows(named=True):
        minutes, requests = ((row[name], row[f"may_{name}"]) for name in ("minutes", "requests"))
        table.add_row(
            row["batch"],
            row["aspect"],
            _WORDS[row["action"]],
            f"{row['rows']:,}",
            f"{minutes[0]:,.1f}" + (f" (+{minutes[1]:,.1f})" if minutes[1] else ""),
            f"{requests[0]:,}" + (f" (+{requests[1]:,})" if requests[1] else ""),
        )
    console.print(table)
    hours, may = made.total("minutes") / 60, made.total("may_minutes") / 60
    console.print(
        f"{made.rows.height:,} rows in {len(made.affected)} batches: {hours:.1f} hours of people and "
        f"{made.total('requests'):,.0f} model requests ({made.total('tokens'):,.0f} tokens) for certain; (+) up to "
        f"{may:.1f} hours and {made.total('may_requests'):,.0f} requests more where new answers change a caption."
    )
    rest = "the published medians" if not made.measured else f"medians of {made.measured:,} answers so far"
    console.print(f"[dim]Minutes are {rest}. Critiques and reviews of all other rows stay valid.[/dim]")
    if made.target not in release.releases.locked:
        console.print(f"{made.target} is not released: `chai spec release {made.target}` makes it so.")
    if every_row:
        _print_rows(made.rows.select("batch", "clip_id", "aspect", "action", "questions", "why"), console)


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
        table.add_row(*(", ".join(value) if isinstance(value, list) else str(value) for value in row))
    console.print(table)
