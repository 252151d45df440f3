"""What files can do to the process that reads them, done on purpose; each runs there, and is found by its name."""

import ctypes
import os
import signal
import time
from pathlib import Path
from typing import NoReturn

import numpy as np

from chai_assets.ingestion.files.cut import ClipRules, Cut, cut
from chai_assets.ingestion.files.limits import alive


class Unspeakable(Exception):
    """An error that cannot be sent anywhere."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__(one, two, lambda: None)


def touch_nothing() -> NoReturn:
    ctypes.string_at(0)
    raise AssertionError


def abort() -> NoReturn:
    os.abort()


def leave() -> NoReturn:
    os._exit(3)


def leave_well() -> NoReturn:
    raise SystemExit(0)


def raise_what_cannot_be_sent() -> NoReturn:
    raise Unspeakable(open(os.devnull), "a\nb")  # noqa: SIM115


def answer_what_cannot_be_sent() -> object:
    return lambda: None


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


def recurse() -> None:
    recurse()


def sleep() -> None:
    time.sleep(600)


def hold_the_interpreter() -> None:
    """Hangs in code that lets no other thread of Python run, as a library written in C can."""
    ctypes.PyDLL(None).sleep(600)


def go_on_for_ever() -> None:
    while True:
        alive()
        time.sleep(0.01)


def take_time(seconds: float) -> str:
    """Takes long, and shows signs of life."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        alive()
        time.sleep(0.05)
    return "done"


def allocate(megabytes: int) -> int:
    """Memory that is written to, as pictures are."""
    return int(np.ones(megabytes << 20, dtype=np.uint8)[::4096].sum())


def leak() -> None:
    """Fills the memory bit by bit."""
    held = []
    while True:
        held.append(bytes(1 << 20))


def kill_from_outside() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_the_first_time(marker: Path) -> str:
    """Is killed as by somebody else, once."""
    if not marker.exists():
        marker.touch()
        kill_from_outside()
    return "done"


def pid() -> int:
    return os.getpid()


DEEDS = {
    b"crash": touch_nothing,
    b"abort": abort,
    b"exit": leave,
    b"raise": raise_what_cannot_be_sent,
    b"memory": leak,
    b"hang": hold_the_interpreter,
}


def cut_or_worse(path: Path, rules: ClipRules, folder: Path) -> Cut:
    """`cut`, but for files that begin with the name of a deed."""
    head = path.read_bytes()[:8].strip()
    if head in DEEDS:
        DEEDS[head]()
    return cut(path, rules, folder)


def cut_without_space(path: Path, rules: ClipRules, folder: Path) -> Cut:
    """`cut` on a disk that is full."""
    with open("/dev/full", "wb", buffering=0) as full:
        full.write(path.read_bytes())
    return cut(path, rules, folder)


def cut_slowly(path: Path, rules: ClipRules, folder: Path) -> Cut:
    """`cut` that says when it has begun, and takes its time."""
    (folder / "begun").touch()
    take_time(60)
    return cut(path, rules, folder)
