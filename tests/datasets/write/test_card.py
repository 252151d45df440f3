"""The dataset card: front matter that the hub reads, and words that name what is there."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from chai_assets.datasets.select.dialects import DIALECTS
from chai_assets.datasets.write.manifest import Manifest
from chai_assets.datasets.write.publish import build_dataset
from tests.datasets.factory import clip, export, many, triple, triples_of

BOTH_SIDES = {"clips_per_source": 1, "eval_share": 0.6}


def front_matter(folder: Path) -> dict[str, Any]:
    _, matter, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(matter)


def licensed(*licences: str | None) -> dict[str, Any]:
    clips = [clip(number, licence=licence) for number, licence in enumerate(licences)]
    return {"clips": clips, "triples": triples_of(clips, ("camera",))}


def test_the_front_matter_names_files_that_are_there_by_split_and_what_the_hub_asks_for(tmp_path: Path):
    manifest = build_dataset(many(12, **BOTH_SIDES), tmp_path)
    matter = front_matter(tmp_path)
    assert (matter["license"], matter["language"], matter["size_categories"]) == ("cc-by-4.0", ["en"], ["n<1K"])
    assert set(matter["task_categories"]) == {"video-text-to-text", "text-to-video"}
    configs = {config["config_name"]: config for config in matter["configs"]}
    assert len(configs) == len(matter["configs"])
    assert [name for name, config in configs.items() if config.get("default")] == ["caption_generation"]
    named = [data["path"] for config in configs.values() for data in config["data_files"]]
    assert all((tmp_path / path).is_file() for path in named)
    tables = [entry.path for entry in manifest.files if entry.rows and entry.path.endswith(".parquet")]
    assert sorted(named) == [path for path in tables if "/trl/" not in path]
    assert [*configs] == [
        *("caption_generation", "critique_generation", "reward", "preference", "merged_captions", "triples")
    ]
    for config in configs.values():
        for data in config["data_files"]:
            assert data["split"] == "both" or data["path"].startswith(data["split"] + "/")
            assert re.fullmatch(r"\w+", data["split"])


@pytest.mark.parametrize("dialects", [(), DIALECTS], ids=["tables alone", "all trainers"])
def test_every_config_of_the_card_loads_with_the_rows_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialects: tuple[str, ...]
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "dataset"
    folder.mkdir()
    manifest = build_dataset(many(12, **BOTH_SIDES, dialects=dialects), folder)
    rows = {entry.path: entry.rows for entry in manifest.files}
    import datasets

    configs = front_matter(folder)["configs"]
    names = [config["config_name"] for config in configs]
    assert datasets.get_dataset_config_names(str(folder)) == names
    for config in configs:
        loaded = datasets.load_dataset(str(folder), config["config_name"], cache_dir=str(tmp_path / "cache"))
        assert {split: table.num_rows for split, table in loaded.items()} == {
            data["split"]: rows[data["path"]] for data in config["data_files"]
        }
    one = datasets.load_dataset(str(folder), "reward", split="train", cache_dir=str(tmp_path / "cache"))[0]
    assert one["messages"][0]["content"].startswith("<video>Describe the ")
    assert one["purposes"] == ["train", "evaluate", "publish", "commercial"]


def test_a_split_without_rows_is_not_named_to_the_hub(tmp_path: Path):
    build_dataset(many(4, eval_share=0.0), tmp_path)
    assert "eval" not in {
        data["split"] for config in front_matter(tmp_path)["configs"] for data in config["data_files"]
    }


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["CC-BY-4.0"], {"license": "cc-by-4.0"}),
        (["CC0 1.0", "CC0-1.0"], {"license": "cc0-1.0"}),
        (["MIT", "CC-BY-SA-4.0"], {"license": ["cc-by-sa-4.0", "mit"]}),
        ([None], {"license": "unknown"}),
        (["Stock site: editorial use"], {"license": "other", "license_name": "stock-site-editorial-use"}),
        (["House/1", "MIT", "Studio"], {"license": ["mit", "other"], "license_name": "house-1-or-studio"}),
    ],
)
def test_licences_the_hub_does_not_know_are_other_with_a_name(
    tmp_path: Path, licences: list[str | None], expected: dict[str, Any]
):
    build_dataset(export(**licensed(*licences)), tmp_path)
    matter = front_matter(tmp_path)
    assert {name: value for name, value in matter.items() if name.startswith("license")} == expected


def test_the_card_tells_each_file_its_counts_and_what_was_left_out(tmp_path: Path):
    of, other = clip(0), clip(1)
    unchanged = triple(of, "scene", rating=4)
    unchanged["final"] = unchanged["draft"]
    manifest = build_dataset(export([of], [triple(of), unchanged, triple(other)]), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    for entry in manifest.files:
        shown = re.sub("^(train|eval)/", "<split>/", entry.path)
        assert entry.path == "README.md" or f"| `{shown}` | " in text, entry.path
    assert "| `<split>/reward.jsonl` | a caption, answered Yes (approved)" in text
    assert "| 2 | 0 |" in text
    for word in ("train", "camera", "4"):
        assert re.search(rf"^\| {word} \| \d+ \|$", text, re.MULTILINE), word
    assert "- 1 triple(s) left out: its clip is not in the clips table" in text
    assert "no pair to learn from" in text
    assert all(f"- {note}" in text for note in manifest.notes)
    assert "$" not in text
    assert "dataset_id" in text
    assert manifest.dataset_id not in text


def test_the_files_that_the_card_shows_how_to_load_are_there(tmp_path: Path):
    build_dataset(many(4), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"DATASET/(\S+?\.\w+)", text))
    assert len(shown) == 7
    assert all((tmp_path / path).is_file() for path in shown)


def test_of_trainers_whose_files_are_not_there_the_card_says_how_to_make_them(tmp_path: Path):
    build_dataset(many(4, dialects=("trl",)), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"DATASET/(\S+?\.\w+)", text)) == {
        "train/trl/caption_generation.parquet",
        "train/trl/preference.parquet",
    }
    assert "of a trainer: ms-swift, llama-factory, qwen, diffsynth, musubi, energon." in text
    assert not (tmp_path / "dataset_info.json").exists()


def test_the_size_is_that_of_the_triples(tmp_path: Path):
    from chai_assets.datasets.write.card import front_matter as made

    manifest = build_dataset(many(1), tmp_path)

    def sized(triples: int) -> list[str]:
        counts = manifest.counts.model_copy(update={"triples": triples})
        return made(Manifest.model_copy(manifest, update={"counts": counts}))["size_categories"]

    assert [sized(n) for n in (999, 1_000, 13_453, 1_000_000)] == [
        ["n<1K"],
        ["1K<n<10K"],
        ["10K<n<100K"],
        ["1M<n<10M"],
    ]


def test_a_licence_in_any_spelling_leaves_the_front_matter_readable(tmp_path: Path):
    whole = export([clip(0)])
    strange = whole.clips.with_columns(licence=pl.lit('---\n"a": [b] # | {c}'))
    build_dataset(replace(whole, clips=strange), tmp_path)
    assert front_matter(tmp_path)["license_name"] == "a-b-c"
