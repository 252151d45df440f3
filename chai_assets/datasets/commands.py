"""`chai dataset ...`: look at published datasets and check them, anywhere."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Published datasets: look at them and check them.", no_args_is_help=True)
console = Console()


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of a dataset: the one that holds manifest.json.")],
) -> None:
    """Check every file, hash chain and split of a dataset against its manifest. Needs nothing but the folder."""
    from chai_assets.datasets.verify import verify_dataset

    problems = verify_dataset(folder)
    for problem in problems:
        console.print(f"[red]{problem}[/red]", soft_wrap=True, highlight=False)
    if problems:
        raise typer.Exit(1)
    console.print(f"{folder} is whole: every file, chain and split is as its manifest says")


@app.command()
def ablations(
    dataset: Annotated[Path, typer.Argument(help="Folder of a dataset: the one that holds manifest.json.")],
    out: Annotated[Path, typer.Option(help="New folder for the degraded critiques, outside the dataset.")],
    variants: Annotated[list[str] | None, typer.Option(help="Variants to make; all by default.")] = None,
    engine: Annotated[str, typer.Option(help="What writes them: rule, or a captioner that offers the task.")] = "rule",
) -> None:
    """Write degraded critiques of a dataset (inaccurate, incomplete, not constructive) into a folder of their own."""
    from chai_assets.datasets.ablations import Refused, run

    try:
        for line in run(dataset, out, variants, engine):
            console.print(line, soft_wrap=True, highlight=False)
    except Refused as refusal:
        console.print(f"[red]{refusal}[/red]", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from refusal
