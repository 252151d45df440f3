"""Publishing: content-addressed, repeatable, whole or not there; and the check of what was received."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.datasets.manifest import MANIFEST, Manifest, dataset_id
from chai_assets.datasets.publish import LATEST, build, latest, publish
from chai_assets.datasets.rows import ExportRefused
from chai_assets.datasets.verify import verify_dataset
from chai_resources.media import Media
from tests.datasets.factory import clip, export, many, triples_of
from tests.services import S3Server, start_s3

WRITES = 36
"""34 files, the manifest, and latest.json."""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "folder":
        return str(tmp_path / "datasets")
    server: S3Server = request.getfixturevalue("s3")
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    return f"s3://chai/{tmp_path.name}/datasets"


def fetch(root: str, dataset: str, folder: Path) -> Path:
    """A dataset as its user gets it: copied out of the store."""
    store = Media(root=root)
    for entry in store.entries(f"{dataset}/"):
        path = folder / entry.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.get_bytes(entry.key))
    return folder / dataset


def stamps(root: str) -> list[tuple[object, ...]]:
    return [(entry.key, entry.bytes, entry.changed_at) for entry in Media(root=root).entries()]


def publish_and_die(root: str, clips: int, fatal: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.datasets.publish_and_die", root, str(clips), str(fatal)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=dict(os.environ))


def test_a_published_dataset_is_whole_and_current_and_publishing_it_again_writes_nothing(root: str, tmp_path: Path):
    assert latest(root) is None
    first = publish(many(8), root)
    assert first.new
    assert first.uri == f"{root}/{first.manifest.dataset_id}"
    assert latest(root) == first.manifest
    assert verify_dataset(fetch(root, first.manifest.dataset_id, tmp_path / "got")) == []

    before = stamps(root)
    again = publish(many(8), root)
    assert (again.manifest, again.new) == (first.manifest, False)
    assert stamps(root) == before


def test_the_newest_export_is_current_and_the_former_stays_as_it_was(root: str, tmp_path: Path):
    old, new = publish(many(4), root), publish(many(5), root)
    assert latest(root) == new.manifest
    assert verify_dataset(fetch(root, old.manifest.dataset_id, tmp_path)) == []
    assert not publish(many(4), root).new
    assert latest(root) == old.manifest


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.booleans())
def test_equal_rows_in_any_order_and_twice_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, random, twice: bool
):
    whole = many(3)

    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        rows = list(range(len(frame))) * (2 if twice else 1)
        random.shuffle(rows)
        return frame[rows]

    other = replace(
        whole,
        triples=shuffled(whole.triples),
        clips=shuffled(whole.clips),
        merged_captions=shuffled(whole.merged_captions),
        table_versions=dict(reversed(whole.table_versions.items())),
    )
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    assert build(whole, one) == build(other, two)
    for path in one.rglob("*.*"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


@pytest.mark.parametrize(
    "change",
    [{"code_version": "0.1.1"}, {"table_versions": {"triples": 4}}, {"eval_share": 0.9}],
    ids=lambda change: next(iter(change)),
)
def test_whatever_a_dataset_is_made_from_is_part_of_its_id(tmp_path: Path, change: dict[str, Any]):
    assert build(many(2), tmp_path).dataset_id != build(many(2, **change), tmp_path).dataset_id


def test_a_refused_export_leaves_everything_as_it_was(root: str):
    published = publish(many(2), root)
    before = stamps(root)
    mixed = triples_of([clip(0)])
    mixed[0]["spec_version"] = "0.9.0"
    with pytest.raises(ExportRefused, match=r"0\.9\.0"):
        publish(export([clip(0)], mixed), root)
    assert stamps(root) == before
    assert latest(root) == published.manifest


@pytest.mark.parametrize(
    ("root", "fatal"),
    [*[("folder", n) for n in (0, 6, WRITES - 2, WRITES - 1)], ("s3", 6), ("s3", WRITES - 2)],
    indirect=["root"],
)
def test_a_publication_killed_at_any_write_leaves_the_former_dataset_current(root: str, fatal: int, tmp_path: Path):
    former = publish(many(4), root).manifest
    killed = publish_and_die(root, 6, fatal)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert latest(root) == former
    assert verify_dataset(fetch(root, former.dataset_id, tmp_path / "former")) == []

    expected = build(many(6), tmp_path / "scratch")
    complete = Media(root=root).exists(f"{expected.dataset_id}/{MANIFEST}")
    assert complete == (fatal == WRITES - 1)

    finished = publish(many(6), root)
    assert finished.new == (not complete)
    assert latest(root) == finished.manifest == expected
    assert verify_dataset(fetch(root, expected.dataset_id, tmp_path / "later")) == []
    if not root.startswith("s3://"):
        assert verify_dataset(finished.uri) == []


def test_a_process_that_is_not_killed_makes_the_expected_writes(tmp_path: Path):
    root = str(tmp_path / "datasets")
    lived = publish_and_die(root, 3, -1)
    assert lived.stdout.split()[-2:] == [build(many(3), tmp_path / "scratch").dataset_id, str(WRITES)], lived.stderr


def _claim(folder: Path, **changes: object) -> None:
    """Rewrites the manifest with these claims, and with the id that follows from them."""
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes()).model_copy(update=changes)
    manifest = manifest.model_copy(update={"dataset_id": dataset_id(manifest)})
    (folder / MANIFEST).write_text(manifest.text())


def _retold(folder: Path, **changes: pl.Expr) -> None:
    """Changes the canonical rows and makes the manifest agree with the file, as a forger would."""
    path = folder / "triples.parquet"
    pl.read_parquet(path).with_columns(**changes).write_parquet(path)
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    made = {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    files = [e.model_copy(update=made) if e.path == path.name else e for e in manifest.files]
    _claim(folder, files=files)


def _edit_a_caption(folder: Path) -> None:
    path = folder / "train/caption_generation.jsonl"
    path.write_bytes(path.read_bytes().replace(b"far", b"off", 1).replace(b"close", b"clote", 1))


def _edit_the_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_text(path.read_text().replace('"code_version": "0.1.0"', '"code_version": "9.9.9"'))


def _wrong_row_count(folder: Path) -> None:
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    files = [e.model_copy(update={"rows": 1}) if e.path == "triples.jsonl" else e for e in manifest.files]
    _claim(folder, files=files)


def _wrong_counts(folder: Path) -> None:
    counts = Manifest.model_validate_json((folder / MANIFEST).read_bytes()).counts
    _claim(folder, counts=counts.model_copy(update={"by_rating": {"5": 40}}))


_CAMERA_IN_EVAL = pl.when(pl.col("aspect") == "camera").then(pl.lit("eval")).otherwise("split")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / MANIFEST).unlink(),
            "manifest.json is missing: without it this is no dataset",
        ),
        (lambda folder: (folder / MANIFEST).write_text("{"), "manifest.json cannot be read"),
        (lambda folder: (folder / "triples.jsonl").unlink(), "triples.jsonl is missing"),
        (lambda folder: (folder / "more.jsonl").touch(), "more.jsonl is not in the manifest"),
        (lambda folder: os.truncate(folder / "triples.parquet", 100), "triples.parquet has 100 bytes"),
        (_edit_a_caption, "caption_generation.jsonl is not the file the manifest names"),
        (_edit_the_manifest, "manifest.json claims the id dst_"),
        (_wrong_row_count, "triples.jsonl has 40 rows, the manifest says 1"),
        (_wrong_counts, "its counts are not those of triples.parquet"),
        (lambda folder: _retold(folder, review_id=pl.lit("rvw_0")), "its chain hash does not match"),
        (lambda folder: _retold(folder, split=pl.lit("eval")), "where its hash does not put it"),
        (
            lambda folder: _retold(folder, split=_CAMERA_IN_EVAL),
            "is on both sides of the split",
        ),
    ],
)
def test_damage_to_a_received_dataset_is_found_and_named(
    tmp_path: Path, damage: Callable[[Path], object], message: str
):
    uri = Path(publish(many(8), str(tmp_path / "datasets")).uri)
    folder = Path(shutil.copytree(uri, tmp_path / "received"))
    assert verify_dataset(folder) == []
    damage(folder)
    problems = verify_dataset(folder)
    assert any(message in problem for problem in problems), problems


def test_latest_names_the_manifest_relative_to_the_root(tmp_path: Path):
    published = publish(many(1), str(tmp_path))
    named = json.loads((tmp_path / LATEST).read_text())
    assert Path(published.uri) / MANIFEST == tmp_path / named["manifest"]
