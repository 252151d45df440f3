"""The task files trainers read, made from canonical rows: captions, critiques, rewards, merged captions.

A row is `messages` and `videos` (read as it is by ms-swift and LLaMA-Factory) and then where it came from.
The user turn is built from the plain task instruction alone: the prompt that made the draft holds the human
labels and would give the answer away, so no function here ever sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from chai_assets.datasets.rows import LeftOut, left_out

NO_CHANGE = "The caption is accurate and complete; no change is needed."
CRITIQUE_PROMPT = (
    "{instruction}\n\nA caption written for this task:\n{caption}\n\nSay what has to change in it and how."
)
REWARD_PROMPT = (
    "{instruction}\n\nA caption written for this task:\n{caption}\n\n"
    "Is the caption accurate and complete? Please answer Yes or No."
)
PROMPTS = {
    "caption_generation": "{instruction}",
    "critique_generation": CRITIQUE_PROMPT,
    "reward": REWARD_PROMPT,
}

_PROVENANCE = ["clip_id", "source_id", "split", "aspect", "rating", "model", "spec_version", "chain_hash"]
_PROVENANCE += ["licence", "rights"]
_MERGED_PROVENANCE = ["clip_id", "source_id", "split", "triple_ids", "model", "spec_version"]
_MERGED_PROVENANCE += ["licence", "rights"]
_PERFECT = pl.col("rating") == 5
_UNCHANGED = ~_PERFECT & (pl.col("draft") == pl.col("final"))


@dataclass(frozen=True)
class View:
    """One file of a dataset's split: its path there, what one row is, and how canonical rows become its rows.

    `rows` sees a part of the canonical rows at a time and makes the rows of just that part, in their order.
    """

    path: str
    about: str
    rows: Callable[[pl.DataFrame], pl.DataFrame]


def unpaired(rows: pl.DataFrame) -> list[LeftOut]:
    """The triples that stay out of the files that set a draft against its caption."""
    reason = "rated below 5, yet the approved caption is the unchanged draft: no pair to learn from"
    return left_out("critique and reward rows", reason, rows.filter(_UNCHANGED)["id"])


def caption_generation(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a triple: the task instruction, answered by the approved caption."""
    return _conversations(rows, PROMPTS["caption_generation"], caption="final", answer=pl.col("final"))


def critique_generation(rows: pl.DataFrame) -> pl.DataFrame:
    """Rated below 5: draft answered by its critique, caption by NO_CHANGE; perfect: the latter only.

    A triple rated below 5 whose caption is the unchanged draft would call one text both right and wrong: it
    stays out, here and in `reward`; as a caption it is kept.
    """
    rows = rows.filter(~_UNCHANGED)
    critiqued = rows.filter(~_PERFECT)
    on_draft = _conversations(critiqued, CRITIQUE_PROMPT, caption="draft", answer=pl.col("critique"))
    on_final = _conversations(rows, CRITIQUE_PROMPT, caption="final", answer=pl.lit(NO_CHANGE))
    return _interleaved(rows, on_draft, on_final)


def reward(rows: pl.DataFrame) -> pl.DataFrame:
    """Rated below 5: the caption is answered Yes and the draft No; perfect: Yes only."""
    rows = rows.filter(~_UNCHANGED)
    preferred = _conversations(rows, REWARD_PROMPT, caption="final", answer=pl.lit("Yes"))
    rejected = _conversations(rows.filter(~_PERFECT), REWARD_PROMPT, caption="draft", answer=pl.lit("No"))
    return _interleaved(rows, preferred, rejected)


def merged_rows(merged: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
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


def _conversations(rows: pl.DataFrame, template: str, *, caption: str, answer: pl.Expr) -> pl.DataFrame:
    ask = pl.concat_str(pl.lit("<video>"), *_filled(template, caption))
    return rows.select(
        pl.concat_list(_turn("user", ask), _turn("assistant", answer)).alias("messages"),
        pl.concat_list("video").alias("videos"),
        "id",
        pl.lit(caption).alias("about"),
        *_PROVENANCE,
    )


def _turn(role: str, content: pl.Expr) -> pl.Expr:
    return pl.struct(role=pl.lit(role), content=content)


def _filled(template: str, caption: str) -> list[pl.Expr]:
    """The template as pieces to concatenate: captions may hold braces, so no formatting runs over them."""
    before, _, after = template.partition("{instruction}")
    middle, slot, end = after.partition("{caption}")
    pieces = [pl.lit(before), pl.col("instruction"), pl.lit(middle)]
    return [*pieces, pl.col(caption), pl.lit(end)] if slot else pieces


def _interleaved(rows: pl.DataFrame, first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Both tables in the order of `rows`; of one triple, the row of `first` comes first."""
    place = rows.select("id").with_row_index("place")
    both = pl.concat([first.with_columns(turn=pl.lit(0)), second.with_columns(turn=pl.lit(1))])
    both = both.join(place, on="id").sort("place", "turn")
    return both.drop("place", "turn")


VIEWS = (
    View("caption_generation.jsonl", "the task instruction, answered by the approved caption", caption_generation),
    View("critique_generation.jsonl", 'a caption, answered by its critique or "no change"', critique_generation),
    View("reward.jsonl", "a caption, answered Yes (approved) or No (draft that needed a change)", reward),
)
"""Every file that each split holds, but for the merged captions."""
