"""Packs: a dataset with its clips, in shards that travel; and what reads them back.

A pack is a folder: `pack.json` lists the shards with their hashes, `dataset/` is the dataset as it was published, and
each split has its tar files. Unpacked, the clips lie under the keys by which the dataset's files name them.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from chai_assets.datasets.convert.clips import ClipSample, NothingToConvert, json_bytes, samples
from chai_assets.datasets.convert.shards import SHARD_BYTES, Member, ShardEntry, ShardWriter
from chai_assets.datasets.file_names import MANIFEST
from chai_assets.datasets.file_names import PACK_INDEX as INDEX
from chai_assets.datasets.read.published import PublishedDataset
from chai_assets.datasets.read.verify import read_manifest, verify_dataset
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.new_folder import check_new_folder, new_folder
from chai_resources.errors import UnusableInput, one_line
from chai_resources.media_store import MediaStore

DATASET = "dataset"
"""Folder of a pack that is the dataset itself."""
MEDIA = "media"
"""Folder of what was unpacked that holds the clips under their keys."""

Progress = Callable[[int], None]
"""Is told of every clip that was packed or unpacked."""


class PackDamaged(UnusableInput):
    """A pack is not as its index says; the text names the first thing that is wrong, and the remedy."""


class PackIndex(BaseModel):
    """What `pack.json` says."""

    model_config = ConfigDict(frozen=True)
    format: int = 1
    dataset_id: str
    with_media: bool
    shards: list[ShardEntry]

    @property
    def samples(self) -> int:
        return sum(shard.samples for shard in self.shards)


def pack_dataset(
    dataset: PublishedDataset,
    out: Path,
    media: MediaStore | None,
    progress: Progress = lambda _: None,
    shard_bytes: int = SHARD_BYTES,
) -> PackIndex:
    """Packs a dataset into the new folder `out`; without `media` the shards hold captions and no clips.

    Raises NothingToConvert where clips are missing, DatasetNotFound where a file is damaged, FolderTaken where `out` is
    there, NoRoom and NotWritten where the disk refuses. Nothing is left then.
    """
    check_new_folder(out)
    refuse_missing_clips(dataset, media)
    with new_folder(out) as scratch:
        shards = write_shards(dataset, scratch, media, progress, shard_bytes)
        for entry in [*dataset.manifest["files"], {"path": MANIFEST}]:
            target = scratch / DATASET / entry["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            with dataset.store.local_copy(entry["path"]) as file:
                shutil.copyfile(file, target)
        index = PackIndex(dataset_id=dataset.id, with_media=media is not None, shards=shards)
        (scratch / INDEX).write_text(json.dumps(index.model_dump(), indent=2) + "\n", encoding="utf-8")
    return index


def write_shards(
    dataset: PublishedDataset, folder: Path, media: MediaStore | None, progress: Progress, shard_bytes: int
) -> list[ShardEntry]:
    """Writes the shards of both splits into a folder, and gives their entries in order."""
    with ExitStack() as stack:
        writers = {split: stack.enter_context(ShardWriter(folder, split, shard_bytes)) for split in SPLITS}
        for sample in samples(dataset):
            with ExitStack() as clip:
                video = [Member(sample.video_name, clip.enter_context(media.local_copy(sample.video)))] if media else []
                writers[sample.split].add([*video, *_texts(sample)])
            progress(1)
    return [entry for writer in writers.values() for entry in writer.entries]


def _texts(sample: ClipSample) -> list[Member]:
    return [
        Member(f"{sample.clip_id}.txt", sample.caption.encode()),
        Member(f"{sample.clip_id}.json", json_bytes(sample.about())),
    ]


def refuse_missing_clips(dataset: PublishedDataset, media: MediaStore | None) -> None:
    """Raises NothingToConvert where the media store lacks clips of the dataset: nothing is packed by halves."""
    if media is None:
        return
    with dataset.rows() as rows:
        wanted = set(rows.select("video").unique().collect()["video"])
    folders = {key.partition("/")[0] for key in wanted}
    there = {key for folder in sorted(folders) for key in media.list_keys(f"{folder}/")}
    if missing := sorted(wanted - there):
        raise NothingToConvert(
            f"{len(missing)} of {len(wanted)} clips are not in {media.root}, first {missing[0]}: name the media store "
            "that has them with --media, or leave the clips out"
        )


def read_index(folder: Path) -> PackIndex:
    """The index of a pack. Raises PackDamaged."""
    try:
        index = PackIndex.model_validate_json((folder / INDEX).read_bytes())
    except FileNotFoundError:
        raise PackDamaged(f"{folder} has no {INDEX}, so it is no pack: name the folder that holds one") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        raise PackDamaged(
            f"{folder / INDEX} cannot be used ({where}: {one_line(fault['msg'])}): fetch it again"
        ) from None
    except OSError as error:
        raise PackDamaged(f"{folder / INDEX} cannot be read ({error.strerror}): fetch it again") from error
    return index


def verify_pack(folder: Path) -> list[str]:
    """Everything that is wrong with a pack, one line each; an empty list if it is whole. Raises PackDamaged."""
    index = read_index(folder)
    problems = [problem for shard in index.shards if (problem := _shard_problem(folder, shard))]
    known = {shard.path for shard in index.shards}
    strange = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.tar"))
    problems += [f"{path} is not in {INDEX}: do not use it" for path in strange if path not in known]
    problems += [f"{DATASET}/{line}" for line in verify_dataset(folder / DATASET)]
    return problems or _index_problems(folder, index)


def _index_problems(folder: Path, index: PackIndex) -> list[str]:
    """What the index says of the dataset beside it that is not so: shards may have gone from the list, too."""
    manifest = read_manifest((folder / DATASET / MANIFEST).read_bytes())
    clips = manifest.get("counts", {}).get("clips")
    problems = []
    if index.dataset_id != manifest["dataset_id"]:
        problems.append(
            f"{INDEX} is of {one_line(index.dataset_id)}, and {DATASET} is {manifest['dataset_id']}: fetch both again"
        )
    if index.samples != clips:
        problems.append(f"{INDEX} lists shards of {index.samples} clips, and {DATASET} has {clips}: fetch it again")
    return problems


def _shard_problem(folder: Path, shard: ShardEntry) -> str:
    path = folder / shard.path
    try:
        size = path.stat().st_size
        if size != shard.bytes:
            return f"{shard.path} has {size} bytes, {INDEX} says {shard.bytes}: fetch it again"
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return f"{shard.path} is missing ({shard.samples} clips of {shard.split}): fetch it again"
    except OSError as error:
        return f"{shard.path} cannot be read ({error.strerror}): check rights and disk, then run again"
    if digest != shard.sha256:
        return f"{shard.path} is not the file that {INDEX} names (sha256 differs): fetch it again"
    return ""


def unpack(folder: Path, out: Path, progress: Progress = lambda _: None) -> PackIndex:
    """Unpacks into the new folder `out`: the dataset, and its clips under `media`. Every hash is checked first.

    Raises PackDamaged with what is wrong, FolderTaken where `out` is there, NoRoom, NotWritten. Nothing is left then.
    """
    check_new_folder(out)
    index = read_index(folder)
    if problems := verify_pack(folder):
        more = f" (and {len(problems) - 1} more: `chai dataset verify {folder}`)" if len(problems) > 1 else ""
        raise PackDamaged(f"{problems[0]}{more}; nothing was unpacked")
    with new_folder(out) as scratch:
        shutil.copytree(folder / DATASET, scratch / DATASET)
        for shard in index.shards:
            for video, tar, member in _clips_of(folder / shard.path):
                target = scratch / MEDIA / video
                target.parent.mkdir(parents=True, exist_ok=True)
                source = tar.extractfile(member)
                assert source is not None
                with target.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
                progress(1)
    return index


def _clips_of(shard: Path) -> Iterator[tuple[str, tarfile.TarFile, tarfile.TarInfo]]:
    """Key, archive and entry of each clip in a shard; a clip's JSON says its key and follows it."""
    with tarfile.open(shard, "r:") as tar:
        clip: tarfile.TarInfo | None = None
        for member in tar:
            if not member.name.endswith((".json", ".txt")):
                clip = member
            elif member.name.endswith(".json") and clip is not None:
                told = tar.extractfile(member)
                assert told is not None
                key = PurePosixPath(json.load(told)["video"])
                if key.is_absolute() or ".." in key.parts:
                    raise PackDamaged(f"{shard.name} holds a clip that would lie outside, {key}: do not use it")
                yield str(key), tar, clip
                clip = None
