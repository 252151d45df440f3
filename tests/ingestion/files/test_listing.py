"""What a listing takes, what it leaves out and tells, and that every ending which is taken can be read."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

from chai_assets.ingestion.files.disguised import disguised
from chai_assets.ingestion.files.listing import list_folder
from chai_assets.ingestion.files.names import VIDEO_SUFFIXES
from chai_assets.ingestion.files.original import _sha256
from chai_assets.ingestion.ingest import ClipRules, StoredRows, ingest
from chai_assets.ingestion.probe import BadVideo
from chai_resources.media import Media
from tests.ingestion.films import scene

SMALL = (64, 48)


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


def test_every_ending_that_is_taken_is_read(folder: Path, tmp_path: Path) -> None:
    assert WRITTEN_AS.keys() == VIDEO_SUFFIXES
    for number, (ending, (container, codec)) in enumerate(WRITTEN_AS.items()):
        write_as(folder / f"{ending[1:]}{ending}", container, codec, number)
    media = Media(root=str(tmp_path / "media"))
    outcomes = list(ingest("b1", str(folder), media, StoredRows(), ClipRules("none")))
    assert [row["reason"] for outcome in outcomes for row in outcome.problems] == []
    clips = {row["name"] for outcome in outcomes for row in outcome.clips}
    assert clips == {f"{ending[1:]}-0" for ending in VIDEO_SUFFIXES}


def write_as(path: Path, container: str, codec: str, seed: int) -> None:
    size, pixels, rate = {
        "dvvideo": ((720, 576), "yuv411p", 25),
        "gif": (SMALL, "rgb8", 25),
        "mjpeg": (SMALL, "yuvj420p", 25),
    }.get(codec, ((720, 576) if container in ("mxf", "gxf") else SMALL, "yuv420p", 25))
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.thread_count = 1
        for picture in scene(seed, 30, size):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24").reformat(size[0], size[1], pixels)))
        output.mux(stream.encode())


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, which no permission keeps out."""
    before = os.geteuid()
    os.seteuid(65534 if before == 0 else before)
    try:
        yield
    finally:
        os.seteuid(before)


def test_what_may_not_be_read_is_told_by_name(film: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        batch = Path(name, "b1")
        (batch / "locked").mkdir(parents=True)
        for path in (batch / "secret.mp4", batch / "locked" / "a.mp4", batch / "good.mp4"):
            shutil.copy(film, path)
        Path(name).chmod(0o755)
        (batch / "secret.mp4").chmod(0)
        (batch / "locked").chmod(0)
        size = film.stat().st_size
        with as_nobody():
            listing = list_folder(Media(root=str(batch)))
            with pytest.raises(BadVideo, match=r"cannot be read \(Permission denied\); check its rights"):
                _sha256(batch / "secret.mp4", size)
        (batch / "locked").chmod(0o755)
    assert [each.key for each in listing.videos] == ["good.mp4", "secret.mp4"]
    assert [(each.name, each.reason) for each in listing.left_out] == [
        ("locked", "cannot be opened (Permission denied); give the platform the right to read it")
    ]
