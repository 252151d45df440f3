"""Folders as nobody would make them: everything in one is taken, told by name or counted, and nothing raises."""

import os
import random
import socket
import tempfile
from pathlib import Path

from chai_assets.ingestion.files.disguised import disguised
from chai_assets.ingestion.files.listing import list_folder
from chai_assets.ingestion.files.names import NOT_READ, PARTIAL_SUFFIXES, VIDEO_SUFFIXES, is_video, shown
from chai_assets.ingestion.inbox import InboxBatch, other_files, survey
from chai_assets.orchestration.inbox_watch import look_at, plan_batches, read_seen, write_seen
from chai_resources.media import Media
from tests.fuzz.cases import Cases

ENDINGS = [
    *sorted(VIDEO_SUFFIXES),
    *sorted(NOT_READ),
    *sorted(PARTIAL_SUFFIXES),
    ".txt",
    ".jpg",
    "",
    ".",
    " ",
    "~",
    ".1",
]
STEMS = [
    "film",
    ".film",
    "._film",
    "..film",
    "fi\nlm",
    "%d",
    "#?&",
    "-rf",
    "~",
    "é",
    "e\u0301",
    "\u202egpj",
    "x" * 240,
    "",
]
MOST_ENTRIES = 25


def drawn_name(rng: random.Random) -> bytes:
    """A name that the file system takes: drawn from parts that mean something, or of any bytes."""
    if rng.random() < 0.3:
        name = bytes(rng.choice([each for each in range(1, 256) if each != 47]) for _ in range(rng.randint(1, 60)))
        name += rng.choice(ENDINGS).encode()
    else:
        ending = "".join(rng.choice((str.upper, str.lower))(each) for each in rng.choice(ENDINGS))
        name = (rng.choice(STEMS) + rng.choice(["", " ", "."]) + ending).encode()
    name = name[:255]
    return name if name not in (b"", b".", b"..") else b"film"


def make(rng: random.Random, path: bytes, folders: list[bytes]) -> None:
    """One thing of any kind at a path."""
    match rng.choice(["file"] * 8 + ["folder"] * 3 + ["link"] * 3 + ["pipe", "socket"]):
        case "file":
            Path(os.fsdecode(path)).write_bytes(rng.choice([b"", b"x", b"\0\0\0\x18ftypmp42", rng.randbytes(20)]))
            os.utime(path, ns=(0, rng.choice([0, 1, 2**33, 2**62, -(2**40)])))
        case "folder":
            os.mkdir(path)
            folders.append(path)
        case "link":
            somewhere = rng.choice(
                [b"..", b".", b"/", b"/dev/zero", b"/etc/passwd", b"nowhere", os.path.basename(path)]
            )
            os.symlink(rng.choice([somewhere, rng.choice(folders), drawn_name(rng)]), path)
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                os.chdir(os.path.dirname(path))
                server.bind(os.path.basename(path)[:100])


def everything(folder: bytes) -> dict[str, bytes]:
    """Path by shown name of all there is below a folder."""
    found = [os.path.join(at, name) for at, folders, files in os.walk(folder) for name in (*folders, *files)]
    return {shown(os.fsdecode(os.path.relpath(path, folder))): path for path in found}


def test_everything_in_a_folder_is_taken_told_or_counted(cases: Cases) -> None:
    home = os.getcwd()
    for case, rng in cases:
        with tempfile.TemporaryDirectory(prefix="chai-fuzz-") as name:
            folder = os.path.join(os.fsencode(name), b"batch")
            os.mkdir(folder)
            folders = [folder]
            for _ in range(rng.randint(1, MOST_ENTRIES)):
                path = os.path.join(rng.choice(folders), drawn_name(rng))
                try:
                    make(rng, path, folders)
                except OSError:
                    continue  # another one has the name, or the path is too long
                finally:
                    os.chdir(home)
            check(case, Path(name), folder)


def check(case: str, inbox: Path, folder: bytes) -> None:
    media = Media(root=os.fsdecode(folder))
    listing = list_folder(media)
    listing.left_out += disguised(media, listing)
    other_files(listing).encode()
    taken = [each.key for each in listing.videos]
    told = [each.name for each in listing.left_out]
    assert len({*taken}) == len(taken), case
    for text in (*taken, *told, *(each.reason for each in listing.left_out)):
        assert text.encode().decode().isprintable() or len(text.splitlines()) == 1, case
    for each in listing.videos:
        real = os.path.realpath(os.path.join(folder, os.fsencode(each.stored_key)))
        assert real.startswith(os.path.realpath(folder) + b"/"), case
        assert os.path.isfile(real), case
    known = {*taken, *told, *(each.key for each in listing.others)}
    for name, path in everything(folder).items():
        hidden = any(part.startswith(".") for part in name.split("/"))
        below = any(name.startswith(f"{each}/") for each in told)
        link = os.path.islink(path) and not is_video(name)
        assert name in known or hidden or below or link or os.path.isdir(path), f"{case}: {name}"
    batch = InboxBatch("batch", media.root, listing)
    seen = look_at(batch, look_at(batch, None))
    assert seen.settled, case
    assert read_seen(write_seen({"batch": seen})) == {"batch": seen}, case
    plan = plan_batches(survey(str(inbox)), {"batch": seen}, lambda _: [])
    assert [*plan.seen, *plan.wrong], case
