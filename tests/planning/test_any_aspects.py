"""Specifications of other aspects than the five that come with the platform, from their release to a dataset."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from chai_assets.review import feedback_page
from chai_assets.spec.authoring.release import release
from chai_assets.spec.resource import release_of
from chai_assets.spec.versioning.releases import Releases
from tests.planning.test_rehearsal import adopt, approve_all, planned, rows_of
from tests.services.label_studio import LabelStudioHandle
from tests.spec.versions import Aspect, specs_folder
from tests.test_loop import critique, label_all, review_everywhere
from tests.world import World


def aspect_of(name: str, depends_on: Sequence[str] = ()) -> Aspect:
    """An aspect with a question of each kind; its ids begin with its name, for those of a specification are unique."""
    return {
        "id": name,
        "title": name.capitalize(),
        "depends_on": list(depends_on),
        "instruction": f"Describe the {name} of this video.",
        "policy": [f"Say of the {name} only what can be seen and heard."],
        "sub_aspects": ["kind", "course"],
        "attributes": [
            {
                "id": f"{name}_kind",
                "sub_aspect": "kind",
                "question": f"What is the {name} like?",
                "kind": "choice",
                "options": ["soft", "harsh"],
            },
            {
                "id": f"{name}_from",
                "sub_aspect": "kind",
                "question": f"Where does the {name} come from?",
                "kind": "text",
                "says": f"The {name} comes from {{{name}_from}}.",
            },
            {
                "id": f"{name}_course",
                "sub_aspect": "course",
                "question": f"How does the {name} change?",
                "kind": "several",
                "options": [{"id": "not at all", "alone": True}, "grows", "fades"],
            },
        ],
        "primitives": [
            _primitive(name, "soft", {f"{name}_kind": ["soft"]}, "is soft throughout"),
            _primitive(name, "harsh", {f"{name}_kind": ["harsh"]}, "is harsh throughout"),
            _primitive(name, "growing", {f"{name}_course": ["grows"]}, "grows toward the end"),
        ],
    }


def _primitive(name: str, kind: str, given_by: dict[str, list[str]], says: str) -> dict[str, Any]:
    return {
        "id": f"{kind}-{name}",
        "sub_aspect": "course" if kind == "growing" else "kind",
        "term": f"{kind} {name}",
        "definition": f"The {name} of the shot {says}.",
        "rule": f"Holds where most of the shot shows it; a moment of other {name} does not count.",
        "example": f"The {name} {says}.",
        "given_by": given_by,
        "says": f"The {name} {says}.",
    }


def write_release(root: Path, version: str, new: Sequence[Aspect], kept: Sequence[str] = (), base: str = "") -> None:
    """Releases a version of the aspects `kept` from the version `base`, and of new ones."""
    folder = root / version
    folder.mkdir(parents=True)
    for name in kept:
        (folder / f"{name}.yaml").write_bytes((root / base / f"{name}.yaml").read_bytes())
    for aspect in new:
        (folder / f"{aspect['id']}.yaml").write_text(yaml.safe_dump(aspect, sort_keys=False))
    index = {"version": version, "aspects": [*kept, *(aspect["id"] for aspect in new)]}
    (folder / "spec.yaml").write_text(yaml.safe_dump(index, sort_keys=False))
    release(Releases(root), version)


def world_of(root: Path, tmp_path: Path, server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("CHAI_SPECS", str(root))
    return World(tmp_path / "home", server, monkeypatch)


def critique_once(world: World, batch: str, aspect: str) -> None:
    """A finding on the draft of one aspect, and the next round of it, in which the revision is perfect."""
    world.advance(batch)
    [task] = [task for task in world.queue("ann", "critique", batch) if task["data"]["aspect"] == aspect]
    world.person("ann").submit(task["id"], critique(task["data"], 3, "A lamp flickers once."))


def exported(world: World) -> tuple[dict[str, Any], Path]:
    """The row of the dataset that the nightly export publishes, and its folder; every blocking check passed."""
    assert world.run("export").success
    row = world.tables.rows("datasets")[-1]
    return row, Path(row["uri"])


@pytest.mark.timeout(1200)  # two releases in one life of a batch
def test_a_release_with_a_sixth_aspect_and_one_of_three_go_from_plan_to_dataset(
    tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, batch = specs_folder(tmp_path), "aspects-six"
    five = list(Releases(root).load("1.0.0").aspects)
    world = world_of(root, tmp_path, label_studio_server, monkeypatch)
    [clip] = world.add_clips(batch)
    world.advance(batch)
    label_all(world, batch)
    approve_all(world, batch)
    before = world.ids(batch)["triples"]

    write_release(root, "1.1.0", [aspect_of("sound", five[:1])], five, "1.0.0")
    world.spec = release_of(world.settings).load()
    assert rows_of(planned(world)) == {(clip, "sound"): "ask"}
    adopt(world, batch)
    assert [task["data"]["aspect"] for task in world.queue("ann", "primitives", batch)] == ["sound"]
    label_all(world, batch)
    critique_once(world, batch, "sound")
    approve_all(world, batch)
    assert before < world.ids(batch)["triples"]
    dataset, folder = exported(world)
    assert (dataset["spec_version"], dataset["triples"]) == ("1.1.0", 6)
    rows = [json.loads(line) for line in (folder / "triples.jsonl").read_text().splitlines()]
    assert {row["aspect"] for row in rows} == {*five, "sound"}
    [sound] = [row for row in rows if row["aspect"] == "sound"]
    assert sound["final"].endswith("A lamp flickers once.")

    kept = [*five[:2], "sound"]
    write_release(root, "2.0.0", [], kept, "1.1.0")
    world.spec = release_of(world.settings).load()
    assert {action for _, action in rows_of(planned(world)).items()} == {"drop"}
    adopt(world, batch)
    approve_all(world, batch)
    assert planned(world).rows.is_empty()
    dataset, folder = exported(world)
    assert (dataset["spec_version"], dataset["triples"]) == ("2.0.0", 3)
    rows = [json.loads(line) for line in (folder / "triples.jsonl").read_text().splitlines()]
    assert {row["aspect"] for row in rows} == set(kept)


def test_three_aspects_of_other_names_go_from_release_to_dataset(
    tmp_path: Path, label_studio_server: LabelStudioHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, batch, names = tmp_path / "specs", "aspects-three", ["cast", "light", "sound"]
    write_release(root, "1.0.0", [aspect_of("cast"), aspect_of("light"), aspect_of("sound", ["cast", "light"])])
    world = world_of(root, tmp_path, label_studio_server, monkeypatch)
    world.add_clips(batch)
    world.advance(batch)
    label_all(world, batch)
    critique_once(world, batch, "light")
    world.advance(batch)
    [second] = [task for task in world.queue("ann", "critique", batch) if task["data"]["aspect"] == "light"]
    world.person("ann").submit(second["id"], critique(second["data"], 5))
    world.advance(batch)
    rejected = review_everywhere(world, batch, "reject", "It is blue.")
    world.advance(batch)
    told = world.queue("ann", "feedback", batch)
    assert len(told) == rejected > 0
    for task in told:
        understood = feedback_page.FeedbackAnswer("understood", None)
        world.person("ann").submit(task["id"], feedback_page.write(task["data"], understood))
    approve_all(world, batch)
    assert len(world.ids(batch)["merged_captions"]) == 1
    dataset, folder = exported(world)
    assert (dataset["triples"], dataset["spec_version"]) == (3, "1.0.0")
    rows = [json.loads(line) for line in (folder / "triples.jsonl").read_text().splitlines()]
    assert {row["aspect"] for row in rows} == set(names)
