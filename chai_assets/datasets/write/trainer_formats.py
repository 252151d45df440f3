"""The same data in the shapes that single trainers read, and what tells a trainer about the files.

ms-swift and LLaMA-Factory read the release files themselves; here are Qwen's finetune code, TRL, preference pairs
for DPO, and the video generators' trainers. Rows are slim: an id and what the trainer needs; where a row comes
from is in `triples.parquet` under its id.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from chai_assets.core.token_count import LIMIT, Counter
from chai_assets.datasets.write.formats import (
    PROMPTS,
    VIDEO,
    View,
    captions,
    changed,
    critiques,
    judgements,
    said,
    turns,
)
from chai_assets.datasets.write.manifest import FileEntry

Exchanges = Callable[[pl.DataFrame], pl.LazyFrame]
DATASET_INFO = "dataset_info.json"
_TASKS: dict[str, Exchanges] = dict(zip(PROMPTS, (captions, critiques, judgements), strict=True))
_ASKED = {
    "caption_generation": "a caption asked for and given",
    "critique_generation": "a critique asked for and given",
    "reward": "a yes or no asked for and given",
}


def qwen(exchanges: pl.LazyFrame) -> pl.DataFrame:
    """Rows for Qwen's finetune code: one video, a human and a gpt turn."""
    human = pl.struct(pl.lit("human").alias("from"), value=VIDEO + "\n" + pl.col("question"))
    return exchanges.select("id", "video", conversations=turns(human, _by_gpt(pl.col("answer")))).collect()


def _by_gpt(text: pl.Expr) -> pl.Expr:
    return pl.struct(pl.lit("gpt").alias("from"), value=text)


def prompt_completion(exchanges: pl.LazyFrame) -> pl.DataFrame:
    """TRL's conversational prompt-completion rows, their contents as lists of parts."""
    return exchanges.select("id", prompt=_asked("question"), completion=_answered("answer")).collect()


def preference(rows: pl.DataFrame) -> pl.DataFrame:
    """TRL's conversational preference rows: the approved caption chosen, the draft rejected."""
    pairs = {"prompt": _asked("instruction"), "chosen": _answered("final"), "rejected": _answered("draft")}
    return changed(rows).select("id", **pairs).collect()


def _asked(question: str) -> pl.Expr:
    # Parquet gives every part of a list the same keys, null where it has none, and chat templates take a part
    # that has the key "video" for a video, even a null one. The key "path" is read from video parts alone.
    video = pl.struct(type=pl.lit("video"), path="video", text=pl.lit(None, pl.String))
    text = pl.struct(type=pl.lit("text"), path=pl.lit(None, pl.String), text=question)
    return turns(said("user", turns(video, text)))


def _answered(answer: str) -> pl.Expr:
    return turns(said("assistant", turns(pl.struct(type=pl.lit("text"), text=answer))))


def dpo_ms_swift(rows: pl.DataFrame) -> pl.DataFrame:
    """Preference pairs for ms-swift: the chosen answer is the last message, the other beside it."""
    return (
        changed(rows)
        .select(
            "id",
            messages=turns(said("user", VIDEO + pl.col("instruction")), said("assistant", pl.col("final"))),
            rejected_response="draft",
            videos=turns("video"),
        )
        .collect()
    )


def dpo_llama_factory(rows: pl.DataFrame) -> pl.DataFrame:
    """Preference pairs for LLaMA-Factory: both answers beside the question."""
    return (
        changed(rows)
        .select(
            "id",
            conversations=turns(pl.struct(pl.lit("human").alias("from"), value=VIDEO + pl.col("instruction"))),
            chosen=_by_gpt(pl.col("final")),
            rejected=_by_gpt(pl.col("draft")),
            videos=turns("video"),
        )
        .collect()
    )


def generator_prompts(merged: pl.DataFrame) -> pl.DataFrame:
    """The merged captions that have a prompt: video, prompt, and whether the prompt is a cut caption."""
    return merged.filter(pl.col("prompt").is_not_null()).select("video", "prompt", cut=~pl.col("fits"))


def _over(
    shape: Callable[[pl.LazyFrame], pl.DataFrame], exchanges: Exchanges
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: shape(exchanges(rows))


TRAINER_VIEWS = (
    View("dpo/ms_swift.jsonl", "approved caption preferred to its draft, for ms-swift", dpo_ms_swift),
    View("dpo/llama_factory.jsonl", "approved caption preferred to its draft, for LLaMA-Factory", dpo_llama_factory),
    *[View(f"qwen/{task}.jsonl", f"{_ASKED[task]}, for Qwen", _over(qwen, of)) for task, of in _TASKS.items()],
    *[
        View(f"trl/{task}.parquet", f"{_ASKED[task]}, for TRL", _over(prompt_completion, of))
        for task, of in _TASKS.items()
    ],
    View("trl/preference.parquet", "approved caption preferred to its draft, for TRL", preference),
)
"""Files of each split in a single trainer's shape, made from canonical rows."""

MERGED_VIEWS = (
    View(
        "merged_captions.jsonl",
        "a clip's whole caption, merged from its approved ones, with its length in the generator's tokens",
        lambda merged: merged.drop("prompt"),
    ),
    View("diffsynth/metadata.csv", "a whole caption that fits the generator, for DiffSynth-Studio", generator_prompts),
    View(
        "musubi/captions.jsonl",
        "a whole caption that fits the generator, for musubi-tuner",
        lambda merged: generator_prompts(merged).rename({"video": "video_path", "prompt": "caption"}),
    ),
)
"""Files of each split that are made from the merged captions, as `tokens.within_limit` gives them."""


def text_notes(counter: Counter, bracketed: int) -> list[str]:
    """What the manifest says of how texts were read: tokens counted, and how many rows had words in brackets."""
    counted = f"the tokens of merged captions were counted with: {counter.name}; a generator reads {LIMIT}"
    reserved = (
        f"{bracketed} triple(s) have a text with a word like <video>, which stands in square brackets for trainers"
    )
    return [counted, *([reserved] if bracketed else [])]


def dataset_info(files: Iterable[FileEntry]) -> str:
    """LLaMA-Factory's dataset_info.json for these files: an entry a split and task, named `train_reward` and so on.

    A file without rows has none: LLaMA-Factory cannot load it.
    """
    held = {entry.path for entry in files if entry.rows}
    entries = {}
    for path in sorted(held):
        split, _, name = path.partition("/")
        task = name.removesuffix(".jsonl")
        if task in PROMPTS:
            entries[f"{split}_{task}"] = _messages_entry(path)
        elif name == "dpo/llama_factory.jsonl":
            entries[f"{split}_dpo"] = _ranking_entry(path)
    return json.dumps(entries, indent=2) + "\n"


def _messages_entry(path: str) -> dict[str, Any]:
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    columns = {"messages": "messages", "videos": "videos"}
    return {"file_name": path, "formatting": "sharegpt", "columns": columns, "tags": tags}


def _ranking_entry(path: str) -> dict[str, Any]:
    names = ("conversations", "chosen", "rejected", "videos")
    columns = {"messages" if name == "conversations" else name: name for name in names}
    return {"file_name": path, "formatting": "sharegpt", "ranking": True, "columns": columns}
