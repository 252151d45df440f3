"""Degraded critiques: each variant changes the one thing it is named for, and none touches the dataset."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from chai_assets.cli.main import app
from chai_assets.datasets.evaluate.ablations import AblationsRefused, ablation_rows, write_ablations
from chai_assets.datasets.evaluate.degrade import RULE_VARIANTS, VariantUnavailable, degrade, remarks
from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.write.new_folder import FolderTaken
from chai_assets.datasets.write.publish import publish
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Capabilities, CaptionError, Request, Result
from tests.captioners.model_server import model_server
from tests.datasets.factory import many
from tests.ingestion.films import scene, write

SPEC = load_spec()
CAMERA = SPEC.aspects["camera"]
DRAFT = "The camera pans left in a wide shot. A red boat lies in the foreground, and the mood is calm."
SAID = [
    'Change "pans left" to "pans right".',
    'Remove "the mood is calm", which is an opinion.',
    "The boat is in the background, not in the foreground.",
    "Please mention that two gulls sit on the pier.",
    'The words "A red boat" are wrong. The hull is green.',
    "1. The shot is a close-up.\n2. The light is dim.",
]


def triple(critique: str, number: int = 0) -> dict[str, Any]:
    return {
        "id": f"tri_{number}",
        "aspect": "camera",
        "draft": DRAFT,
        "critique": critique,
        "final": "The camera pans right.",
    }


CRITIQUES = st.lists(st.sampled_from(SAID), min_size=1, max_size=4, unique=True).map(" ".join)
NUMBERS = st.integers(0, 9)


@given(st.sampled_from(RULE_VARIANTS), CRITIQUES, NUMBERS)
def test_every_variant_differs_and_is_the_same_again(variant: Any, critique: str, number: int):
    row = triple(critique, number)
    try:
        made = degrade(variant, row, CAMERA)
    except VariantUnavailable:
        return
    assert made.text != critique
    assert made.changed
    assert degrade(variant, dict(row), CAMERA) == made


@given(CRITIQUES, NUMBERS)
def test_an_insertion_keeps_every_remark_and_adds_one(critique: str, number: int):
    made = degrade("inaccurate_insertion", triple(critique, number), CAMERA)
    assert remarks(made.text)[:-1] == remarks(critique)
    assert made.text.startswith(critique)


@given(CRITIQUES, NUMBERS)
def test_a_deletion_drops_one_remark_and_keeps_the_others(critique: str, number: int):
    before = remarks(critique)
    assume(len(before) > 1)
    after = remarks(degrade("incomplete_deletion", triple(critique, number), CAMERA).text)
    assert len(after) == len(before) - 1
    assert [part for part in before if part in after] == after


@given(CRITIQUES, NUMBERS)
def test_a_replacement_changes_one_remark_and_no_words_that_the_draft_has(critique: str, number: int):
    try:
        made = degrade("inaccurate_replacement", triple(critique, number), CAMERA)
    except VariantUnavailable:
        return
    before, after = remarks(critique), remarks(made.text)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert made.text.count('"pans left"') == critique.count('"pans left"')


def test_a_critique_that_does_not_construct_names_what_is_wrong_and_not_what_is_right():
    text = degrade("nonconstructive", triple(" ".join(SAID[:5])), CAMERA).text
    wrong = ["pans left", "the mood is calm", "in the foreground", "A red boat"]
    assert all(f'says "{quote}" is ' in text for quote in wrong)
    assert not any(right in text for right in ("pans right", "in the background", "gulls", "green"))


@pytest.mark.parametrize(
    ("variant", "critique", "reason"),
    [
        ("incomplete_deletion", SAID[0], "single remark"),
        ("inaccurate_replacement", "Say more.", "no remark has a word"),
        ("nonconstructive", "", "no remark"),
        ("nonconstructive", 'The part of the caption that says "pans left" is inaccurate.', "as it is"),
    ],
)
def test_what_cannot_be_degraded_says_why(variant: Any, critique: str, reason: str):
    with pytest.raises(VariantUnavailable, match=reason):
        degrade(variant, triple(critique), CAMERA)


def test_a_quotation_with_sentences_in_it_is_one_remark():
    text = 'Change "It pans. It stops." to "It tilts. It stays." Then add a gull. 2. Fine.\n- Good'
    assert remarks(text) == [
        'Change "It pans. It stops." to "It tilts. It stays."',
        "Then add a gull.",
        "2. Fine.",
        "- Good",
    ]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    published = publish(many(12), str(tmp_path / "datasets"))
    return Path(published.uri)


def _state(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_command_writes_marked_rows_beside_the_dataset_and_leaves_it_as_it_was(dataset: Path, tmp_path: Path):
    before, out = _state(dataset), tmp_path / "ablations"
    done = CliRunner().invoke(app, ["dataset", "ablations", str(dataset), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert _state(dataset) == before
    assert verify_dataset(dataset) == []
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["dataset_id"] == dataset.name
    for entry in manifest["files"]:
        lines = [json.loads(line) for line in (out / entry["path"]).read_text().splitlines()]
        assert len(lines) == entry["rows"]
        assert hashlib.sha256((out / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
        split, name = entry["path"].split("/")
        assert {(row["split"], row["variant"], row["made_by"]) for row in lines} <= {(split, name[:-6], "rule")}
        assert all(row["degraded_critique"] != row["critique"] for row in lines)
    assert sum(manifest["rows"].values()) + sum(entry["count"] for entry in manifest["left_out"]) == 4 * 60
    assert all(entry["reason"] for entry in manifest["left_out"])


def test_two_runs_write_the_same_bytes(dataset: Path, tmp_path: Path):
    for name in ("a", "b"):
        write_ablations(dataset, tmp_path / name, SPEC)
    assert _state(tmp_path / "a") == _state(tmp_path / "b")


def test_a_folder_in_the_dataset_or_in_use_is_refused(dataset: Path, tmp_path: Path):
    before = _state(tmp_path)
    for out, says in ((dataset / "train" / "ablations", "lies in a dataset"), (tmp_path, "is there already")):
        with pytest.raises(FolderTaken, match=says):
            write_ablations(dataset, out, SPEC)
    assert _state(tmp_path) == before


def test_a_dataset_that_was_changed_is_refused(dataset: Path, tmp_path: Path):
    (dataset / "triples.parquet").write_bytes(b"PAR1")
    with pytest.raises(AblationsRefused, match="not the file its manifest names"):
        write_ablations(dataset, tmp_path / "out", SPEC)
    assert not (tmp_path / "out").exists()


class Degrader:
    """An engine that offers the task, and fails at one variant."""

    model, revision, capabilities = "spoiler", "1", Capabilities()

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        for request in requests:
            assert request.task == "degrade"
            assert request.context["critique"] in request.prompt
            failed = CaptionError("permanent", "refused", "no") if request.key.endswith("nonconstructive") else None
            yield Result(request.key, self.model, self.revision, None if failed else "All is well.", error=failed)


def test_a_model_writes_what_it_can_and_the_rule_the_rest():
    rows = [
        row | {"id": row["triple_id"], "split": "train", "video": "v", "instruction": "i"}
        for row in many(2).triples.to_dicts()
    ]
    made, _ = ablation_rows(rows, SPEC, captioner=Degrader())
    by = {(row["variant"], row["made_by"]) for row in made if row["critique"]}
    assert by == {(variant, "spoiler") for variant in RULE_VARIANTS[:3]} | {("nonconstructive", "rule")}
    offline, left = ablation_rows(rows, SPEC, captioner=OfflineCaptioner())
    assert (offline, left) == ablation_rows(rows, SPEC)


@pytest.mark.parametrize(("engine", "path"), [("openai", "/v1"), ("gemini", "")])
def test_a_models_own_critique_is_a_variant_that_only_a_model_writes(
    engine: str, path: str, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = _state(dataset)
    triples = {row["id"]: row for row in pl.read_parquet(dataset / "triples.parquet").to_dicts()}
    wanted = [row for row in triples.values() if row["critique"]]
    media = tmp_path / "home/media"
    (media / "clips").mkdir(parents=True)
    write(tmp_path / "clip.mp4", scene(1, 10), rate=10)
    for row in wanted:
        (media / row["video"]).write_bytes((tmp_path / "clip.mp4").read_bytes())
    refused = wanted[0]["draft"]
    name = {"openai": "gpt-4.1-2025-04-14", "gemini": "gemini-2.5-flash-001"}[engine]
    with model_server() as (url, book):
        book.faults[refused] = ["blocked"]
        given = {
            "CHAI_HOME": tmp_path / "home",
            "CHAI_MODEL": name,
            "CHAI_MODEL_URL": url + path,
            "GEMINI_API_KEY": "k",
        }
        for variable, value in given.items():
            monkeypatch.setenv(variable, str(value))
        command = ["dataset", "ablations", str(dataset), "--variants", "written_by_model", "--engine", engine]
        done = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "out")])
        assert done.exit_code == 0, done.output
        seen = list(book.seen)
    assert _state(dataset) == before
    rows = [json.loads(line) for file in sorted((tmp_path / "out").rglob("*.jsonl")) for line in file.open()]
    assert {row["triple_id"] for row in rows} == {row["id"] for row in wanted[1:]}
    assert {(row["variant"], row["made_by"]) for row in rows} == {("written_by_model", name)}
    assert all(row["critique"] == triples[row["triple_id"]]["critique"] for row in rows), "the person's stands beside"
    left = json.loads((tmp_path / "out/manifest.json").read_text())["left_out"]
    assert sorted(entry["count"] for entry in left) == [1, len(triples) - len(wanted)]
    assert any("blocked" in entry["reason"] for entry in left)
    parts = [body["messages"][0]["content"] if path else body["contents"][0]["parts"] for body in seen]
    assert all(len(shown) > 1 for shown in parts), "the clip is in view"
    asked = [part[-1]["text"] for part in parts]
    assert not any(row["critique"] in text for row in wanted for text in asked), "no person's critique is"


@pytest.mark.parametrize("engine", ["rule", "offline"])
def test_without_a_model_there_is_no_critique_written_by_one(engine: str, dataset: Path, tmp_path: Path):
    command = ["dataset", "ablations", str(dataset), "--engine", engine, "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*command, "--variants", "written_by_model"])
    assert done.exit_code == 1
    assert "give --engine openai or gemini, and set CHAI_MODEL" in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()
