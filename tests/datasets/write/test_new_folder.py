"""Folders that commands write beside datasets: whole or not at all, never in a dataset, and a refusal is one line."""

import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from chai_assets.core.token_count import ESTIMATING_COUNTER
from chai_assets.datasets.convert.pack import pack_dataset, unpack
from chai_assets.datasets.convert.trainers import convert_dataset
from chai_assets.datasets.evaluate.ablations import write_ablations
from chai_assets.datasets.read.label_questions import label_questions
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.read.viewer import write_viewer
from chai_assets.datasets.write.new_folder import (
    FolderTaken,
    NoRoom,
    NotWritten,
    check_new_folder,
    check_results_folder,
    new_folder,
    write_results,
)
from chai_assets.datasets.write.question_files import write_questions
from chai_assets.spec.versioning.releases import load_spec, releases_in
from chai_resources.media_store import MediaStore
from tests.datasets.convert.packs import Place, place
from tests.ingestion.files.test_listing import as_nobody

NO_MEDIA = MediaStore(root="nowhere")
Writes = Callable[[PublishedDataset, Path], object]


def _unpacked(dataset: PublishedDataset, out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pack_dataset(dataset, Path(folder) / "pack", None)
        unpack(Path(folder) / "pack", out)


WRITERS: dict[str, Writes] = {
    "pack": lambda dataset, out: pack_dataset(dataset, out, None),
    "unpack": _unpacked,
    "convert": lambda dataset, out: convert_dataset(dataset, "qwen", out, NO_MEDIA, ESTIMATING_COUNTER),
    "questions": lambda dataset, out: write_questions(label_questions(dataset, releases_in()), out),
    "ablations": lambda dataset, out: write_ablations(Path(dataset.store.root), out, load_spec()),
    "view": lambda dataset, out: write_viewer(dataset, out, 10, "media"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("name", WRITERS)
def test_each_command_refuses_a_dataset_a_file_and_a_name_that_cannot_be(tmp_path: Path, made: Place, name: str):
    inside = Path(made.dataset.store.root)
    before = sorted(inside.rglob("*"))
    (tmp_path / "file").touch()
    for out, kind, says in (
        (inside / "train" / "new", FolderTaken, "lies in a dataset or a pack, which never changes: choose a folder"),
        (tmp_path / "file" / "new", FolderTaken, "new cannot be a folder: .*file is a file; name another folder"),
        (tmp_path / ("x" * 300), NotWritten, r"\(File name too long\): mend that, or name another folder"),
    ):
        with pytest.raises(kind, match=says) as told:
            WRITERS[name](made.dataset, out)
        assert "\n" not in str(told.value)
    assert sorted(inside.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_empty_folder_is_filled_and_a_failure_leaves_nothing(tmp_path: Path):
    out = tmp_path / "deep" / "out"
    with pytest.raises(ZeroDivisionError):
        _fail_halfway(out)
    assert list(out.parent.iterdir()) == []
    out.mkdir()
    with new_folder(out) as folder:
        (folder / "whole").touch()
    assert [path.name for path in out.parent.rglob("*")] == ["out", "whole"]


def _fail_halfway(out: Path) -> None:
    with new_folder(out) as folder:
        (folder / "half").touch()
        raise ZeroDivisionError


def test_a_full_disk_says_how_much_is_free_and_nothing_is_left(tmp_path: Path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(NoRoom, match=r"out: File too large, .* GB are free there: make room"):
            _write_too_much(tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def _write_too_much(out: Path) -> None:
    with new_folder(out) as folder:
        (folder / "large").write_bytes(bytes(20_000))


def test_results_that_do_not_fit_leave_those_of_before_as_they_were(tmp_path: Path):
    write_results(tmp_path / "out", {"a": b"first", "b": b"second"})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(NoRoom, match=r"out: File too large, .*; what was half written is removed"):
            write_results(tmp_path / "out", {"a": b"third", "b": bytes(20_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {"a": b"third", "b": b"second"}


def test_a_folder_that_one_may_not_write_to_is_named_before_any_work():
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o555)
        with as_nobody():
            for check in (check_new_folder, check_results_folder):
                with pytest.raises(
                    NotWritten, match=rf"out was not written: {name} .* mend its rights, or name another"
                ):
                    check(Path(name) / "deep" / "out")
