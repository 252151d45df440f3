"""Whatever people do, in whatever order: nothing they submitted is lost, and no triple rests on what they took back.

Random sequences of answers, edits, garbage and deletions go through a real Label Studio and the real collectors.
After every step the promises are checked against a model that knows what was submitted.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

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
STEPS = 14


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
        return sorted(found, key=lambda entry: entry[2]["data"]["chai_key"])

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
        """The promises."""
        self.world.advance(self.batch)
        tables = self.world.tables
        events = tables.rows("annotation_events", self.batch)
        archived: dict[int, set[str]] = {}
        for event in events:
            if event["what"] == "submitted":
                result = _text(json.loads(event["annotation"])["result"])
                archived.setdefault(event["annotation_id"], set()).add(result)
        for annotation, versions in self.versions.items():
            assert set(versions) <= archived.get(annotation, set()), "a version that a person submitted is lost"
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


def _answer(draw: st.DataObject, world: World, kind: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    if kind == "primitives":
        text = draw.draw(st.sampled_from(["a red ball", "a blue ball"]))
        answers = plain_answers(world.spec.aspects[data["aspect"]], text)
        return labeling_page.write(data, labeling_page.Labels(answers, None, None))
    if kind == "critique":
        remarks = draw.draw(st.lists(st.sampled_from(REMARKS), max_size=2, unique=True))
        findings = tuple(Finding.missing(data["draft_id"], remark) for remark in remarks)
        return critique_page.write(data, critique_page.CritiqueAnswer(3 if remarks else 5, findings))
    if kind == "review":
        ticks = tuple((finding["finding_id"], True) for finding in data["findings"])
        if draw.draw(st.integers(0, 2)):
            return review_page.write(data, review_page.ReviewAnswer("approve", ticks, (), (), None))
        rejection = review_page.ReviewAnswer("reject", ticks, ("Snow lies.",), ("critique_incomplete",), None)
        return review_page.write(data, rejection)
    plea = draw.draw(st.sampled_from([("understood", None), ("request_regrade", "It does not snow.")]))
    return feedback_page.write(data, feedback_page.FeedbackAnswer(*plea))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, label_studio_server: LabelStudioHandle):
    with pytest.MonkeyPatch.context() as patch:
        yield World(Path(tmp_path_factory.mktemp("property")) / "home", label_studio_server, patch)


@pytest.mark.timeout(900)
@settings(max_examples=4, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate])
@given(draw=st.data())
def test_nothing_is_lost_and_no_triple_rests_on_what_was_taken_back(world: World, draw: st.DataObject) -> None:
    crowd = Crowd(world, f"property-{len(set(world.tables.read('clips')['batch']))}")
    for person, kind, task in crowd.open_tasks():
        crowd.submit(person, kind, task, _answer(draw, world, kind, task["data"]))
    crowd.check()
    for _ in range(STEPS):
        tasks, living = crowd.open_tasks(), crowd.living()
        action = draw.draw(st.sampled_from(["answer"] * 6 + ["edit"] * 3 + ["garbage", "delete"]))
        if action == "answer" and tasks:
            # Whoever sits down works off a few tasks; the platform hears of them at once.
            for person, kind, task in draw.draw(
                st.lists(st.sampled_from(tasks), max_size=3, unique_by=lambda t: t[2]["id"])
            ):
                crowd.submit(person, kind, task, _answer(draw, world, kind, task["data"]))
        elif action in ("edit", "garbage"):
            annotation = draw.draw(st.sampled_from(living))
            _, kind, task = crowd.task_of[annotation]
            garbage = [{"id": "x", "from_name": "nobody", "to_name": "y", "type": "choices", "value": {}}]
            crowd.edit(annotation, garbage if action == "garbage" else _answer(draw, world, kind, task["data"]))
        elif action == "delete":
            crowd.delete(draw.draw(st.sampled_from(living)))
        crowd.check()
