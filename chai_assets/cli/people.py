"""`chai people scores`: prints what everybody did and how it held up in review."""

import json

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_assets.people.load import all_scores
from chai_assets.people.scores import NOT_COMPARABLE, Score, figures, together
from chai_resources.people import PeopleFileError, load_people
from chai_resources.settings import Settings
from chai_resources.tables import Tables

_FINDINGS = {
    "critiques": "critiques",
    "reviewed": "reviewed",
    "approved": "approved",
    "right": "right",
    "wrong": "wrong",
    "missed": "missed",
    "precision": "precision",
    "recall": "recall",
    "right_minus_wrong_and_missed": "right - wrong - missed",
}
_REVIEWS = {
    "reviews": "reviews",
    "rejections": "rejections",
    "rejections_stood": "stood",
    "overturned": "overturned",
    "catches": "catches",
    "minutes": "minutes, all pages",
}


def show_scores(settings: Settings, console: Console, as_json: bool) -> None:
    """Prints the counts of everybody in the people file, and of everybody else who submitted something, with totals."""
    counted = all_scores(Tables(root=settings.tables))
    try:
        team = [person.id for person in load_people(settings.people).everyone]
    except PeopleFileError as error:
        team = []
        if not as_json:
            console.print(f"only who submitted something is shown: {error}", style="red", markup=False, soft_wrap=True)
    everyone = {person: counted.get(person, Score()) for person in sorted({*team, *counted})}
    if as_json:
        people = [{"person": person, **figures(score)} for person, score in everyone.items()]
        typer.echo(json.dumps({"note": NOT_COMPARABLE, "people": people, "total": figures(together(counted.values()))}))
        return
    console.print(_table("Findings", _FINDINGS, everyone), _table("Reviews and time", _REVIEWS, everyone))
    console.print(NOT_COMPARABLE, soft_wrap=True)
    console.print(
        "A finding counts once, for who first gave it, by its last grade; a catch is a miss that a reviewer added and "
        "that stood; what was found only after a reviewer named it counts as missed.",
        soft_wrap=True,
    )


def _table(title: str, columns: dict[str, str], everyone: dict[str, Score]) -> Table:
    table = Table("person", title=title, title_justify="left", show_footer=True)
    total = figures(together(everyone.values()))
    table.columns[0].footer, table.columns[0].no_wrap = "together", True
    for name, heading in columns.items():
        table.add_column(heading, footer=_shown(total[name]), justify="right")
    for person, score in everyone.items():
        row = figures(score)
        table.add_row(escape(person), *(_shown(row[name]) for name in columns))
    return table


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
