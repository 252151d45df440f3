"""What a dataset's files hold: the canonical rows, the task files, what is refused and what is left out."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.datasets.select.canonical_rows import CANONICAL, ExportRefused
from chai_assets.datasets.select.export_inputs import ExportInputs
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.datasets.write.formats import NO_CHANGE
from chai_assets.datasets.write.publish import build_dataset
from tests.datasets.factory import (
    DRAFT_PROMPT,
    INSTRUCTIONS,
    NOON,
    SPEC,
    clip,
    export,
    frame,
    many,
    merged,
    source_id,
    triple,
    triples_of,
)


def lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as handle:
        return [json.loads(line) for line in handle]


def turns(row: dict[str, Any]) -> tuple[str, str]:
    user, assistant = row["messages"]
    assert (user["role"], assistant["role"]) == ("user", "assistant")
    return user["content"], assistant["content"]


def test_canonical_rows_are_the_same_in_parquet_and_jsonl_and_carry_the_whole_chain(tmp_path: Path):
    whole = many(3)
    build_dataset(whole, tmp_path)
    table = pq.read_table(tmp_path / "triples.parquet")
    assert table.schema.remove_metadata() == CANONICAL.remove_metadata()
    assert table.schema.field("rating").metadata[b"comment"]
    assert table.to_pylist() == lines(tmp_path / "triples.jsonl")
    by_id = {row["triple_id"]: row for row in whole.triples.to_dicts()}
    for row in table.to_pylist():
        source = by_id.pop(row["id"]) | {"human_edited": False, "wording": "written"}
        assert {name: row[name] for name in row if name in source} == {
            name: source[name] for name in row if name in source
        }
        assert row["video"] == f"clips/{row['clip_id']}.mp4"
        assert row["instruction"] == INSTRUCTIONS[row["aspect"]]
        assert (row["licence"], row["rights"]) == ("CC-BY-4.0", "Ada Film")
    assert not by_id


def test_a_draft_that_needed_a_change_gives_two_rows_a_pair_and_a_perfect_one_gives_one(tmp_path: Path):
    of = clip(0)
    changed, perfect = triple(of, "camera", rating=3), triple(of, "scene", rating=5)
    build_dataset(export([of], [changed, perfect]), tmp_path)

    captions = lines(tmp_path / "train/caption_generation.jsonl")
    assert [turns(row) for row in captions] == [
        ("<video>Describe the camera of this video.", changed["final"]),
        ("<video>Describe the scene of this video.", perfect["final"]),
    ]
    assert all(row["videos"] == [of["media_key"]] for row in captions)

    critiques = lines(tmp_path / "train/critique_generation.jsonl")
    assert [(row["about"], turns(row)[1]) for row in critiques] == [
        ("draft", changed["critique"]),
        ("final", NO_CHANGE),
        ("final", NO_CHANGE),
    ]
    assert [turns(row)[0].count("<video>") for row in critiques] == [1, 1, 1]
    assert changed["draft"] in turns(critiques[0])[0]
    assert changed["final"] in turns(critiques[1])[0]

    rewards = lines(tmp_path / "train/reward.jsonl")
    assert [(row["id"], row["about"], turns(row)[1]) for row in rewards] == [
        (changed["triple_id"], "final", "Yes"),
        (changed["triple_id"], "draft", "No"),
        (perfect["triple_id"], "final", "Yes"),
    ]
    assert perfect["final"] in turns(rewards[2])[0]


def test_an_unchanged_caption_rated_below_5_stays_out_of_the_pairs_and_is_counted(tmp_path: Path):
    of = clip(0)
    unchanged = triple(of, "camera", rating=4)
    unchanged["final"] = unchanged["draft"]
    manifest = build_dataset(export([of], [unchanged, triple(of, "scene", rating=2)]), tmp_path)
    assert [entry.examples for entry in manifest.left_out] == [[unchanged["triple_id"]]]
    assert "unchanged draft" in manifest.left_out[0].reason
    for name, expected in (("caption_generation", 2), ("critique_generation", 2), ("reward", 2)):
        assert len(lines(tmp_path / f"train/{name}.jsonl")) == expected
    assert {row["aspect"] for row in lines(tmp_path / "train/reward.jsonl")} == {"scene"}


def test_each_split_has_its_own_files_and_an_empty_side_is_stated(tmp_path: Path):
    manifest = build_dataset(many(12, eval_share=0.0), tmp_path)
    assert manifest.counts.by_split == {"train": 60, "eval": 0}
    assert any(note.startswith("eval is empty") for note in manifest.notes)
    assert "eval is empty" in (tmp_path / "README.md").read_text()
    assert lines(tmp_path / "eval/reward.jsonl") == []

    both = build_dataset(many(8, clips_per_source=1, eval_share=0.6), tmp_path)
    assert not any("is empty" in note for note in both.notes)
    for split in ("train", "eval"):
        for name in ("caption_generation", "critique_generation", "reward", "merged_captions"):
            assert {row["split"] for row in lines(tmp_path / f"{split}/{name}.jsonl")} == {split}


def test_the_draft_prompt_is_in_no_file(tmp_path: Path):
    whole = many(4)
    assert DRAFT_PROMPT in whole.merged_captions["prompt"].to_list()
    manifest = build_dataset(whole, tmp_path)
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.suffix in (".jsonl", ".md")]
    texts.append(str(pq.read_table(tmp_path / "triples.parquet").to_pylist()).encode())
    texts.append(manifest.text().encode())
    assert not any(b"GROUND TRUTH" in text for text in texts)


def test_a_merged_caption_is_exported_only_with_all_its_triples(tmp_path: Path):
    clips = [clip(0), clip(1)]
    triples = triples_of(clips)
    whole = export(clips, triples)
    withdrawn = triples[0]["triple_id"]
    manifest = build_dataset(export(clips, triples[1:], merged_captions=whole.merged_captions), tmp_path)
    kept = lines(tmp_path / "train/merged_captions.jsonl")
    assert [row["clip_id"] for row in kept] == [clips[1]["clip_id"]]
    expected = merged(clips[1], triples[5:])
    assert (kept[0]["caption"], kept[0]["words"]) == (expected["text"], expected["words"])
    assert kept[0]["video"] == clips[1]["media_key"]
    assert withdrawn not in kept[0]["triple_ids"]
    assert [(entry.what, entry.count) for entry in manifest.left_out] == [("merged caption", 1)]


def test_of_several_merged_captions_of_a_clip_the_latest_fit_one_is_exported(tmp_path: Path):
    of = clip(0)
    triples = triples_of([of])
    later = NOON + timedelta(days=1)
    first = merged(of, triples, merged_id="mrg_z")
    second = merged(of, triples, merged_id="mrg_a", recorded_at=later)
    unfit = merged(of, [*triples, triple(clip(9))], merged_id="mrg_b", recorded_at=later)
    captions = frame("merged_captions", [second, first, unfit, second])
    manifest = build_dataset(export([of], triples, merged_captions=captions), tmp_path)
    (kept,) = lines(tmp_path / "train/merged_captions.jsonl")
    assert kept["merged_id"] == "mrg_a"
    assert manifest.left_out == []


def test_a_triple_without_its_clip_is_left_out_with_the_reason(tmp_path: Path):
    clips = [clip(0), clip(1)]
    manifest = build_dataset(export(clips[:1], triples_of(clips)), tmp_path)
    assert [(entry.count, entry.reason) for entry in manifest.left_out] == [(5, "its clip is not in the clips table")]
    assert manifest.counts.triples == 5


def test_a_source_that_repeats_a_shot_of_the_other_side_comes_over_to_it(tmp_path: Path):
    first = clip(0)  # its source is in train, that of clips 104 and 105 would be in eval
    later = NOON + timedelta(days=1)
    again = clip(104, same_as=first["clip_id"], recorded_at=later)
    once_more = clip(105, same_as=again["clip_id"], recorded_at=later)
    beside = clip(1, same_as=first["clip_id"])
    assert again["source_id"] == source_id(26)
    manifest = build_dataset(export([first, again, once_more, beside]), tmp_path)
    assert manifest.counts.by_split == {"train": 20, "eval": 0}
    assert manifest.left_out == []
    assert set(pl.read_parquet(tmp_path / "triples.parquet")["split_by"]) == {first["source_id"]}


def test_an_eval_caption_that_stands_word_for_word_in_train_is_left_out_of_eval(tmp_path: Path):
    learned, held_out, beside = clip(0), clip(104), clip(105)
    same = {"final": "The camera stands still.", "draft": "The camera moves."}
    rows = [
        triple(learned, rating=3, **same),
        triple(held_out, rating=3, **same | {"final": "the camera — stands STILL"}),
        triple(beside, rating=3),
    ]
    manifest = build_dataset(export([learned, held_out, beside], rows), tmp_path)
    assert manifest.counts.by_split == {"train": 1, "eval": 1}
    (left,) = [entry for entry in manifest.left_out if entry.what == "triple"]
    assert (left.examples, "word for word" in left.reason) == ([rows[1]["triple_id"]], True)


def test_a_triple_that_was_withdrawn_is_not_exported_and_one_that_came_back_is(tmp_path: Path):
    clips = [clip(0), clip(1)]
    gone, back = triple(clips[0]), triple(clips[1])

    def entry(of: dict[str, Any], standing: str, days: int) -> dict[str, Any]:
        when = NOON + timedelta(days=days)
        return of | {"standing": standing, "entry_id": f"{of['entry_id']}-{days}", "recorded_at": when}

    rows = [gone, entry(gone, "withdrawn", 1), entry(back, "verified", 2), entry(back, "withdrawn", 1), back]
    build_dataset(export(clips, rows, merged_captions=frame("merged_captions", [])), tmp_path)
    assert pl.read_parquet(tmp_path / "triples.parquet")["id"].to_list() == [back["triple_id"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"spec_version": "1.1.0"},
            r"1\.0\.0: 1 of motion under 1\.1\.0 \(55555555\); .*`chai backfill`",
        ),
        ({"spec_hash": "6" * 64}, r"more than specification 1\.0\.0: 1 of motion under 1\.0\.0 \(66666666\)"),
        ({"chain_hash": "0" * 64}, r"chain hash of 1 triple\(s\) does not match its records, first tri_"),
        ({"aspect": "sound"}, "no task instruction for sound"),
    ],
)
def test_triples_that_are_not_fit_are_refused_with_a_count_and_a_remedy(
    tmp_path: Path, change: dict[str, Any], message: str
):
    triples = triples_of([clip(0)])
    triples[2] |= change
    with pytest.raises(ExportRefused, match=message):
        build_dataset(export([clip(0)], triples), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        (export([clip(0)], []), "no verified triple"),
        (export([clip(0)], triples_of([clip(1)])), "no triple is left to export .* not in the clips table"),
        (
            export([clip(0)], dataset_spec=DatasetSpec("2.0.0", "5" * 64)),
            r"more than specification 2\.0\.0: 1 of camera under",
        ),
    ],
)
def test_an_export_of_nothing_or_of_another_specification_is_refused(tmp_path: Path, whole: ExportInputs, message: str):
    with pytest.raises(ExportRefused, match=message):
        build_dataset(whole, tmp_path)


texts = st.text(min_size=1).filter(lambda text: text.strip())


@settings(max_examples=40)
@given(draft=texts, critique=texts, final=texts, instruction=texts)
def test_any_text_a_person_can_write_comes_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, draft: str, critique: str, final: str, instruction: str
):
    folder = tmp_path_factory.mktemp("texts")
    row = triple(clip(0), rating=2, draft=draft, critique=critique, final=final)
    build_dataset(export([clip(0)], [row], instructions={"camera": instruction}), folder)
    (captioned,) = lines(folder / "train/caption_generation.jsonl")
    assert turns(captioned) == (f"<video>{instruction}", final)
    (canonical,) = lines(folder / "triples.jsonl")
    assert (canonical["draft"], canonical["critique"], canonical["final"]) == (draft, critique, final)
    assert pl.read_parquet(folder / "triples.parquet").rows(named=True) == [canonical]


def test_the_manifest_says_what_the_dataset_was_made_from(tmp_path: Path):
    manifest = build_dataset(many(1), tmp_path)
    assert (manifest.spec_version, manifest.spec_hash) == tuple(SPEC.values())
    assert manifest.table_versions == {"clips": 1, "merged_captions": 2, "triples": 3}
    assert manifest.licences == {"CC-BY-4.0": 1}
    assert manifest.models == {"offline-1": 5}
