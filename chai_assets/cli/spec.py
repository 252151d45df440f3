"""`chai spec`: look at the specification, compare versions, write the next one and release it.

Commands only parse and print; what they do is in the modules they call.
"""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_resources.settings import Settings

if TYPE_CHECKING:
    from chai_assets.spec.versioning.releases import Releases

app = typer.Typer(
    help="The caption specification: check it, compare versions, write the next one, release it.\n\n"
    "The usual way: `chai spec new 1.2.0`, edit its files, `chai spec lint 1.2.0`, `chai spec diff 1.1.0 1.2.0`, "
    "`chai plan --to 1.2.0` to see what it costs, `chai spec release 1.2.0`.",
    no_args_is_help=True,
)
console = Console()

Version = Annotated[str, typer.Argument(help="A version, such as 1.1.0.")]


def _releases() -> "Releases":
    from chai_assets.spec.versioning.releases import releases_in

    return releases_in(Settings.from_env().specs)


@app.command("list")
def list_versions() -> None:
    """Show every version: released or still being written, how large, and which is in force."""
    releases, settings = _releases(), Settings.from_env()
    in_force = settings.spec_version or releases.newest
    table = Table("version", "state", "questions", "primitives", "hash")
    for version in releases.written:
        spec = releases.read(version)
        state = "in force" if version == in_force else "released" if version in releases.locked else "being written"
        questions = sum(len(aspect.attributes) for aspect in spec.aspects.values())
        primitives = sum(len(aspect.primitives) for aspect in spec.aspects.values())
        table.add_row(escape(version), state, str(questions), str(primitives), spec.hash[:12])
    console.print(table)
    console.print(f"in {releases.root}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def lint(version: Annotated[str, typer.Argument(help="A version; the newest written by default.")] = "") -> None:
    """Check a version: what contradicts itself, can never hold, is said twice, or lacks a rule or an example.

    Every problem stands with its file and line and what to do about it; the exit status is 1 if there is one.
    Sentences that the caption linter would take wrongly are named too, and stop nothing.
    """
    from chai_assets.linting.generated_sentences import unheard
    from chai_assets.spec.authoring.lint import lint_spec

    releases = _releases()
    chosen = version or releases.written[-1]
    spec = releases.read(chosen)
    problems = lint_spec(spec, releases.root / chosen)
    for aspect in spec.aspects.values():
        for one in unheard(aspect):
            note = f"the caption linter, {aspect.id}/{one.primitive}: “{one.sentence}” {one.fault}"
            console.print(note, soft_wrap=True, highlight=False, markup=False)
    for problem in problems:
        console.print(f"{chosen}/{problem}", soft_wrap=True, highlight=False, markup=False)
    if problems:
        console.print(f"{len(problems)} problems in {chosen}", style="red", markup=False)
        raise typer.Exit(1)
    said = f"{chosen} is sound: nothing contradicts itself, and every primitive can be given and explained"
    console.print(said, markup=False)


@app.command()
def handbook(
    to: Annotated[Path, typer.Option(help="Folder to write it to.")] = Path("handbook"),
    version: Annotated[str, typer.Option(help="A version; the newest written by default.")] = "",
) -> None:
    """Write the annotators' handbook as HTML pages, for instance of a version that is being written."""
    from chai_assets.spec.handbook.pages import handbook as pages_of

    releases = _releases()
    to.mkdir(parents=True, exist_ok=True)
    for name, text in pages_of(releases.read(version or releases.written[-1])).items():
        (to / name).write_text(text, encoding="utf-8")
    console.print(f"open {to / 'index.html'} in a browser", soft_wrap=True, highlight=False, markup=False)


@app.command()
def questions(
    version: Annotated[str, typer.Option(help="A version; the newest release by default.")] = "",
) -> None:
    """Print a yes/no question for every primitive, one JSON object a line, to evaluate a model with."""
    from chai_assets.spec.questions import questions as questions_of

    releases = _releases()
    for aspect in releases.read(version or releases.newest).aspects.values():
        for question in questions_of(aspect):
            print(json.dumps(question, ensure_ascii=False))


@app.command()
def diff(
    old: Version,
    new: Version,
    words: Annotated[bool, typer.Option("--words", help="List what was only reworded, too.")] = False,
) -> None:
    """Show what changed between two versions: which questions, primitives and policies, and whether meaning did."""
    from chai_assets.spec.versioning.diff import diff as changes_between
    from chai_assets.spec.versioning.diff import step_needed

    releases = _releases()
    changes = changes_between(releases.read(old), releases.read(new))
    table = Table("aspect", "part", "id", "kind", "what")
    for change in changes:
        if words or change.kind != "wording" or change.part in ("policy", "instruction"):
            color = {"wording": "dim", "addition": "green", "meaning": "red"}[change.kind]
            named = map(escape, (change.aspect, change.part, change.id))
            table.add_row(*named, f"[{color}]{change.kind}[/{color}]", escape(change.what))
    if table.row_count:
        console.print(table)
    kinds = Counter(change.kind for change in changes)
    counts = ", ".join(f"{kinds[kind]} of {kind}" for kind in ("meaning", "addition", "wording") if kinds[kind])
    compared, step = f"{escape(old)} to {escape(new)}", step_needed(changes)
    console.print(f"{compared}: {counts or 'no change'}; that needs a step of [bold]{step}[/bold]")


@app.command()
def new(version: Version) -> None:
    """Begin the next version: a copy of the newest release, to be edited."""
    from chai_assets.spec.authoring.release import begin

    folder = begin(_releases(), version)
    console.print(f"{folder} is a copy of the newest release: edit it.", soft_wrap=True, highlight=False, markup=False)
    then = f"Then: `chai spec lint {version}`, `chai plan --to {version}`, `chai spec release {version}`."
    console.print(then, markup=False)


@app.command()
def release(version: Version) -> None:
    """Release a version: its hash is recorded, and it may not be changed any more.

    It must be free of problems, and its number must say what it changes: a patch rewords, a minor version adds,
    a major version changes a meaning or removes something.
    """
    from chai_assets.spec.authoring.release import release as record

    done = record(_releases(), version)
    kinds = Counter(change.kind for change in done.changes)
    console.print(f"[bold]{escape(version)}[/bold] is released ({dict(kinds)}); it has hash {done.spec.hash[:12]}.")
    console.print("A running deployment asks for one backfill of the batches it changes; or run `chai backfill`.")
