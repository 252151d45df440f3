"""Videos with a few bytes changed, cut off or put in: each is read or refused, and no other file suffers."""

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from chai_assets.ingestion.encode import encode_shots
from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_assets.ingestion.probe import BadVideo
from chai_assets.ingestion.shots import scan
from chai_resources.media import Media
from tests.fuzz.cases import Cases
from tests.ingestion.films import scene, write

_SECONDS = 20
"""A case takes some 0.1 s; what takes so long on a busy machine hangs."""

_FORMS = [
    ("mp4", "libx264", "yuv420p"),
    ("mov", "libx265", "yuv420p"),
    ("mp4", "mpeg4", "yuv420p"),
    ("mkv", "libvpx-vp9", "yuv420p"),
    ("webm", "libsvtav1", "yuv420p"),
    ("mkv", "ffv1", "yuv420p"),
    ("avi", "mjpeg", "yuvj420p"),
    ("avi", "libx264", "yuv420p"),
    ("ts", "libx264", "yuv420p"),
    ("ts", "mpeg2video", "yuv420p"),
    ("mpg", "mpeg2video", "yuv420p"),
    ("flv", "flv1", "yuv420p"),
    ("wmv", "wmv2", "yuv420p"),
    ("mxf", "mpeg2video", "yuv420p"),
    ("gif", "gif", "rgb8"),
    ("mov", "prores_ks", "yuv422p10le"),
    ("3gp", "h263", "yuv420p"),
]

RULES = ClipRules("content", 0.2, 20.0)


@cache
def _film(folder: Path, form: tuple[str, str, str]) -> bytes:
    suffix, codec, pixels = form
    size = (352, 288) if codec == "h263" else (64, 48)
    path = folder / f"{codec}.{suffix}"
    write(path, scene(1, 8, size) + scene(2, 8, size), 25, codec, pixels=pixels, size=size, sound=suffix == "mp4")
    return path.read_bytes()


def _flip(draw: random.Random, data: bytearray, until: int) -> None:
    for _ in range(draw.choice([1, 1, 3, 10, 50])):
        data[draw.randrange(until)] ^= 1 << draw.randrange(8)


def _number(draw: random.Random, data: bytearray, until: int) -> None:
    """A length, a count or a time that means something else."""
    width = draw.choice([1, 2, 4, 4, 8])
    at = draw.randrange(max(1, until - width))
    value = draw.choice([0, 1, 2**31, 2 ** (8 * width) - 1, 2 ** (8 * width - 1), draw.getrandbits(8 * width)])
    data[at : at + width] = (value % 2 ** (8 * width)).to_bytes(width, draw.choice(["big", "little"]))


def _cut(draw: random.Random, data: bytearray, until: int) -> None:
    del data[draw.randrange(until) :]


def _hole(draw: random.Random, data: bytearray, until: int) -> None:
    at = draw.randrange(until)
    del data[at : at + draw.choice([1, 4, 188, 1000])]


def _repeat(draw: random.Random, data: bytearray, until: int) -> None:
    at, length = draw.randrange(until), draw.choice([1, 8, 188, 2000])
    data[at:at] = data[at : at + length] * draw.choice([1, 2, 30])


def _noise(draw: random.Random, data: bytearray, until: int) -> None:
    at = draw.randrange(until)
    data[at : at + 400] = draw.randbytes(400)


_FAULTS = [_flip, _flip, _number, _number, _cut, _hole, _repeat, _noise]


def spoilt(draw: random.Random, folder: Path) -> tuple[str, bytes]:
    """The suffix and the bytes of a film with one to three faults, half of them near its beginning or end."""
    form = draw.choice(_FORMS)
    data = bytearray(_film(folder, form))
    for _ in range(draw.choice([1, 1, 2, 3])):
        if len(data) < 20:
            break
        where = draw.choice(["head", "tail", "all", "all"])
        if where == "tail" and len(data) > 3000:
            tail = data[-3000:]
            draw.choice(_FAULTS)(draw, tail, len(tail))
            data[-3000:] = tail
        else:
            draw.choice(_FAULTS)(draw, data, min(len(data), 600) if where == "head" else len(data))
    return form[0], bytes(data)


@contextmanager
def _time_limit(name: str) -> Iterator[None]:
    def hangs(*_: object) -> None:
        pytest.fail(f"{name} takes longer than {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_a_spoilt_video_is_read_or_refused_and_nothing_else_comes_out(cases: Cases, tmp_path: Path):
    refused = 0
    for name, draw in cases:
        suffix, data = spoilt(draw, tmp_path)
        path = tmp_path / f"case.{suffix}"
        path.write_bytes(data)
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        with _time_limit(name):
            try:
                found = scan(path, RULES.detector)
                kept = [shot for shot in found.shots if 0.2 <= shot.seconds <= 20]
                made = encode_shots(path, found, kept, out)
            except BadVideo:
                refused += 1
                continue
            except Exception as error:
                pytest.fail(f"{name}: {type(error).__name__}: {error}")
        assert set(made) == {shot.number for shot in kept}, name
        assert all(note.endswith(".") for note in found.notes), name
    print(f"{refused} of {cases.count} spoilt videos were refused")


def test_a_good_video_beside_a_spoilt_one_is_stored(cases: Cases, tmp_path: Path):
    """One case in twelve: a batch starts a process for its files."""
    good = write(tmp_path / "good.mp4", scene(7, 30, (64, 48)), 25).read_bytes()
    for number, (name, draw) in enumerate(cases):
        if number % 12:
            continue
        folder = tmp_path / f"b{number}"
        folder.mkdir()
        suffix, data = spoilt(draw, tmp_path)
        (folder / f"bad.{suffix}").write_bytes(data)
        (folder / "good.mp4").write_bytes(good)
        media = Media(root=str(tmp_path / f"media{number}"))
        outcomes = list(ingest(folder.name, str(folder), media, StoredRows(), RULES))
        [stored] = [each for each in outcomes if each.name == "good.mp4"]
        assert [row["name"] for row in stored.clips] == ["good-0"], name
        for row in (row for each in outcomes for row in each.problems):
            assert row["name"] == f"bad.{suffix}", name
