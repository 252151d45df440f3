"""`chai show`: prints the whole history of an item, or where the aspects of a clip stand."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from chai_resources.settings import Settings

if TYPE_CHECKING:
    from chai_assets.review.lead.history import HistoryEntry, ItemHistory

console = Console()


def show(
    item: Annotated[str, typer.Argument(help="CLIP/ASPECT, a clip, or the id of any record, or its beginning.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show everything that happened to one item, in order, and the datasets that hold it.

    An item is one aspect of one clip. What counts no longer, since it was edited or left behind, stands in brackets.
    Of a clip it shows where each aspect stands.
    """
    from chai_assets.datasets.read.holding import datasets_holding
    from chai_assets.review.lead.find import find_items, standing_of
    from chai_assets.review.lead.history import history_of
    from chai_assets.spec.resource import release_of
    from chai_resources.tables import Tables

    settings = Settings.from_env()
    tables, release = Tables(root=settings.tables), release_of(settings)
    items = find_items(tables, release, item)
    if len(items) == 1:
        history = history_of(tables, release, items[0])
        held = list(datasets_holding(settings.datasets, history.triples))
        if as_json:
            datasets = [{"dataset": dataset, "triple": triple} for dataset, triple in held]
            typer.echo(json.dumps({**history.as_json(), "datasets": datasets}, indent=2, ensure_ascii=False))
        else:
            _print_history(history, held)
        return
    stages = {str(one): stands.stage if (stands := standing_of(tables, release, one)) else "-" for one in items}
    if as_json:
        typer.echo(json.dumps(stages, indent=2))
        return
    for name, stage in stages.items():
        _say(f"{name}  {stage}")


def _print_history(history: "ItemHistory", held: list[tuple[str, str]]) -> None:
    _say(f"{history.item}  ({history.clip}, batch {history.item.batch})")
    _say(f"stands at: {history.stage}")
    for entry in history.entries:
        _print_entry(entry)
    for dataset, triple in held:
        _say(f"in dataset {dataset} {triple}")
    if not held:
        _say("in no dataset")


def _print_entry(entry: "HistoryEntry") -> None:
    by = f" by {entry.by}" if entry.by else ""
    head = f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.what}{by}  {entry.id}"
    _say(head if entry.counts else f"[{head}]")
    for line in entry.lines:
        _say(f"    {line}")


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
