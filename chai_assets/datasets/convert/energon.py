"""Shards for Megatron-Energon, which loads WebDataset with a folder `.nv-meta` beside the shards.

Its `dataset.yaml` says of which files a sample is made, `split.yaml` which shards are on which side. The index of the
shards is written by `energon prepare`, which reads all of them.
"""

from pathlib import Path

import polars as pl
import yaml

from chai_assets.datasets.convert.clips import NothingToConvert
from chai_assets.datasets.convert.pack import Progress, write_shards
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.write.manifest import FileEntry
from chai_resources.media_store import MediaStore

_META = ".nv-meta"
_CLIP = ".mp4"
"""What clips are named by: `dataset.yaml` names one kind of file for all samples."""
_SIDES = {"train": "train", "eval": "val"}
"""What Energon calls the sides of a split."""


def write_energon(
    dataset: PublishedDataset, folder: Path, media: MediaStore, progress: Progress, shard_bytes: int
) -> list[FileEntry]:
    """Writes shards and `.nv-meta` into a folder; a sample is a clip with its whole caption as the answer.

    Raises NothingToConvert where a clip is another kind of file than those that ingestion stores.
    """
    _refuse_other_clips(dataset)
    shards = write_shards(dataset, folder, media, progress, shard_bytes)
    meta = folder / _META
    meta.mkdir()
    described = {
        "sample_type": {"__module__": "megatron.energon", "__class__": "VidQASample"},
        "field_map": {"video": _CLIP[1:], "context": "json[question]", "answers": "json[answers]"},
    }
    parts: dict[str, list[str]] = {side: [] for side in (*_SIDES.values(), "test")}
    for shard in shards:
        parts[_SIDES[shard.split]].append(shard.path)
    for name, said in (("dataset.yaml", described), ("split.yaml", {"exclude": [], "split_parts": parts})):
        (meta / name).write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    return [FileEntry(path=shard.path, rows=shard.samples, bytes=shard.bytes, sha256=shard.sha256) for shard in shards]


def _refuse_other_clips(dataset: PublishedDataset) -> None:
    with dataset.rows() as rows:
        others = rows.select("video").unique().filter(~pl.col("video").str.ends_with(_CLIP)).collect()["video"]
    if len(others):
        raise NothingToConvert(
            f"{len(others)} clips are not named *{_CLIP}, first {others.min()}: an Energon dataset has one kind of "
            "file for all clips, and would not find them; convert those clips, or use `chai dataset pack --with-media`"
        )
