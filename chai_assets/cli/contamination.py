"""`chai dataset contamination`: what of a dataset stands in a public benchmark, before it is released."""

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_resources.settings import Settings

if TYPE_CHECKING:
    from chai_assets.datasets.contamination.against import Contamination

console = Console()

Against = Annotated[
    list[Path], typer.Option(help="A folder of clips, or a JSONL file with captions or clips; may be given again.")
]
_SHOWN = 20


def contamination(
    against: Against,
    dataset: Annotated[
        str, typer.Argument(help="A folder, an s3:// prefix, an id (or how it begins), or `latest`.")
    ] = "latest",
    caption_field: Annotated[str, typer.Option(help="Field of the captions in a JSONL; found by its name.")] = "",
    video_field: Annotated[str, typer.Option(help="Field of a clip's file in a JSONL; found by its name.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for matches.parquet and certificate.json.")] = None,
) -> None:
    """Compare a dataset's clips and captions with a public benchmark; the status is 1 if any is in it.

    Clips are compared by their pictures, also cropped, mirrored or cut elsewhere; captions by their runs of 8 words.

    Example: chai dataset contamination latest --against ~/vdc.jsonl --against ~/dream-1k
    """
    from chai_assets.datasets.contamination.against import ContaminationCheck, captions_of
    from chai_assets.datasets.contamination.benchmark import read_benchmark
    from chai_assets.datasets.read.published import open_dataset
    from chai_assets.datasets.write.new_folder import check_results_folder

    settings = Settings.from_env()
    found = open_dataset(dataset, settings.datasets)
    folder = out or Path(f"contamination-{found.short}")
    check_results_folder(folder)
    benchmarks = [read_benchmark(path, caption_field, video_field) for path in against]
    with console.status("reading") as status:
        check = ContaminationCheck.of(benchmarks, settings, lambda said: status.update(escape(said)))
        result = check.run(captions_of(found))
    _write(result, found.id, folder)
    _print(result)
    console.print(
        f"{folder} holds the table and the certificate of {found.id}", soft_wrap=True, highlight=False, markup=False
    )
    if len(result.matches):
        raise typer.Exit(1)


def _write(result: "Contamination", dataset_id: str, folder: Path) -> None:
    """The table first, so that a certificate never speaks of rows that are not there."""
    from chai_assets.datasets.write.new_folder import write_results

    said = {"dataset_id": dataset_id, "contamination": [one.model_dump() for one in result.certificates]}
    table = BytesIO()
    result.matches.write_parquet(table)
    text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    write_results(folder, {"matches.parquet": table.getvalue(), "certificate.json": text.encode()})


def _print(result: "Contamination") -> None:
    for one in result.certificates:
        console.print(one.sentence(), soft_wrap=True, highlight=False, markup=False)
        if one.clips_not_compared:
            console.print(
                f"{one.clips_not_compared:,} clips of the dataset could not be compared: their pictures are plain, or "
                "their media are not here",
                soft_wrap=True,
                highlight=False,
            )
    if result.matches.is_empty():
        return
    table = Table("what", "of the dataset", "of the benchmark", "score", "why", box=None, pad_edge=False)
    for row in result.matches.head(_SHOWN).iter_rows(named=True):
        record = row["record_id"] or row["clip_id"]
        theirs = f"{row['benchmark']}: {row['benchmark_id']}"
        table.add_row(*map(escape, (row["what"], record, theirs, f"{row['score']:.2f}", row["why"])))
    console.print(table)
    if len(result.matches) > _SHOWN:
        console.print(f"... and {len(result.matches) - _SHOWN:,} more, in the table")
