"""One file never fails its batch: whatever it is, is called, or does while it is read, it costs one row."""

import errno
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from chai_assets.core.rows import NewRow
from chai_assets.ingestion import ingest as ingest_module
from chai_assets.ingestion.files import original as original_module
from chai_assets.ingestion.files import scratch
from chai_assets.ingestion.files.limits import Limits
from chai_assets.ingestion.files.names import shown
from chai_assets.ingestion.files.workers import ReadingFailed
from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_resources.media import Media
from chai_resources.media_store import MediaError
from tests.ingestion.files import villains
from tests.ingestion.films import scene, write

SMALL = (64, 48)
QUICK = Limits(still_s=20.0, memory=400 << 20)
"""A good file must show a picture within it also on a busy machine."""
ROOT = Path(__file__).parents[3]


def run(folder: Path, limits: Limits | None = None) -> tuple[list[NewRow], dict[str, str]]:
    """The clips, and the reason of each problem by name, of a folder that is ingested for the first time."""
    media = Media(root=str(folder.parent.parent / "media"))
    outcomes = list(ingest("b1", str(folder), media, StoredRows(), ClipRules(), limits=limits))
    problems = [row for outcome in outcomes for row in outcome.problems]
    reasons = {row["name"]: row["reason"] for row in problems}
    assert len(reasons) == len(problems), "one row each"
    for name, reason in reasons.items():
        assert reason.startswith(name)
        assert len(f"{name}{reason}".splitlines()) == 1
        f"{name}{reason}".encode()
    return [row for outcome in outcomes for row in outcome.clips], reasons


def test_what_a_file_does_to_its_reader_costs_that_file_one_row(
    folder: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "cut", villains.cut_or_worse)
    for number, deed in enumerate(villains.DEEDS):
        (folder / f"{number} {deed.decode()}.mp4").write_bytes(deed.ljust(8))
        write(folder / f"{number} good.mp4", scene(number, 36, SMALL))
    clips, reasons = run(folder, QUICK)
    assert sorted(row["name"] for row in clips) == [f"{number} good-0" for number in range(len(villains.DEEDS))]
    assert {name[2:-4]: reason.removeprefix(name) for name, reason in reasons.items()} == {
        "crash": " ends the process that reads it (SIGSEGV); export or copy it again, or convert it to H.264",
        "abort": " ends the process that reads it (SIGABRT); export or copy it again, or convert it to H.264",
        "exit": " ends the process that reads it (status 3); export or copy it again, or convert it to H.264",
        "raise": reasons["3 raise.mp4"].removeprefix("3 raise.mp4"),
        "memory": " needs more than 0.39 GB of memory; scale it down to 4K or less",
        "hang": " gives no picture for 20 s; export or copy it again, or convert it to H.264",
    }
    assert "cannot be read here (Unspeakable" in reasons["3 raise.mp4"]


def test_a_real_picture_that_needs_more_memory_than_there_is_costs_one_row(folder: Path, film: Path) -> None:
    one_dot = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    header = b"GIF89a" + struct.pack("<HHBBB", 8100, 8100, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    (folder / "huge.gif").write_bytes(header + 2 * one_dot + b"\x3b")
    shutil.copy(film, folder / "good.mp4")
    clips, reasons = run(folder, replace(QUICK, memory=150_000_000))
    assert [row["name"] for row in clips] == ["good-0"]
    assert "huge.gif needs more than 0.14 GB of memory" in reasons["huge.gif"]


AWKWARD = {
    b"caf\xe9.mp4": r"caf\xe9-0",
    b"two\nlines.mp4": "two\\u000alines-0",
    b"bell\x07.mp4": "bell\\u0007-0",
    b"50% #1?.mp4": "50% #1?-0",
    b"%04d.mp4": "%04d-0",
    b"-i.mp4": "-i-0",
    b"file:x.mp4": "file:x-0",
    b"concat:a|b.mp4": "concat:a|b-0",
    b"tab\there.mp4": "tab\\u0009here-0",
    "turned \u202egpj.mp4".encode(): "turned \\u202egpj-0",
    unicodedata.normalize("NFC", "é.mp4").encode(): unicodedata.normalize("NFC", "é-0"),
    unicodedata.normalize("NFD", "é.mp4").encode(): unicodedata.normalize("NFD", "é-0"),
    b"x" * 251 + b".mp4": "x" * 251 + "-0",
    b"same.mp4": "same-0",
    b"same.mkv": "same-0",
    b"SAME.MP4": "SAME-0",
    b"sub \xff/in.mp4": r"sub \xff/in-0",
    b" .mp4": " -0",
    b"...mp4": None,
}
"""File names as bytes, and the name of the clip that comes of each."""


def test_every_name_that_a_file_system_allows_is_ingested_and_shown_as_valid_text(folder: Path) -> None:
    for number, name in enumerate(AWKWARD):
        path = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        made = write(folder.parent / f"made{Path(os.fsdecode(name)).suffix.lower()}", scene(number, 36, SMALL))
        os.rename(made, path)
    clips, reasons = run(folder)
    assert sorted(row["name"] for row in clips) == sorted(name for name in AWKWARD.values() if name)
    assert list(reasons) == ["...mp4"]


def fill_with_specials(folder: Path, outside: Path) -> None:
    """Everything that is no plain file, and ways out of the folder."""
    os.mkfifo(folder / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.mp4"))
    if os.getuid() == 0:
        os.mknod(folder / "device.mp4", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    (folder / "zeros.mp4").symlink_to("/dev/zero")
    (folder / "pipe link.mp4").symlink_to(folder / "pipe.mp4")
    (folder / "out.mp4").symlink_to(outside)
    (folder / "out of out.mp4").symlink_to("out.mp4")
    (folder / "passwords.mp4").symlink_to("/etc/passwd")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "folder link").symlink_to(outside.parent)
    (folder / "up").symlink_to("..")
    (folder / "self").symlink_to(".")


SPECIALS = {
    "pipe.mp4": "is a pipe",
    "socket.mp4": "is a socket",
    "device.mp4": "is a device",
    "zeros.mp4": "is a link to a device",
    "pipe link.mp4": "is a link to a pipe",
    "out.mp4": "leads out of the batch's folder",
    "out of out.mp4": "leads out of the batch's folder",
    "passwords.mp4": "leads out of the batch's folder",
    "loop.mp4": "leads nowhere",
    "folder link": "is a link to a folder",
    "up": "is a link to a folder",
    "self": "is a link to a folder",
}


def test_pipes_devices_and_links_out_of_the_folder_are_refused_by_name_and_never_opened(
    folder: Path, film: Path
) -> None:
    fill_with_specials(folder, film)
    (folder / ".store").mkdir()
    shutil.copy(film, folder / ".store" / "abc")
    (folder / "within.mp4").symlink_to(".store/abc")
    clips, reasons = run(folder)
    assert [row["name"] for row in clips] == ["within-0"], "a link that stays in the folder is followed"
    expected = {name: says for name, says in SPECIALS.items() if os.path.lexists(folder / name)}
    assert reasons.keys() == expected.keys()
    assert {name for name, says in expected.items() if says not in reasons[name]} == set()


def test_a_batch_folder_that_is_a_link_is_refused(folder: Path, film: Path) -> None:
    linked = folder.parent / "linked"
    linked.symlink_to(film.parent)
    with pytest.raises(MediaError, match="linked is a link, which is not followed"):
        run(linked)


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


MEANWHILE = {
    "removed": (lambda path: path.unlink(), "is gone since"),
    "grown": (lambda path: path.write_bytes(path.read_bytes() + b"more"), "changed while it was read"),
    "cut": (lambda path: os.truncate(path, 100), "changed while it was read"),
    "a pipe": (replace_by_pipe, "is no file"),
}


@pytest.mark.parametrize("moment", ["listed", "hashed"])
def test_a_file_that_does_not_stay_the_same_costs_one_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    for number, how in enumerate(MEANWHILE):
        write(folder / f"{how}.mp4", scene(number, 36, SMALL))
        shutil.copy(folder / f"{how}.mp4", folder / f"{how} copy.mp4")
    real = original_module._sha256

    def meanwhile(path: Path, size: int) -> tuple[str, tuple[int, ...]]:
        change, _ = MEANWHILE.get(path.stem, (lambda _: None, ""))
        if moment == "listed":
            change(path)
            return real(path, size)
        hashed = real(path, size)
        change(path)
        return hashed

    monkeypatch.setattr(original_module, "_sha256", meanwhile)
    clips, reasons = run(folder, QUICK)
    for how, (_, says) in MEANWHILE.items():
        assert (says if moment == "listed" else "changed while it was read") in reasons[f"{how}.mp4"]
        copy = f"{how} copy"
        # Never taken for a copy of what is not there any more.
        assert f"{copy}-0" in {row["name"] for row in clips} or "changed" in reasons[f"{copy}.mp4"]


def test_what_is_wrong_with_the_disk_is_no_files_fault(
    folder: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "cut", villains.cut_without_space)
    shutil.copy(film, folder / "a.mp4")
    with pytest.raises(ReadingFailed, match=os.strerror(errno.ENOSPC)):
        run(folder)


_KILLED = """
import sys, tempfile
from pathlib import Path
from chai_assets.ingestion.ingest import *
from chai_resources.media import Media
from tests.ingestion.files import villains
from chai_assets.ingestion import ingest as module
module.cut = villains.cut_slowly
tempfile.tempdir = sys.argv[2]
list(ingest("b1", sys.argv[1], Media(root=sys.argv[2] + "/media"), StoredRows(), ClipRules()))
"""


def test_what_a_killed_run_leaves_behind_is_removed_by_the_next(
    folder: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(film, folder / "a.mp4")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", _KILLED, str(folder), str(temporary)], env=env) as killed:
        until = time.monotonic() + 30
        while not list(temporary.glob("chai-ingest-*/*/begun")) and time.monotonic() < until:
            time.sleep(0.05)
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        monkeypatch.setattr(scratch, "_NEW_S", -1)
        run(folder)
        [left] = temporary.glob("chai-ingest-*")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert left.exists(), "what is in use is left alone"
    run(folder)
    assert list(temporary.glob("chai-ingest-*")) == []


def test_shown_names_are_text_and_stay_as_they_are_when_shown_again() -> None:
    for name in map(os.fsdecode, AWKWARD):
        assert shown(shown(name)) == shown(name)
    assert shown("été 北京 'clip' 👩‍🚀 \\x.mp4") == "été 北京 'clip' 👩‍🚀 \\x.mp4"
