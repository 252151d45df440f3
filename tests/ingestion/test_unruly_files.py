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
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from chai_assets.core.rows import NewRow
from chai_assets.ingestion import ingest as ingest_module
from chai_assets.ingestion.files import original as original_module
from chai_assets.ingestion.files import scratch
from chai_assets.ingestion.files.disguised import disguised
from chai_assets.ingestion.files.limits import Limits
from chai_assets.ingestion.files.listing import list_folder
from chai_assets.ingestion.files.names import VIDEO_SUFFIXES, shown
from chai_assets.ingestion.files.workers import ReadingFailed
from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_assets.ingestion.probe import BadVideo
from chai_resources.media import Media
from chai_resources.media_store import MediaError
from tests.ingestion import villains
from tests.ingestion.films import scene, write

SMALL = (64, 48)
QUICK = Limits(still_s=3.0, memory=400 << 20)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox" / "b1"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write(tmp_path / "film.mp4", scene(1, 36, SMALL))


def run(folder: Path, limits: Limits | None = None, detector: str = "adaptive") -> tuple[list[NewRow], dict[str, str]]:
    """The clips, and the reason of each problem by name, of a folder that is ingested for the first time."""
    media = Media(root=str(folder.parent.parent / "media"))
    outcomes = list(ingest("b1", str(folder), media, StoredRows(), ClipRules(detector), limits=limits))
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
        "hang": " gives no picture for 3 s; export or copy it again, or convert it to H.264",
    }
    assert "cannot be read here (Unspeakable" in reasons["3 raise.mp4"]


def test_a_real_picture_that_needs_more_memory_than_there_is_costs_one_row(folder: Path, film: Path) -> None:
    one_dot = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    header = b"GIF89a" + struct.pack("<HHBBB", 16000, 12000, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    (folder / "huge.gif").write_bytes(header + 2 * one_dot + b"\x3b")
    shutil.copy(film, folder / "good.mp4")
    clips, reasons = run(folder, QUICK)
    assert [row["name"] for row in clips] == ["good-0"]
    assert "huge.gif needs more than 0.39 GB of memory" in reasons["huge.gif"]


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

    def meanwhile(path: Path) -> tuple[str, tuple[int, ...]]:
        change, _ = MEANWHILE.get(path.stem, (lambda _: None, ""))
        if moment == "listed":
            change(path)
            return real(path)
        hashed = real(path)
        change(path)
        return hashed

    monkeypatch.setattr(original_module, "_sha256", meanwhile)
    clips, reasons = run(folder, QUICK)
    for how, (_, says) in MEANWHILE.items():
        told, copy = reasons.get(f"{how}.mp4", ""), f"{how} copy"
        if moment == "listed" and how in ("grown", "cut"):
            assert "cut off" in told or f"{how}-0" in {row["name"] for row in clips}, "it is read as it is"
        else:
            assert (says if moment == "listed" else "changed while it was read") in told
        # Never taken for a copy of what is not there any more.
        assert f"{copy}-0" in {row["name"] for row in clips} or "changed" in reasons[f"{copy}.mp4"]


LEFT_OUT = {
    "film.mp4.part": "is being copied or downloaded",
    "film.mkv.crdownload": "is being copied or downloaded",
    "film.tmp": "is being copied or downloaded",
    "film.mp4.download/film.mp4": "is being copied or downloaded",
    ".film.mov": "is hidden",
    ".film.mp4.Xy12ab": "is hidden",
    ".cache/a.mp4": "is a hidden folder with 2 videos",
    ".cache/deep/b.mp4": "is a hidden folder with 1 video",
    "raw.braw": "is in a form that is not read here (.braw)",
    "old.movie": "is in a form that is not read here (.movie)",
    "playlist.m3u8": "is in a form that is not read here (.m3u8)",
    "film": "begins as a video does",
    "film.mp4.1": "begins as a video does",
    "film.MP4~": "begins as a video does",
}
OTHERS = ("notes.txt", "a.jpg", "song.mp3", "._film.mp4", "Thumbs.db", ".DS_Store", "rights.yaml", "README")


def test_what_a_person_may_have_meant_is_told_by_name_and_the_rest_is_counted(folder: Path, film: Path) -> None:
    for name in (*LEFT_OUT, ".cache/c.mp4", *OTHERS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(film, folder / name)
    for name in ("notes.txt", "README", "rights.yaml", "Thumbs.db"):
        (folder / name).write_text("words")
    listing = list_folder(Media(root=str(folder)))
    told = {each.name: each.reason for each in (*listing.left_out, *disguised(Media(root=str(folder)), listing))}
    named = {name.split("/")[0] if name.startswith("film.mp4.down") else name: says for name, says in LEFT_OUT.items()}
    named = {name.rpartition("/")[0] if name.startswith(".cache") else name: says for name, says in named.items()}
    assert told.keys() == named.keys()
    assert {name for name, says in named.items() if not told[name].startswith(says)} == set()
    assert {each.key for each in listing.others} == {*OTHERS, "film", "film.mp4.1", "film.MP4~"}
    assert listing.videos == []


WRITTEN_AS = {
    **dict.fromkeys((".mp4", ".m4v", ".f4v", ".mj2", ".ismv", ".insv", ".lrv"), ("mp4", "libx264")),
    **dict.fromkeys((".mov", ".qt"), ("mov", "libx264")),
    **{".3gp": ("3gp", "libx264"), ".3g2": ("3g2", "libx264")},
    **dict.fromkeys((".mkv", ".mk3d"), ("matroska", "libx264")),
    **{".webm": ("webm", "libvpx-vp9"), ".ivf": ("ivf", "libvpx-vp9"), ".nut": ("nut", "libx264")},
    **dict.fromkeys((".avi", ".divx"), ("avi", "mpeg4")),
    **dict.fromkeys((".mpg", ".mpeg", ".mpe", ".m2p", ".mod", ".evo"), ("mpeg", "mpeg2video")),
    **{".vob": ("vob", "mpeg2video"), ".m1v": ("mpeg1video", "mpeg1video"), ".m2v": ("mpeg2video", "mpeg2video")},
    ".mpv": ("mpeg2video", "mpeg2video"),
    **dict.fromkeys((".ts", ".mts", ".m2ts", ".m2t", ".tp", ".trp", ".tod"), ("mpegts", "libx264")),
    **dict.fromkeys((".wmv", ".asf"), ("asf", "wmv2")),
    **{".flv": ("flv", "flv"), ".rm": ("rm", "rv10"), ".rmvb": ("rm", "rv10"), ".wtv": ("wtv", "mpeg2video")},
    **dict.fromkeys((".ogv", ".ogm"), ("ogg", "libvpx")),
    **{".mxf": ("mxf", "mpeg2video"), ".gif": ("gif", "gif"), ".y4m": ("yuv4mpegpipe", "rawvideo")},
    **dict.fromkeys((".mjpg", ".mjpeg"), ("mjpeg", "mjpeg")),
    **dict.fromkeys((".h264", ".264", ".avc"), ("h264", "libx264")),
    **dict.fromkeys((".h265", ".265", ".hevc"), ("hevc", "libx265")),
    **{".obu": ("obu", "libsvtav1"), ".gxf": ("gxf", "mpeg2video")},
    **dict.fromkeys((".dv", ".dif"), ("dv", "dvvideo")),
}
"""Container and codec by which FFmpeg writes a file of each ending."""


def test_every_ending_that_is_taken_is_read(folder: Path) -> None:
    assert WRITTEN_AS.keys() == VIDEO_SUFFIXES
    wrong = {}
    for number, (ending, (container, codec)) in enumerate(WRITTEN_AS.items()):
        try:
            write_as(folder / f"{ending[1:]}{ending}", container, codec, number)
        except (av.error.FFmpegError, ValueError) as error:
            wrong[ending] = error
    clips, reasons = run(folder, detector="none")
    print(wrong, reasons)
    assert reasons == {}
    assert {row["name"] for row in clips} == {f"{ending[1:]}-0" for ending in VIDEO_SUFFIXES}


def write_as(path: Path, container: str, codec: str, seed: int) -> None:
    size, pixels, rate = {
        "dvvideo": ((720, 576), "yuv411p", 25),
        "gif": (SMALL, "rgb8", 25),
        "mjpeg": (SMALL, "yuvj420p", 25),
    }.get(codec, ((720, 576) if container in ("mxf", "gxf") else SMALL, "yuv420p", 25))
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.thread_count = 1
        for picture in scene(seed, 30, size):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24").reformat(*size, pixels)))
        output.mux(stream.encode())


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Without the rights of root, which no permission keeps out."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_what_may_not_be_read_is_told_by_name(film: Path, request: pytest.FixtureRequest) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        inbox = Path(name, "inbox", "b1")
        (inbox / "locked").mkdir(parents=True)
        for path in (inbox / "secret.mp4", inbox / "locked" / "a.mp4", inbox / "good.mp4"):
            shutil.copy(film, path)
        for path in (Path(name), inbox.parent, inbox):
            path.chmod(0o777)
        (inbox / "secret.mp4").chmod(0)
        (inbox / "locked").chmod(0)
        request.getfixturevalue("as_nobody")
        listing = list_folder(Media(root=str(inbox)))
        with pytest.raises(BadVideo) as hashed:
            original_module._sha256(inbox / "secret.mp4")
        os.setresuid(-1, os.getresuid()[2], -1)
        (inbox / "locked").chmod(0o777)
    assert [each.key for each in listing.videos] == ["good.mp4", "secret.mp4"]
    assert [(each.name, each.reason) for each in listing.left_out] == [
        ("locked", "cannot be opened (Permission denied); give the platform the right to read it")
    ]
    assert "cannot be read (Permission denied); check its rights" in str(hashed.value)


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
from tests.ingestion import villains
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
