"""`chai audit`: what is doubtful in the captions or the critiques of any JSONL file, or of a published dataset.

Commands only parse and print; what they do is in the modules they call.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from chai_assets.auditing.jsonl import AuditRefused, Fields
from chai_assets.auditing.report import AuditReport, Measure

app = typer.Typer(
    help="Audit the captions or critiques of any dataset given as JSONL, or of a published one in its own form.",
    no_args_is_help=True,
)
console = Console()

File = Annotated[Path, typer.Argument(help="A .jsonl or .jsonl.gz file, or with --as one of a published dataset.")]
Published = Annotated[
    str, typer.Option("--as", help="Name of the published dataset that the file is of; `chai audit published`.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole report as JSON, and nothing else.")]
Out = Annotated[Path | None, typer.Option("--out", help="Also write the report as one HTML page.")]
_FIELD = "Detected if not given; `a.b` for a field within a field."


@app.command()
def captions(
    file: File,
    caption_field: Annotated[str, typer.Option(help=f"Field of the caption. {_FIELD}")] = "",
    aspect_field: Annotated[str, typer.Option(help=f"Field of the aspect it describes. {_FIELD}")] = "",
    published: Published = "",
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Loose terms, guesses, moods, talk of the video, aspects never touched, repetition, refusals, language.

    Judged by the specification in force. A caption with an aspect is read as one of that aspect, else as a whole one.
    """
    from chai_assets.auditing.captions import audit_captions, audit_published_captions
    from chai_assets.spec.resource import release_of
    from chai_resources.settings import Settings

    spec = release_of(Settings.from_env()).load()
    fields = Fields(text=caption_field, aspect=aspect_field)
    _refuse_both(published, "--caption-field" * bool(caption_field) or "--aspect-field" * bool(aspect_field))
    audit = (
        partial(audit_published_captions, file, published, spec)
        if published
        else partial(audit_captions, file, spec, fields)
    )
    _show(_with_progress(file, audit), as_json, out)


@app.command()
def critiques(
    file: File,
    critique_field: Annotated[str, typer.Option(help=f"Field of the critique. {_FIELD}")] = "",
    draft_field: Annotated[str, typer.Option(help=f"Field of the caption it is about. {_FIELD}")] = "",
    published: Published = "",
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """The share of critiques that an editor could apply without the video, that quote their caption, or say nothing."""
    from chai_assets.auditing.critiques import audit_critiques, audit_published_critiques

    fields = Fields(text=critique_field, draft=draft_field)
    _refuse_both(published, "--critique-field" * bool(critique_field) or "--draft-field" * bool(draft_field))
    audit = partial(audit_published_critiques, file, published) if published else partial(audit_critiques, file, fields)
    _show(_with_progress(file, audit), as_json, out)


@app.command("published")
def published_datasets() -> None:
    """The published datasets that --as names, with the files and fields that are read."""
    from chai_assets.auditing.published.captions import CAPTION_SETS
    from chai_assets.auditing.published.critiques import CRITIQUE_SETS

    for kind, sets in (("captions", CAPTION_SETS), ("critiques", CRITIQUE_SETS)):
        for one in sets:
            _say(f"chai audit {kind} FILE --as {one.name}", "bold")
            _say(f"  {one.title}: {one.files}\n  read are {one.form}")


def _refuse_both(published: str, field: str) -> None:
    """Ends the command where a published dataset is named and a field as well."""
    if published and field:
        message = f"--as {published} knows its fields: leave out {field}, or --as"
        Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)


def _with_progress(file: Path, audit: Callable[[Callable[[int], None]], AuditReport]) -> AuditReport:
    """The audit of a file, with a bar on standard error; the command ends where it cannot be audited."""
    size = file.stat().st_size if file.exists() else 0
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"reading {file.name}", total=size)
            return audit(lambda done: bar.update(task, completed=done))
    except AuditRefused as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _show(report: AuditReport, as_json: bool, out: Path | None) -> None:
    if out:
        from chai_assets.auditing.page import page

        try:
            out.write_text(page(report), encoding="utf-8")
        except OSError as error:
            message = f"{out} cannot be written ({error.strerror}): choose another place"
            Console(stderr=True).print(message, style="red", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
        return
    fields = ", ".join(f"{name} = {path}" for name, path in report.fields.items())
    _say(f"{report.title}\n{report.texts:,} texts of {report.file} ({fields})")
    if failures := report.failures():
        _say("Failures: " + ", ".join(f"{name} {percent(measure)}" for name, measure in failures.items()), "bold")
    for name, measure in failures.items():
        for example in measure.examples[:1]:
            _say(f"  {name}, line {example.line}: {example.words}")
            _say(f"    {example.text}", "dim")
    console.print(_measures(report))
    _say("words: " + ", ".join(f"{name} {words}" for name, words in report.lengths.items()))
    if report.problems.count:
        _say(f"{report.problems.count:,} lines could not be used, first:", "red")
    for problem in report.problems.first:
        _say(f"  line {problem.line}: {problem.reason}")
    if report.worst:
        _say("Worth a look first:", "bold")
    for example in report.worst:
        _say(f"  line {example.line}: {example.words}")
        _say(f"    {example.text}", "dim")
    if out:
        _say(f"open {out} in a browser")


def _measures(report: AuditReport) -> Table:
    table = Table("", "texts", "of", "share (95 %)", "what it is", "first lines")
    for measure in (measure for measure in report.measures if measure.of):
        first = Text(", ".join(f"{one.line}" for one in measure.examples))
        table.add_row(measure.name, f"{measure.count:,}", f"{measure.of:,}", percent(measure), measure.meaning, first)
    return table


def percent(measure: Measure) -> str:
    """A measure's share as shown, with its 95 % interval."""
    if measure.share is None or measure.interval is None:
        return "-"
    low, high = measure.interval
    return f"{measure.share:.1%} ({100 * low:.1f}-{high:.1%})"


def _say(text: str, style: str = "") -> None:
    console.print(Text(text, style), soft_wrap=True)
