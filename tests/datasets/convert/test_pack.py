"""Packs: shards that plain `tarfile` reads, the same bytes again, and one clear line for whatever is wrong with one."""

import json
import resource
import tarfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from chai_assets.datasets.convert.clips import NothingToConvert
from chai_assets.datasets.convert.pack import (
    DATASET,
    MEDIA,
    PackDamaged,
    pack_dataset,
    unpack,
    verify_pack,
)
from chai_assets.datasets.convert.shards import Member, ShardWriter
from chai_assets.datasets.file_names import PACK_INDEX as INDEX
from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.write.new_folder import FolderTaken, NoRoom
from chai_resources.media_store import MediaStore
from tests.datasets.convert.packs import Place, place

SHARD = 40_000
"""Bytes of a shard in these tests: a few clips each."""


@pytest.fixture
def made(tmp_path: Path) -> Place:
    return place(tmp_path)


def test_plain_tarfile_reads_clip_caption_and_json_of_every_clip(tmp_path: Path, made: Place):
    index = pack_dataset(made.dataset, tmp_path / "pack", made.media, shard_bytes=SHARD)
    assert len(index.shards) > 4
    assert {shard.split for shard in index.shards} == {"train", "eval"}
    seen: dict[str, bytes] = {}
    for shard in index.shards:
        assert shard.bytes <= SHARD
        with tarfile.open(tmp_path / "pack" / shard.path) as tar:
            members = tar.getmembers()
            read = {member.name: file.read() for member in members if (file := tar.extractfile(member))}
        assert [name.partition(".")[2] for name in read] == ["mp4", "txt", "json"] * shard.samples
        for name in (name for name in read if name.endswith(".json")):
            clip_id = name.removesuffix(".json")
            told = json.loads(read[name])
            seen[told["video"]] = read[f"{clip_id}.mp4"]
            assert (told["clip_id"], told["split"]) == (clip_id, shard.split)
            assert told["caption"] == read[f"{clip_id}.txt"].decode()
            assert set(told["captions"]) == {"subject", "scene", "motion", "spatial", "camera"}
            assert len(told["triples"]) == 5
            assert all(text in told["caption"] for text in told["captions"].values())
    assert seen == made.clips
    assert verify_pack(tmp_path / "pack") == []


def test_equal_datasets_are_packed_to_equal_bytes(tmp_path: Path, made: Place):
    first, second = (pack_dataset(made.dataset, tmp_path / name, made.media, shard_bytes=SHARD) for name in "ab")
    assert first == second


def test_unpacked_the_clips_lie_where_the_datasets_files_name_them(tmp_path: Path, made: Place):
    pack_dataset(made.dataset, tmp_path / "pack", made.media, shard_bytes=SHARD)
    unpack(tmp_path / "pack", tmp_path / "here")
    assert verify_dataset(tmp_path / "here" / DATASET) == []
    videos = pl.read_parquet(tmp_path / "here" / DATASET / "train/parquet/caption_generation.parquet")["videos"]
    named = {key for keys in videos.to_list() for key in keys}
    assert named
    assert all((tmp_path / "here" / MEDIA / key).read_bytes() == made.clips[key] for key in named)
    found = {path.relative_to(tmp_path / "here" / MEDIA).as_posix() for path in (tmp_path / "here").rglob("*.mp4")}
    assert found == set(made.clips)


def test_without_the_clips_the_shards_hold_the_captions_alone(tmp_path: Path, made: Place):
    index = pack_dataset(made.dataset, tmp_path / "pack", None)
    with tarfile.open(tmp_path / "pack" / index.shards[0].path) as tar:
        assert {name.partition(".")[2] for name in tar.getnames()} == {"txt", "json"}
    unpack(tmp_path / "pack", tmp_path / "here")
    assert not (tmp_path / "here" / MEDIA).exists()


def test_shards_are_filled_between_half_and_all_of_what_one_may_have_and_a_larger_sample_has_its_own(tmp_path: Path):
    most = 100_000
    with ShardWriter(tmp_path, "train", most) as writer:
        for number in range(40):
            writer.add([Member(f"s{number}.mp4", bytes(10_000 + 900 * number)), Member(f"s{number}.txt", b"A dog.")])
        writer.add([Member("large.mp4", bytes(3 * most))])
    *usual, large = writer.entries
    assert all(most / 2 <= entry.bytes <= most for entry in usual[:-1])
    assert (large.samples, large.bytes > most) == (1, True)
    assert sum(entry.samples for entry in writer.entries) == 41


def test_a_clip_that_the_media_store_lacks_is_named_before_anything_is_written(tmp_path: Path, made: Place):
    key = sorted(made.clips)[3]
    (tmp_path / "media" / key).unlink()
    with pytest.raises(NothingToConvert, match=rf"1 of 12 clips are not in .*media, first {key}: name the media store"):
        pack_dataset(made.dataset, tmp_path / "pack", made.media)
    with pytest.raises(NothingToConvert, match="12 of 12 clips are not in"):
        pack_dataset(made.dataset, tmp_path / "pack", MediaStore(root=str(tmp_path / "nowhere")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "media"]


def test_where_the_disk_is_full_one_line_says_so_and_nothing_is_left(tmp_path: Path):
    made = place(tmp_path, size=200_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(NoRoom, match=r"pack: File too large, .* GB are free there: make room"):
            pack_dataset(made.dataset, tmp_path / "pack", made.media)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "media"]


def test_nothing_is_packed_or_unpacked_over_what_is_there(tmp_path: Path, made: Place):
    pack_dataset(made.dataset, tmp_path / "pack", None)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FolderTaken, match="pack is there already: name a new folder"):
        pack_dataset(made.dataset, tmp_path / "pack", None)
    with pytest.raises(FolderTaken, match="media is there already"):
        unpack(tmp_path / "pack", tmp_path / "media")
    for inside in (Path(made.dataset.store.root) / "pack", tmp_path / "pack" / "again"):
        with pytest.raises(FolderTaken, match=f"{inside.name} lies in a dataset or a pack, which never changes"):
            pack_dataset(made.dataset, inside, None)
    assert sorted(tmp_path.rglob("*")) == before


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


FIRST = "train/train-000000.tar"


def _forget_first(pack: Path) -> None:
    """Takes a shard away, and from the list as well."""
    index = json.loads((pack / INDEX).read_bytes())
    index["shards"] = [shard for shard in index["shards"] if shard["path"] != FIRST]
    (pack / INDEX).write_text(json.dumps(index))
    (pack / FIRST).unlink()


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda pack: (pack / FIRST).unlink(), rf"{FIRST} is missing \(\d+ clips of train\): fetch it again"),
    (lambda pack: _rewrite(pack / FIRST, lambda data: data[:-1]), f"{FIRST} has .* bytes, {INDEX} says .*: fetch it"),
    (lambda pack: _rewrite(pack / FIRST, lambda data: data[:-1] + b"x"), f"{FIRST} is not the file that {INDEX} names"),
    (_forget_first, rf"{INDEX} lists shards of \d+ clips, and {DATASET} has 12: fetch it again"),
    (lambda pack: (pack / "train/more.tar").touch(), "train/more.tar is not in pack.json: do not use it"),
    (lambda pack: (pack / DATASET / "triples.jsonl").unlink(), "dataset/triples.jsonl is missing: fetch it again"),
    (lambda pack: (pack / INDEX).write_text("{"), rf"{INDEX} cannot be used \(the file: Invalid JSON"),
    (lambda pack: (pack / INDEX).unlink(), f"has no {INDEX}, so it is no pack"),
    (
        lambda pack: _rewrite(pack / INDEX, lambda data: data.replace(FIRST.encode(), b"../train-000000.tar")),
        rf"{INDEX} cannot be used \(shards.\d+.path: String should match pattern",
    ),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
def test_whatever_is_wrong_with_a_pack_is_one_line_and_nothing_is_unpacked(
    tmp_path: Path, made: Place, damage: Callable[[Path], object], says: str
):
    pack_dataset(made.dataset, tmp_path / "pack", made.media, shard_bytes=SHARD)
    damage(tmp_path / "pack")
    with pytest.raises(PackDamaged, match=says) as told:
        unpack(tmp_path / "pack", tmp_path / "here")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "here").exists()
