"""Ingesting whole folders of real files: what becomes a clip, what is reported, and what a re-run does."""

import hashlib
import io
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from chai_assets.core.ids import record_id
from chai_assets.core.rows import NewRow
from chai_assets.ingestion.files.listing import VideoFile, list_folder
from chai_assets.ingestion.files.workers import Workers
from chai_assets.ingestion.inbox import batches
from chai_assets.ingestion.ingest import ClipRules, FileOutcome, StoredRows, ingest
from chai_resources.media import Media
from chai_resources.media_store import MediaError
from chai_resources.schemas import TABLES
from tests.ingestion.films import plain, scene, write, write_song, write_sound
from tests.services.local import S3Server, free_ports, start_s3

RIGHTS = "rights: Ada\nlicence: CC-BY-4.0\nfiles: {whole.avi: {rights: Bob}}\n"
RULES = ClipRules("adaptive", 1.0, 20.0)


class Batch:
    """A folder, a store and the tables' rows, ingested as the asset does it."""

    def __init__(self, folder: Path | str, media: Media, name: str = "b1") -> None:
        self.folder, self.media, self.name = str(folder), media, name
        self.sources: list[NewRow] = []
        self.clips: list[NewRow] = []
        self.problems: list[NewRow] = []

    def run(self, rules: ClipRules = RULES, known: "Batch | None" = None) -> list[FileOutcome]:
        other = known or Batch("", self.media)
        rows = StoredRows([*other.sources, *self.sources], [*other.clips, *self.clips])
        outcomes = list(ingest(self.name, self.folder, self.media, rows, rules))
        for outcome in outcomes:
            self.clips += outcome.clips
            self.problems += outcome.problems
            self.sources += outcome.sources
        return outcomes

    def kinds(self) -> dict[str, str]:
        return {row["name"]: row["kind"] for row in self.problems}


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(root=str(tmp_path / "media"))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


def cut_off(source: Path, target: Path, keep: float) -> Path:
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * keep)])
    return target


def fill_with_trouble(folder: Path) -> None:
    """A folder of everything that goes wrong, and a good clip with an awkward name."""
    write(folder / "été 北京 'clip'.mp4", scene(1, 60), sound=True)
    shutil.copy(folder / "été 北京 'clip'.mp4", folder / "ü copy.mp4")
    write(folder / "whole.avi", scene(2, 60, pan=3), faststart=False)
    complete = write(folder / "complete.tmp.mp4", scene(3, 90, pan=3), faststart=True)
    cut_off(complete, folder / "truncated after its index.mp4", 0.6)
    plain_mp4 = write(folder / "index last.mp4", scene(3, 90, pan=3))
    cut_off(plain_mp4, folder / "truncated before its index.mp4", 0.6)
    cut_off(write(folder / "m.mkv", scene(3, 90, pan=3)), folder / "truncated.mkv", 0.5)
    for each in ("complete.tmp.mp4", "index last.mp4", "m.mkv"):
        (folder / each).unlink()
    (folder / "text.mp4").write_text("this is no video\n" * 20)
    (folder / "script.mp4").write_text("ffconcat version 1.0\nfile whole.avi\n")
    (folder / "zero.mp4").touch()
    write_sound(folder / "sound.mp4")
    write_song(folder / "song with a cover.mp4")
    (folder / "gone.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / ".hidden.mp4").write_text("x")
    (folder / "notes.txt").write_text("x")
    (folder / "rights.yaml").write_text(RIGHTS)


def test_a_folder_of_trouble_gives_its_good_clips_and_one_clear_line_for_each_other_file(folder, media):
    fill_with_trouble(folder)
    batch = Batch(folder, media)
    batch.run()
    assert [(row["name"], row["rights"], row["licence"]) for row in batch.clips] == [
        ("whole-0", "Bob", "CC-BY-4.0"),
        ("été 北京 'clip'-0", "Ada", "CC-BY-4.0"),
    ]
    assert batch.kinds() == {
        ".hidden.mp4": "left_out",
        "gone.mp4": "broken",
        "script.mp4": "broken",
        "song with a cover.mp4": "no_video",
        "sound.mp4": "no_video",
        "text.mp4": "broken",
        "truncated after its index.mp4": "broken",
        "truncated before its index.mp4": "broken",
        "truncated.mkv": "broken",
        "zero.mp4": "empty",
        "ü copy.mp4": "duplicate",
    }
    assert len(batch.problems) == 11
    for row in batch.problems:
        assert row["reason"].startswith(row["name"])
        assert "\n" not in row["reason"]
        assert row["start_s"] is None
    assert "été 北京" in next(row["reason"] for row in batch.problems if row["kind"] == "duplicate")


def test_rows_fit_their_tables_and_what_they_name_is_in_the_store(folder, media):
    fill_with_trouble(folder)
    batch = Batch(folder, media)
    batch.run()
    for name, rows in (
        ("sources", batch.sources),
        ("clips", batch.clips),
        ("ingest_problems", batch.problems),
    ):
        columns = TABLES[name].schema.names
        for row in rows:
            assert list(row) == [column for column in columns if column != "recorded_at"]
        assert pa.Table.from_pylist(rows, TABLES[name].schema).num_rows == len(rows)
    for row in batch.clips:
        assert row["clip_id"] == record_id("clip", source=row["source_id"], start_ms=0, end_ms=2000)
        assert media.exists(row["media_key"])
        assert Image.open(io.BytesIO(media.get_bytes(row["thumb_key"]))).size == (320, 240)
    assert [row["has_audio"] for row in batch.sources] == [False, True]
    for row in batch.sources:
        assert row["source_id"] == hashlib.sha256(Path(row["uri"]).read_bytes()).hexdigest()


def test_ingesting_a_folder_again_changes_nothing_and_decodes_nothing(folder, media, monkeypatch):
    write(folder / "a.mp4", scene(1, 60) + scene(2, 60))
    write(folder / "short.mp4", scene(3, 10))
    shutil.copy(folder / "a.mp4", folder / "b.mp4")
    (folder / "text.mp4").write_text("x")
    batch = Batch(folder, media)
    batch.run()
    stored, problems = media.entries(), {row["problem_id"] for row in batch.problems}
    sources, clips = list(batch.sources), list(batch.clips)

    decoded = []
    real_call = Workers.call

    def noted_call(workers: Workers, function: Any, path: Path, *rest: Any, size: int) -> Any:
        decoded.append(path.resolve().name)
        return real_call(workers, function, path, *rest, size=size)

    monkeypatch.setattr(Workers, "call", noted_call)
    batch.run()
    assert (batch.sources, batch.clips) == (sources, clips)
    assert {row["problem_id"] for row in batch.problems} == problems
    assert len(problems) == 3
    assert decoded == ["text.mp4"]
    assert media.entries() == stored


def test_a_run_killed_at_any_file_and_repeated_gives_the_rows_of_a_whole_run(folder, media, tmp_path):
    small = (160, 120)
    for seed in range(3):
        write(folder / f"{seed}.mp4", scene(seed, 30, small) + scene(seed + 10, 30, small))
    write(folder / "again.mp4", scene(0, 30, small), crf=30)
    whole = Batch(folder, Media(root=str(tmp_path / "whole")))
    whole.run()
    for killed_after in range(4):
        batch = Batch(folder, Media(root=str(tmp_path / f"media{killed_after}")))
        running = ingest("b1", str(folder), batch.media, StoredRows(), RULES)
        for _ in range(killed_after):
            outcome = next(running)
            batch.clips += outcome.clips
            batch.problems += outcome.problems
            batch.sources += outcome.sources
        if killed_after < 3:  # the next file's clips were written, its source row was not
            batch.clips += next(running).clips
        running.close()
        batch.run()
        for name, key in (("sources", "source_id"), ("clips", "clip_id"), ("problems", "problem_id")):
            expected = {row[key] for row in getattr(whole, name)}
            assert {row[key] for row in getattr(batch, name)} == expected
        assert batch.media.list_keys() == whole.media.list_keys()


def test_a_video_of_several_shots_is_cut_where_they_change(folder, media):
    write(folder / "three.mp4", scene(1, 45) + scene(2, 60) + scene(3, 36))
    batch = Batch(folder, media)
    batch.run()
    assert [(row["shot"], row["start_s"], row["end_s"], row["frames"]) for row in batch.clips] == [
        (0, 0.0, 1.5, 45),
        (1, 1.5, 3.5, 60),
        (2, 3.5, 4.7, 36),
    ]
    assert len({row["source_id"] for row in batch.clips}) == 1
    content = Batch(folder, media)
    content.run(ClipRules("content", 1.0, 20.0))
    assert [row["clip_id"] for row in content.clips] == [row["clip_id"] for row in batch.clips]
    uncut = Batch(folder, media)
    uncut.run(ClipRules("none", 1.0, 20.0))
    assert [(row["start_s"], row["end_s"]) for row in uncut.clips] == [(0.0, 4.7)]


def test_a_recording_that_states_no_sensible_frame_rate_is_cut_all_the_same(folder, media):
    pictures = scene(1, 40, (160, 120)) + scene(2, 40, (160, 120))
    write(folder / "screen.mkv", pictures, rate=1000, milliseconds=range(0, 3200, 40))
    batch = Batch(folder, media)
    batch.run()
    assert [(row["start_s"], row["fps"], row["frames"]) for row in batch.clips] == [
        (0.0, 25.0, 40),
        (1.6, 25.0, 40),
    ]


def test_shots_outside_the_length_window_are_skipped_and_listed(folder, media):
    write(folder / "a.mp4", scene(1, 20) + scene(2, 45) + scene(3, 120))
    batch = Batch(folder, media)
    batch.run(ClipRules("adaptive", 1.0, 3.0))
    assert [row["shot"] for row in batch.clips] == [1]
    assert [(row["kind"], row["start_s"], row["end_s"]) for row in batch.problems] == [
        ("too_short", 0.0, 0.667),
        ("too_long", 2.167, 6.167),
    ]
    assert "CHAI_CLIP_SECONDS" in batch.problems[0]["reason"]


def test_the_same_shot_encoded_again_is_recognized_in_a_later_batch_too(folder, media, tmp_path):
    write(folder / "a.mp4", scene(1, 60))
    write(folder / "b.mkv", scene(1, 60), crf=30, size=(240, 180))
    later = tmp_path / "inbox" / "b2"
    later.mkdir()
    write(later / "c.mp4", scene(1, 60), rate=Fraction(30000, 1001), crf=30)
    first = Batch(folder, media)
    first.run()
    second = Batch(later, media, "b2")
    second.run(known=first)
    assert [row["name"] for row in first.clips] == ["a-0"]
    assert second.clips == []
    assert [row["kind"] for row in (*first.problems, *second.problems)] == ["same_shot", "same_shot"]
    assert all(first.clips[0]["clip_id"] in row["reason"] for row in (*first.problems, *second.problems))
    assert len(media.list_keys("clips/")) == 1


def test_other_shots_are_not_taken_for_the_same(folder, media):
    write(folder / "place.mp4", scene(1, 60))
    write(folder / "other place.mp4", scene(2, 60))
    write(folder / "other pan.mp4", scene(1, 60, pan=3))
    write(folder / "longer.mp4", scene(1, 80))
    write(folder / "still and still again.mp4", scene(4, 40, pan=0) + scene(5, 40) + scene(4, 40, pan=0))
    write(folder / "tinted.mp4", [(picture * (1, 1, 0.8)).astype("uint8") for picture in scene(1, 60)])
    for name, color in (("red", (200, 0, 0)), ("blue", (0, 0, 200)), ("dark red", (190, 0, 0))):
        write(folder / f"{name}.mp4", plain(color, 40))
    batch = Batch(folder, media)
    batch.run()
    assert batch.problems == []
    assert len(batch.clips) == 11
    assert {row["name"]: row["phash"] for row in batch.clips}["red-0"] is None


def test_a_file_known_from_another_batch_is_a_duplicate_that_names_it(folder, media, tmp_path):
    later = tmp_path / "inbox" / "b2"
    later.mkdir()
    shutil.copy(write(folder / "a.mp4", scene(1, 45)), later / "a.mp4")
    first, second = Batch(folder, media), Batch(later, media, "b2")
    first.run()
    second.run(known=first)
    assert second.kinds() == {"a.mp4": "duplicate"}
    assert "a.mp4 of batch b1" in second.problems[0]["reason"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("rights: [", "line 1"), ("rights: Ada\nlicense: x\n", "license"), ("- a\n", "rights.yaml")],
)
def test_a_malformed_rights_file_is_reported_and_the_videos_go_on(folder, media, text, says):
    (folder / "rights.yaml").write_text(text)
    write(folder / "a.mp4", scene(1, 45))
    batch = Batch(folder, media)
    batch.run()
    batch.run()
    assert {(row["name"], row["kind"]) for row in batch.problems} == {("rights.yaml", "broken")}
    assert len({row["problem_id"] for row in batch.problems}) == 1
    assert says in batch.problems[0]["reason"]
    assert [(row["rights"], row["licence"]) for row in batch.clips] == [("unknown", "unknown")]


def test_a_folder_that_is_not_there_and_an_unknown_detector_are_named(folder, media):
    with pytest.raises(MediaError, match=r"nowhere does not exist"):
        Batch(folder / "nowhere", media).run()
    write(folder / "a.mp4", scene(1, 45))
    with pytest.raises(ValueError, match=r"psychic.*CHAI_DETECTOR.*adaptive"):
        Batch(folder, media).run(ClipRules("psychic"))


def test_sub_folders_of_the_inbox_with_videos_are_batches(tmp_path, folder):
    (tmp_path / "inbox" / "empty").mkdir()
    (tmp_path / "inbox" / "texts").mkdir()
    (tmp_path / "inbox" / "texts" / "a.txt").write_text("x")
    (tmp_path / "inbox" / "loose.mp4").write_text("x")
    (folder / "a.mp4").write_text("x")
    (folder / "part").mkdir()
    (folder / "part" / "b.MOV").write_text("x")
    [found] = batches(str(tmp_path / "inbox"))
    assert (found.name, found.uri, found.files) == ("b1", str(folder), 2)
    assert batches(str(tmp_path / "nowhere")) == []


def test_a_prefix_in_s3_is_ingested_like_a_folder_and_an_outage_is_named(folder, tmp_path, s3, monkeypatch):
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    fill_with_trouble(folder)
    (folder / "gone.mp4").unlink()
    inbox = Media(root="s3://chai/inbox")
    for path in folder.iterdir():
        inbox.put_file(f"b1/{path.name}", path)
    local = Batch(folder, Media(root=str(tmp_path / "media")))
    local.run()
    [found] = batches("s3://chai/inbox")
    remote = Batch(found.uri, Media(root="s3://chai/media"))
    remote.run()
    assert remote.clips == local.clips
    assert remote.problems == local.problems
    assert remote.sources[0]["uri"] == "s3://chai/inbox/b1/whole.avi"
    assert remote.media.list_keys() == local.media.list_keys()

    inbox.put_bytes("b2/kept.mp4", (folder / "whole.avi").read_bytes())
    listing = list_folder(Media(root="s3://chai/inbox/b2"))
    listing.videos.append(VideoFile("gone.mp4", "gone.mp4", 7, ""))
    [kept, gone] = ingest("b2", "s3://chai/inbox/b2", remote.media, StoredRows(), RULES, listing)
    assert (len(kept.clips), kept.problems) == (1, [])
    assert "gone.mp4 cannot be had from the bucket" in gone.problems[0]["reason"]

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(MediaError, match=r"s3://chai/inbox/b1"):
        Batch(found.uri, Media(root="s3://chai/media")).run()
    with pytest.raises(MediaError, match=r"s3://chai/media/clips/clp_.*AWS_ENDPOINT_URL"):
        Batch(folder, Media(root="s3://chai/media")).run()
