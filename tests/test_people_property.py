"""Whatever people do, in whatever order: nothing they submitted is lost, and no triple rests on what they took back.

Random sequences of answers, edits, garbage and deletions go through a real Label Studio and the real collectors, two
hundred steps in all. After every shift, of one step or several, the platform looks and the promises are checked against
a model that knows what was submitted. Each run of the tests takes other steps: their seed is in the header.

Label Studio keeps one version of an answer; the guard keeps all that were accepted, so what an author changes or
deletes again before the platform looks is archived too.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from chai_assets.critique import page as critique_page
from chai_assets.critique.findings import Finding
from chai_assets.labeling import page as labeling_page
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from chai_assets.triples.join import join_triples, triples_in_force
from chai_resources.label_studio import LabelStudioRefused
from tests.services.label_studio import LabelStudioHandle
from tests.world import World, plain_answers

PEOPLE = {"primitives": ["ann"], "critique": ["ann"], "feedback": ["ann"], "review": ["rev", "rae"]}
REMARKS = ["A bird crosses the sky.", "It is dusk.", "Rain falls."]
SEQUENCES = 8
SHIFTS = [1, 1, 2, 2, 3, 4, 5, 7]
"""Steps that people take before the platform hears of them: 25 a sequence, in any order of the shifts."""
ACTIONS = ["answer"] * 6 + ["edit"] * 3 + ["garbage", "delete"]
OUTSIDE = {"labels": ["wrong"], "start": 9000, "end": 9001, "text": "x"}
GARBAGE: list[Any] = [
    {"id": "r", "from_name": "rating", "to_name": "draft", "type": "choices", "value": {"choices": ["3"]}},
    {"id": "m", "from_name": "kind", "to_name": "draft", "type": "labels", "value": OUTSIDE},
]
"""A critique that the guard lets through and nobody can read. On other pages it is refused."""


class Crowd:
    """People at work on one batch, and the model: what each annotation said, version by version."""

    def __init__(self, world: World, batch: str) -> None:
        self.world, self.batch = world, batch
        self.versions: dict[int, list[str]] = {}
        self.task_of: dict[int, tuple[str, str, dict[str, Any]]] = {}
        self.deleted: set[int] = set()
        world.add_clips(batch)
        world.advance(batch)

    def open_tasks(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(person, kind, task) of every task that somebody may answer now."""
        found = [
            (person, kind, task)
            for kind, people in PEOPLE.items()
            for person in people
            for task in self.world.queue(person, kind, self.batch)
        ]
        # Keys hold hashes, and the same seed shall take the same steps in every batch.
        return sorted(found, key=lambda entry: (entry[1], entry[2]["data"]["aspect"], entry[2]["id"]))

    def submit(self, person: str, kind: str, task: dict[str, Any], result: list[Any]) -> None:
        annotation = self.world.person(person).submit(task["id"], result)
        self.versions[annotation] = [_text(result)]
        self.task_of[annotation] = (person, kind, task)

    def edit(self, annotation: int, result: list[Any]) -> None:
        """Changes one's own answer; a closed task refuses, and then nothing was submitted."""
        person, _, _ = self.task_of[annotation]
        try:
            self.world.person(person).update(annotation, result)
        except LabelStudioRefused:
            return
        self.versions[annotation].append(_text(result))

    def delete(self, annotation: int) -> None:
        self.world.label_studio._api.send("DELETE", f"/api/annotations/{annotation}/")
        self.deleted.add(annotation)

    def living(self) -> list[int]:
        return sorted(set(self.versions) - self.deleted)

    def check(self) -> None:
        """The platform looks; the promises."""
        self.world.advance(self.batch)
        tables = self.world.tables
        events = tables.rows("annotation_events", self.batch)
        archived: dict[int, list[str]] = {}
        for event in sorted(events, key=lambda event: event["updated_at"]):
            if event["what"] == "submitted":
                result = _text(json.loads(event["annotation"])["result"])
                archived.setdefault(event["annotation_id"], []).append(result)
        assert archived == self.versions, "a version that a person submitted is lost, or archived twice"
        ended = {event["annotation_id"] for event in events if event["what"] == "deleted"}
        assert ended == self.deleted
        items = self.world.standings(self.batch)
        clips = {row["clip_id"]: row for row in tables.rows("clips", self.batch)}
        outcome = join_triples(items, clips, tables.rows("triples", self.batch), self.world.lineage)
        assert outcome.broken == []
        assert outcome.entries == [], "the triples are not in line with where the items stand"
        self._triples_rest_on_what_people_say_now({event["event_id"]: event for event in events})
        for kind in PEOPLE:
            project = self.world.label_studio.require_project(kind)
            assert all(len(ids) == 1 for ids in self.world.label_studio.existing(project, self.batch).values())

    def _triples_rest_on_what_people_say_now(self, events: dict[str, dict[str, Any]]) -> None:
        tables = self.world.tables
        said: dict[str, set[tuple[int, str]]] = {}
        for table, key in (("critiques", "critique_id"), ("reviews", "review_id")):
            for row in tables.rows(table, self.batch):
                event = events[row["event_id"]]
                now = (event["annotation_id"], _text(json.loads(event["annotation"])["result"]))
                said.setdefault(row[key], set()).add(now)
        current = {(annotation, self.versions[annotation][-1]) for annotation in self.living()}
        for triple in triples_in_force(tables.read("triples", self.batch)).to_dicts():
            assert said[triple["critique_id"]] & current, "a triple rests on a critique that was taken back"
            assert said[triple["review_id"]] & current, "a triple rests on a review that was taken back"


def _text(result: Any) -> str:
    return json.dumps(result, sort_keys=True)


def _answer(rng: random.Random, world: World, kind: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    if kind == "primitives":
        answers = plain_answers(world.spec.aspects[data["aspect"]], rng.choice(["a red ball", "a blue ball"]))
        return labeling_page.write(data, labeling_page.Labels(answers, None, None))
    if kind == "critique":
        remarks = rng.sample(REMARKS, rng.randint(0, 2))
        findings = tuple(Finding.missing(data["draft_id"], remark) for remark in remarks)
        return critique_page.write(data, critique_page.CritiqueAnswer(3 if remarks else 5, findings))
    if kind == "review":
        ticks = tuple((finding["finding_id"], True) for finding in data["findings"])
        if rng.randint(0, 2):
            return review_page.write(data, review_page.ReviewAnswer("approve", ticks, (), (), None))
        rejection = review_page.ReviewAnswer("reject", ticks, ("Snow lies.",), ("critique_incomplete",), None)
        return review_page.write(data, rejection)
    if rng.randint(0, 1):
        return feedback_page.write(data, feedback_page.FeedbackAnswer("understood", None))
    return feedback_page.write(data, feedback_page.FeedbackAnswer("request_regrade", "It does not snow."))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, label_studio_server: LabelStudioHandle):
    with pytest.MonkeyPatch.context() as patch:
        yield World(Path(tmp_path_factory.mktemp("property")) / "home", label_studio_server, patch)


def _step(rng: random.Random, crowd: Crowd, tasks: list[tuple[str, str, dict[str, Any]]]) -> None:
    """One person does one thing; a task that is answered leaves `tasks`, the open ones."""
    action, living = rng.choice(ACTIONS), crowd.living()
    if tasks and (action == "answer" or not living):
        person, kind, task = tasks.pop(rng.randrange(len(tasks)))
        crowd.submit(person, kind, task, _answer(rng, crowd.world, kind, task["data"]))
        return
    annotation = rng.choice(living)
    if action == "delete":
        crowd.delete(annotation)
    else:
        _, kind, task = crowd.task_of[annotation]
        crowd.edit(annotation, GARBAGE if action == "garbage" else _answer(rng, crowd.world, kind, task["data"]))


@pytest.mark.parametrize("sequence", range(SEQUENCES))
def test_nothing_is_lost_and_no_triple_rests_on_what_was_taken_back(
    world: World, sequence: int, request: pytest.FixtureRequest
) -> None:
    rng = random.Random(f"{request.config.option.hypothesis_seed}/{sequence}")
    crowd = Crowd(world, f"property-{sequence}")
    for person, kind, task in crowd.open_tasks():
        crowd.submit(person, kind, task, _answer(rng, world, kind, task["data"]))
    crowd.check()
    for steps in rng.sample(SHIFTS, len(SHIFTS)):
        tasks = crowd.open_tasks()
        for _ in range(steps):
            _step(rng, crowd, tasks)
        crowd.check()
