"""The `chai` command: start and stop a deployment, move batches on, see where they stand.

Commands only parse and print. What they do is in the modules that they call, which are imported there and then: a
command must not wait for what it does not need.
"""

from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_assets.cli.audit import app as audit_app
from chai_assets.cli.dataset import app as dataset_app
from chai_assets.cli.recall import lead_app, print_short, recall
from chai_assets.cli.show import show
from chai_assets.cli.spec import app as spec_app
from chai_resources.environment import CHECKOUT
from chai_resources.errors import ChaiError
from chai_resources.settings import Settings

if TYPE_CHECKING:
    from chai_assets.deployment.provision import Login
    from chai_assets.review.lead.waiting import Waiting
    from chai_assets.workflow.item_state import Standing

app = typer.Typer(
    help="Critique-based human-AI oversight of video captions.\n\nStart with `make demo`; work with `make up`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console()
people_app = typer.Typer()
app.add_typer(people_app, name="people")
app.add_typer(spec_app, name="spec")
app.add_typer(dataset_app, name="dataset")
app.add_typer(audit_app, name="audit")
app.add_typer(lead_app, name="lead")
app.command()(recall)
app.command()(show)

DEMO_HOME = CHECKOUT / ".chai" / "demo"


def _say(text: str) -> None:
    console.print(f"[dim]·[/dim] {escape(text)}", highlight=False)


def _print(text: str, style: str = "") -> None:
    """A line as it is: what a file or a person says may look like markup."""
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


@app.command()
def up(
    stay: Annotated[
        bool, typer.Option("--stay", help="Stay in the foreground, for systemd or a container; stops all at its end.")
    ] = False,
) -> None:
    """Start Label Studio and Dagster for daily work, in the background, and print addresses and log-ins.

    Run it again at any time: what runs stays, edits of the people file are taken over. A supervisor starts again
    whatever dies.
    """
    from chai_assets.deployment.supervisor import ended_together, supervise

    settings = Settings.from_env()
    with ended_together(settings) if stay else nullcontext():
        _up(settings, supervised=not stay)
        if stay:
            supervise(settings, _say)


def _up(settings: Settings, supervised: bool) -> None:
    from chai_assets.deployment.local import up as start

    running = start(settings, _say, supervised)
    console.print(f"\n[bold]Dagster[/bold]       {escape(settings.dagster_url)}")
    console.print(f"[bold]Label Studio[/bold]  {escape(settings.label_studio_url)}\n")
    _print_logins(running.logins)
    _print(f"\nPut videos into a new folder under {settings.inbox}: it becomes a batch.")
    _print(f"People: edit {settings.people}, then `make up` again. Stop with `make down`.")


@people_app.callback(invoke_without_command=True)
def people(
    context: typer.Context,
    demo: Annotated[bool, typer.Option("--demo", help="Those of the demo.")] = False,
) -> None:
    """Show who works here: accounts, passwords and queues. Label Studio must run."""
    if context.invoked_subcommand is None:
        from chai_assets.deployment.local import logins

        _print_logins(logins(_demo_settings() if demo else Settings.from_env()))


@people_app.command()
def scores(
    demo: Annotated[bool, typer.Option("--demo", help="Those of the demo.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show what everybody found, missed, caught and rejected, and how much of it held up in review.

    Counts over all batches, from the tables as they are now; Label Studio need not run. They do not make people
    comparable, who had different clips, drafts and reviewers.
    """
    from chai_assets.cli.people import show_scores

    show_scores(_demo_settings() if demo else Settings.from_env(), console, as_json)


@app.command()
def down(
    every: Annotated[bool, typer.Option("--all", help="Stop the demo's services too.")] = False,
) -> None:
    """Stop the services that `chai up` started. Nothing is deleted."""
    from chai_assets.deployment.local import down as stop

    settings = Settings.from_env()
    demos = sorted(DEMO_HOME.parent.glob(f"{DEMO_HOME.name}*")) if every else []
    homes = [settings, *(settings.model_copy(update={"home": home}) for home in demos)]
    stopped = [name for home in homes for name in stop(home)]
    console.print("stopped " + ", ".join(stopped) if stopped else "nothing was running")


@app.command()
def preview(
    host: Annotated[str, typer.Option(help="Address of this machine to listen on.")] = "127.0.0.1",
    connect: Annotated[
        bool | None, typer.Option("--connect/--disconnect", help="Connect the page to the running server, or not.")
    ] = None,
) -> None:
    """Serve previews of revisions to Label Studio's critique page; `chai up` does so by itself with CHAI_PREVIEW=on.

    To run it elsewhere: give it the same CHAI_HOME (its secrets.json holds the password that Label Studio shows) and
    settings as the rest, CHAI_PREVIEW_URL by which Label Studio finds it, and Label Studio, where that is a private
    address, ML_BLOCK_LOCAL_IP=false. While it runs, `chai preview --connect` connects the page to it, once and for all.
    A preview is never an answer: what counts is revised after the critique was submitted, from the same stored answer.
    """
    from chai_assets.deployment.local import label_studio_of, logins
    from chai_assets.preview.protocol import PREVIEW_USER
    from chai_assets.preview.server import Previews, serve
    from chai_resources.services.secrets import password_of

    settings = Settings.from_env()
    if connect is not None:
        logins(settings, _say, settings.preview_url if connect else "")
        return
    password = password_of(settings.home, PREVIEW_USER)
    serve(Previews(settings, label_studio_of(settings)), settings.preview_url, password, host)


@app.command()
def status() -> None:
    """Show what runs, what failed and what to do, how many items of each batch are at which stage, and what waits for
    a lead: clips that were set aside, with their problem, and questions that were answered unsure.

    At the end stand the primitives that the fewest clips have, beside their targets (CHAI_COVERAGE_TARGETS).
    """
    from chai_assets.deployment.local import NAMES
    from chai_resources.services.processes import running

    settings = Settings.from_env()
    for name in NAMES:
        console.print(f"{name:18} {'runs' if running(settings.home, name) else 'stopped'}")
    for line in _failing(settings):
        _print(line, "red")
    table, standings = Table("batch", "stage", "items"), _standings(settings)
    for batch, items in standings.items():
        for stage, count in Counter(item.stage for item in items).most_common():
            table.add_row(escape(batch), stage, str(count))
    if not table.row_count:
        _print(f"no batch yet: put a folder of videos into {settings.inbox}")
        return
    console.print(table)
    from chai_assets.cli.labels import doubt_lines, show_coverage

    for line in doubt_lines(settings, standings):
        _print(line, "yellow")
    print_short(_waiting(settings, standings), console)
    show_coverage(settings, console)


@app.command()
def advance(
    batches: Annotated[list[str] | None, typer.Argument(help="Batches to move on; all by default.")] = None,
    full_look: Annotated[bool, typer.Option(help="Look at every task, not only at what changed.")] = False,
) -> None:
    """Move batches one step on, here and now: what the `advance` job does, in this process.

    Safe at any time and any number of times: work already done is not done again.
    """
    from chai_assets.deployment.run_job import advance_here, known_batches

    settings = Settings.from_env()
    for batch in batches or known_batches(settings):
        if not advance_here(settings, batch, full_look):
            _print(f"{batch}: the run failed; the log above names the step", "red")
            raise typer.Exit(1)
        _print(f"{batch}: done")


@app.command()
def ingest(
    folder: Annotated[Path, typer.Argument(help="A folder under the inbox; its name is the batch.")],
) -> None:
    """Ingest one folder of the inbox as a batch, here and now: what the `ingest` job does."""
    from chai_assets.deployment.run_job import ingest_here

    if not ingest_here(Settings.from_env(), folder.name):
        raise typer.Exit(1)


@app.command(name="import")
def import_(
    path: Annotated[Path, typer.Argument(help="A folder or a tar (.tar, .tar.gz, ...) that holds output_captions.")],
    name: Annotated[str, typer.Option(help="What the corpus is called here; its batch is import-NAME.")],
    labels: Annotated[Path | None, typer.Option(help="Its labels, JSONL: primitive, present, absent.")] = None,
    camerabench: Annotated[
        bool, typer.Option("--camerabench", help="The labels are CameraBench's: import them as our primitives.")
    ] = False,
    licence: Annotated[str | None, typer.Option(help="Licence of its videos.")] = None,
    rights: Annotated[str | None, typer.Option(help="Who holds the rights to its videos.")] = None,
    keep_names: Annotated[
        bool, typer.Option("--keep-names", help="Keep people's names instead of pseudonyms.")
    ] = False,
) -> None:
    """Import a corpus in the original project's layout, and write an audit of it.

    Importing again adds nothing; an import that was stopped is finished by running it again.
    """
    from chai_assets.cli.import_ import run_import

    settings = Settings.from_env()
    given = {"licence": licence, "rights": rights}
    run_import(settings, console, path, name, labels=labels, keep_names=keep_names, camerabench=camerabench, **given)


@app.command()
def rights(
    batches: Annotated[list[str] | None, typer.Argument(help="Batches to look at; all by default.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Record what differs, as new rows.")] = False,
    licence: Annotated[str | None, typer.Option(help="Licence of the videos of an imported corpus.")] = None,
    holder: Annotated[
        str | None, typer.Option("--rights", help="Who holds the rights to those of an imported corpus.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Last day of the rights of an imported corpus, YYYY-MM-DD.")] = None,
    purposes: Annotated[
        str | None, typer.Option(help="What an imported corpus may be used for: train,evaluate,publish,commercial.")
    ] = None,
) -> None:
    """Show the licence and the rights holder of every batch's videos, and what their rights.yaml says by now.

    The file lies at the top of the batch's folder in the inbox. It says what holds for all files, and for single ones:
    {rights: Ada Film, licence: CC-BY-4.0, files: {clip.mp4: {licence: no-reuse}, day1/b.mov: {rights: Ben}}}.
    A name counts in any case and Unicode form. Beside them may stand `until: 2027-12-31`, the last day of a right, and
    `purposes: [train, evaluate]`, what was agreed on whatever the licence says: datasets keep to both.

    Edit it, look with `chai rights BATCH`, take it over with `chai rights BATCH --apply`. Nothing is overwritten: later
    datasets say what stands by then. While an entry names no file, or a rights file lies where nobody reads it, videos
    without an entry of their own have unknown rights, and this command ends with status 1.

    An imported corpus has no such file: `chai rights import-NAME --licence CC-BY-4.0 --rights "Ada Film" --apply`.
    """
    from chai_assets.cli.rights import show_rights

    said = {"licence": licence, "rights": holder, "until": until, "purposes": purposes}
    if not show_rights(Settings.from_env(), batches or [], console, apply, **said):
        raise typer.Exit(1)


@app.command()
def plan(
    to: Annotated[
        str, typer.Option(help="A version, released or still being written; the one in force by default.")
    ] = "",
    rows: Annotated[bool, typer.Option("--rows", help="List every row, not only the sums.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Plan for the demo's batches.")] = False,
) -> None:
    """Show what moving to a version of the specification means: rows, minutes of people, model requests, US dollars.

    Without --to also what the prompt templates on disk change: what is written again, and what stays. Also lists
    captions that rest on an upstream caption which was corrected since, with the difference.
    """
    from chai_assets.cli.plan import show_plan

    show_plan(_demo_settings() if demo else Settings.from_env(), to, rows, console)


@app.command()
def backfill(
    demo: Annotated[bool, typer.Option("--demo", help="The demo's batches.")] = False,
) -> None:
    """Move the batches that the specification in force changes to it, here and now, one after the other.

    Safe to stop and to run again: a batch that has moved is not moved twice, and what is done stays done.
    """
    from chai_assets.cli.plan import run_backfill

    if not run_backfill(_demo_settings() if demo else Settings.from_env(), console):
        raise typer.Exit(1)


@app.command()
def cost(
    by: Annotated[str, typer.Option(help="day, model, stage, aspect or batch.")] = "day",
    demo: Annotated[str, typer.Option(help="Those of the demo that ran with this engine: openai or gemini.")] = "",
) -> None:
    """Show what models cost so far: requests, calls, tokens and US dollars, from the ledger of calls.

    For example `chai cost --by aspect`. Budgets: CHAI_BUDGET_RUN and CHAI_BUDGET_DAY, in US dollars.
    """
    from chai_assets.cli.cost import show_costs

    show_costs(_demo_settings(demo) if demo else Settings.from_env(), by, console)


@app.command()
def demo(
    engine: Annotated[str, typer.Option(help="offline, or openai or gemini against a practice model.")] = "offline",
) -> None:
    """Run the whole loop on practice clips, with practice people working in a real Label Studio.

    Leaves everything running so that you can look around; run it again and it finds nothing left to do.
    With `--engine openai` or `gemini` the real SDK asks a practice model on this machine, and calls are booked.
    """
    from chai_assets.deployment.local import require_extra

    require_extra("demo", "chai demo", "dagster_graphql", "cv2")
    from chai_assets.demo.run import run_demo

    run_demo(_demo_settings(engine), console, engine)


def _demo_settings(engine: str = "offline") -> Settings:
    home = DEMO_HOME if engine == "offline" else DEMO_HOME.with_name(f"demo-{engine}")
    return Settings.from_env(CHAI_HOME=str(home), CHAI_POLL_SECONDS="5")


def _print_logins(logins: "list[Login]") -> None:
    for login in logins:
        who = f"{login.person.email}  password {login.password}"
        console.print(f"[bold]{escape(login.person.name)}[/bold]  {escape(who)}")
        for kind, url in login.queues.items():
            _print(f"  {kind:11} {url}")
            _print(f"  {'':11} {login.returned[kind]}  to correct")


def _failing(settings: Settings) -> list[str]:
    """Work whose last run failed: what, how often, and what to do."""
    from chai_assets.deployment.run_job import instance_of
    from chai_assets.orchestration.retries import failing

    if not (settings.home / "dagster").exists():  # nothing ran here yet, and a look makes nothing
        return []
    return [one.advice() for one in failing(instance_of(settings))]


def _standings(settings: Settings) -> "dict[str, list[Standing]]":
    from chai_assets.core.imported import own_work
    from chai_assets.spec.resource import release_of
    from chai_assets.workflow.load import standings_of
    from chai_resources.tables import Tables

    tables, release = Tables(root=settings.tables), release_of(settings)
    batches = sorted(set(tables.read("clips", columns=["batch"], where=own_work())["batch"]))
    return {batch: standings_of(tables, release, batch) for batch in batches}


def _waiting(settings: Settings, standings: "dict[str, list[Standing]]") -> "Waiting":
    from chai_assets.review.lead.waiting import Waiting, add_waiting
    from chai_resources.tables import Tables

    waiting, tables = Waiting(), Tables(root=settings.tables)
    for batch, items in standings.items():
        add_waiting(waiting, tables, batch, items)
    return waiting


def main() -> None:
    """Entry point: failures that a person can mend end with their message and status 1, not with a traceback."""
    try:
        app()
    except ChaiError as error:
        _print(str(error), "red")
        raise SystemExit(1) from None
