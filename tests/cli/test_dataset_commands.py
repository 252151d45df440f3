"""`chai dataset`: what it prints of real datasets in a folder and in a bucket, and how it fails."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chai_assets.cli import main as cli
from chai_assets.datasets.file_names import MANIFEST
from chai_assets.datasets.read.published import DatasetNotFound, list_datasets, open_dataset, open_store
from chai_assets.datasets.write.publish import publish
from chai_resources.media import Media
from tests.datasets.factory import clip, export, many, triples_of


class Chai:
    """The command as somebody types it, with a wide terminal and this root of datasets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: str) -> None:
        self.root = root
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.setenv("CHAI_DATASETS", root)
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        self._monkeypatch.setattr(sys, "argv", ["chai", "dataset", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return int(code or 0), self._capsys.readouterr().out


@pytest.fixture(params=["folder", "s3"])
def chai(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Chai:
    s3 = request.getfixturevalue("s3") if request.param == "s3" else ""
    return Chai(monkeypatch, capsys, f"{s3}-{tmp_path.name}/datasets" if s3 else str(tmp_path / "datasets"))


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Chai:
    return Chai(monkeypatch, capsys, str(tmp_path / "datasets"))


def test_datasets_are_listed_shown_compared_checked_and_viewed_wherever_they_lie(chai: Chai, tmp_path: Path) -> None:
    clips = [clip(number) for number in range(5)]
    rows = triples_of(clips)
    old = publish(export(clips[:4]), chai.root).manifest
    rows[0]["final"] = rows[0]["final"] + " At dusk."
    new = publish(export(clips, rows), chai.root).manifest

    code, out = chai("list")
    assert code == 0
    # A bucket tells times to the second only, so the order of these two is open there.
    listed = {line.split()[0]: "latest" in line for line in out.splitlines()[1:]}
    assert listed == {old.dataset_id[:12]: False, new.dataset_id[:12]: True}

    code, out = chai("show", old.dataset_id[:12])
    assert (code, out.splitlines()[0]) == (0, old.dataset_id)
    assert "20 triples of 4 clips from 1 sources" in out

    code, out = chai("diff", old.dataset_id, "latest")
    assert code == 0
    assert "5 triples added (camera 1, motion 1, scene 1, spatial 1, subject 1), 0 removed" in out
    assert "1 changed (final 1), 19 as they were" in out
    assert "no source moved" in out
    assert "final: In clip 0 the subject" in out
    found = json.loads(chai("diff", old.dataset_id, "latest", "--json")[1])
    assert (found["added"], found["changed"], found["moved"]) == (5, 1, [])

    assert "is whole" in chai("verify", "latest")[1]
    out = chai("view", "latest", "--sample", "7", "--out", str(tmp_path / "look"))[1]
    assert f"7 triples of {new.dataset_id}: open {tmp_path / 'look' / 'index.html'}" in out
    assert (tmp_path / "look/index.html").is_file()


def test_damage_in_a_bucket_is_found_and_ends_with_status_1(chai: Chai) -> None:
    published = publish(many(3), chai.root)
    store = Media(root=published.uri)
    store.put_bytes("train/reward.jsonl", store.get_bytes("train/reward.jsonl")[:-1] + b" ")
    store.put_bytes("stray.txt", b"x")
    code, out = chai("verify", "latest")
    assert code == 1
    assert "train/reward.jsonl is not the file the manifest names (sha256 differs): fetch it again" in out
    assert "stray.txt is not in the manifest: do not use it" in out
    assert out.splitlines()[-1] == f"{published.uri} is NOT what its manifest says"


def test_a_dataset_is_packed_checked_unpacked_and_converted_wherever_it_lies(chai: Chai, tmp_path: Path) -> None:
    published = publish(many(3, dialects=()), chai.root)
    media, pack, here, swift = (str(tmp_path / name) for name in ("media", "pack", "here", "swift"))
    keys = [f"clips/{one['clip_id']}.mp4" for one in (clip(number) for number in range(3))]
    for key in keys:
        Media(root=media).put_bytes(key, key.encode())
    code, out = chai("pack", "latest", "--with-media", "--media", media, "--out", pack)
    assert (code, f"{pack}: 3 clips of {published.manifest.dataset_id} in 1 shards" in out) == (0, True)
    assert f"{pack} is whole: every shard, file, chain and split is as its pack.json says" in chai("verify", pack)[1]
    assert f"clips under {here}/media" in chai("unpack", pack, "--out", here)[1]
    assert all((tmp_path / "here/media" / key).read_bytes() == key.encode() for key in keys)
    code, out = chai("convert", "latest", "--to", "ms-swift", "--out", swift, "--media", f"{here}/media")
    assert (code, f"15  {swift}/train/caption_generation.jsonl" in out) == (0, True)
    row = json.loads((tmp_path / "swift/train/caption_generation.jsonl").read_text().splitlines()[0])
    assert Path(row["videos"][0]).read_bytes() in [key.encode() for key in keys]

    (tmp_path / "pack/train/train-000000.tar").unlink()
    code, out = chai("verify", pack)
    assert (code, out.splitlines()) == (
        1,
        [
            "train/train-000000.tar is missing (3 clips of train): fetch it again",
            f"{pack} is NOT what its pack.json says",
        ],
    )
    for arguments in (("unpack", pack, "--out", f"{here}-again"), ("pack", "--with-media", "--out", f"{pack}-again")):
        code, out = chai(*arguments)
        assert (code, len(out.splitlines())) == (1, 1), out
    assert not [path for path in tmp_path.iterdir() if path.name.endswith("-again")]


def test_what_is_not_there_is_named_with_what_to_do(local: Chai, tmp_path: Path) -> None:
    assert local("show") == (
        1,
        f"{local.root} has no nightly dataset yet: run `chai dataset export`, or take one by its id from "
        "`chai dataset list`\n",
    )
    assert "no dataset under" in local("list")[1]
    published = publish(many(2), local.root)
    for arguments, message in {
        ("show", "dst_0"): f"no dataset dst_0 under {local.root}: `chai dataset list` shows those there are",
        (
            "show",
            str(tmp_path),
        ): f"{tmp_path} has no manifest.json, so it is no dataset: name the folder that holds one",
        ("show", local.root): f"it is a folder of datasets; the latest is {published.uri}",
        ("diff", "latest", "/nowhere"): "/nowhere has no manifest.json",
        ("verify", "/nowhere"): "manifest.json is missing: without it this is no dataset",
    }.items():
        code, out = local(*arguments)
        assert code == 1, arguments
        assert message in out.replace("\n", " "), arguments


def test_a_damaged_dataset_does_not_hide_the_others(local: Chai) -> None:
    good, bad = publish(many(2), local.root), publish(many(3), local.root)
    (Path(bad.uri) / MANIFEST).write_text("{")
    code, out = local("list")
    assert code == 0
    assert good.manifest.dataset_id[:12] in out
    assert re.search(rf"{bad.manifest.dataset_id[:12]} .*damaged.*latest", out)
    assert "manifest.json is damaged (Expecting property name" in out
    code, out = local("show", "latest")
    assert (code, "fetch the dataset again" in out) == (1, True)


def test_a_publication_that_was_killed_is_no_dataset(local: Chai) -> None:
    published = publish(many(2), local.root)
    half = Path(shutil.copytree(published.uri, f"{local.root}/dst_half"))
    (half / MANIFEST).unlink()
    assert [listed.name for listed in list_datasets(local.root)] == [published.manifest.dataset_id]


def test_rows_that_cannot_be_read_send_to_verify(local: Chai) -> None:
    published = publish(many(2), local.root)
    (Path(published.uri) / "triples.parquet").write_bytes(b"no parquet")
    code, out = local("diff", "latest", "latest")
    assert code == 1
    assert "triples.parquet of" in out
    assert "`chai dataset verify` tells what is damaged" in out
    (Path(published.uri) / "triples.parquet").unlink()
    assert "triples.parquet of" in local("view", "--out", str(Path(local.root, "out")))[1]


def test_the_beginning_of_an_id_is_enough_if_it_is_the_only_one(tmp_path: Path) -> None:
    root = str(tmp_path)
    one, two = publish(many(1), root).manifest.dataset_id, publish(many(2), root).manifest.dataset_id
    assert open_dataset(one[:10], root).id == one
    assert open_store(two, root).root == f"{root}/{two}"
    with pytest.raises(DatasetNotFound, match="dst_ is the beginning of 2 ids: give more of it"):
        open_dataset("dst_", root)


def test_a_manifest_with_fields_of_another_version_is_shown_and_what_was_changed_is_said(local: Chai) -> None:
    path = Path(publish(many(2), local.root).uri) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"selection": {"aspects": ["camera [red]"]}}))
    code, out = local("show", "latest")
    assert code == 0
    assert re.search(r'selection +\{"aspects": \["camera \[red\]"\]\}', out)
    assert "its content has another id than it claims" in out


@pytest.mark.parametrize("command", ["list", "show", "diff", "verify", "view", "pack", "unpack", "convert"])
def test_every_command_teaches_with_an_example(local: Chai, command: str) -> None:
    code, out = local(command, "--help")
    assert (code, f"Example: chai dataset {command}" in out) == (0, True)


def test_a_list_of_datasets_loads_no_library_for_tables():
    """They take longer to load than all the rest of the command."""
    code = "import sys; import chai_assets.cli.dataset_output; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"polars", "pyarrow", "pandas", "deltalake", "rich.progress"} & set(loaded)
