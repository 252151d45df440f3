"""Folders that commands write outside of datasets: where one may stand, and what the disk says against it in one line.

`new_folder` comes to be whole or not at all; a folder of results is written over by the next call.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chai_assets.datasets.file_names import MANIFEST, PACK_INDEX
from chai_assets.datasets.write.build_folder import scratch_folder
from chai_assets.datasets.write.file_writers import DISK_FULL_ERRORS
from chai_resources.errors import NotAllowed, Unavailable


class FolderTaken(NotAllowed):
    """The folder is not there to be written to; the text says why and what to do."""


class NoRoom(Unavailable):
    """What is to be written does not fit on the disk; the text says how much is free."""


class NotWritten(Unavailable):
    """A file or folder cannot be written, or one that it is made from cannot be read; the text names it."""


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `out` at the end; after an error nothing is left of it.

    Raises as `check_new_folder` and `disk_errors` do.
    """
    check_new_folder(out)
    with disk_errors(out), scratch_folder(out.absolute().parent) as scratch:
        yield scratch
        if out.exists():
            out.rmdir()  # it was empty
        os.rename(scratch, out)


def check_new_folder(out: Path) -> None:
    """Raises FolderTaken where something is there, or in a dataset or a pack; NotWritten where one may not write."""
    with disk_errors(out):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise FolderTaken(f"{out} is there already: name a new folder, or remove it")
        _refuse_in_dataset(out)
        _refuse_unwritable(out, out.absolute().parent)


def check_results_folder(out: Path) -> None:
    """The same for a folder whose files are written over: it may hold some, and be no dataset itself."""
    with disk_errors(out):
        _refuse_in_dataset(out)
        _refuse_unwritable(out, out.absolute())


def _refuse_in_dataset(out: Path) -> None:
    whole = out.resolve()
    if any((folder / name).exists() for folder in (whole, *whole.parents) for name in (MANIFEST, PACK_INDEX)):
        raise FolderTaken(f"{out} lies in a dataset or a pack, which never changes: choose a folder outside it")


def _refuse_unwritable(out: Path, folder: Path) -> None:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise FolderTaken(f"{out} cannot be a folder: {there} is a file; name another folder")
    if not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        raise NotWritten(f"{out} was not written: {there} may not be written to; mend its rights, or name another one")


def write_results(out: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files of a folder of results in this order, each whole or not at all, over those of an earlier call.

    Raises NoRoom, NotWritten.
    """
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            part = out / f".{name}.part"
            try:
                part.write_bytes(data)
                os.replace(part, out / name)
            finally:
                part.unlink(missing_ok=True)


@contextmanager
def disk_errors(out: Path) -> Iterator[None]:
    """Turns what the system refuses while `out` is written into one line: a full disk into NoRoom, else NotWritten."""
    try:
        yield
    except OSError as error:
        reason = " ".join((error.strerror or str(error)).split())
        if error.errno not in DISK_FULL_ERRORS:
            raise NotWritten(
                f"{out} was not written: {error.filename or out} ({reason}): mend that, or name another folder, and "
                "run again"
            ) from error
        there = next(place for place in out.absolute().parents if place.exists())
        free = shutil.disk_usage(there).free
        raise NoRoom(
            f"{out}: {reason}, {free / 1e9:,.1f} GB are free there: make room, or name a folder on a larger "
            "disk; what was half written is removed"
        ) from error
