"""The same data in the files that trainers read, and the list of files that one of them wants.

ms-swift and LLaMA-Factory share files of messages and videos, with where each row comes from; then there are
preference pairs for DPO, Qwen's finetune code, TRL, and the video generators' trainers. Rows of these are slim: an id
and what the trainer needs; where a row comes from is in `triples.parquet` under its id.
"""

import json
from collections.abc import Iterable

import polars as pl

from chai_assets.core.token_count import GENERATOR_TOKENS, TokenCounter
from chai_assets.datasets.select.dialects import DIALECTS
from chai_assets.datasets.write.formats import (
    PAIRS,
    PROMPTS,
    TASKS,
    VIDEO,
    WHOLE,
    FileFormat,
    chat_rows,
    list_of,
    message,
)
from chai_assets.datasets.write.manifest import FileEntry

_FORMULA = r"^[=+\-@\t\r＝＋－＠]"


def qwen_rows(exchanges: pl.DataFrame) -> pl.DataFrame:
    """Rows for Qwen's finetune code: one video, a human and a gpt turn."""
    human = pl.struct(pl.lit("human").alias("from"), value=VIDEO + "\n" + pl.col("question"))
    return exchanges.select("id", "video", conversations=list_of(human, _gpt_turn(pl.col("answer"))))


def _gpt_turn(text: pl.Expr) -> pl.Expr:
    return pl.struct(pl.lit("gpt").alias("from"), value=text)


def trl_prompt_completion(exchanges: pl.DataFrame) -> pl.DataFrame:
    """TRL's conversational prompt-completion rows, their contents as lists of parts."""
    return exchanges.select("id", prompt=_trl_prompt("question"), completion=_trl_answer("answer"))


def trl_preference(pairs: pl.DataFrame) -> pl.DataFrame:
    """TRL's conversational preference rows: the approved caption chosen, the draft rejected."""
    answers = {"chosen": _trl_answer("final"), "rejected": _trl_answer("draft")}
    return pairs.select("id", prompt=_trl_prompt("instruction"), **answers)


def _trl_prompt(question: str) -> pl.Expr:
    # Parquet gives every part of a list the same keys, null where it has none, and chat templates take a part
    # that has the key "video" for a video, even a null one. The key "path" is read from video parts alone.
    video = pl.struct(type=pl.lit("video"), path="video", text=pl.lit(None, pl.String))
    text = pl.struct(type=pl.lit("text"), path=pl.lit(None, pl.String), text=question)
    return list_of(message("user", list_of(video, text)))


def _trl_answer(answer: str) -> pl.Expr:
    return list_of(message("assistant", list_of(pl.struct(type=pl.lit("text"), text=answer))))


def dpo_ms_swift(pairs: pl.DataFrame) -> pl.DataFrame:
    """Preference pairs for ms-swift: the chosen answer is the last message, the other beside it."""
    return pairs.select(
        "id",
        messages=list_of(message("user", VIDEO + pl.col("instruction")), message("assistant", pl.col("final"))),
        rejected_response="draft",
        videos=list_of("video"),
    )


def dpo_llama_factory(pairs: pl.DataFrame) -> pl.DataFrame:
    """Preference pairs for LLaMA-Factory: both answers beside the question."""
    return pairs.select(
        "id",
        conversations=list_of(pl.struct(pl.lit("human").alias("from"), value=VIDEO + pl.col("instruction"))),
        chosen=_gpt_turn(pl.col("final")),
        rejected=_gpt_turn(pl.col("draft")),
        videos=list_of("video"),
    )


def generator_prompts(merged: pl.DataFrame) -> pl.DataFrame:
    """The merged captions that have a prompt: video, prompt, and whether the prompt is a cut caption."""
    return merged.filter(pl.col("prompt").is_not_null()).select("video", "prompt", cut=~pl.col("fits"))


_CHAT_TRAINERS = ("ms-swift", "llama-factory")
"""These read rows of messages and videos as they are."""

TRAINER_FORMATS = (
    *[FileFormat(f"{task.name}.jsonl", task.row, task.name, chat_rows, _CHAT_TRAINERS) for task in TASKS],
    FileFormat(
        "dpo/ms_swift.jsonl",
        "approved caption preferred to its draft, for ms-swift",
        PAIRS,
        dpo_ms_swift,
        ("ms-swift",),
    ),
    FileFormat(
        "dpo/llama_factory.jsonl",
        "approved caption preferred to its draft, for LLaMA-Factory",
        PAIRS,
        dpo_llama_factory,
        ("llama-factory",),
    ),
    *[
        FileFormat(f"qwen/{task.name}.jsonl", f"{task.summary}, for Qwen", task.name, qwen_rows, ("qwen",))
        for task in TASKS
    ],
    *[
        FileFormat(f"trl/{task.name}.parquet", f"{task.summary}, for TRL", task.name, trl_prompt_completion, ("trl",))
        for task in TASKS
    ],
    FileFormat(
        "trl/preference.parquet", "approved caption preferred to its draft, for TRL", PAIRS, trl_preference, ("trl",)
    ),
)
"""Files of each split that trainers read, made of triples."""

MERGED_FORMATS = (
    FileFormat(
        "merged_captions.jsonl",
        "a clip's whole caption, merged from its approved ones, with its length in the generator's tokens",
        WHOLE,
        lambda merged: merged.drop("prompt"),
        ("diffsynth", "musubi"),
    ),
    FileFormat(
        "diffsynth/metadata.csv",
        "a whole caption that fits the generator, for DiffSynth-Studio",
        WHOLE,
        generator_prompts,
        ("diffsynth",),
    ),
    FileFormat(
        "musubi/captions.jsonl",
        "a whole caption that fits the generator, for musubi-tuner",
        WHOLE,
        lambda merged: generator_prompts(merged).rename({"video": "video_path", "prompt": "caption"}),
        ("musubi",),
    ),
)
"""Files of each split that are made from the merged captions, as `caption_tokens.fit_to_token_limit` gives them."""


def formats_of(dialects: Iterable[str], known: Iterable[FileFormat]) -> tuple[FileFormat, ...]:
    """Of these files, those that one of the trainers reads, each once."""
    wanted = set(dialects)
    return tuple(one for one in known if wanted & set(one.trainers))


def trainers_served(paths: Iterable[str]) -> list[str]:
    """The trainers of which every file is among these paths in a split."""
    there = set(paths)
    every = (*TRAINER_FORMATS, *MERGED_FORMATS)
    return [name for name in DIALECTS if {one.path for one in formats_of([name], every)} <= there]


def count_formulas(merged: pl.DataFrame) -> int:
    """How many prompts a spreadsheet would run as a formula, were the CSV opened there; a trainer reads them as text.

    The CSV keeps them as they are: a mark before them would be read aloud to the generator.
    """
    return int(merged["prompt"].str.contains(_FORMULA).sum())


def text_notes(counter: TokenCounter, bracketed: int, formulas: int) -> list[str]:
    """Notes for the manifest: how tokens were counted, how many rows have words in brackets or look like formulas.

    `formulas` is 0 where the dataset holds no CSV.
    """
    counted = f"the tokens of merged captions were counted with: {counter.name}; a generator reads {GENERATOR_TOKENS}"
    reserved = (
        f"{bracketed} triple(s) have a text with a word like <video>, which stands in square brackets for trainers"
    )
    looks = (
        f"{formulas} whole caption(s) begin with a sign that a spreadsheet takes for a formula: import "
        "diffsynth/metadata.csv there with its columns as text"
    )
    return [counted, *([reserved] if bracketed else []), *([looks] if formulas else [])]


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


def _messages_entry(path: str) -> dict[str, object]:
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    columns = {"messages": "messages", "videos": "videos"}
    return {"file_name": path, "formatting": "sharegpt", "columns": columns, "tags": tags}


def _ranking_entry(path: str) -> dict[str, object]:
    names = ("conversations", "chosen", "rejected", "videos")
    columns = {"messages" if name == "conversations" else name: name for name in names}
    return {"file_name": path, "formatting": "sharegpt", "ranking": True, "columns": columns}
