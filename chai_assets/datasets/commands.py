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
def export(
    imported: Annotated[str, typer.Option("--import", help="Only this imported corpus, by its name.")] = "",
    aspects: Annotated[str, typer.Option(help="Aspects to take, joined by commas; all if none is named.")] = "",
    review: Annotated[str, typer.Option(help="Least review: approved, corrected or unreviewed.")] = "",
    edited: Annotated[bool, typer.Option("--edited", help="Take captions that a person wrote over, too.")] = False,
    variant: Annotated[str, typer.Option(help="post_review or pre_review.")] = "",
) -> None:
    """Publish a dataset of the tables as they are now. What is not said here is as CHAI_DATASET_* says."""
    from chai_assets.datasets.assets import DatasetStore
    from chai_assets.datasets.export import publish_selection
    from chai_assets.datasets.publish import NoRoom
    from chai_assets.spec.resource import release_of
    from chai_resources.settings import Settings
    from chai_resources.tables import Tables

    said = {"imported": imported, "aspects": aspects, "review": review, "variant": variant, "edited": edited}
    try:
        settings = Settings.from_env()
        store = DatasetStore.of(settings)
        selection = store.model_copy(update={name: value for name, value in said.items() if value}).selection
        tables, release = Tables(root=settings.tables), release_of(settings)
        with console.status("reading the tables") as status:
            published = publish_selection(tables, release, selection, store.selection, store.root, status.update)
    except (ValueError, NoRoom) as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from None
    manifest = published.manifest
    for what, counts in {"split": manifest.counts.by_split, "aspect": manifest.counts.by_aspect}.items():
        console.print(f"{what:12} " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    for entry in manifest.left_out:
        console.print(f"left out     {entry.count:,} {entry.what}(s): {entry.reason}", soft_wrap=True, highlight=False)
    said_now = "published" if published.new else "already published"
    console.print(f"{said_now} {published.uri}", soft_wrap=True, highlight=False)
