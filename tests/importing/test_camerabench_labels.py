"""CameraBench's own labels become labels of our primitives, in both forms in which they are written."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chai_assets.datasets.export import publish_selection
from chai_assets.datasets.select.selection import Selection
from chai_assets.importing.camerabench import as_ours, label_mapping, our_states
from chai_assets.importing.corpus_names import ImportRefused
from chai_assets.importing.labels import read_labels
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.releases import load_spec
from tests.importing.corpora import approved
from tests.importing.imports import Place

PAN = "cam_motion.camera_centric_movement.pan_left.has_pan_left"
STEADINESS = "cam_motion.steadiness_and_movement"
FIXED = [f"{STEADINESS}.fixed_camera", f"{STEADINESS}.fixed_camera_with_shake"]
CRANE = "cam_motion.arc_crane_movement.crane_up.has_crane_up"
SHAKY = f"{STEADINESS}.shaky_camera"
VERY_SHAKY = f"{STEADINESS}.very_shaky_camera"
YES, NO = "present", "absent"


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ({PAN: YES}, {"pan-left": YES}),
        ({PAN: NO, "cam_motion.of_no_primitive": YES}, {"pan-left": NO}),
        ({FIXED[0]: NO, FIXED[1]: YES}, {"static-camera": YES}),
        ({FIXED[0]: NO}, {}),
        ({FIXED[0]: NO, FIXED[1]: NO}, {"static-camera": NO}),
        ({SHAKY: YES, VERY_SHAKY: YES}, {"shaky-camera": NO, "very-shaky-camera": YES}),
        ({SHAKY: YES, VERY_SHAKY: NO}, {"shaky-camera": YES, "very-shaky-camera": NO}),
        # Nobody looked for a crane where the pan was left unlabeled.
        ({CRANE: NO}, {}),
        ({CRANE: NO, PAN: NO}, {"crane-up": NO, "pan-left": NO}),
        ({CRANE: YES}, {"crane-up": YES}),
    ],
)
def test_a_clip_has_the_states_that_its_labels_mean(said: dict[str, str], ours: dict[str, str]) -> None:
    assert our_states(said, label_mapping()) == ours


def test_every_label_is_mapped_to_a_primitive_that_there_is() -> None:
    camera = {primitive.id for primitive in load_spec().aspects["camera"].primitives}
    mapping = label_mapping()
    assert set(mapping.labels) <= camera
    assert {*mapping.looked_for, *mapping.stronger, *mapping.stronger.values()} <= set(mapping.labels)


def binary(clip: str, name: str, label: str) -> dict[str, Any]:
    return {"image": clip, "question": "Does it?", "label": label, "task": "Task", "label_name": name}


def write(path: Path, *lines: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_both_forms_say_the_same_and_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path / "binary/Pan_Left.jsonl", binary("pier.mp4", PAN, "Yes"), binary("quay.mp4", PAN, "No"))
    odd = [binary("pier.mp4", SHAKY, "Maybe"), binary("pier.mp4", PAN, "No"), {"label_name": PAN}, "{broken"]
    write(tmp_path / "binary/Shaky.jsonl", binary("pier.mp4", SHAKY, "No"), *odd)
    listed = write(
        tmp_path / "listed.jsonl",
        {"primitive": PAN, "present": ["pier.mp4"], "absent": ["quay.mp4"]},
        {"primitive": SHAKY, "present": [], "absent": ["pier.mp4"]},
    )
    one, other = read_labels(tmp_path / "binary"), read_labels(listed)
    assert dict(one.states) == dict(other.states)
    assert len(one.bad) == len(odd)
    assert "is present and absent of pier.mp4" in one.bad[1][1].detail
    assert as_ours(one).states == {"pier.mp4": {"pan-left": YES, "shaky-camera": NO}, "quay.mp4": {"pan-left": NO}}
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportRefused, match=r"named \*.jsonl"):
        read_labels(tmp_path / "empty")


def test_of_what_two_lines_deny_each_other_the_first_counts_and_the_line_in_its_file_is_named(tmp_path: Path) -> None:
    def listed(label: str, present: list[str], absent: list[str]) -> dict[str, Any]:
        return {"primitive": label, "present": present, "absent": absent}

    place = tmp_path / "labels"
    write(place / "a.jsonl", listed(PAN, ["pier.mp4"], ["quay.mp4"]), listed(SHAKY, [], ["pier.mp4"]))
    again = listed(PAN, ["quay.mp4", "inn.mp4"], ["pier.mp4"])
    write(place / "b.jsonl", listed(SHAKY, [], ["quay.mp4"]), again, binary("pier.mp4", SHAKY, "Yes"))
    found = read_labels(place)
    assert [(where, issue.reason) for where, issue in found.bad] == [
        ("labels/b.jsonl#2", "labels_contradict"),
        ("labels/b.jsonl#3", "labels_contradict"),
    ]
    assert f"({PAN} is present and absent of pier.mp4 and 1 more): keep" in found.bad[0][1].detail
    assert f"({SHAKY} is present and absent of pier.mp4): keep" in found.bad[1][1].detail
    assert {clip: said[PAN] for clip, said in found.states.items()} == {"pier.mp4": YES, "quay.mp4": NO, "inn.mp4": YES}
    alone = read_labels(write(tmp_path / "alone.jsonl", listed(PAN, ["pier.mp4"], []), listed(PAN, [], ["pier.mp4"])))
    assert [where for where, _ in alone.bad] == ["alone.jsonl#2"]


def test_they_are_in_the_labels_of_the_dataset_that_the_import_makes(tmp_path: Path) -> None:
    place = Place(tmp_path)
    labels = read_labels(write(tmp_path / "labels.jsonl", binary("pier.0.0.mp4", PAN, "Yes")))
    place.take(approved("pier.0.0.mp4"), as_ours(labels))
    versions = place.versions()
    place.take(approved("pier.0.0.mp4"), as_ours(labels))
    assert place.versions() == versions
    with pytest.raises(ImportRefused, match="another import"):
        place.take(approved("pier.0.0.mp4"), labels)
    selection = Selection(imported="small")
    published = publish_selection(place.tables, SpecRelease(), selection, str(tmp_path / "sets"), lambda _: None)
    rows = pl.read_parquet(f"{published.uri}/primitives.parquet").to_dicts()
    assert [(row["aspect"], row["primitive"], row["state"]) for row in rows] == [("camera", "pan-left", YES)]
