"""The tasks that triples teach, made from canonical rows: captions, critiques, yes/no rewards; and merged captions.

A row is `messages` and `videos` (read as it is by ms-swift and LLaMA-Factory) and then where it came from; the
shapes that other trainers want are in `trainer_formats.py`. The user turn is built from the plain task instruction
alone: the prompt that made the draft holds the human labels and would give the answer away, so no function here
ever sees it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from chai_assets.datasets.select.canonical_rows import LeftOut, left_out

NO_CHANGE = "The caption is accurate and complete; no change is needed."
CRITIQUE_PROMPT = (
    "{instruction}\n\nA caption written for this task:\n{caption}\n\nSay what has to change in it and how."
)
REWARD_PROMPT = (
    "{instruction}\n\nA caption written for this task:\n{caption}\n\n"
    "Is the caption accurate and complete? Please answer Yes or No."
)
# Trainers count <video>, <image> and <audio> and raise if there are more than files; tokenizers read the likes of
# <|im_end|>, </s> and <pad> as control tokens wherever they stand.
RESERVED = r"<(/?[A-Za-z][A-Za-z0-9_-]*|\|[^<>|]*\|)>"
VIDEO = "<video>"

_TEXTS = ("instruction", "draft", "critique", "final")
PROVENANCE = ["clip_id", "source_id", "split", "aspect", "rating", "model", "spec_version", "chain_hash"]
PROVENANCE += ["licence", "rights"]
"""Columns of canonical rows that say where a row of a task comes from."""
HELD = ["rights_until", "purposes", "corrected_upstream"]
"""Columns that say what may be done with a row, which tables have as well."""
PAIRS = "preference"
WHOLE = "whole captions"
"""What files are made of beside tasks: captions with their drafts, and whole captions of clips."""
_MERGED_PROVENANCE = ["clip_id", "source_id", "split", "triple_ids", "model", "spec_version"]
_MERGED_PROVENANCE += ["licence", "rights"]
_PERFECT = pl.col("rating") == 5


@dataclass(frozen=True)
class FileFormat:
    """One file of a dataset's split: its path there, what one row is, what it is made of and how.

    `made_of` names a task, PAIRS or WHOLE. `make_rows` gets that a chunk at a time, as `made_of_triples` has it, and
    makes the rows of just that chunk, in their order.
    """

    path: str
    description: str
    made_of: str
    make_rows: Callable[[pl.DataFrame], pl.DataFrame]
    trainers: tuple[str, ...] = ()
    """The trainers that read it, by the names of `select/dialects.py`; none for a table, which every dataset holds."""
    row_group: int | None = None
    """Rows of a row group, where the file is Parquet; None for as many as files usually have."""


@dataclass(frozen=True)
class Task:
    """What a model may be taught with triples; each is in a table and in most trainers' files, under one name."""

    name: str
    prompt: str
    """The question, with {instruction} and, where one is asked about, {caption}."""
    row: str
    """What one row is."""
    summary: str
    """The same in a few words."""
    exchanges: Callable[[pl.LazyFrame], pl.LazyFrame]
    """Makes exchanges of readable rows, as `caption_exchanges` describes them."""


def escape_reserved(text: pl.Expr) -> pl.Expr:
    """The text with `<video>`, `<|im_end|>` and the like in square brackets, so that nothing reads them as tokens.

    A row is kept so, rather than left out: the word is on the screen or slipped from a prompt, the rest of the
    caption is a person's work, and every file keeps the same rows. `triples.parquet` has it as written.
    """
    return text.str.replace_all(RESERVED, "[${1}]")


def _readable(rows: pl.DataFrame) -> pl.LazyFrame:
    """Canonical rows with escaped texts, and `unchanged`: rated below 5, yet draft and caption are the same to a
    trainer, which strips texts."""
    same = pl.col("draft").str.strip_chars() == pl.col("final").str.strip_chars()
    return rows.lazy().with_columns(escape_reserved(pl.col(*_TEXTS))).with_columns(unchanged=~_PERFECT & same)


def count_reserved(rows: pl.DataFrame) -> int:
    """How many of these canonical rows have a text that `escape_reserved` changes."""
    return rows.select(pl.any_horizontal(pl.col(*_TEXTS).str.contains(RESERVED)).sum()).item()


def left_out_of_pairs(rows: pl.DataFrame) -> list[LeftOut]:
    """The triples that stay out of the files that set a draft against its caption."""
    reason = "rated below 5, yet the approved caption is the unchanged draft: no pair to learn from"
    unchanged = _readable(rows).filter("unchanged").select("id").collect()
    return left_out("critique, reward and preference pair", reason, unchanged["id"])


def changed_captions(rows: pl.DataFrame) -> pl.LazyFrame:
    """The rows of which draft and caption make a pair (rated below 5 and changed), their texts readable."""
    return _pairs(_readable(rows))


def _pairs(readable: pl.LazyFrame) -> pl.LazyFrame:
    return readable.filter(~_PERFECT & ~pl.col("unchanged"))


def made_of_triples(rows: pl.DataFrame, wanted: Iterable[str]) -> dict[str, pl.DataFrame]:
    """What files are made of, by FileFormat.made_of: each made once of canonical rows, however many files hold it.

    Exchanges have id, video, about, question, answer, PROVENANCE and HELD; PAIRS the columns of canonical rows.
    """
    readable = _readable(rows)
    columns = ["id", "video", "about", "question", "answer", *PROVENANCE, *HELD]
    every = {task.name: task.exchanges(readable).select(columns) for task in TASKS} | {PAIRS: _pairs(readable)}
    names = sorted(set(wanted))
    return dict(zip(names, pl.collect_all([every[name] for name in names]), strict=True))


def caption_exchanges(readable: pl.LazyFrame) -> pl.LazyFrame:
    """Exchanges of captioning, one a triple: the task instruction, answered by the approved caption.

    Exchanges have the columns of the rows and `about` (draft or final), `question` and `answer`.
    """
    return readable.with_columns(about=pl.lit("final"), question="instruction", answer="final")


def critique_exchanges(readable: pl.LazyFrame) -> pl.LazyFrame:
    """Rated below 5: draft answered by its critique, caption by NO_CHANGE; perfect: the latter only.

    A triple rated below 5 whose caption is the unchanged draft would call one text both right and wrong: it
    stays out, here and in `reward_exchanges`; as a caption it is kept.
    """
    answers = {"draft": pl.col("critique"), "final": pl.lit(NO_CHANGE)}
    return _exchanges_about(readable, CRITIQUE_PROMPT, answers)


def reward_exchanges(readable: pl.LazyFrame) -> pl.LazyFrame:
    """Rated below 5: the caption is answered Yes and the draft No; perfect: Yes only."""
    return _exchanges_about(readable, REWARD_PROMPT, {"final": pl.lit("Yes"), "draft": pl.lit("No")})


def _exchanges_about(readable: pl.LazyFrame, template: str, answers: dict[str, pl.Expr]) -> pl.LazyFrame:
    """For each text named in `answers`, in that order, the template asked about it and answered so."""
    shown = pl.when(_PERFECT).then(pl.lit(["final"])).otherwise(pl.lit(list(answers)))
    exchanges = readable.filter(~pl.col("unchanged")).with_columns(about=shown).explode("about")
    on_draft = pl.col("about") == "draft"
    caption = pl.when(on_draft).then("draft").otherwise("final")
    return exchanges.with_columns(
        question=pl.concat_str(_fill_template(template, caption)),
        answer=pl.when(on_draft).then(answers["draft"]).otherwise(answers["final"]),
    )


def _fill_template(template: str, caption: pl.Expr) -> list[pl.Expr]:
    """The template as pieces to concatenate: captions may hold braces, so no formatting runs over them."""
    before, _, after = template.partition("{instruction}")
    middle, _, end = after.partition("{caption}")
    return [pl.lit(before), pl.col("instruction"), pl.lit(middle), caption, pl.lit(end)]


def chat_rows(exchanges: pl.DataFrame, more: Iterable[str] = ()) -> pl.DataFrame:
    """Rows of the release files: messages, videos, where they come from, and these further columns."""
    messages = list_of(message("user", VIDEO + pl.col("question")), message("assistant", pl.col("answer")))
    turns = (messages.alias("messages"), list_of("video").alias("videos"))
    return exchanges.select(*turns, "id", "about", *PROVENANCE, *more)


def message(role: str, content: pl.Expr) -> pl.Expr:
    """A message as {role, content}."""
    return pl.struct(role=pl.lit(role), content=content)


def list_of(*items: pl.Expr | str) -> pl.Expr:
    """A list of just these items; twenty times faster than pl.concat_list on structs."""
    return pl.concat_arr(*items).arr.to_list()


def merged_caption_rows(merged: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
    """One row a clip: video, caption, words. Only captions merged from triples that are all in `rows`.

    `merged` holds rows of the table merged_captions; of several for one clip, the latest that is fit counts.
    A clip whose captions are all unfit is counted as left out.
    """
    parts = merged.select("merged_id", id="triple_ids").explode("id")
    absent = parts.join(rows.select("id"), on="id", how="anti")["merged_id"].unique()
    fit = merged.filter(~pl.col("merged_id").is_in(absent.to_list()))
    clips = rows.select("clip_id", "video", "split", "licence", "rights").unique()
    kept = (
        fit.sort("recorded_at", "merged_id")
        .unique("clip_id", keep="last", maintain_order=True)
        .join(clips, on="clip_id")
        .rename({"text": "caption"})
        .select("video", "caption", "words", "merged_id", *_MERGED_PROVENANCE)
        .sort("source_id", "clip_id", "merged_id")
    )
    lost = merged.join(kept, on="clip_id", how="anti")["clip_id"].unique()
    reason = "it was merged from a triple that is not in this dataset"
    return kept, left_out("merged caption", reason, lost)


TASKS = (
    Task(
        "caption_generation",
        "{instruction}",
        "the task instruction, answered by the approved caption",
        "a caption asked for and given",
        caption_exchanges,
    ),
    Task(
        "critique_generation",
        CRITIQUE_PROMPT,
        'a caption, answered by its critique or "no change"',
        "a critique asked for and given",
        critique_exchanges,
    ),
    Task(
        "reward",
        REWARD_PROMPT,
        "a caption, answered Yes (approved) or No (draft that needed a change)",
        "a yes or no asked for and given",
        reward_exchanges,
    ),
)
PROMPTS = {task.name: task.prompt for task in TASKS}
