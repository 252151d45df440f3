"""The folder that a run works in, which does not outlive it by more than one run."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "chai-ingest-"
_NEW_S = 60
"""A folder is made before it is locked."""


@contextmanager
def work_folder() -> Iterator[Path]:
    """A temporary folder that is removed at the end; those of killed runs are removed at the beginning."""
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, _locked(Path(name)):
        yield Path(name)


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            about = folder.lstat()
            if about.st_uid != os.getuid() or time.time() - about.st_mtime < _NEW_S:
                continue
            with _locked(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, or gone


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds a folder for as long as this process lives. Raises OSError if another does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
