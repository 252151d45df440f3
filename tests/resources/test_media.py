"""The media store, on a folder and on a real S3 server, through the same claims."""

import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from chai_resources.media import Media
from chai_resources.media_store import MediaError
from tests.services.local import S3Server, free_ports, start_s3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def media(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Media:
    if request.param == "folder":
        return Media(root=str(tmp_path / "media"))
    server: S3Server = request.getfixturevalue("s3")
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    return Media(root=f"s3://chai/{tmp_path.name}")


def test_what_was_put_is_read_back_and_listed_by_prefix(media: Media, tmp_path: Path):
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"video")
    media.put_file("clips/ü.mp4", file)
    media.put_bytes("thumbs/a.webp", b"old")
    media.put_bytes("thumbs/a.webp", b"picture")
    assert media.get_bytes("clips/ü.mp4") == b"video"
    assert media.get_bytes("thumbs/a.webp") == b"picture"
    assert media.list_keys() == ["clips/ü.mp4", "thumbs/a.webp"]
    assert media.list_keys("thumbs/") == ["thumbs/a.webp"]
    assert [entry.bytes for entry in media.entries()] == [5, 7]
    assert media.exists("thumbs/a.webp")
    assert not media.exists("thumbs/a")
    with media.local_copy("clips/ü.mp4") as path:
        assert path.read_bytes() == b"video"


def test_a_store_nothing_was_put_in_lists_nothing(media: Media):
    assert media.list_keys() == []
    assert not media.exists("clips/x.mp4")


def test_of_many_writers_of_a_new_key_exactly_one_wins_and_its_bytes_stay(media: Media):
    start = threading.Barrier(8)

    def publish(number: int) -> bool:
        start.wait()
        return media.put_new("units/1.json", b"%d" % number)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(publish, range(8)))
    assert won.count(True) == 1
    assert media.get_bytes("units/1.json") == b"%d" % won.index(True)
    assert media.list_keys() == ["units/1.json"]


def test_a_reader_never_sees_half_an_object(media: Media, tmp_path: Path):
    bodies = [bytes([letter]) * 2_000_000 for letter in b"ab"]
    media.put_bytes("big", bodies[0])
    writing = threading.Event()

    def write() -> None:
        for turn in range(20):
            file = tmp_path / "next"
            file.write_bytes(bodies[turn % 2])
            media.put_file("big", file)
            media.put_bytes("big", bodies[1 - turn % 2])
        writing.set()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(write)
        while not writing.is_set() and not done.done():
            assert media.get_bytes("big") in bodies
        done.result()


def test_a_missing_object_is_named(media: Media):
    media.put_bytes("clips/there.mp4", b"x")
    with pytest.raises(MediaError, match=r"clips/gone\.mp4.*no such object|clips/gone\.mp4 does not exist"):
        media.get_bytes("clips/gone.mp4")


def presigned(media: Media, key: str) -> str:
    """An address that needs no credentials for a minute, as Label Studio makes them; a file:// URI if local."""
    if not media.is_s3:
        return Path(media.uri(key)).as_uri()
    bucket, _, name = media.uri(key).removeprefix("s3://").partition("/")
    client = boto3.Session().client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    return client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": name}, ExpiresIn=60)


def test_a_presigned_address_opens_without_credentials(media: Media):
    media.put_bytes("clips/x.mp4", b"0123456789")
    with urllib.request.urlopen(_presigned(media, "clips/x.mp4")) as answer:
        assert answer.read() == b"0123456789"
        assert answer.headers["Content-Type"] == "video/mp4"


def _presigned(media: Media, key: str) -> str:
    """An address that needs no credentials, as Label Studio makes them for players."""
    if not media.is_s3:
        return Path(media.uri(key)).as_uri()
    bucket, _, name = media.uri(key).removeprefix("s3://").partition("/")
    return media._s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": name}, ExpiresIn=60)


def test_label_studio_gets_an_address_under_the_parent_of_the_folder():
    assert Media(root="/srv/chai/media").url("clips/a b.mp4") == "/data/local-files/?d=media/clips/a%20b.mp4"
    assert Media(root="s3://bucket/pre/fix/").url("clips/a.mp4") == "s3://bucket/pre/fix/clips/a.mp4"
    assert Media(root="s3://bucket").url("a.mp4") == "s3://bucket/a.mp4"


@pytest.mark.parametrize("key", ["", "/etc/x", "../x", "a/../../x", "a//x", "a/", "./x", ".part-x", "a/.part-x"])
def test_a_key_cannot_leave_the_store(key: str):
    media = Media(root="/nowhere/media")
    for use in (media.get_bytes, media.exists, media.url):
        with pytest.raises(ValueError, match="plain relative path"):
            use(key)
    with pytest.raises(ValueError, match="plain relative path"):
        media.put_bytes(key, b"")


def test_a_file_left_by_a_killed_writer_is_no_object(tmp_path: Path):
    media = Media(root=str(tmp_path))
    media.put_bytes("clips/x.mp4", b"whole")
    (tmp_path / "clips" / ".part-abc").write_bytes(b"ha")
    assert media.list_keys() == ["clips/x.mp4"]


def test_a_server_that_is_down_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, s3: S3Server):
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    media = Media(root="s3://chai/x")
    for use in (media.get_bytes, media.exists, media.list_keys, lambda key: media.put_bytes(key, b"")):
        with pytest.raises(MediaError, match=r"s3://chai/x/clips/a\.mp4.*AWS_ENDPOINT_URL"):
            use("clips/a.mp4")


def test_a_missing_bucket_and_refused_access_are_named(monkeypatch: pytest.MonkeyPatch, s3: S3Server):
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MediaError, match="bucket nobody does not exist"):
        Media(root="s3://nobody/x").list_keys()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stranger")
    with pytest.raises(MediaError, match=r"s3://chai/a: access denied.*AWS_ACCESS_KEY_ID"):
        Media(root="s3://chai").put_bytes("a", b"")


def test_a_failed_upload_of_a_file_says_why(monkeypatch: pytest.MonkeyPatch, s3: S3Server, tmp_path: Path):
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(MediaError, match="s3://chai/clips/x: access denied"):
        Media(root="s3://chai").put_file("clips/x", tmp_path / "x")
