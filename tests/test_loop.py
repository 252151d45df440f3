"""The loop end to end on a real Label Studio: people answer through its API, the platform does the rest."""

from pathlib import Path
from typing import Any

import pytest

from chai_assets.critique import page as critique_page
from chai_assets.critique.findings import Finding
from chai_assets.labeling import page as labeling_page
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from tests.services.label_studio import LabelStudioHandle
from tests.world import World, plain_answers


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


def labels(data: dict[str, Any], answers: dict[str, list[str]]) -> list[dict[str, Any]]:
    return labeling_page.write(data, labeling_page.Labels(answers, None, None))


def label_all(world: World, batch: str) -> None:
    for task in world.queue("ann", "primitives", batch):
        answers = plain_answers(world.spec.aspects[task["data"]["aspect"]])
        world.person("ann").submit(task["id"], labels(task["data"], answers))


def critique(data: dict[str, Any], rating: int, *missing: str) -> list[dict[str, Any]]:
    findings = tuple(Finding.missing(data["draft_id"], text) for text in missing)
    return critique_page.write(data, critique_page.CritiqueAnswer(rating, findings))


def verdict(data: dict[str, Any], word: Any, *misses: str) -> list[dict[str, Any]]:
    ticks = tuple((finding["finding_id"], True) for finding in data["findings"])
    reasons = ("critique_incomplete",) if word == "reject" else ()
    return review_page.write(data, review_page.ReviewAnswer(word, ticks, misses, reasons, None))


def review_everywhere(world: World, batch: str, word: str = "approve", *misses: str) -> int:
    count = 0
    for reviewer in ("rev", "rae"):
        for task in world.queue(reviewer, "review", batch):
            world.person(reviewer).submit(task["id"], verdict(task["data"], word, *misses))
            count += 1
    return count


def test_a_clip_goes_from_labels_to_five_verified_triples_and_a_dataset(world: World) -> None:
    batch = "loop-whole"
    world.add_clips(batch)
    world.advance(batch)
    label_all(world, batch)
    for _ in range(3):
        world.advance(batch)
        for task in world.queue("ann", "critique", batch):
            world.person("ann").submit(task["id"], critique(task["data"], 5))
        world.advance(batch)
        review_everywhere(world, batch)
    world.advance(batch)
    assert {item.stage for item in world.standings(batch)} == {"approved"}
    assert len(world.ids(batch)["triples"]) == 5
    assert len(world.ids(batch)["merged_captions"]) == 1
    result = world.run("export")
    assert result.success
    assert world.tables.rows("datasets")[0]["triples"] == 5
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["captions_follow_the_specification"].passed
    assert checks["captions_follow_the_specification"].metadata["evaluated"].value == 5


def test_second_round_rejection_and_regrade_all_happen(world: World) -> None:
    batch = "loop-rounds"
    world.add_clips(batch)
    world.advance(batch)
    label_all(world, batch)
    world.advance(batch)
    task = world.queue("ann", "critique", batch)[0]
    key = (task["data"]["clip_id"], task["data"]["aspect"])

    def item():
        return next(i for i in world.standings(batch) if (i.clip_id, i.aspect) == key)

    def mine(person: str, kind: str) -> dict[str, Any]:
        [found] = [t for t in world.queue(person, kind, batch) if (t["data"]["clip_id"], t["data"]["aspect"]) == key]
        return found

    world.person("ann").submit(task["id"], critique(task["data"], 3, "A bird crosses the sky."))
    world.advance(batch)
    second = mine("ann", "critique")
    assert (second["data"]["round"], "A bird crosses the sky." in second["data"]["history"]) == (2, True)
    world.person("ann").submit(second["id"], critique(second["data"], 4, "A bird crosses the sky.", "It is dusk."))
    world.advance(batch)
    third = mine("ann", "critique")
    world.person("ann").submit(third["id"], critique(third["data"], 5))
    world.advance(batch)
    first_reviewer = next(p for p in ("rev", "rae") if world.queue(p, "review", batch))
    review = mine(first_reviewer, "review")
    world.person(first_reviewer).submit(review["id"], verdict(review["data"], "reject", "Rain falls."))
    world.advance(batch)
    told = mine("ann", "feedback")
    plea = feedback_page.FeedbackAnswer("request_regrade", "It does not rain.")
    world.person("ann").submit(told["id"], feedback_page.write(told["data"], plea))
    world.advance(batch)
    other = next(p for p in ("rev", "rae") if p != first_reviewer)
    regrade = mine(other, "review")
    assert "It does not rain." in regrade["data"]["appeal"]
    world.person(other).submit(regrade["id"], verdict(regrade["data"], "approve"))
    world.advance(batch)
    assert item().stage == "approved"
    [triple] = world.tables.rows("triples", batch)
    assert (triple["rounds"], triple["reviewer"]) == (3, other)
    assert triple["final"].endswith("A bird crosses the sky. It is dusk.")


def test_running_again_adds_no_row_and_no_task(world: World) -> None:
    batch = "loop-again"
    world.add_clips(batch, 2)
    world.advance(batch)
    label_all(world, batch)
    world.advance(batch)
    world.advance(batch)
    project = world.label_studio.require_project("critique")
    before = (
        {t: world.tables.version(t) for t in ("tasks", "drafts", "primitives")},
        world.label_studio.existing(project, batch),
    )
    world.advance(batch)
    world.advance(batch, full_look=True)
    after = (
        {t: world.tables.version(t) for t in ("tasks", "drafts", "primitives")},
        world.label_studio.existing(project, batch),
    )
    assert before == after


def test_an_unreadable_answer_goes_back_to_its_author_and_its_correction_goes_on(world: World) -> None:
    batch = "loop-returned"
    world.add_clips(batch)
    world.advance(batch)
    task = next(t for t in world.queue("ann", "primitives", batch) if t["data"]["aspect"] == "camera")
    answers = plain_answers(world.spec.aspects["camera"])
    wrong = answers | {"turns": ["pan left"], "movement": ["static"]}
    annotation = world.person("ann").submit(task["id"], labels(task["data"], wrong))
    world.advance(batch)

    def shown() -> dict[str, Any]:
        return world.person("ann").api.get(f"/api/tasks/{task['id']}/", resolve_uri="false")["data"]

    assert shown()["returned"].startswith("Please correct: ")
    assert "static camera" in shown()["returned"]
    world.person("ann").update(annotation, labels(task["data"], answers))
    world.advance(batch)
    assert shown()["returned"] == ""
    item = next(i for i in world.standings(batch) if i.aspect == "camera")
    assert item.stage == "critique"
