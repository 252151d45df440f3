"""The demo: practice clips go through the whole loop on real services, driven by the platform's own sensors.

It puts two folders into the inbox and lets practice people work; runs that sensors and schedules start do the rest, as
in daily use. Run again, it goes on from where it was, or finds nothing left to do.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from dagster_graphql import DagsterGraphQLClient
from rich.console import Console
from rich.markup import escape

from chai_assets.annotation.push import OPEN
from chai_assets.core.partitions import batches as batches_partition
from chai_assets.core.rows import ClipRow, SourceRow, read_rows
from chai_assets.demo.material import write_inbox
from chai_assets.demo.people import SECONDS, Script, items_by_clip, respond
from chai_assets.demo.report import report
from chai_assets.deployment.local import Running, practice_model_service, up
from chai_assets.deployment.run_job import instance_of
from chai_assets.spec.resource import release_of
from chai_assets.workflow.item_state import OUT_OF_THE_LOOP, STAGES, Standing
from chai_assets.workflow.load import standings_of
from chai_assets.workflow.records import TaskKind
from chai_resources.captioners.calls.model_choice import ModelChoice
from chai_resources.captioners.registry import ENGINES
from chai_resources.environment import CHECKOUT
from chai_resources.label_studio import Annotator, LabelStudioRefused
from chai_resources.services.processes import ServiceFailed, start
from chai_resources.settings import Settings
from chai_resources.tables import Tables

PEOPLE = Path(__file__).with_name("people.yaml")
# The loop takes about a dozen hops; one that has not moved for this long will not move.
STALLED_SECONDS = 300
LOOK_EVERY_SECONDS = 2.0
DONE = {"approved", *OUT_OF_THE_LOOP}


def run_demo(settings: Settings, console: Console, engine: str = "offline") -> None:
    """Runs the loop to its end and prints what happened. Raises ServiceFailed if nothing moves any more.

    An engine other than `offline` asks a practice model, which is started beside the other services.
    """
    started = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:5.0f} s[/dim]  {escape(text)}", highlight=False)

    settings.home.mkdir(parents=True, exist_ok=True)
    if not settings.people.exists():
        settings.people.write_bytes(PEOPLE.read_bytes())
    if engine != "offline":
        settings = with_practice_model(settings, engine, say)
    say("practice clips: rendering some, fetching some real ones")
    write_inbox(Path(settings.inbox), CHECKOUT / ".chai" / "cache")
    demo = Demo(settings, up(settings, say), say)
    if demo.finished():
        report(demo.tables, demo.script(), demo.standings(), settings, console)
        console.print("\n[bold green]Nothing was left to do.[/bold green]")
        return
    demo.ensure_spec()
    demo.run_loop()
    demo.export()
    report(demo.tables, demo.script(), demo.standings(), settings, console)


def with_practice_model(settings: Settings, engine: str, say: Callable[[str], None]) -> Settings:
    """Starts the practice model and has the engine ask it. Raises ServiceFailed where its port is taken."""
    if engine not in ENGINES:
        raise ServiceFailed(f"{engine} is no engine: choose one of {', '.join(sorted(ENGINES))}")
    say("a practice model")
    url = f"http://127.0.0.1:{settings.practice_model_port}"
    start(settings.home, practice_model_service(settings), say)
    model = ModelChoice(model="practice-2026-01-01", url=f"{url}/v1" if engine == "openai" else url)
    return settings.model_copy(update={"captioner": engine, "model": model})


@dataclass
class Demo:
    """One demo: a running deployment, and the practice people at their pages."""

    settings: Settings
    running: Running
    say: Callable[[str], None]
    sessions: dict[str, Annotator] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = Tables(root=self.settings.tables)
        self.release = release_of(self.settings)
        self.instance = instance_of(self.settings)
        self.dagster = DagsterGraphQLClient("127.0.0.1", port_number=self.settings.dagster_port)

    def batches(self) -> list[str]:
        """Folders in the inbox: what the demo has to bring to its end."""
        return sorted(folder.name for folder in Path(self.settings.inbox).iterdir() if folder.is_dir())

    def standings(self) -> list[Standing]:
        """Where every item of every batch stands."""
        return [item for batch in self.batches() for item in standings_of(self.tables, self.release, batch)]

    def script(self) -> Script:
        """What the practice people know of the clips ingested so far."""
        return Script(
            self.release.load(), items_by_clip(read_rows(self.tables, ClipRow), read_rows(self.tables, SourceRow))
        )

    def approved(self) -> bool:
        """Whether every batch is ingested and all its items have come to their end."""
        arrived = set(self.instance.get_dynamic_partitions(batches_partition.name or ""))
        items = self.standings()
        return arrived.issuperset(self.batches()) and bool(items) and all(item.stage in DONE for item in items)

    def finished(self) -> bool:
        """Whether nothing is left: all approved, every task closed, no run under way, the dataset up to date."""
        return self.approved() and self.settled() and self.exported()

    def settled(self) -> bool:
        """Whether every task is closed and no run is queued or under way."""
        states = {row["chai_key"]: row["state"] for row in self.tables.rows("tasks")}
        busy = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
        )
        return not any(state in OPEN for state in states.values()) and not self.instance.get_runs_count(busy)

    def exported(self) -> bool:
        """Whether the last dataset was made from the triples as they are now."""
        version = f'"triples": {self.tables.version("triples")}'
        return any(version in row["manifest"] for row in self.tables.rows("datasets"))

    def ensure_spec(self) -> None:
        """Records the specification in Dagster, once."""
        if self.instance.get_latest_materialization_event(dg.AssetKey("spec")) is None:
            self.launch("publish_spec")

    def export(self) -> None:
        """Publishes the dataset, as the nightly schedule does."""
        self.say("exporting the dataset")
        self.launch("export")

    def launch(self, job: str) -> None:
        """Runs a job through Dagster and waits for it. Raises ServiceFailed if it fails."""
        run_id = self.dagster.submit_job_execution(job, repository_location_name="chai")
        while (status := self.dagster.get_run_status(run_id)) not in _ENDED:
            time.sleep(1)
        if status != dg.DagsterRunStatus.SUCCESS:
            raise ServiceFailed(f"job {job} failed: see {self.settings.dagster_url}/runs/{run_id}")

    def run_loop(self) -> None:
        """Lets practice people answer whatever is in their queues until every item has come to its end."""
        moved, before, reported = time.monotonic(), None, ""
        while not (self.approved() and self.settled()):
            answered = sum(
                self.work_off(person.person.email, person.password, list(person.queues))
                for person in self.running.logins
            )
            stages = Counter(item.stage for item in self.standings())
            now = (answered, tuple(sorted(stages.items())), self.tables.version("tasks"))
            if answered or now != before:
                moved, before = time.monotonic(), now
            line = ", ".join(f"{count} {stage}" for stage, count in sorted(stages.items(), key=lambda s: _ORDER[s[0]]))
            if line and line != reported:
                self.say(line)
                reported = line
            if time.monotonic() - moved > STALLED_SECONDS:
                raise ServiceFailed(
                    f"nothing has moved for {STALLED_SECONDS} s ({line or 'no clip was ingested'}): look at the "
                    f"runs and sensors at {self.settings.dagster_url}, then `make demo` again; it goes on from here"
                )
            time.sleep(LOOK_EVERY_SECONDS)

    def work_off(self, email: str, password: str, kinds: list[TaskKind]) -> int:
        """Answers every task in a person's queues; returns how many."""
        if email not in self.sessions:
            self.sessions[email] = Annotator(self.settings.label_studio_url, email, password)
        session, count = self.sessions[email], 0
        script = self.script()
        for kind in kinds:
            project = self.running.label_studio.require_project(kind)
            for task in session.queue(project):
                if task["data"]["clip_id"] not in script.items:
                    continue
                try:
                    session.submit(task["id"], respond(script, kind, task["data"]), SECONDS[kind])
                    count += 1
                except LabelStudioRefused as refusal:
                    # Closed between listing and answering: the item has moved on.
                    self.say(f"{kind} task {task['id']}: {refusal}")
        return count


_ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
_ORDER = {stage: number for number, stage in enumerate(sorted(STAGES, key=lambda stage: stage in OUT_OF_THE_LOOP))}
