"""A published dataset in the files of one trainer, made of its canonical rows and whole captions."""

import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from chai_assets.core.token_count import TokenCounter
from chai_assets.datasets.convert.clips import NothingToConvert, merged_captions, row_batches
from chai_assets.datasets.convert.energon import write_energon
from chai_assets.datasets.convert.pack import Progress, refuse_missing_clips
from chai_assets.datasets.convert.shards import SHARD_BYTES
from chai_assets.datasets.file_names import DATASET_INFO
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.select.dialects import DIALECTS, WITH_CLIPS
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.caption_tokens import fit_to_token_limit
from chai_assets.datasets.write.file_writers import RowWriter, close_writer, open_row_writer
from chai_assets.datasets.write.formats import FileFormat, made_of_triples
from chai_assets.datasets.write.manifest import FileEntry
from chai_assets.datasets.write.new_folder import check_new_folder, new_folder
from chai_assets.datasets.write.trainer_formats import MERGED_FORMATS, TRAINER_FORMATS, dataset_info, formats_of
from chai_resources.media_store import MediaStore

SOURCE = "converted_from.json"
"""Says of which dataset the files were made, for whom, and their hashes."""


def convert_dataset(
    dataset: PublishedDataset,
    to: str,
    out: Path,
    media: MediaStore,
    counter: TokenCounter,
    *,
    whole_paths: bool = False,
    progress: Progress = lambda _: None,
) -> list[FileEntry]:
    """Writes a trainer's files into the new folder `out`; gives them with their rows.

    `whole_paths`: clips are named by where they lie in `media`, and not by their keys. Raises NothingToConvert for a
    trainer that is none, and where there is nothing for it; DatasetNotFound, FolderTaken, NoRoom, NotWritten. Nothing
    is left then.
    """
    if to not in (*DIALECTS, WITH_CLIPS):
        raise NothingToConvert(f"{to!r} is no trainer: name one of {', '.join((*DIALECTS, WITH_CLIPS))}")
    check_new_folder(out)
    if to == WITH_CLIPS:
        refuse_missing_clips(dataset, media)
    with new_folder(out) as scratch:
        if to == WITH_CLIPS:
            entries = write_energon(dataset, scratch, media, progress, SHARD_BYTES)
        else:
            entries = _write_files(dataset, to, scratch, _root(media) if whole_paths else "", counter)
        if not any(entry.rows for entry in entries):
            raise NothingToConvert(
                f"{dataset.store.root} has nothing for {to}: it holds no whole caption, which `chai dataset export` "
                "makes once all aspects of a clip are approved"
            )
        told = {"dataset_id": dataset.id, "to": to, "files": [entry.model_dump() for entry in entries]}
        (scratch / SOURCE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return entries


def _root(media: MediaStore) -> str:
    return media.root if media.is_s3 else str(Path(media.root).absolute())


def _write_files(
    dataset: PublishedDataset, to: str, folder: Path, media: str, counter: TokenCounter
) -> list[FileEntry]:
    def opened(formats: Iterable[FileFormat]) -> dict[str, list[RowWriter]]:
        return {split: [open_row_writer(folder / split / one.path, one) for one in formats] for split in SPLITS}

    def named(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(video=pl.format("{}/{}", pl.lit(media.rstrip("/")), "video")) if media else rows

    formats = formats_of([to], TRAINER_FORMATS)
    per_triple = opened(formats)
    per_clip = opened(formats_of([to], MERGED_FORMATS))
    try:
        if any(per_triple.values()):
            for rows in row_batches(dataset):
                for split, files in per_triple.items():
                    side = named(rows.filter(pl.col("split") == split))
                    made = made_of_triples(side, (one.made_of for one in formats))
                    for one, file in zip(formats, files, strict=True):
                        file.write_rows(made[one.made_of])
        for split, files in per_clip.items():
            merged = merged_captions(dataset, split) if files else pl.DataFrame()
            if merged.height:
                sized, _ = fit_to_token_limit(merged.drop("tokens", "fits", "prompt", strict=False), counter)
                for file in files:
                    file.write_rows(named(sized))
        every = [file for files in (*per_triple.values(), *per_clip.values()) for file in files]
        entries = sorted((close_writer(file, folder) for file in every), key=lambda entry: entry.path)
    except BaseException:
        for file in (file for files in (*per_triple.values(), *per_clip.values()) for file in files):
            file.file.abandon()
        raise
    if to == "llama-factory":
        (folder / DATASET_INFO).write_text(dataset_info(entries), encoding="utf-8")
    return entries
