"""`chai dataset convert`: the files are those that the nightly export writes, and hold to each trainer's rules."""

import json
import os
import tarfile
from pathlib import Path
from typing import cast

import pytest
import yaml
from pydantic import TypeAdapter

from chai_assets.core.token_count import ESTIMATING_COUNTER
from chai_assets.datasets.assets import DatasetStore
from chai_assets.datasets.convert.clips import NothingToConvert
from chai_assets.datasets.convert.pack import pack_dataset
from chai_assets.datasets.convert.trainers import SOURCE, convert_dataset
from chai_assets.datasets.read.manifest_data import ManifestData
from chai_assets.datasets.read.published import DatasetNotFound, PublishedDataset, open_dataset
from chai_assets.datasets.select.dialects import DIALECTS, parse_dialects
from chai_assets.datasets.write.publish import publish
from chai_assets.datasets.write.trainer_formats import MERGED_FORMATS, TRAINER_FORMATS, formats_of
from chai_resources.errors import UnusableInput
from chai_resources.media_store import MediaStore
from chai_resources.settings import Settings
from tests.datasets.convert.packs import Place, place
from tests.datasets.factory import clip, export, frame, many
from tests.datasets.write.trainer_schemas import FOR_LLAMA_FACTORY, SCHEMAS, LlamaFactoryEntry, read_rows


def dataset_of(folder: Path, dialects: tuple[str, ...]) -> PublishedDataset:
    whole = many(12, clips_per_source=1, eval_share=0.6, dialects=dialects)
    return open_dataset(publish(whole, str(folder)).manifest.dataset_id, str(folder))


def converted(dataset: PublishedDataset, to: str, out: Path, whole_paths: bool = False) -> list[str]:
    media = MediaStore(root=str(out.parent / "media"))
    done = convert_dataset(dataset, to, out, media, ESTIMATING_COUNTER, whole_paths=whole_paths)
    return [entry.path for entry in done]


@pytest.mark.parametrize("to", DIALECTS)
def test_a_dataset_of_tables_alone_gives_the_bytes_that_the_export_writes_for_the_trainer(tmp_path: Path, to: str):
    lean, full = dataset_of(tmp_path / "lean", ()), dataset_of(tmp_path / "full", (to,))
    paths = converted(lean, to, tmp_path / "out")
    read = [one.path for one in formats_of([to], (*TRAINER_FORMATS, *MERGED_FORMATS))]
    assert sorted(paths) == sorted(f"{side}/{path}" for side in ("train", "eval") for path in read)
    held = {entry["path"] for entry in full.manifest["files"]} - {entry["path"] for entry in lean.manifest["files"]}
    assert held - {"dataset_info.json"} == set(paths)
    for path in held:
        assert (tmp_path / "out" / path).read_bytes() == full.store.get_bytes(path), path
    told = json.loads((tmp_path / "out" / SOURCE).read_text())
    assert (told["dataset_id"], told["to"]) == (lean.id, to)


@pytest.mark.parametrize("to", DIALECTS)
def test_every_row_has_the_fields_that_its_trainer_reads_and_the_clip_where_it_lies(tmp_path: Path, to: str):
    paths = converted(dataset_of(tmp_path / "lean", ()), to, tmp_path / "out", whole_paths=True)
    media, read = str(tmp_path / "media"), 0
    entries = {}
    if to == "llama-factory":
        info = (tmp_path / "out/dataset_info.json").read_bytes()
        entries = TypeAdapter(dict[str, LlamaFactoryEntry]).validate_json(info)
    by_file = {entry.file_name: entry for entry in entries.values()}
    for path in paths:
        name = path.partition("/")[2]
        for row in read_rows(tmp_path / "out" / path):
            if name != FOR_LLAMA_FACTORY:
                SCHEMAS[name].model_validate(row)
            if path in by_file:
                by_file[path].check(row)
            assert f'"{media}/clips/clp_' in json.dumps(row), path
            read += 1
    assert read > 20 or to in ("diffsynth", "musubi")
    assert read > 0


def test_a_dataset_of_a_version_before_the_tables_is_converted_from_its_lines(tmp_path: Path):
    dataset = dataset_of(tmp_path / "full", DIALECTS)
    older = [entry for entry in dataset.manifest["files"] if "/parquet/" not in entry["path"]]
    manifest = cast(ManifestData, dataset.manifest | {"files": older})
    converted(PublishedDataset(dataset.store, manifest), "diffsynth", tmp_path / "out")
    path = "train/diffsynth/metadata.csv"
    assert (tmp_path / "out" / path).read_bytes() == dataset.store.get_bytes(path)


def test_shards_for_energon_hold_the_clips_and_say_of_what_a_sample_is_made(tmp_path: Path):
    made: Place = place(tmp_path)
    entries = convert_dataset(made.dataset, "energon", tmp_path / "out", made.media, ESTIMATING_COUNTER)
    split = yaml.safe_load((tmp_path / "out/.nv-meta/split.yaml").read_text())
    assert split == {
        "exclude": [],
        "split_parts": {
            "train": [entry.path for entry in entries if entry.path.startswith("train/")],
            "val": [entry.path for entry in entries if entry.path.startswith("eval/")],
            "test": [],
        },
    }
    described = yaml.safe_load((tmp_path / "out/.nv-meta/dataset.yaml").read_text())
    assert described["sample_type"] == {"__module__": "megatron.energon", "__class__": "VidQASample"}
    with tarfile.open(tmp_path / "out" / entries[0].path) as tar:
        sample = {name.partition(".")[2]: name for name in tar.getnames()[:3]}
        said = tar.extractfile(sample["json"])
        assert said is not None
        told = json.load(said)
    assert described["field_map"] == {"video": "mp4", "context": "json[question]", "answers": "json[answers]"}
    assert (told["question"], told["answers"]) == ("Describe the video.", [told["caption"]])


def test_shards_for_energon_are_refused_for_clips_that_it_would_not_find(tmp_path: Path):
    clips = [clip(0), clip(1, media_key="corpus/street.mkv")]
    whole = export(clips)
    dataset = open_dataset(publish(whole, str(tmp_path / "d")).manifest.dataset_id, str(tmp_path / "d"))
    media = MediaStore(root=str(tmp_path / "media"))
    for each in clips:
        media.put_bytes(each["media_key"], b"frames")
    with pytest.raises(NothingToConvert, match=r"1 clips are not named \*.mp4, first corpus/street.mkv"):
        convert_dataset(dataset, "energon", tmp_path / "out", media, ESTIMATING_COUNTER)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_converted_is_one_line_and_nothing_is_left(tmp_path: Path):
    whole = export([clip(0)], merged_captions=frame("merged_captions", []))
    dataset = open_dataset(publish(whole, str(tmp_path / "d")).manifest.dataset_id, str(tmp_path / "d"))
    for to, says in (
        (
            "axolotl",
            "'axolotl' is no trainer: name one of ms-swift, llama-factory, trl, .*, musubi, energon",
        ),
        ("musubi", "has nothing for musubi: it holds no whole caption"),
        ("energon", "1 of 1 clips are not in .*media, first clips/clp_"),
    ):
        with pytest.raises(NothingToConvert, match=says):
            converted(dataset, to, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d"]


@pytest.mark.parametrize("dialects", [(), DIALECTS])
@pytest.mark.parametrize("keep", [0, 100, -50])
def test_a_damaged_file_is_one_line_that_names_it_and_nothing_is_left(
    tmp_path: Path, dialects: tuple[str, ...], keep: int
):
    dataset = dataset_of(tmp_path / "d", dialects)
    older = [entry for entry in dataset.manifest["files"] if not dialects or "/parquet/" not in entry["path"]]
    read = PublishedDataset(dataset.store, cast(ManifestData, dataset.manifest | {"files": older}))
    whole = "train/merged_captions.jsonl" if dialects else "train/parquet/merged_captions.parquet"
    for name, made in (
        ("triples.parquet", lambda of, out: converted(of, "qwen", out)),
        (whole, lambda of, out: converted(of, "musubi", out)),
        (whole, lambda of, out: pack_dataset(of, out, None)),
    ):
        path = Path(dataset.store.root) / name
        held = path.read_bytes()
        os.truncate(path, keep if keep >= 0 else len(held) + keep)
        with pytest.raises(DatasetNotFound, match=rf"{name} of .* cannot be read .*`chai dataset verify`") as told:
            made(read, tmp_path / "out")
        assert "\n" not in str(told.value)
        path.write_bytes(held)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("ms-swift, axolotl", "'axolotl' is no trainer: name some of ms-swift"), ("energon", "holds none: leave it out")],
)
def test_a_trainer_that_the_export_cannot_write_for_is_told_with_the_remedy(text: str, says: str):
    with pytest.raises(UnusableInput, match=f"CHAI_DATASET_FORMATS.*{says}|{says}.*"):
        parse_dialects(text)
    assert parse_dialects("") == ()
    assert parse_dialects("all") == DIALECTS
    assert parse_dialects("TRL, ms-swift") == ("ms-swift", "trl")


@pytest.mark.parametrize(("said", "written"), [("", ()), ("trl, musubi", ("trl", "musubi")), ("all", DIALECTS)])
def test_the_nightly_export_writes_the_files_that_a_team_chooses_and_by_default_the_tables_alone(
    said: str, written: tuple[str, ...]
):
    store = DatasetStore.of(Settings.from_env(**({"CHAI_DATASET_FORMATS": said} if said else {})))
    assert parse_dialects(store.formats) == written
    assert DatasetStore.of(Settings()).formats == ""
