"""What is wrong with files, answers, the people file, the specification or a service is told; the next run recovers."""

import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.core.partitions import batches
from chai_assets.definitions import build_defs
from chai_assets.deployment.provision import provision
from chai_assets.labeling import page as labeling_page
from chai_assets.spec.loading.document import SpecError
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.releases import PACKAGED
from chai_resources.label_studio import LabelStudioDown, LabelStudioRefused
from chai_resources.media_store import MediaError
from chai_resources.people import PeopleFileError
from chai_resources.tables import TablesUnreachable
from tests.annotation.label_studio_database import plant
from tests.ingestion.films import scene, write, write_sound
from tests.services.label_studio import LabelStudioHandle
from tests.services.local import free_ports
from tests.world import PEOPLE, World, plain_answers

Result = list[Any]


@pytest.fixture
def world(tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "home", label_studio_server, monkeypatch)


def labels(data: dict[str, Any], answers: dict[str, list[str]]) -> Result:
    return labeling_page.write(data, labeling_page.Labels(answers, None, None))


def good(world: World, task: dict[str, Any]) -> Result:
    return labels(task["data"], plain_answers(world.spec.aspects[task["data"]["aspect"]]))


def metadata(run: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """What an asset of the run shows in Dagster, as plain values."""
    [event] = [e for e in run.get_asset_materialization_events() if e.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def quarantined(world: World, batch: str) -> dict[str, str]:
    return {row["chai_key"]: row["reason"] for row in world.tables.rows("quarantine", batch)}


def stages(world: World, batch: str) -> dict[str, str]:
    return {item.aspect: item.stage for item in world.standings(batch)}


# Files


def fill_with_trouble(folder: Path) -> None:
    folder.mkdir(parents=True)
    clip = write(folder / "good.mp4", scene(1, 45), faststart=True)
    write(folder / "été 北京 'x'.mp4", scene(2, 45))
    shutil.copyfile(clip, folder / "second copy.mp4")
    (folder / "truncated.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    (folder / "text.mp4").write_text("not a video")
    (folder / "zero.mp4").touch()
    write_sound(folder / "sound.mp4")


def test_a_folder_of_bad_files_is_ingested_green_with_a_warning_that_counts_them(world: World) -> None:
    batch = "bad-folder"
    fill_with_trouble(Path(world.settings.inbox) / batch)
    world.instance.add_dynamic_partitions(batches.name or "", [batch])
    run = world.run("ingest", batch)
    [check] = run.get_asset_check_evaluations()
    assert run.success
    assert (check.check_name, check.passed, check.severity) == (
        "every_file_became_clips",
        False,
        dg.AssetCheckSeverity.WARN,
    )
    assert check.metadata["problems"].value == 5
    problems = {row["name"]: row["reason"] for row in world.tables.rows("ingest_problems", batch)}
    assert sorted(problems) == ["second copy.mp4", "sound.mp4", "text.mp4", "truncated.mp4", "zero.mp4"]
    assert all(reason.startswith(name) and "\n" not in reason for name, reason in problems.items())
    names = {row["clip_id"]: row["name"] for row in world.tables.rows("clips", batch)}
    assert sorted(names.values()) == ["good-0", "été 北京 'x'-0"]
    given = [(names[t["data"]["clip_id"]], t["data"]["aspect"]) for t in world.queue("ann", "primitives", batch)]
    assert sorted(given) == sorted((name, aspect) for name in names.values() for aspect in world.spec.aspects)

    before = {table: world.tables.version(table) for table in ("clips", "sources", "ingest_problems", "tasks")}
    again = world.run("ingest", batch)
    assert again.get_asset_check_evaluations()[0].metadata["problems"].value == 5
    assert before == {table: world.tables.version(table) for table in before}
    assert len(world.queue("ann", "primitives", batch)) == len(given)


def test_files_that_are_mended_or_removed_as_they_were_told_are_no_problem_any_more(world: World) -> None:
    batch = "bad-mended"
    folder = Path(world.settings.inbox) / batch
    fill_with_trouble(folder)
    world.instance.add_dynamic_partitions(batches.name or "", [batch])
    world.run("ingest", batch)
    (folder / "second copy.mp4").unlink()
    (folder / "text.mp4").unlink()
    write(folder / "zero.mp4", scene(3, 45))
    [check] = world.run("ingest", batch).get_asset_check_evaluations()
    assert {record.data["name"] for record in check.metadata["list"].records} == {"sound.mp4", "truncated.mp4"}
    assert "zero-0" in {row["name"] for row in world.tables.rows("clips", batch)}
    (folder / "sound.mp4").unlink()
    write(folder / "truncated.mp4", scene(4, 45))
    [check] = world.run("ingest", batch).get_asset_check_evaluations()
    assert check.passed


# Services


def test_a_label_studio_that_is_down_is_named_and_nothing_is_lost(world: World) -> None:
    batch = "bad-studio-down"
    world.add_clips(batch)
    world.advance(batch)
    submitted = [world.person("ann").submit(t["id"], good(world, t)) for t in world.queue("ann", "primitives", batch)]
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    working, world.defs = world.defs, build_defs(world.settings.model_copy(update={"label_studio_url": url}))
    with pytest.raises(LabelStudioDown, match=rf"no answer from Label Studio at {url} .*start it with `make up`"):
        world.advance(batch)
    assert world.tables.rows("primitives", batch) == []
    world.defs = working
    world.advance(batch)
    assert {row["annotation_id"] for row in world.tables.rows("annotation_events", batch)} == set(submitted)
    assert len(world.ids(batch)["primitives"]) == 5
    assert len(world.ids(batch)["drafts"]) == 3


@pytest.mark.parametrize(
    ("variable", "error", "says"),
    [
        ("CHAI_TABLES", TablesUnreachable, r"table \w+ at s3://.* cannot be reached: check the S3 endpoint"),
        ("CHAI_MEDIA", MediaError, r"s3://.*: the S3 server does not answer .*check AWS_ENDPOINT_URL"),
    ],
    ids=["tables", "media"],
)
def test_an_s3_that_is_down_is_named_and_nothing_is_lost(
    tmp_path: Path,
    label_studio_server: LabelStudioHandle,
    monkeypatch: pytest.MonkeyPatch,
    s3: str,
    variable: str,
    error: type[Exception],
    says: str,
) -> None:
    batch = f"bad-s3-{variable[5:].lower()}"
    monkeypatch.setenv(variable, f"{s3}/{variable}")
    world = World(tmp_path / "home", label_studio_server, monkeypatch)
    world.add_clips(batch)
    world.advance(batch)
    for task in world.queue("ann", "primitives", batch):
        world.person("ann").submit(task["id"], good(world, task))
    with monkeypatch.context() as outage:
        outage.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
        with pytest.raises(error, match=says):
            world.advance(batch)
    assert world.tables.rows("primitives", batch) == []
    world.advance(batch)
    assert len(world.ids(batch)["primitives"]) == 5
    assert len(world.ids(batch)["drafts"]) == 3


# Answers


def test_malformed_answers_are_quarantined_with_a_reason_and_go_on_once_corrected(world: World) -> None:
    batch = "bad-answers"
    world.add_clips(batch)
    world.advance(batch)
    tasks = {t["data"]["aspect"]: t for t in world.queue("ann", "primitives", batch)}
    right = {aspect: good(world, task) for aspect, task in tasks.items()}
    stray = {"id": "a", "from_name": "no such box", "to_name": "video", "type": "choices", "value": {"choices": ["x"]}}
    spoiled: dict[str, tuple[Result, str]] = {
        "subject": ([], "is not answered"),
        "scene": ([*right["scene"], stray], "no such box"),
        "motion": ([{"value": "?"}], "names no control"),
        "spatial": ([*right["spatial"], right["spatial"][0]], "answered 2 times"),
        "camera": (_with_choice(right["camera"], "<script>alert(1)</script>"), "is not among"),
    }
    # The page's own guard lets neither of these in; a server without it does.
    for aspect in ("scene", "motion"):
        with pytest.raises(LabelStudioRefused, match=r"no such box|is no answer"):
            world.person("ann").submit(tasks[aspect]["id"], spoiled[aspect][0])
    answers = {a: world.person("ann").submit(tasks[a]["id"], right[a]) for a in spoiled}
    for aspect, (wrong, _) in spoiled.items():
        plant(world.server.home, answers[aspect], wrong)
    run = world.advance(batch)
    assert run.success
    for aspect, (_, reason) in spoiled.items():
        assert reason in quarantined(world, batch)[tasks[aspect]["data"]["chai_key"]]
    shown = metadata(run, "primitives")
    assert (shown["quarantined_now"], len(shown["in_quarantine"].records)) == (5, 5)
    assert world.tables.rows("primitives", batch) == []
    archived = world.event_texts(batch)
    assert sorted(archived) == sorted(json.dumps(wrong, sort_keys=True) for wrong, _ in spoiled.values())

    # A platform that starts while they lie there is not kept from it.
    provision(world.label_studio, str(world.server.home / "media"), world.people, world.server.home)
    quiet = metadata(world.advance(batch), "primitives")
    assert (quiet["quarantined_now"], len(quiet["in_quarantine"].records)) == (0, 5)

    for aspect, annotation in answers.items():
        world.person("ann").update(annotation, right[aspect])
    shown = metadata(world.advance(batch), "primitives")
    assert shown["quarantined_now"] == 0
    assert set(archived) <= set(world.event_texts(batch))
    ready = {"subject": "critique", "scene": "critique", "camera": "critique"}
    assert stages(world, batch) == {**ready, "motion": "upstream", "spatial": "upstream"}


def _with_choice(result: Result, value: str) -> Result:
    """The result with another value in the first choice that was made."""
    at = next(i for i, part in enumerate(result) if part["type"] == "choices")
    return [*result[:at], {**result[at], "value": {"choices": [value]}}, *result[at + 1 :]]


def test_what_the_service_account_answers_or_changes_does_not_count(world: World) -> None:
    batch = "bad-account"
    world.add_clips(batch)
    world.advance(batch)
    tasks = {t["data"]["aspect"]: t for t in world.queue("ann", "primitives", batch)}
    api = world.label_studio._api
    body = {"result": good(world, tasks["camera"])}
    api.send("POST", f"/api/tasks/{tasks['camera']['id']}/annotations/", body)
    own = world.person("ann").submit(tasks["scene"]["id"], good(world, tasks["scene"]))
    api.send("PATCH", f"/api/annotations/{own}/", {"result": good(world, tasks["scene"]), "lead_time": 1})
    world.advance(batch)
    reasons = quarantined(world, batch)
    assert "belongs to nobody in the people file" in reasons[tasks["camera"]["data"]["chai_key"]]
    assert "submitted by ann@example.com and changed by" in reasons[tasks["scene"]["data"]["chai_key"]]
    assert set(stages(world, batch).values()) == {"labeling"}


# Files of the deployment


def test_an_answer_of_somebody_unknown_waits_and_is_read_once_the_people_file_names_them(world: World) -> None:
    batch = "bad-stranger"
    world.add_clips(batch)
    world.advance(batch)
    task = world.queue("ann", "primitives", batch)[0]
    world.person("ann").submit(task["id"], good(world, task))
    world.settings.people.write_text(PEOPLE.replace("ann@example.com", "anna@example.com"))
    world.advance(batch)
    [reason] = quarantined(world, batch).values()
    assert reason == "the account ann@example.com belongs to nobody in the people file"
    world.settings.people.write_text(PEOPLE)
    shown = metadata(world.advance(batch), "primitives")
    assert (shown["added"], shown["in_quarantine"]) == (1, "no rows")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PEOPLE + "- {id: ann, name: Anna, email: anna@example.com, roles: [annotator]}\n", r"entry 4 \(ann\): id ann"),
        (PEOPLE.replace("roles: [annotator]", "roles: [king]"), r"entry 1 \(ann\): roles"),
        ("ann: [", r"is not YAML"),
    ],
)
def test_a_people_file_with_an_error_is_named_and_the_next_run_recovers(world: World, text: str, says: str) -> None:
    batch = f"bad-people-{len(text)}"
    world.add_clips(batch)
    world.settings.people.write_text(text)
    with pytest.raises(PeopleFileError, match=rf"{world.settings.people}.*{says}"):
        world.advance(batch)
    world.settings.people.write_text(PEOPLE)
    world.advance(batch)
    assert len(world.queue("ann", "primitives", batch)) == 5


@pytest.mark.parametrize(
    ("job", "change", "error", "says"),
    [
        ("advance", {"captioner": "gtp-9"}, ValueError, "CHAI_CAPTIONER=gtp-9 is no engine: choose one of .*offline"),
        ("adopt", {"spec_version": "9.9.9"}, SpecError, "version 9.9.9 is not released - choose one of 1.0.0, 1.1.0"),
    ],
)
def test_an_unknown_engine_or_release_is_named_with_those_that_are(
    world: World, job: str, change: dict[str, str], error: type[Exception], says: str
) -> None:
    batch = f"bad-{next(iter(change))}".replace("_", "-")
    world.add_clips(batch)
    working, world.defs = world.defs, build_defs(world.settings.model_copy(update=change))
    with pytest.raises(error, match=says):
        world.run(job, batch)
    world.defs = working
    world.advance(batch)
    assert len(world.queue("ann", "primitives", batch)) == 5


def test_two_primitives_of_one_id_are_refused_by_the_asset_with_file_lines_and_remedy(
    world: World, tmp_path: Path
) -> None:
    shutil.copytree(PACKAGED, tmp_path / "spec")
    path = tmp_path / "spec" / SpecRelease().in_force / "camera.yaml"
    sound = path.read_text()
    ids = [(n, line.split("id:")[1].strip()) for n, line in enumerate(sound.splitlines(), 1) if "- id:" in line]
    primitives_from = next(n for n, line in enumerate(sound.splitlines(), 1) if line.startswith("primitives:"))
    (first, name), (second, other) = [(n, i) for n, i in ids if n > primitives_from][:2]
    lines = sound.splitlines()
    lines[second - 1] = lines[second - 1].replace(other, name)
    path.write_text("\n".join(lines))
    world.defs = build_defs(world.settings.model_copy(update={"specs": str(tmp_path / "spec")}))
    with pytest.raises(SpecError) as refused:
        world.run("publish_spec")
    wanted = f"camera.yaml:{second}: duplicate primitive id '{name}', first on line {first} - "
    assert any(line.startswith(wanted) for line in str(refused.value).splitlines())
    path.write_text(sound)
    assert world.run("publish_spec").success
