"""`chai dataset ...`: publish datasets, look at them, check and evaluate them.

Each command imports what it needs when it runs, so that a list is there at once.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chai_assets.cli.contamination import contamination
from chai_resources.settings import Settings

app = typer.Typer(
    help="Published datasets: look at them, compare and check them.\n\n"
    "A dataset is named by its folder, its s3:// prefix, its id or the beginning of it, or `latest`. To look at "
    "the demo's: CHAI_HOME=.chai/demo chai dataset show latest",
    no_args_is_help=True,
)
console = Console()
app.command()(contamination)

Address = Annotated[str, typer.Argument(help="A folder, an s3:// prefix, an id (or how it begins), or `latest`.")]


def _root() -> str:
    return Settings.from_env().datasets


@app.command("list")
def list_datasets(
    root: Annotated[str, typer.Argument(help="Folder or s3:// prefix of datasets; the platform's by default.")] = "",
) -> None:
    """List the published datasets, the earliest first, and which is the latest.

    Example: chai dataset list s3://captions/datasets
    """
    from chai_assets.cli.dataset_output import print_list
    from chai_assets.datasets.read.published import list_datasets

    found = list_datasets(root or _root())
    print_list(found, root or _root(), console)
    for listed in found:
        if listed.problem:
            console.print(listed.problem, style="red", soft_wrap=True, highlight=False, markup=False)


@app.command()
def show(dataset: Address = "latest") -> None:
    """Show what a dataset says of itself: counts, what was left out and why, what it was made from, its files.

    Example: chai dataset show dst_a6ad
    """
    from chai_assets.cli.dataset_output import print_dataset
    from chai_assets.datasets.read.published import open_dataset

    print_dataset(open_dataset(dataset, _root()), console)


@app.command()
def diff(
    old: Address,
    new: Address = "latest",
    json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
    shown: Annotated[int, typer.Option(help="Changed triples to show word by word.", min=0)] = 3,
) -> None:
    """Show what differs between two datasets: counts, triples, sides of sources, what they were made from, files.

    A triple whose caption was written anew is one change. A source that moved to the other side of the split
    would be said in red: it must not happen.

    Example: chai dataset diff dst_a6ad latest --shown 10
    """
    from chai_assets.cli.dataset_output import print_difference
    from chai_assets.datasets.read.diff import ComparedDataset, compare
    from chai_assets.datasets.read.published import open_dataset

    before, after = open_dataset(old, _root()), open_dataset(new, _root())
    with before.rows() as old_rows, after.rows() as new_rows:
        found = compare(ComparedDataset(before.manifest, old_rows), ComparedDataset(after.manifest, new_rows), shown)
    if json:
        print(found.as_json())
    else:
        print_difference(before, after, found, console)


@app.command()
def verify(dataset: Address) -> None:
    """Check every file, hash chain and split of a dataset against its manifest; the status is 1 if any is wrong.

    Whoever has no platform runs `python verify.py` in the dataset's folder: the same check, with Python alone.

    Example: chai dataset verify .chai/demo/datasets/dst_a6adaa7ae7208d99563651ad955c2673
    """
    from chai_assets.cli.dataset_output import check
    from chai_assets.datasets.read.published import open_store

    place = open_store(dataset, _root())
    problems = check(place, console)
    for problem in problems:
        console.print(problem, style="red", soft_wrap=True, highlight=False, markup=False)
    if problems:
        console.print(f"{place.root} is NOT what its manifest says", soft_wrap=True, highlight=False, markup=False)
        raise typer.Exit(1)
    console.print(f"{place.root} is whole: every file, chain and split is as its manifest says", soft_wrap=True)


@app.command()
def view(
    dataset: Address = "latest",
    sample: Annotated[int, typer.Option(help="How many triples to look at.", min=1)] = 200,
    media: Annotated[str, typer.Option(help="Folder of the media store; the platform's by default.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder to write the pages to.")] = None,
) -> None:
    """Write pages to leaf through a sample of a dataset: clip, draft with its findings, critique, difference, caption.

    Open index.html in a browser: no server and no network is needed. The same dataset gives the same sample, with
    every aspect and rating in it.

    Example: chai dataset view latest --sample 500 --out ~/look
    """
    from chai_assets.datasets.read.published import open_dataset
    from chai_assets.datasets.read.viewer import write_viewer

    found = open_dataset(dataset, _root())
    folder = out or Path(f"view-{found.short}")
    count = write_viewer(found, folder, sample, media or Settings.from_env().media)
    console.print(f"{count} triples of {found.id}: open {folder / 'index.html'}", soft_wrap=True, highlight=False)


@app.command()
def judge(
    dataset: Address = "latest",
    sample: Annotated[int, typer.Option(help="How many triples to ask about; 0 for all.", min=0)] = 200,
    eval_only: Annotated[bool, typer.Option("--eval-only", help="Only triples of the eval side.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write to, outside the dataset.")] = None,
) -> None:
    """Ask the model of the settings whether captions are right, and compare what it says with what people said.

    Of each triple that asked for a change the draft and the final caption are asked about, the clip in view. Asking
    again costs nothing for what was answered. A model or server has to tell log-probabilities.

    Example: CHAI_CAPTIONER=openai CHAI_MODEL=gpt-4.1-2025-04-14 chai dataset judge latest --eval-only
    """
    from chai_assets.cli.dataset_output import print_judge_report
    from chai_assets.datasets.evaluate.judge import JudgeRefused, check_output_folder, judge_dataset, write_report
    from chai_assets.datasets.read.published import open_dataset

    found = open_dataset(dataset, _root())
    folder = out or Path(f"judged-{found.short}")
    try:
        check_output_folder(folder)
        report = judge_dataset(found, sample, eval_only, Settings.from_env())
        write_report(report, found, folder, sample, eval_only)
    except JudgeRefused as refusal:
        console.print(f"[red]{refusal}[/red]", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from refusal
    print_judge_report(report, console)
    console.print(f"{folder} is written, from {found.id}", soft_wrap=True, highlight=False)
    if not report.agreements:
        raise typer.Exit(1)


@app.command()
def export(
    imported: Annotated[str, typer.Option("--import", help="Only this imported corpus, by its name.")] = "",
    aspects: Annotated[str, typer.Option(help="Aspects to take, joined by commas; all if none is named.")] = "",
    review: Annotated[str, typer.Option(help="Least review: approved, corrected or unreviewed.")] = "",
    edited: Annotated[bool, typer.Option("--edited", help="Take captions that a person wrote over, too.")] = False,
    variant: Annotated[str, typer.Option(help="post_review or pre_review.")] = "",
    critiques: Annotated[str, typer.Option(help="written or polished: whose words a critique has.")] = "",
) -> None:
    """Publish a dataset of the tables as they are now. What is not said here is as CHAI_DATASET_* says.

    The checks are the nightly job's: what is published here never becomes `latest`; name it by its id.
    """
    from chai_assets.datasets.assets import DatasetStore
    from chai_assets.datasets.export import publish_selection
    from chai_assets.datasets.write.publish import DiskFull
    from chai_assets.spec.resource import release_of
    from chai_resources.settings import Settings
    from chai_resources.tables import Tables

    given = {"imported": imported, "aspects": aspects, "review": review, "variant": variant}
    given |= {"critiques": critiques, "edited": edited}
    try:
        settings = Settings.from_env()
        store = DatasetStore.of(settings)
        selection = store.model_copy(update={name: value for name, value in given.items() if value}).selection
        tables, release = Tables(root=settings.tables), release_of(settings)
        with console.status("reading the tables") as status:
            checked = store.contamination(tables, status.update)
            published = publish_selection(
                tables, release, selection, store.root, status.update, store.tokenizer, checked
            )
    except (ValueError, DiskFull) as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from None
    manifest = published.manifest
    for what, counts in {"split": manifest.counts.by_split, "aspect": manifest.counts.by_aspect}.items():
        console.print(f"{what:12} " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    for entry in manifest.left_out:
        console.print(f"left out     {entry.count:,} {entry.what}(s): {entry.reason}", soft_wrap=True, highlight=False)
    done = "published" if published.new else "already published"
    console.print(f"{done} {published.uri}", soft_wrap=True, highlight=False)


@app.command()
def ablations(
    dataset: Annotated[Path, typer.Argument(help="Folder of a dataset: the one that holds manifest.json.")],
    out: Annotated[Path, typer.Option(help="New folder for the degraded critiques, outside the dataset.")],
    variants: Annotated[list[str] | None, typer.Option(help="Variants to make; all by default.")] = None,
    engine: Annotated[str, typer.Option(help="What writes them: rule, or a captioner that offers the task.")] = "rule",
) -> None:
    """Write degraded critiques of a dataset (inaccurate, incomplete, not constructive) into a folder of their own.

    With a model as engine, which the settings name, also `written_by_model`: its own critique of each draft.
    """
    from chai_assets.datasets.evaluate.ablations import AblationsRefused, run_ablations

    try:
        for line in run_ablations(dataset, out, variants, engine):
            console.print(line, soft_wrap=True, highlight=False)
    except AblationsRefused as refusal:
        console.print(f"[red]{refusal}[/red]", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from refusal
