"""Published datasets as their readers find them: in a folder, under an s3:// prefix, by id, or as the latest.

The store is the truth, not the table `datasets`: whoever received a folder has no tables. A manifest is read with
whatever fields it has, so that datasets of older and newer versions can be listed, shown and compared.
"""

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from chai_assets.datasets.file_names import LATEST, MANIFEST, TRIPLES
from chai_assets.datasets.read.manifest_data import ManifestData
from chai_assets.datasets.read.verify import read_manifest
from chai_resources.errors import UnusableInput
from chai_resources.media_store import MediaError, MediaStore

if TYPE_CHECKING:
    import polars as pl

_ID = re.compile(r"dst_[0-9a-f]*")


class DatasetNotFound(UnusableInput):
    """There is no dataset where one was looked for, or it cannot be read; the text says what to do."""


@dataclass(frozen=True)
class PublishedDataset:
    """A dataset that can be read: where it lies and what it says of itself."""

    store: MediaStore
    """Rooted at the dataset itself: the keys are the paths of its files."""
    manifest: ManifestData

    @property
    def id(self) -> str:
        return self.manifest["dataset_id"]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(entry["bytes"] for entry in self.manifest["files"])

    @property
    def short(self) -> str:
        """Enough of the id to tell it from others at a glance."""
        return self.id[:12]

    @contextmanager
    def readable(self, file: str) -> Iterator[Path]:
        """A file of rows, for as long as the context lasts. Raises DatasetNotFound where it cannot be read in it."""
        # Not at the top: a list of datasets needs no rows, and these take as long to load as all the rest.
        import polars as pl
        import pyarrow as pa

        try:
            with self.store.local_copy(file) as path:
                yield path
        except (pl.exceptions.PolarsError, pa.ArrowException, OSError, MediaError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise DatasetNotFound(
                f"{file} of {self.store.root} cannot be read ({reason}): "
                "`chai dataset verify` tells what is damaged; fetch that again"
            ) from error

    @contextmanager
    def rows(self, file: str = TRIPLES) -> Iterator["pl.LazyFrame"]:
        """The rows of a Parquet file, for as long as the context lasts; the canonical rows if no other is named.

        Raises DatasetNotFound where they cannot be read.
        """
        import polars as pl

        with self.readable(file) as path:
            yield pl.scan_parquet(path)


@dataclass(frozen=True)
class ListedDataset:
    """One line of the list: a dataset, or what is wrong with it."""

    name: str
    published_at: datetime
    latest: bool
    dataset: PublishedDataset | None
    problem: str


class StoredFiles:
    """A dataset in any store, as `verify` reads it: an object of a bucket is fetched before it is read."""

    def __init__(self, store: MediaStore) -> None:
        self.store = store

    def files(self) -> dict[str, int]:
        """Bytes of every object by key."""
        sizes = {entry.key: entry.bytes for entry in self.store.entries()}
        return {key: size for key, size in sizes.items() if not any(p.startswith(".") for p in key.split("/"))}

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """The object to read from its beginning. Raises OSError, as a file does."""
        return self._open(path)

    @contextmanager
    def _open(self, path: str) -> Iterator[BinaryIO]:
        try:
            with self.store.local_copy(path) as copy, copy.open("rb", buffering=0) as handle:
                yield handle
        except MediaError as error:
            raise OSError(str(error)) from error


def open_store(address: str, root: str) -> MediaStore:
    """The store of one dataset: `address` is a folder, an s3:// prefix, an id, its beginning, or `latest`.

    Ids and `latest` are looked up under `root`. Raises DatasetNotFound if there is none.
    """
    if address == "latest":
        return MediaStore(root=f"{root.rstrip('/')}/{_latest_id(root)}")
    if _ID.fullmatch(address) and not Path(address).exists():
        return MediaStore(root=f"{root.rstrip('/')}/{_complete_id(address, root)}")
    return MediaStore(root=address.rstrip("/") or "/")


def open_dataset(address: str, root: str) -> PublishedDataset:
    """The dataset at an address, as `open_store` takes it. Raises DatasetNotFound."""
    return _read(open_store(address, root))


def list_datasets(root: str) -> list[ListedDataset]:
    """Every dataset under `root`, the earliest first; one whose manifest is damaged is listed with the reason."""
    store = MediaStore(root=root)
    latest = _latest_id(root) if store.exists(LATEST) else ""
    found = []
    for entry in store.entries():
        name, _, rest = entry.key.partition("/")
        if rest != MANIFEST:
            continue
        dataset, problem = None, ""
        try:
            dataset = _read(MediaStore(root=f"{root.rstrip('/')}/{name}"))
        except DatasetNotFound as error:
            problem = str(error)
        found.append(ListedDataset(name, entry.changed_at, name == latest, dataset, problem))
    return sorted(found, key=lambda listed: (listed.published_at, listed.name))


def _read(store: MediaStore) -> PublishedDataset:
    if not store.exists(MANIFEST):
        raise DatasetNotFound(
            f"{store.root} has no {MANIFEST}, so it is no dataset: name the folder that holds one, "
            "or see `chai dataset list`" + _hint(store)
        )
    try:
        return PublishedDataset(store, cast(ManifestData, read_manifest(store.get_bytes(MANIFEST))))
    except ValueError as error:
        raise DatasetNotFound(f"{store.root}/{MANIFEST} is damaged ({error}): fetch the dataset again") from error


def _hint(store: MediaStore) -> str:
    """For somebody who named the folder of all datasets instead of one of them."""
    if not store.exists(LATEST):
        return ""
    return f" (it is a folder of datasets; the latest is {store.root}/{_latest_id(store.root)})"


def _latest_id(root: str) -> str:
    store = MediaStore(root=root)
    if not store.exists(LATEST):
        raise DatasetNotFound(
            f"{root} has no nightly dataset yet: run `chai dataset export`, or take one by its id from "
            "`chai dataset list`"
        )
    try:
        return json.loads(store.get_bytes(LATEST))["dataset_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetNotFound(f"{root}/{LATEST} is damaged: publish again, which writes it anew") from error


def _complete_id(beginning: str, root: str) -> str:
    names = sorted({key.partition("/")[0] for key in MediaStore(root=root).list_keys(beginning)})
    if len(names) == 1:
        return names[0]
    if not names:
        raise DatasetNotFound(f"no dataset {beginning} under {root}: `chai dataset list` shows those there are")
    raise DatasetNotFound(f"{beginning} is the beginning of {len(names)} ids: give more of it ({', '.join(names[:3])})")
