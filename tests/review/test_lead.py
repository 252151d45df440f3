"""What leads decide, on a real Label Studio: recall, verdicts, who has a task, what is set aside, what was unsure."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.cli import main as cli
from chai_assets.critique import page as critique_page
from chai_assets.critique.findings import Finding
from chai_assets.deployment.provision import provision
from chai_assets.labeling import page as labeling_page
from chai_assets.orchestration.sensors import build_sensors
from chai_assets.review import page as review_page
from chai_assets.workflow.item_state import Standing
from tests.services.label_studio import LabelStudioHandle
from tests.world import PEOPLE, World, plain_answers

LEAD = "- {id: lea, name: Lea, email: lea@example.com, roles: [lead]}\n"
LOU = "- {id: lou, name: Lou, email: lou@example.com, roles: [lead]}\n"
EVE = "- {id: eve, name: Eve, email: eve@example.com, roles: [annotator]}\n"
WRITTEN = ("lead_decisions", "triples", "reviews", "primitives")
"""The tables that a decision may write."""
Chai = Callable[..., tuple[int, str]]


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path / "home", label_studio_server, monkeypatch)
    world.settings.people.write_text(PEOPLE + LEAD)
    return world


@pytest.fixture
def chai(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Chai:
    """The command as somebody types it: exit status and what was printed."""
    monkeypatch.setenv("COLUMNS", "300")

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["chai", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return run


def item(world: World, batch: str, aspect: str) -> Standing:
    return next(one for one in world.standings(batch) if one.aspect == aspect)


def name_of(stands: Standing) -> str:
    return f"{stands.clip_id}/{stands.aspect}"


def task(world: World, person: str, kind: str, batch: str, aspect: str) -> dict[str, Any]:
    [found] = [one for one in world.queue(person, kind, batch) if one["data"]["aspect"] == aspect]
    return found


def label(world: World, batch: str, *aspects: str, person: str = "ann", unsure: str = "", note: str = "") -> None:
    for one in world.queue(person, "primitives", batch):
        if one["data"]["aspect"] in aspects:
            answers = plain_answers(world.spec.aspects[one["data"]["aspect"]])
            answers |= {unsure: ["unsure"]} if unsure in answers else {}
            filled = labeling_page.Labels(answers, None, note or None)
            world.person(person).submit(one["id"], labeling_page.write(one["data"], filled))
    world.advance(batch)


def critique(world: World, batch: str, rating: int, *missing: str, person: str = "ann") -> None:
    """Critiques every item that the person has of the batch."""
    for one in world.queue(person, "critique", batch):
        findings = tuple(Finding.missing(one["data"]["draft_id"], text) for text in missing)
        answer = critique_page.CritiqueAnswer(rating, findings)
        world.person(person).submit(one["id"], critique_page.write(one["data"], answer))
    world.advance(batch)


def review(world: World, batch: str, **verdicts: Any) -> dict[str, str]:
    """Reviews these aspects as whoever has them; gives who that is."""
    by = {}
    for person in ("rev", "rae"):
        for one in world.queue(person, "review", batch):
            aspect = one["data"]["aspect"]
            verdict = verdicts[aspect]
            ticks = tuple((finding["finding_id"], True) for finding in one["data"]["findings"])
            rejects = ("critique_incomplete",) if verdict == "reject" else ()
            answer = review_page.ReviewAnswer(verdict, ticks, ("Rain falls.",) if rejects else (), rejects, None)
            world.person(person).submit(one["id"], review_page.write(one["data"], answer))
            by[aspect] = person
    world.advance(batch)
    return by


def begun(world: World, batch: str) -> str:
    """A batch of one clip whose tasks of labeling are out; gives the clip."""
    [clip] = world.add_clips(batch)
    world.advance(batch)
    return clip


def in_force(world: World, batch: str) -> dict[str, str]:
    last = {row["triple_id"]: row for row in world.tables.rows("triples", batch)}
    return {row["aspect"]: triple for triple, row in last.items() if row["standing"] == "verified"}


def manifests(world: World) -> list[dict[str, Any]]:
    return [json.loads(row["manifest"]) for row in world.tables.rows("datasets")]


def test_a_recalled_caption_leaves_the_next_dataset_and_goes_to_another_round_and_another_reviewer(
    world: World, chai: Chai
) -> None:
    batch, reason = "lead-recall", "The sky is <b>empty</b>: there is no bird."
    begun(world, batch)
    label(world, batch, "subject", "camera")
    critique(world, batch, 3, "A bird crosses the sky.")
    critique(world, batch, 5)
    reviewers = review(world, batch, subject="approve", camera="approve")
    before = in_force(world, batch)
    assert chai("dataset", "export")[0] == 0
    assert "recalled" not in manifests(world)[0]
    what_cannot_be_decided_is_refused(world, chai, before["camera"], name_of(item(world, batch, "camera")))

    code, out = chai("recall", before["camera"][:16], "--reason", reason, "--json")
    assert code == 0
    said = json.loads(out)
    assert said["recalled"] == before["camera"]
    shared = {cause["kind"] for cause in said["shared"] if before["subject"] in cause["triples"]}
    assert shared >= {"annotator", "model", "prompt"}, "the same made another caption"
    assert in_force(world, batch).keys() == {"subject"}, "no dataset waits for the next run"
    assert chai("dataset", "export")[0] == 0
    assert manifests(world)[1]["recalled"] == [{"id": before["camera"], "reason": reason}]
    assert manifests(world)[1]["counts"]["triples"] == 1
    assert "was taken back already, by lea" in refused(world, chai, "recall", before["camera"], "--reason", "again")

    world.advance(batch)
    again = task(world, "ann", "critique", batch, "camera")
    assert "&lt;b&gt;empty" in again["data"]["remarks"]
    assert "a lead takes it back" in again["data"]["remarks"]
    assert again["data"]["round"] == 3
    critique(world, batch, 3, "Clouds drift by.")
    critique(world, batch, 5)
    assert review(world, batch, camera="approve")["camera"] != reviewers["camera"]
    after = in_force(world, batch)
    assert after["subject"] == before["subject"]
    assert after["camera"] != before["camera"]
    stored = {table: world.tables.version(table) for table in ("tasks", "critiques", *WRITTEN)}
    world.advance(batch, full_look=True)
    assert stored == {table: world.tables.version(table) for table in stored}
    assert world.run("export").success
    assert manifests(world)[-1]["counts"]["triples"] == 2
    assert [one["id"] for one in manifests(world)[-1]["recalled"]] == [before["camera"]]

    code, shown = chai("show", before["camera"])
    assert code == 0
    order = ["label by ann", "draft by", "critique by ann", "revision by", "took: Add: A bird", "review by"]
    order += ["decision by lea", f"recall: {reason}", "round 3, rated 3", "round 4, rated 5"]
    places = [shown.find(words) for words in order]
    assert -1 not in places
    assert places == sorted(places)
    assert f"{manifests(world)[0]['dataset_id']} {before['camera']}" in shown
    assert f"{manifests(world)[-1]['dataset_id']} {after['camera']}" in shown
    assert json.loads(chai("show", after["camera"], "--json")[1])["stage"] == "approved"


def refused(world: World, chai: Chai, *arguments: str) -> str:
    """The one line with which a command is refused that changes nothing."""
    before = {table: world.tables.version(table) for table in WRITTEN}
    code, out = chai(*arguments)
    assert (code, len(out.strip().splitlines())) == (1, 1), out
    assert before == {table: world.tables.version(table) for table in before}
    return out


def what_cannot_be_decided_is_refused(world: World, chai: Chai, triple: str, name: str) -> None:
    """Of an approved item."""
    why = ("--reason", "no bird")
    wanted = {
        ("recall", "tri_00000000", *why): "no record tri_00000000 is known",
        ("recall", "tri_", *why): "is no id of a record",
        ("recall", name, *why): "names those of the item",
        ("recall", triple, "--reason", " "): "needs its reason",
        ("recall", triple, "--reason", "x" * 1001): "keep it to 1000",
        ("recall", triple, *why, "--by", "rev"): "rev is no lead: name one of lea",
        ("lead", "drop", name.replace("camera", "nose"), *why): "no aspect nose",
        ("lead", "drop", "clp_000000/camera", *why): "no clip 'clp_0",
        ("lead", "drop", name, *why): "only what is set aside",
        ("lead", "verdict", name, "approve", *why): "says approve already",
        ("lead", "verdict", name, "perfect", *why): "no verdict: say approve or reject",
        ("lead", "reassign", name, "ann", *why): "no task of it is open",
        ("lead", "take-back", name, *why): "nothing is to take back",
        ("lead", "answer", name, "movement=static", *why): "none was answered unsure",
        ("lead", "answer", name, "static", *why): "QUESTION=ANSWER",
    }
    for arguments, said in wanted.items():
        assert said in refused(world, chai, *arguments), arguments
    for people, said in ((LEAD + LOU, "--by lea or --by lou"), ("", "nobody has the role lead")):
        world.settings.people.write_text(PEOPLE + people)
        assert said in refused(world, chai, "recall", triple, *why)
    world.settings.people.write_text(PEOPLE + LEAD)


def test_a_lead_s_verdict_takes_the_place_of_the_last_review_and_holds_in_a_dataset(world: World, chai: Chai) -> None:
    batch = "lead-verdict"
    begun(world, batch)
    label(world, batch, "subject", "camera")
    critique(world, batch, 5)
    review(world, batch, subject="reject", camera="approve")
    subject, camera = (name_of(item(world, batch, aspect)) for aspect in ("subject", "camera"))
    assert task(world, "ann", "feedback", batch, "subject")
    assert chai("lead", "verdict", subject, "approve", "--reason", "It does not rain.")[0] == 0
    assert chai("lead", "verdict", camera, "reject", "--reason", "It pans.")[0] == 0
    assert in_force(world, batch) == {}, "what lost its approval is in no dataset from then on"
    world.advance(batch)
    assert in_force(world, batch).keys() == {"subject"}
    assert [one["data"]["aspect"] for one in world.queue("ann", "feedback", batch)] == ["camera"]
    assert "It pans." in task(world, "ann", "feedback", batch, "camera")["data"]["review"]
    assert world.run("export").success, "its checks find the lead's review and its author"
    [row] = [row for row in world.tables.rows("triples", batch) if row["triple_id"] in in_force(world, batch).values()]
    assert (row["aspect"], row["reviewer"]) == ("subject", "lea")
    assert len(world.tables.rows("reviews", batch)) == 4, "what the reviewers said stays"
    assert "lead's verdict by lea" in chai("show", subject)[1]


def test_a_reassigned_task_is_another_s_in_label_studio_and_so_are_those_that_follow(world: World, chai: Chai) -> None:
    batch = "lead-reassign"
    world.settings.people.write_text(PEOPLE + LEAD + EVE)
    provision(world.label_studio, str(world.server.home / "media"), world.people, world.server.home)
    begun(world, batch)
    before, after = ("ann", "eve") if world.queue("ann", "primitives", batch) else ("eve", "ann")
    label(world, batch, "camera", "subject", person=before)
    camera = name_of(item(world, batch, "camera"))
    held = task(world, before, "critique", batch, "camera")
    assert chai("lead", "reassign", camera, "rev", "--reason", "on leave")[0] == 1
    assert chai("lead", "reassign", camera, before, "--reason", "on leave")[0] == 1
    assert chai("lead", "reassign", camera, after, "--reason", "on leave")[0] == 0
    world.advance(batch)
    assert task(world, after, "critique", batch, "camera")["id"] == held["id"]
    assert [one["data"]["aspect"] for one in world.queue(before, "critique", batch)] == ["subject"]
    assert "already" in chai("lead", "reassign", camera, after, "--reason", "on leave")[1]
    critique(world, batch, 3, "Dust rises.", person=after)
    assert [one["data"]["aspect"] for one in world.queue(after, "critique", batch)] == ["camera"]
    critique(world, batch, 5, person=after)
    holder = next(one for one in ("rev", "rae") if world.queue(one, "review", batch))
    other = "rae" if holder == "rev" else "rev"
    assert chai("lead", "reassign", camera, other, "--reason", "busy")[0] == 0
    world.advance(batch)
    assert review(world, batch, camera="approve") == {"camera": other}
    assert in_force(world, batch).keys() == {"camera"}


def test_what_is_set_aside_is_listed_and_sent_back_or_dropped_for_good(world: World, chai: Chai) -> None:
    batch = "lead-aside"
    begun(world, batch)
    for aspect, problem in (("camera", "unplayable"), ("scene", "unsafe")):
        one = task(world, "ann", "primitives", batch, aspect)
        filled = labeling_page.Labels({}, problem, "black frames")
        world.person("ann").submit(one["id"], labeling_page.write(one["data"], filled))
    world.advance(batch)
    camera, scene, motion = (name_of(item(world, batch, aspect)) for aspect in ("camera", "scene", "motion"))
    status = chai("status")[1]
    assert f"set aside: {camera} of {batch}-0: unplayable (black frames)" in status
    assert "chai lead waiting" in status
    assert chai("lead", "take-back", camera, "--reason", "It plays now.")[0] == 0
    assert chai("lead", "drop", scene.split("/")[0], "--reason", "Blood.")[0] == 0
    assert chai("lead", "set-aside", motion, "--reason", "Licence unclear.")[0] == 0
    world.advance(batch)
    left = {one["data"]["aspect"]: one["data"]["title"] for one in world.queue("ann", "primitives", batch)}
    assert left.keys() == {"subject", "spatial", "camera"}
    assert "It plays now." in left["camera"]
    waits = json.loads(chai("lead", "waiting", "--json")[1])
    assert [one["item"] for one in waits["set_aside"]] == [motion]
    assert json.loads(chai("show", scene.split("/")[0], "--json")[1])[scene] == "dropped"
    label(world, batch, "camera")
    assert item(world, batch, "camera").stage == "critique"
    assert chai("lead", "take-back", motion, "--reason", "It is clear.")[0] == 0
    world.advance(batch)
    assert task(world, "ann", "primitives", batch, "motion")


def test_a_question_answered_unsure_reaches_a_lead_with_its_note_and_is_answered(world: World, chai: Chai) -> None:
    batch = "lead-unsure"
    begun(world, batch)
    question = "playback"
    label(world, batch, "camera", unsure=question, note="Is it slowed down?")
    camera = name_of(item(world, batch, "camera"))
    first = item(world, batch, "camera").draft
    waits = json.loads(chai("lead", "waiting", "--json")[1])["unsure"]
    assert [(one["item"], one["question"], one["note"]) for one in waits] == [(camera, question, "Is it slowed down?")]
    code, out = chai("lead", "answer", camera, f"{question}=upside down", "--reason", "seen twice")
    assert (code, "no such answer" in out) == (1, True)
    settled = world.spec.aspects["camera"].attribute(question).options[-1].id
    assert chai("lead", "answer", camera, f"{question}={settled}", "--reason", "seen twice")[0] == 0
    assert json.loads(chai("lead", "waiting", "--json")[1])["unsure"] == []
    world.advance(batch)
    stands = item(world, batch, "camera")
    assert (stands.answers[question], stands.stage) == ([settled], "critique")
    assert stands.draft != first, "nobody had critiqued the draft, so it was written again"


def test_a_decision_asks_for_one_run_of_its_batch(world: World, chai: Chai) -> None:
    batch = "lead-watch"
    world.add_clips(batch)
    [sensor] = [one for one in build_sensors("", 30) if one.name == "decisions_watch"]

    def tick(cursor: str | None) -> Any:
        with dg.build_sensor_context(world.instance, cursor, resources={"tables": world.tables}) as context:
            return sensor(context)

    assert isinstance(tick(None), dg.SkipReason)
    subject = name_of(item(world, batch, "subject"))
    assert chai("lead", "set-aside", subject, "--reason", "dark")[0] == 0
    asked = tick(None)
    assert [run.partition_key for run in asked.run_requests] == [batch]
    again = tick(asked.cursor)
    assert [run.run_key for run in again.run_requests] == [run.run_key for run in asked.run_requests]
    assert chai("lead", "take-back", subject, "--reason", "light")[0] == 0
    assert {run.run_key for run in tick(asked.cursor).run_requests}.isdisjoint(r.run_key for r in asked.run_requests)
