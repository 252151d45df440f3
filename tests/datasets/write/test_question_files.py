"""Yes/no questions with clips and answers, and CameraBench's formats field by field, from a dataset's labels."""

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from chai_assets.cli.main import app
from chai_assets.datasets.read.label_questions import LabelQuestions, label_questions
from chai_assets.datasets.read.published import DatasetNotFound, open_dataset
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.datasets.write.new_folder import FolderTaken
from chai_assets.datasets.write.publish import publish
from chai_assets.datasets.write.question_files import write_questions
from chai_assets.spec.models import Spec
from chai_assets.spec.questions import denials, questions
from chai_assets.spec.versioning.releases import Releases, load_spec, releases_in
from tests.datasets.factory import clip, export, frame, triples_of
from tests.datasets.labels import label
from tests.spec.answers import walker

SPEC = load_spec()
CAMERA = SPEC.aspects["camera"]
LEFT, RIGHT, NONE = ["pan left"], ["pan right"], ["none"]
TURNS = [LEFT, RIGHT, NONE, NONE, ["pan left", "tilt up"], RIGHT, ["unsure"], LEFT]
TRAVEL = [NONE, NONE, ["truck left"], ["truck left"], NONE, NONE, NONE, ["unsure"]]
BINARY_FIELDS = ["image", "question", "label", "task", "label_name"]
"""The fields of a line of the benchmark's binary files, in their order; all are texts."""
PAIR_FIELDS = ["skill", "task", "images", "texts", "pos_video", "neg_video", "pos_text", "neg_text"]
PAIR_FIELDS += ["pos_question", "neg_question"]
"""Those of a line of its pairs; `images` and `texts` are lists of two texts, the others are texts."""


def publish_labeled(root: Path, count: int) -> str:
    """A dataset of clips whose turns and travel are those above, in train and in eval."""
    clips = [clip(number, clips_per_source=1) for number in range(count)]
    labels = []
    for number, of in enumerate(clips):
        answers = walker()["camera"] | {"turns": TURNS[number % 8], "travel": TRAVEL[number % 8], "zoom": ["none"]}
        labels.append(label(of, CAMERA, SPEC, answers))
    spec = {"spec_version": SPEC.version, "spec_hash": SPEC.hash}
    inputs = export(
        clips,
        [row | spec for row in triples_of(clips, ("camera",))],
        primitives=frame("primitives", labels),
        specs=(SPEC,),
        dataset_spec=DatasetSpec(SPEC.version, SPEC.hash),
        eval_share=0.5,
    )
    return publish(inputs, str(root)).manifest.dataset_id


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("datasets")
    publish_labeled(root, 32)
    return root


def asked_of(root: Path) -> LabelQuestions:
    return label_questions(open_dataset("latest", str(root)), releases_in())


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def states_of(root: Path, split: str) -> dict[tuple[str, str], str]:
    """State by video and primitive, as primitives.parquet has it."""
    dataset = next(root.glob("dst_*"))
    rows = pl.read_parquet(dataset / "primitives.parquet").filter(pl.col("split") == split)
    return {(video, name): state for video, name, state in rows.select("video", "primitive", "state").iter_rows()}


@pytest.fixture(scope="module")
def written(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "questions"
    write_questions(asked_of(root), folder)
    return folder


@pytest.mark.parametrize("split", ["train", "eval"])
def test_every_label_that_is_decided_is_a_question_with_its_clip_and_answer(
    root: Path, written: Path, split: str
) -> None:
    found = {(row["video"], row["primitive"]): row for row in lines(written / split / "yes_no_questions.jsonl")}
    decided = {key: state for key, state in states_of(root, split).items() if state in ("present", "absent")}
    assert {key: row["answer"] for key, row in found.items()} == {
        key: "yes" if state == "present" else "no" for key, state in decided.items()
    }
    asked = {question["primitive"]: question for question in questions(CAMERA)}
    for row in found.values():
        assert row["split"] == split
        assert asked[row["primitive"]].items() <= row.items()


@pytest.mark.parametrize("split", ["train", "eval"])
def test_binary_files_have_the_benchmarks_fields_and_a_yes_and_a_no(root: Path, written: Path, split: str) -> None:
    states, seen = states_of(root, split), set()
    asked = {question["primitive"]: question["question"] for question in questions(CAMERA)}
    for path in (written / split / "binary_classification").iterdir():
        rows = lines(path)
        primitive = path.stem.replace("_", "-").lower()
        seen.add(primitive)
        assert {row["label"] for row in rows} == {"Yes", "No"}
        for row in rows:
            assert list(row) == BINARY_FIELDS
            assert all(type(value) is str for value in row.values())
            assert row["task"].replace(" ", "_") == path.stem
            assert row["question"] == asked[primitive]
            assert states[row["image"], primitive] == {"Yes": "present", "No": "absent"}[row["label"]]
        assert len({row["image"] for row in rows}) == len(rows)
        assert sum(name == primitive and state in ("present", "absent") for (_, name), state in states.items()) == len(
            rows
        )
    assert {"pan-left", "pan-right", "truck-left"} <= seen
    assert "zoom-in" not in seen  # no clip has it


@pytest.mark.parametrize("split", ["train", "eval"])
def test_pairs_have_the_benchmarks_fields_and_each_question_is_right_of_one_video_alone(
    root: Path, written: Path, split: str
) -> None:
    states, tasks = states_of(root, split), set()
    asked = {question["primitive"]: question for question in questions(CAMERA)}
    denied = denials(CAMERA)
    for path in (written / split / "vqa_and_retrieval").glob("*/*.jsonl"):
        tasks.add(f"{path.parent.name}/{path.stem}")
        rows, videos = lines(path), []
        for row in rows:
            assert list(row) == PAIR_FIELDS
            assert all(type(row[name]) is str for name in PAIR_FIELDS if name not in ("images", "texts"))
            assert (row["skill"], row["task"]) == (path.parent.name, path.stem)
            assert row["images"] == [row["pos_video"], row["neg_video"]]
            assert row["texts"] == [row["pos_text"], row["neg_text"]]
            videos += row["images"]
            one, _, other = path.stem.replace("_", "-").removeprefix("has-").partition("-vs-")
            assert (row["pos_question"], row["pos_text"]) == (asked[one]["question"], asked[one]["statement"])
            assert states[row["pos_video"], one] == "present"
            assert states[row["neg_video"], one] == "absent"
            if other:
                assert (row["neg_question"], row["neg_text"]) == (asked[other]["question"], asked[other]["statement"])
                assert states[row["neg_video"], other] == "present"
                assert states[row["pos_video"], other] == "absent"
            else:
                assert (row["neg_question"], row["neg_text"]) == denied[one]
        assert len(set(videos)) == 2 * len(rows)
    asks, says = denied["pan-left"]
    assert asks.startswith('Is this video free of what the term "pan left" stands for, namely that the camera turns')
    assert says == "It is not true of this video that the camera pans left."
    wanted = {"camera_movement/has_pan_left", "camera_confusable/pan_left_vs_truck_left"}
    assert wanted | {"camera_confusable/pan_left_vs_pan_right"} <= tasks


def test_the_command_writes_them_and_says_how_many(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAI_DATASETS", str(root))
    out = CliRunner().invoke(app, ["dataset", "questions", "latest", "--out", str(tmp_path / "q")])
    assert out.exit_code == 0, out.output
    count = len(lines(tmp_path / "q/eval/yes_no_questions.jsonl"))
    assert f"{count:,}" in out.output
    again = CliRunner().invoke(app, ["dataset", "questions", "latest", "--out", str(tmp_path / "q")])
    assert isinstance(again.exception, FolderTaken)


class WithAnotherPanLeft(Releases):
    """The released versions, but that in the newest one a pan left means something else."""

    def load(self, version: str | None = None) -> Spec:
        spec = super().load(version)
        if spec.version != SPEC.version:
            return spec
        primitives = (one.model_copy(update={"meaning": 2}) for one in CAMERA.primitives if one.id == "pan-left")
        others = (one for one in CAMERA.primitives if one.id != "pan-left")
        camera = CAMERA.model_copy(update={"primitives": (*primitives, *others)})
        return spec.model_copy(update={"aspects": {**spec.aspects, "camera": camera}})


def test_labels_of_another_meaning_or_name_are_left_out_and_counted(tmp_path: Path) -> None:
    one = clip(0)
    old = load_spec("1.0.0")
    camera = label(one, CAMERA, SPEC)
    camera["states"] = [*camera["states"], {"primitive": "no-such-thing", "state": "present"}]
    labels = [camera, label(one, old.aspects["scene"], old)]
    triples = triples_of([one], ("camera", "scene"))
    publish(export([one], triples, primitives=frame("primitives", labels), specs=(SPEC, old)), str(tmp_path))
    asked = asked_of(tmp_path)
    assert asked.unknown >= 1
    names = set(asked.answers["primitive"])
    assert "no-such-thing" not in names
    assert {"pan-left", "pan-right"} <= names
    changed = label_questions(open_dataset("latest", str(tmp_path)), WithAnotherPanLeft())
    assert names - set(changed.answers["primitive"]) == {"pan-left"}
    assert changed.unknown == asked.unknown + 1


def test_a_dataset_without_labels_a_damaged_file_and_a_taken_folder_are_one_clear_line(tmp_path: Path) -> None:
    dataset = tmp_path / "datasets" / publish_labeled(tmp_path / "datasets", 2)
    asked = asked_of(tmp_path / "datasets")
    with pytest.raises(FolderTaken, match="outside it"):
        write_questions(asked, dataset / "questions")
    (tmp_path / "taken" / "already").mkdir(parents=True)
    with pytest.raises(FolderTaken, match="is there already: name a new folder"):
        write_questions(asked, tmp_path / "taken")
    os.truncate(dataset / "primitives.parquet", 100)
    with pytest.raises(DatasetNotFound, match="chai dataset verify"):
        asked_of(tmp_path / "datasets")
    (dataset / "primitives.parquet").unlink()
    with pytest.raises(DatasetNotFound, match="export again"):
        asked_of(tmp_path / "datasets")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "taken"]
