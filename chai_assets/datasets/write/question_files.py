"""Writes what a dataset's labels ask into a folder: yes/no questions, and the benchmark's formats, for each split."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from chai_assets.datasets.file_names import MANIFEST
from chai_assets.datasets.read.label_questions import LabelQuestions
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.camerabench import TaskFile, binary_files, pair_files
from chai_resources.errors import NotAllowed

QUESTIONS = "yes_no_questions.jsonl"


class FolderTaken(NotAllowed):
    """The folder cannot be written to; the text says why and what to do."""


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
    """Writes the files of both splits into a new folder. Raises FolderTaken where there is something already.

    The folder comes to be whole or not at all.
    """
    whole = folder.resolve()
    if any((above / MANIFEST).exists() for above in (whole, *whole.parents)):
        raise FolderTaken(f"{folder} lies in a dataset, which never changes: choose a folder outside it")
    if folder.exists():
        raise FolderTaken(f"{folder} is there already: choose a new folder, or remove it")
    part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    try:
        counts = [_write_split(asked, split, part / split) for split in SPLITS]
        os.rename(part, whole)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return counts


def _write_split(asked: LabelQuestions, split: str, folder: Path) -> QuestionCounts:
    here = asked.answers.filter(pl.col("split") == split)
    rows = here.join(asked.asked.drop("denying_question", "denial"), on="primitive", maintain_order="left")
    columns = ["video", "clip_id", "split", "aspect", "sub_aspect", "primitive", "term", "question", "statement"]
    columns += ["answer", "labeled_by", "confirmed_by", "spec_version"]
    folder.mkdir(parents=True)
    rows.select(columns).write_ndjson(folder / QUESTIONS)
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
