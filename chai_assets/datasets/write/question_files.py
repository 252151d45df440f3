"""Writes what a dataset's labels ask into a folder: yes/no questions, and the benchmark's formats, for each split."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from chai_assets.datasets.read.label_questions import LabelQuestions
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.camerabench import TaskFile, binary_files, pair_files
from chai_assets.datasets.write.new_folder import new_folder

QUESTIONS = "yes_no_questions.jsonl"
_ROWS_AT_ONCE = 50_000
"""Rows of JSON that are in memory: about 25 MB."""


@dataclass(frozen=True)
class QuestionCounts:
    """What was written of one split."""

    split: str
    questions: int
    binary_files: int
    pair_files: int
    pairs: int
    one_sided: int
    """Primitives that every clip has, or none: no file of the benchmark can be made of them."""


def write_questions(asked: LabelQuestions, folder: Path) -> list[QuestionCounts]:
    """Writes the files of both splits into a new folder. Raises FolderTaken, NoRoom, NotWritten.

    The folder comes to be whole or not at all.
    """
    with new_folder(folder) as scratch:
        return [_write_split(asked, split, scratch / split) for split in SPLITS]


def _write_split(asked: LabelQuestions, split: str, folder: Path) -> QuestionCounts:
    here = asked.answers.filter(pl.col("split") == split)
    rows = here.join(asked.asked.drop("denying_question", "denial"), on="primitive", maintain_order="left")
    columns = ["video", "clip_id", "split", "aspect", "sub_aspect", "primitive", "term", "question", "statement"]
    columns += ["answer", "labeled_by", "confirmed_by", "spec_version"]
    folder.mkdir(parents=True)
    with (folder / QUESTIONS).open("w", encoding="utf-8") as file:
        for part in rows.select(columns).iter_slices(_ROWS_AT_ONCE):
            file.write(part.write_ndjson())
    binary = [_write(folder, file) for file in binary_files(asked, split)]
    pairs = [_write(folder, file) for file in pair_files(asked, split)]
    met = here["primitive"].n_unique()
    return QuestionCounts(split, rows.height, len(binary), len(pairs), sum(pairs), met - len(binary))


def _write(folder: Path, file: TaskFile) -> int:
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(_lines(file.rows)), encoding="utf-8")
    return len(file.rows)


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
