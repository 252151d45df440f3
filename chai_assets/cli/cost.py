"""`chai cost`: prints the sums of the ledger of model calls as a table."""

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_assets.inference.ledger import WAYS, costs
from chai_resources.settings import Settings
from chai_resources.tables import Tables


def show_costs(settings: Settings, by: str, console: Console) -> None:
    """Prints what models cost by one of WAYS. Raises typer.BadParameter for another."""
    if by not in WAYS:
        raise typer.BadParameter(f"--by {by} is none of {', '.join(WAYS)}")
    calls = Tables(root=settings.tables).read("model_calls")
    if calls.is_empty():
        console.print("no call to a model behind a network was made yet (the engine `offline` makes none)")
        return
    sums = costs(calls, by)
    table = Table(by, *(name for name in ("requests", "calls", "in", "cached", "out", "USD", "median s")))
    for row in sums.to_dicts():
        numbers = [row[name] for name in ("requests", "calls", "tokens_in", "tokens_cached", "tokens_out")]
        table.add_row(
            escape(row[by]),
            *(f"{number:,}" for number in numbers),
            f"{row['cost']:.2f}",
            f"{row['latency_ms'] / 1000:.1f}",
        )
    console.print(table)
    console.print(f"together {sums['cost'].sum():.2f} USD")
    if unpriced := int(sums["unpriced"].sum()):
        console.print(f"{unpriced} calls are not priced: add their model to a price file of your own (CHAI_PRICES)")
    if waiting := int(sums["waiting"].sum()):
        console.print(f"{waiting} requests wait in batches, for about {sums['promised'].sum():.2f} USD more")
    if unknown := int(sums["unknown"].sum()):
        console.print(f"{unknown} calls lost their answer on the way: the provider may have charged them too")
