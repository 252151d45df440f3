"""A small deployment for tests: real Label Studio and tables, clips without video, and people who can answer.

Steps of the loop run through the platform's own job, in this process.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.annotation.resource import FULL_LOOK_TAG
from chai_assets.core.ids import record_id
from chai_assets.core.partitions import batches
from chai_assets.definitions import build_defs
from chai_assets.deployment.provision import provision
from chai_assets.spec.compile import check_answers
from chai_assets.spec.models import NOT_APPLICABLE, UNSURE, Aspect
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.adoption import adopt
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import standings_of
from chai_resources.environment import LABEL_STUDIO_TOKEN
from chai_resources.label_studio import Annotator, LabelStudio
from chai_resources.people import People, load_people
from chai_resources.services.secrets import password_of
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.services.label_studio import LabelStudioHandle

PEOPLE = """
- {id: ann, name: Ann, email: ann@example.com, roles: [annotator]}
- {id: rev, name: Rev, email: rev@example.com, roles: [reviewer]}
- {id: rae, name: Rae, email: rae@example.com, roles: [reviewer]}
"""

# A failing test shows what was logged, and Dagster tells of every step at level DEBUG.
QUIET = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}


@dataclass
class World:
    """One deployment under `home`, on a Label Studio that several worlds may share."""

    home: Path
    server: LabelStudioHandle
    monkeypatch: pytest.MonkeyPatch
    sessions: dict[str, Annotator] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "people.yaml").write_text(PEOPLE)
        self.monkeypatch.setenv("CHAI_HOME", str(self.home))
        self.monkeypatch.setenv("CHAI_LABEL_STUDIO_URL", self.server.url)
        self.monkeypatch.setenv(LABEL_STUDIO_TOKEN, self.server.token)
        self.settings = Settings.from_env()
        self.spec = release_of(self.settings).load()
        self.tables = Tables(root=self.settings.tables)
        self.label_studio = LabelStudio(url=self.server.url, token=self.server.token)
        self.instance = dg.DagsterInstance.ephemeral()
        self.defs = build_defs(self.settings)
        # Passwords belong to the shared server, hence its home.
        provision(self.label_studio, str(self.server.home / "media"), self.people, self.server.home)

    @property
    def people(self) -> People:
        return load_people(self.settings.people)

    def add_clips(self, batch: str, count: int = 1) -> list[str]:
        """Registers a batch of clips that have rows but no video, as ingestion would; returns their ids."""
        rows = []
        for number in range(count):
            source = f"{batch}-source-{number}"
            clip_id = record_id("clip", source=source, start_ms=0, end_ms=2000)
            row = {
                "batch": batch,
                "clip_id": clip_id,
                "source_id": source,
                "name": f"{batch}-{number}",
                "shot": 0,
            }
            row |= {"start_s": 0.0, "end_s": 2.0, "duration_s": 2.0, "width": 64, "height": 36, "fps": 25.0}
            row |= {"frames": 50, "media_key": f"clips/{clip_id}.mp4", "thumb_key": f"thumbs/{clip_id}.webp"}
            rows.append({**row, "phash": "", "rights": "test", "licence": "CC0-1.0"})
        self.tables.append("sources", [{"batch": batch, "source_id": row["source_id"]} for row in rows])
        self.tables.append("clips", rows)
        adopt(self.tables, [batch], release_of(self.settings).load())
        self.instance.add_dynamic_partitions(batches.name or "", [batch])
        return [row["clip_id"] for row in rows]

    def run(self, job: str, batch: str | None = None, **tags: str) -> dg.ExecuteInProcessResult:
        """Runs a job in this process; a failed step raises."""
        definition = self.defs.resolve_job_def(job)
        return definition.execute_in_process(QUIET, partition_key=batch, instance=self.instance, tags=tags)

    def advance(self, batch: str, full_look: bool = False) -> dg.ExecuteInProcessResult:
        """One run of `advance`."""
        return self.run("advance", batch, **({FULL_LOOK_TAG: "true"} if full_look else {}))

    def standings(self, batch: str) -> list[Standing]:
        return standings_of(self.tables, release_of(self.settings), batch)

    @property
    def lineage(self) -> Lineage:
        """The specification in force, with what came before it."""
        release = release_of(self.settings)
        return release.lineage(release.in_force)

    def person(self, person_id: str) -> Annotator:
        """A person's own session with Label Studio."""
        if person_id not in self.sessions:
            person = self.people.by_id(person_id)
            assert person is not None
            password = password_of(self.server.home, person.email)
            self.sessions[person_id] = Annotator(self.server.url, person.email, password)
        return self.sessions[person_id]

    def queue(self, person_id: str, kind: str, batch: str) -> list[dict[str, Any]]:
        """Open tasks of one kind in a person's queue that belong to the batch."""
        project = self.label_studio.require_project(kind)
        return [t for t in self.person(person_id).queue(project) if t["data"]["chai_batch"] == batch]

    def ids(self, batch: str) -> dict[str, set[str]]:
        """Content-addressed ids of every record of a batch, by table."""
        keys = {"primitives": "label_id", "drafts": "draft_id", "critiques": "critique_id"}
        keys |= {"revisions": "revision_id", "reviews": "review_id", "feedback": "feedback_id"}
        keys |= {"triples": "triple_id", "merged_captions": "merged_id", "clips": "clip_id"}
        return {table: set(self.tables.read(table, batch)[key]) for table, key in keys.items()}

    def event_texts(self, batch: str) -> list[str]:
        """What was archived of people's submissions, as JSON of the results."""
        rows = self.tables.rows("annotation_events", batch)
        return [json.dumps(json.loads(r["annotation"])["result"], sort_keys=True) for r in rows if r["annotation"]]


def plain_answers(aspect: Aspect, text: str = "a red ball") -> dict[str, list[str]]:
    """A valid answer to every question of an aspect: the first that does not contradict the ones before."""
    answers: dict[str, list[str]] = {}
    for attribute in aspect.attributes:
        last_resort = [[a] for a in reversed(attribute.answers) if a in (NOT_APPLICABLE, UNSURE)]
        offered = [[text], []] if attribute.kind == "text" else [[o.id] for o in attribute.options] + last_resort
        before = _complaints(aspect, answers)
        for answer in offered:
            answers[attribute.id] = answer
            if _complaints(aspect, answers) <= before:
                break
    return answers


def _complaints(aspect: Aspect, answers: dict[str, list[str]]) -> int:
    """Problems of the answers given so far; questions not reached yet count alike before and after."""
    later = [a.id for a in aspect.attributes if a.id not in answers]
    return len([p for p in check_answers(aspect, answers) if p.split(":")[0] not in later])
