"""The trainers' files: every row keeps its trainer's rules, whatever people and models wrote, and leaks no label."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.datasets.select.export_inputs import ExportInputs
from chai_assets.datasets.write.formats import count_reserved, escape_reserved, made_of_triples
from chai_assets.datasets.write.publish import build_dataset
from chai_assets.datasets.write.trainer_formats import TRAINER_FORMATS, dataset_info
from tests.datasets.factory import INSTRUCTIONS, clip, export, frame, many, merged, triple, triples_of
from tests.datasets.write.trainer_schemas import SCHEMAS, MsSwiftPair, check_all, read_rows


def canonical(whole: ExportInputs) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        build_dataset(whole, Path(folder))
        return pl.read_parquet(f"{folder}/triples.parquet")


def test_every_row_of_every_file_keeps_the_rules_of_its_trainer(tmp_path: Path):
    manifest = build_dataset(many(12, clips_per_source=1, eval_share=0.6), tmp_path)
    assert min(manifest.counts.by_split.values()) > 0
    read = check_all(tmp_path, manifest)
    assert read == {entry.path: entry.rows for entry in manifest.files if entry.path in read}
    assert len(read) == 2 * (len(SCHEMAS) + 1)
    assert min(read.values()) > 0


def test_a_side_without_rows_has_the_same_files_and_columns(tmp_path: Path):
    manifest = build_dataset(many(2, eval_share=0.0), tmp_path)
    read = check_all(tmp_path, manifest)
    assert {path for path, rows in read.items() if not rows} == {path for path in read if path.startswith("eval/")}
    for name in (name for name in SCHEMAS if name.endswith(".parquet")):
        assert pl.read_parquet_schema(tmp_path / "eval" / name) == pl.read_parquet_schema(tmp_path / "train" / name)
    assert (tmp_path / "eval/diffsynth/metadata.csv").read_text() == "video,prompt,cut\n"
    assert not [name for name in json.loads((tmp_path / "dataset_info.json").read_text()) if name.startswith("eval")]


def test_the_approved_caption_is_preferred_to_the_draft_where_it_was_changed_and_nowhere_else(tmp_path: Path):
    of = clip(0)
    changed, perfect = triple(of, "camera", rating=4), triple(of, "scene", rating=5)
    unchanged = triple(of, "motion", rating=3)
    unchanged["final"] = unchanged["draft"]
    for_space = triple(of, "spatial", rating=3)
    for_space["final"] = for_space["draft"] + "\n"
    manifest = build_dataset(export([of], [changed, perfect, unchanged, for_space]), tmp_path)
    (swift,) = read_rows(tmp_path / "train/dpo/ms_swift.jsonl")
    assert swift["messages"][0]["content"] == "<video>" + INSTRUCTIONS["camera"]
    assert (swift["messages"][1]["content"], swift["rejected_response"]) == (changed["final"], changed["draft"])
    (factory,) = read_rows(tmp_path / "train/dpo/llama_factory.jsonl")
    assert (factory["chosen"]["value"], factory["rejected"]["value"]) == (changed["final"], changed["draft"])
    (trl,) = read_rows(tmp_path / "train/trl/preference.parquet")
    assert trl["chosen"][0]["content"][0]["text"] == changed["final"]
    assert {swift["id"], factory["id"], trl["id"]} == {changed["triple_id"]}
    assert [entry.count for entry in manifest.left_out] == [2]


@pytest.mark.parametrize("task", ["caption_generation", "critique_generation", "reward"])
def test_each_trainer_sees_the_same_questions_and_answers_in_the_same_order(tmp_path: Path, task: str):
    build_dataset(many(3), tmp_path)
    release = [
        (row["id"], row["messages"][0]["content"].removeprefix("<video>"), row["messages"][1]["content"])
        for row in read_rows(tmp_path / f"train/{task}.jsonl")
    ]
    qwen = [
        (row["id"], row["conversations"][0]["value"].removeprefix("<video>\n"), row["conversations"][1]["value"])
        for row in read_rows(tmp_path / f"train/qwen/{task}.jsonl")
    ]
    trl = [
        (row["id"], row["prompt"][0]["content"][1]["text"], row["completion"][0]["content"][0]["text"])
        for row in read_rows(tmp_path / f"train/trl/{task}.parquet")
    ]
    assert release == qwen == trl
    assert len(release) > 10


@pytest.mark.parametrize("view", TRAINER_FORMATS, ids=lambda view: view.path)
def test_a_file_made_in_parts_is_the_file_made_at_once(view):
    rows = canonical(many(4))

    def made(some: pl.DataFrame) -> pl.DataFrame:
        return view.make_rows(made_of_triples(some, [view.made_of])[view.made_of])

    parts = [made(rows[start : start + 7]) for start in range(0, len(rows), 7)]
    assert pl.concat(parts).equals(made(rows))
    assert made(rows[:0]).schema == made(rows).schema


def test_a_row_is_slim_in_a_trainers_own_files(tmp_path: Path):
    build_dataset(many(2), tmp_path)
    for name in (view.path for view in TRAINER_FORMATS if "/" in view.path):
        row = next(read_rows(tmp_path / "train" / name))
        assert set(row) <= {
            *("id", "video", "videos", "messages", "rejected_response", "conversations"),
            *("prompt", "completion", "chosen", "rejected"),
        }


CHAT_TEMPLATE = jinja2.Template(
    "{% for message in messages %}[{{ message.role }}]{% for part in message.content %}"
    "{% if part.type == 'image' or 'image' in part or 'image_url' in part %}<|image_pad|>"
    "{% elif part.type == 'video' or 'video' in part %}<|video_pad|>"
    "{% elif 'text' in part %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}"
)
"""How Qwen's chat templates tell a video from a text: by the type, or by a key that is there even if null."""


def test_a_chat_template_finds_one_video_in_a_row_read_from_parquet(tmp_path: Path):
    build_dataset(many(2), tmp_path)
    for row in read_rows(tmp_path / "train/trl/reward.parquet"):
        text = CHAT_TEMPLATE.render(messages=row["prompt"] + row["completion"])
        assert text.startswith("[user]<|video_pad|>Describe the ")
        assert text.count("<|video_pad|>") == 1
        assert text.endswith(("[assistant]Yes", "[assistant]No"))


TOKENS = ["<video>", "<image>", "<audio>", "<bbox>", "<|im_end|>", "<|video_pad|>", "</s>", "<pad>", "<extra_id_0>"]
PIECES = ["<vid", "eo>", "<", ">", "<<video>>", "<vi<video>deo>", "{caption}", "{instruction}", "${1}", "\\1", "$1"]
SIGNS = ["\n", "\r\n", "\u2028", "\x00", "\ufeff", "🎥", '"', "\\", "|", ",", "x" * 20_000, "a word", " "]
reserved = st.sampled_from([*TOKENS, *PIECES, *SIGNS])
written = st.lists(st.one_of(reserved, st.text(max_size=20)), min_size=1, max_size=8).map("".join)
texts = written.filter(lambda text: text.strip())


@settings(max_examples=30)
@given(draft=texts, critique=texts, final=texts, instruction=texts, rating=st.integers(1, 5))
def test_whatever_was_written_every_file_keeps_its_trainers_rules(
    tmp_path_factory: pytest.TempPathFactory, draft: str, critique: str, final: str, instruction: str, rating: int
):
    folder = tmp_path_factory.mktemp("texts")
    of = clip(0)
    row = triple(of, rating=rating, draft=draft, critique=critique, final=final)
    whole = merged(of, [row])
    captions = frame("merged_captions", [whole])
    manifest = build_dataset(
        export([of], [row], instructions={"camera": instruction}, merged_captions=captions), folder
    )
    read = check_all(folder, manifest)
    assert read["train/caption_generation.jsonl"] == 1
    assert read["train/reward.jsonl"] == len(list(read_rows(folder / "train/qwen/reward.jsonl")))
    (canonical,) = read_rows(folder / "triples.jsonl")
    assert (canonical["draft"], canonical["critique"], canonical["final"]) == (draft, critique, final)


@given(written)
def test_a_text_made_readable_stays_as_it_is_when_read_again_and_loses_only_brackets(text: str):
    once, twice = pl.select(
        once=escape_reserved(pl.lit(text)), twice=escape_reserved(escape_reserved(pl.lit(text)))
    ).row(0)
    assert once == twice
    assert once.translate(str.maketrans("<>[]", "    ")) == text.translate(str.maketrans("<>[]", "    "))


def test_rows_with_reserved_words_are_kept_and_the_manifest_counts_them(tmp_path: Path):
    triples = triples_of([clip(0)])
    triples[1]["final"] = "The overlay reads <video> & 2 < 3 > 1."
    triples[3]["critique"] = "Say <|im_end|>."
    whole = export([clip(0)], triples)
    assert count_reserved(canonical(whole)) == 2
    manifest = build_dataset(whole, tmp_path)
    assert [note[:10] for note in manifest.notes if "square brackets" in note] == ["2 triple(s"]
    captions = [row["messages"][1]["content"] for row in read_rows(tmp_path / "train/caption_generation.jsonl")]
    assert "The overlay reads [video] & 2 < 3 > 1." in captions
    assert len(captions) == 5


def test_captions_that_a_spreadsheet_would_run_stay_as_they_are_and_the_manifest_tells_of_them(tmp_path: Path):
    clips = [clip(number) for number in range(6)]
    triples = triples_of(clips, ("camera",))
    texts = ["=HYPERLINK(1)", "+1 more", "-1 less", "@SUM(1)", "\t=1", "Plain = fine."]
    whole = [
        merged(of, [row for row in triples if row["clip_id"] == of["clip_id"]], text=text)
        for of, text in zip(clips, texts, strict=True)
    ]
    captions = frame("merged_captions", whole)
    manifest = build_dataset(export(clips, triples, merged_captions=captions, eval_share=0.0), tmp_path)
    read = pl.read_csv(tmp_path / "train/diffsynth/metadata.csv")["prompt"].to_list()
    assert sorted(read) == sorted(text.strip() for text in texts)
    assert [note[:10] for note in manifest.notes if "spreadsheet" in note] == ["5 whole ca"]


def test_no_label_and_no_draft_prompt_is_in_any_file(tmp_path: Path):
    mark = "PLANTED ground truth"
    whole = many(6, clips_per_source=1, eval_share=0.6)
    planted = {
        name: getattr(whole, name).with_columns(
            **{column: pl.lit(f"{mark}: zoom-in") for column in ("prompt", "draft_prompt", "primitives", "labels")}
        )
        for name in ("triples", "clips", "merged_captions")
    }
    manifest = build_dataset(replace(whole, **planted), tmp_path)
    assert mark not in manifest.text()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == len(manifest.files)
    for path in files:
        # Compressed columns would hide it: Parquet is read, the rest is searched as bytes.
        text = str(list(read_rows(path))) if path.suffix == ".parquet" else path.read_text(encoding="utf-8")
        assert mark not in text, path


def test_dataset_info_names_files_and_columns_that_are_there(tmp_path: Path):
    manifest = build_dataset(many(12, clips_per_source=1, eval_share=0.6), tmp_path)
    entries = json.loads(dataset_info(manifest.files))
    assert entries == json.loads((tmp_path / "dataset_info.json").read_text())
    tasks = ("caption_generation", "critique_generation", "reward", "dpo")
    assert set(entries) == {f"{split}_{task}" for split in ("train", "eval") for task in tasks}
    for name, entry in entries.items():
        assert entry["file_name"].startswith(name.partition("_")[0])
        row = next(read_rows(tmp_path / entry["file_name"]))
        assert set(entry["columns"].values()) <= set(row)
        assert entry.get("ranking", False) == name.endswith("dpo")


GOOD: dict[str, Any] = {
    "messages": [{"role": "user", "content": "<video>Say."}, {"role": "assistant", "content": "A dog runs."}],
    "videos": ["a.mp4"],
    "rejected_response": "A cat runs.",
}


@pytest.mark.parametrize(
    "change",
    [
        {"videos": []},
        {"videos": ["a.mp4", "b.mp4"]},
        {"videos": None},
        {"rejected_response": "A dog runs."},
        {"rejected_response": "A <video> runs."},
        {"messages": GOOD["messages"][:1]},
        {"messages": GOOD["messages"][::-1]},
        {"messages": [GOOD["messages"][0], {"role": "assistant", "content": ""}]},
        {"messages": [GOOD["messages"][0], {"role": "assistant", "content": "A <|im_end|> runs."}]},
    ],
)
def test_the_rules_themselves_see_a_row_that_breaks_them(change: dict[str, Any]):
    MsSwiftPair.model_validate(GOOD)
    with pytest.raises(ValueError):  # noqa: PT011
        MsSwiftPair.model_validate(GOOD | change)
