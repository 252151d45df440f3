"""Publishing: content-addressed, repeatable, whole or not there; and the check of what was received."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.datasets.file_names import LATEST, MANIFEST
from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.select.canonical_rows import ExportRefused
from chai_assets.datasets.write.publish import build_dataset, latest_manifest, publish
from chai_resources.media import Media
from tests.datasets.factory import clip, export, many, triples_of
from tests.services.local import S3Server, start_s3


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
    command = [sys.executable, "-m", "tests.datasets.write.publish_and_die", root, str(clips), str(fatal)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=dict(os.environ))


def test_a_published_dataset_is_whole_and_current_and_publishing_it_again_writes_nothing(root: str, tmp_path: Path):
    assert latest_manifest(root) is None
    first = publish(many(8), root)
    assert first.new
    assert first.uri == f"{root}/{first.manifest.dataset_id}"
    assert latest_manifest(root) == first.manifest
    assert verify_dataset(fetch(root, first.manifest.dataset_id, tmp_path / "got")) == []

    before = stamps(root)
    again = publish(many(8), root)
    assert (again.manifest, again.new) == (first.manifest, False)
    assert stamps(root) == before


def test_the_newest_export_is_current_and_the_former_stays_as_it_was(root: str, tmp_path: Path):
    old, new = publish(many(4), root), publish(many(5), root)
    assert latest_manifest(root) == new.manifest
    assert verify_dataset(fetch(root, old.manifest.dataset_id, tmp_path)) == []
    assert not publish(many(4), root).new
    assert latest_manifest(root) == old.manifest


@settings(max_examples=15)
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
    assert build_dataset(whole, one) == build_dataset(other, two)
    for path in one.rglob("*.*"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


@pytest.mark.parametrize(
    "change",
    [{"code_version": "0.1.1"}, {"instructions_from": {"version": "2.0.0", "hash": "2"}}, {"eval_share": 0.9}],
    ids=lambda change: next(iter(change)),
)
def test_whatever_a_dataset_is_made_from_is_part_of_its_id(tmp_path: Path, change: dict[str, Any]):
    assert build_dataset(many(2), tmp_path).dataset_id != build_dataset(many(2, **change), tmp_path).dataset_id


def test_tables_that_were_merely_compacted_give_the_same_dataset(root: str):
    first = publish(many(2), root)
    again = publish(many(2, table_versions={"triples": 99, "clips": 1, "merged_captions": 2}), root)
    assert again.manifest.dataset_id == first.manifest.dataset_id
    assert (first.new, again.new) == (True, False)


def test_a_refused_export_leaves_everything_as_it_was(root: str):
    published = publish(many(2), root)
    before = stamps(root)
    mixed = triples_of([clip(0)])
    mixed[0]["spec_version"] = "0.9.0"
    with pytest.raises(ExportRefused, match=r"0\.9\.0"):
        publish(export([clip(0)], mixed), root)
    assert stamps(root) == before
    assert latest_manifest(root) == published.manifest


@pytest.fixture(scope="module")
def writes_of() -> dict[bool, int]:
    """How many writes a publication of six clips makes, in a bucket and in a folder, once it was counted."""
    return {}


@pytest.mark.parametrize(
    ("root", "fatal"),
    [("folder", 0.0), ("folder", 0.5), ("folder", -3), ("folder", -2), ("folder", -1), ("s3", 0.5), ("s3", -2)],
    indirect=["root"],
)
def test_a_publication_killed_at_any_write_leaves_the_former_dataset_current(
    root: str, fatal: float, tmp_path: Path, writes_of: dict[bool, int]
):
    """`fatal` is a share of the writes, or counts from the last of them: in a folder -1 is latest.json, -2 the
    rename that makes the dataset, -3 the manifest; in a bucket -2 is the manifest."""
    in_bucket = root.startswith("s3://")
    expected = build_dataset(many(6), tmp_path / "scratch")
    if in_bucket not in writes_of:
        lived = publish_and_die(f"{root}-lived", 6, -1)
        named, count = lived.stdout.split()[-2:]
        assert (named, latest_manifest(f"{root}-lived")) == (expected.dataset_id, expected), lived.stderr
        writes_of[in_bucket] = int(count)
    writes = writes_of[in_bucket]

    former = publish(many(4), root).manifest
    killed = publish_and_die(root, 6, int(fatal * writes) if fatal >= 0 else writes + int(fatal))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert latest_manifest(root) == former
    assert verify_dataset(fetch(root, former.dataset_id, tmp_path / "former")) == []
    complete = Media(root=root).exists(f"{expected.dataset_id}/{MANIFEST}")
    assert complete == (fatal == -1)
    if not in_bucket:
        assert len(list(Path(root).glob(".building-*"))) == (not complete)

    finished = publish(many(6), root)
    assert finished.new == (not complete)
    assert latest_manifest(root) == finished.manifest == expected
    assert verify_dataset(fetch(root, expected.dataset_id, tmp_path / "later")) == []
    if not in_bucket:
        assert verify_dataset(finished.uri) == []
        assert list(Path(root).glob(".building-*")) == []


def test_latest_names_the_manifest_relative_to_the_root(tmp_path: Path):
    published = publish(many(1), str(tmp_path))
    named = json.loads((tmp_path / LATEST).read_text())
    assert Path(published.uri) / MANIFEST == tmp_path / named["manifest"]
