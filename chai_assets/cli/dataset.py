"""`chai dataset ...`: publish datasets, look at them, check and evaluate them.

Each command imports what it needs when it runs, so that a list is there at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

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
            _say(listed.problem, "red")


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

    Of a pack (`chai dataset pack`) every shard is checked as well. Whoever has no platform runs `python verify.py` in
    the dataset's folder: the same check, with Python alone.

    Example: chai dataset verify .chai/demo/datasets/dst_a6adaa7ae7208d99563651ad955c2673
    """
    from chai_assets.cli.dataset_output import check
    from chai_assets.datasets.file_names import PACK_INDEX
    from chai_assets.datasets.read.published import open_store

    place = open_store(dataset, _root())
    packed = not place.is_s3 and (Path(place.root) / PACK_INDEX).exists()
    if packed:
        from chai_assets.datasets.convert.pack import verify_pack

        problems = verify_pack(Path(place.root))
    else:
        problems = check(place, console)
    says = f"its {PACK_INDEX} says" if packed else "its manifest says"
    for problem in problems:
        _say(problem, "red")
    if problems:
        _say(f"{place.root} is NOT what {says}")
        raise typer.Exit(1)
    what = "shard, file, chain and split" if packed else "file, chain and split"
    _say(f"{place.root} is whole: every {what} is as {says}")


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
    _say(f"{count} triples of {found.id}: open {folder / 'index.html'}")


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
    from chai_assets.datasets.evaluate.judge import JudgeRefused, judge_dataset, write_report
    from chai_assets.datasets.read.published import open_dataset
    from chai_assets.datasets.write.new_folder import FolderTaken, check_results_folder

    found = open_dataset(dataset, _root())
    folder = out or Path(f"judged-{found.short}")
    try:
        check_results_folder(folder)
        report = judge_dataset(found, sample, eval_only, Settings.from_env())
        write_report(report, found, folder, sample, eval_only)
    except (JudgeRefused, FolderTaken) as refusal:
        _say(str(refusal), "red")
        raise typer.Exit(1) from refusal
    print_judge_report(report, console)
    _say(f"{folder} is written, from {found.id}")
    if not report.agreements:
        raise typer.Exit(1)


@app.command()
def questions(
    dataset: Address = "latest",
    out: Annotated[Path, typer.Option(help="New folder to write to, outside the dataset.")] = Path("questions"),
) -> None:
    """Write yes/no questions about a dataset's clips with their answers, and CameraBench's two evaluation formats.

    They follow from the labels (primitives.parquet) and the specification. Each split has a folder with
    yes_no_questions.jsonl, binary_classification/ and vqa_and_retrieval/. CameraBench's public scripts read the latter
    two as they are: `--data_dir OUT/eval/binary_classification` or `OUT/eval`, and the media store as `--video_dir`.

    Example: chai dataset questions latest --out ~/questions
    """
    from chai_assets.cli.labels import print_questions
    from chai_assets.datasets.read.label_questions import label_questions
    from chai_assets.datasets.read.published import open_dataset
    from chai_assets.datasets.write.question_files import write_questions
    from chai_assets.spec.resource import release_of

    settings = Settings.from_env()
    found = open_dataset(dataset, settings.datasets)
    asked = label_questions(found, release_of(settings).releases)
    print_questions(write_questions(asked, out), asked.unknown, console)
    _say(f"{out} is written, from {found.id}")


@app.command()
def export(
    imported: Annotated[str, typer.Option("--import", help="Only this imported corpus, by its name.")] = "",
    aspects: Annotated[str, typer.Option(help="Aspects to take, joined by commas; all if none is named.")] = "",
    review: Annotated[str, typer.Option(help="Least review: approved, corrected or unreviewed.")] = "",
    edited: Annotated[bool, typer.Option("--edited", help="Take captions that a person wrote over, too.")] = False,
    variant: Annotated[str, typer.Option(help="post_review or pre_review.")] = "",
    critiques: Annotated[str, typer.Option(help="written or polished: whose words a critique has.")] = "",
    stale: Annotated[str, typer.Option(help="mark or drop: rows that rest on a caption corrected later.")] = "",
    purposes: Annotated[str, typer.Option(help="What it is for: train,evaluate,publish,commercial.")] = "",
    formats: Annotated[str, typer.Option(help="Trainers whose own files it holds, joined by commas, or all.")] = "",
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Benchmark that it is compared with, a folder or JSONL; may be given again."),
    ] = None,
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
    given |= {"critiques": critiques, "edited": edited, "stale": stale, "purposes": purposes, "formats": formats}
    try:
        settings = Settings.from_env()
        store = DatasetStore.of(settings)
        store = store.model_copy(update={name: value for name, value in given.items() if value})
        selection = store.selection
        tables, release = Tables(root=settings.tables), release_of(settings)
        with console.status("reading the tables") as status:

            def log(said: str) -> None:
                status.update(escape(said))

            checked = store.contamination(tables, log, against or ())
            published = publish_selection(tables, release, selection, store.root, log, store.form, checked)
    except (ValueError, DiskFull) as error:
        _say(str(error), "red")
        raise typer.Exit(1) from None
    manifest = published.manifest
    for what, counts in {"split": manifest.counts.by_split, "aspect": manifest.counts.by_aspect}.items():
        _say(f"{what:12} " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    for entry in manifest.left_out:
        _say(f"left out     {entry.count:,} {entry.what}(s): {entry.reason}")
    for certificate in manifest.contamination:
        _say(certificate.sentence())
    done = "published" if published.new else "already published"
    _say(f"{done} {published.uri}")


@app.command()
def pack(
    out: Annotated[Path, typer.Option(help="New folder for the pack.")],
    dataset: Address = "latest",
    with_media: Annotated[bool, typer.Option("--with-media", help="Put the clips into the shards.")] = False,
    media: Annotated[str, typer.Option(help="Root of the media store; the platform's by default.")] = "",
) -> None:
    """Pack a dataset for travel: WebDataset shards of at most 512 MB, a tar file of clip, caption and JSON each.

    The pack holds the dataset itself, too. `tarfile` and every WebDataset loader read the shards; `chai dataset verify`
    checks a pack, and `chai dataset unpack` puts the clips back where the dataset's files name them.

    Example: chai dataset pack latest --with-media --out /mnt/disk/pack
    """
    from chai_assets.datasets.convert.pack import pack_dataset
    from chai_assets.datasets.read.published import open_dataset
    from chai_resources.media_store import MediaStore

    found = open_dataset(dataset, _root())
    store = MediaStore(root=media or Settings.from_env().media) if with_media else None
    with _clip_counter(f"packing {found.short}") as progress:
        index = pack_dataset(found, out, store, progress)
    size = sum(shard.bytes for shard in index.shards) / 1e6
    _say(f"{out}: {index.samples:,} clips of {found.id} in {len(index.shards)} shards, {size:,.0f} MB")


@app.command()
def unpack(
    pack: Annotated[Path, typer.Argument(help="Folder of a pack: the one that holds pack.json.")],
    out: Annotated[Path, typer.Option(help="New folder for the dataset and its clips.")],
) -> None:
    """Unpack a pack: the dataset into `dataset`, its clips under `media` by the keys that its files name.

    Every shard is checked first; where one is missing or damaged, nothing is written.

    Example: chai dataset unpack /mnt/disk/pack --out ~/captions
    """
    from chai_assets.datasets.convert.pack import DATASET, MEDIA
    from chai_assets.datasets.convert.pack import unpack as unpack_into

    with _clip_counter(f"unpacking {pack}") as progress:
        index = unpack_into(pack, out, progress)
    where = f", clips under {out / MEDIA}" if index.with_media else " (packed without clips)"
    _say(f"{index.dataset_id} in {out / DATASET}{where}")


@app.command()
def convert(
    to: Annotated[str, typer.Option(help="ms-swift, llama-factory, trl, qwen, diffsynth, musubi or energon.")],
    out: Annotated[Path, typer.Option(help="New folder for the files.")],
    dataset: Address = "latest",
    media: Annotated[str, typer.Option(help="Root of the media store; clips are then named by where they lie.")] = "",
) -> None:
    """Write a dataset in the files of a trainer: a folder for each side of the split, as the nightly export has them.

    Which of them the nightly export writes itself is said by CHAI_DATASET_FORMATS. Clips are named by their keys, so
    run the trainer in the media store's folder, or name it with --media. The shards for energon hold the clips.

    Example: chai dataset convert latest --to ms-swift --out ~/swift --media .chai/demo/media
    """
    from chai_assets.core.token_count import token_counter
    from chai_assets.datasets.convert.trainers import convert_dataset
    from chai_assets.datasets.read.published import open_dataset
    from chai_assets.datasets.select.dialects import WITH_CLIPS
    from chai_resources.media_store import MediaStore

    settings = Settings.from_env()
    found = open_dataset(dataset, settings.datasets)
    store, counter = MediaStore(root=media or settings.media), token_counter(settings.tokenizer)
    with _clip_counter(f"converting {found.short}") as progress:
        entries = convert_dataset(found, to, out, store, counter, whole_paths=bool(media), progress=progress)
    for entry in entries:
        _say(f"{entry.rows or 0:>10,}  {out / entry.path}")
    if to == WITH_CLIPS:
        parts = "--split-parts 'train:train/.*' --split-parts 'val:eval/.*'"
        _say(f"index the shards with: energon prepare {parts} {out}")


def _say(text: str, style: str = "") -> None:
    """A line as it is: what a dataset, a file or a person says may look like markup."""
    console.print(text, style=style, soft_wrap=True, highlight=False, markup=False)


@contextmanager
def _clip_counter(what: str) -> Iterator[Callable[[int], None]]:
    """A line that counts clips while the work goes on."""
    done = 0
    with console.status(escape(what)) as status:

        def count(more: int) -> None:
            nonlocal done
            done += more
            status.update(f"{escape(what)}: {done:,} clips")

        yield count


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
            _say(line)
    except AblationsRefused as refusal:
        _say(str(refusal), "red")
        raise typer.Exit(1) from refusal
