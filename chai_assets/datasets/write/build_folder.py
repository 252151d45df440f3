"""A folder to build a dataset in, on the disk that will hold it, and what killed builds left of theirs.

The folder's name begins with a dot, so nothing takes it for a dataset. Its builder holds a lock on it that ends
with the process: what nobody holds, the next build removes.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".building-"


@contextmanager
def scratch_folder(root: Path | None) -> Iterator[Path]:
    """An empty folder beside the datasets of `root`, or with the machine's temporary files; removed afterwards."""
    home = root or Path(tempfile.gettempdir()) / "chai-datasets"
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(f"{_PREFIX}*"):
        _remove_if_abandoned(left)
    folder, handle = _new_folder(home)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _new_folder(home: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
        handle = _try_lock(folder)
        # Another build may have taken it for a leftover before it was held.
        if handle is not None and folder.exists():
            folder.chmod(0o755)  # mkdtemp lets only its owner in; trainers run as someone else
            return folder, handle
        if handle is not None:
            os.close(handle)


def _try_lock(folder: Path) -> int | None:
    """The lock on a folder, or None where another process has it or it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove_if_abandoned(folder: Path) -> None:
    if (handle := _try_lock(folder)) is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)
