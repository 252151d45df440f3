"""Versions of the specification: what may be released, what is refused, and what changed in between."""

from pathlib import Path

import pytest

from chai_assets.spec.authoring.release import begin, release
from chai_assets.spec.loading.document import SpecError
from chai_assets.spec.versioning.diff import diff, step_made, step_needed
from chai_assets.spec.versioning.releases import LOCK, Releases, releases_in
from tests.spec.versions import (
    Aspect,
    Edit,
    add_zoom_pace,
    attribute,
    primitive,
    rehearsal,
    reword,
    specs_folder,
    write_version,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return specs_folder(tmp_path)


def remove_zoom_out(aspect: Aspect) -> None:
    aspect["primitives"].remove(primitive(aspect, "zoom-out"))
    for other in aspect["primitives"]:
        other["excludes"] = [name for name in other.get("excludes", []) if name != "zoom-out"]
        other.get("confused_with", {}).pop("zoom-out", None)


def offer_more(aspect: Aspect) -> None:
    attribute(aspect, "lens")["options"].append("mirror")


def offer_less(aspect: Aspect) -> None:
    attribute(aspect, "lens")["options"].pop()
    gone = [p["id"] for p in aspect["primitives"] if "fisheye" in p["given_by"].get("lens", [])]
    aspect["primitives"] = [p for p in aspect["primitives"] if p["id"] not in gone]
    for other in aspect["primitives"]:
        other["excludes"] = [name for name in other.get("excludes", []) if name not in gone]
        other["confused_with"] = {name: how for name, how in other["confused_with"].items() if name not in gone}


def raise_meaning(aspect: Aspect) -> None:
    primitive(aspect, "pan-left")["meaning"] = "2"


def other_answers(aspect: Aspect) -> None:
    primitive(aspect, "fast-camera-movement")["given_by"] = {"movement": ["fast", "moderate"]}


def test_what_comes_with_the_platform_is_as_it_was_recorded() -> None:
    releases = releases_in()
    assert [releases.load(version).version for version in releases.locked] == releases.written
    assert releases.load("1.1.0").hash == releases.locked["1.1.0"]
    for old, new in zip(releases.written, releases.written[1:], strict=False):
        changes = diff(releases.read(old), releases.read(new))
        assert step_needed(changes) == step_made(old, new)


@pytest.mark.parametrize(
    ("edit", "part", "kind", "step"),
    [
        (reword, "primitive", "wording", "patch"),
        (offer_more, "question", "addition", "minor"),
        (add_zoom_pace, "question", "addition", "minor"),
        (raise_meaning, "primitive", "meaning", "major"),
        (other_answers, "primitive", "meaning", "major"),
        (remove_zoom_out, "primitive", "meaning", "major"),
        (lambda a: a.update(instruction="Say how it was shot."), "instruction", "wording", "patch"),
        (lambda a: a["policy"].append("Say one thing more."), "policy", "wording", "patch"),
        (lambda a: a.update(meaning="2"), "aspect", "meaning", "major"),
        (lambda a: attribute(a, "lens").update(meaning="2"), "question", "meaning", "major"),
        (offer_less, "question", "meaning", "major"),
    ],
)
def test_a_change_is_told_by_its_part_and_kind_and_asks_for_its_step(
    root: Path, edit: Edit, part: str, kind: str, step: str
) -> None:
    write_version(root, "1.0.1", camera=edit)
    releases = Releases(root)
    changes = diff(releases.load("1.0.0"), releases.read("1.0.1"))
    assert (part, kind) in {(change.part, change.kind) for change in changes}
    assert {change.aspect for change in changes} == {"camera"}
    assert step_needed(changes) == step
    if step == "patch":
        release(Releases(root), "1.0.1")
        assert Releases(root).newest == "1.0.1"
    else:
        with pytest.raises(
            SpecError, match=rf"1\.0\.1 is a patch step from 1\.0\.0, but it needs a {step} one: .*number it"
        ):
            release(Releases(root), "1.0.1")


def test_a_split_adds_and_takes_nothing_away(root: Path) -> None:
    rehearsal(root)
    releases = Releases(root)
    changes = diff(releases.load("1.0.0"), releases.read("1.1.0"))
    split = next(change for change in changes if change.id == "zoom-in")
    assert (split.kind, split.what) == ("addition", "split into gentle-zoom-in, quick-zoom-in")
    assert step_needed(changes) == "minor"
    assert {(c.aspect, c.kind) for c in changes if c.aspect == "subject"} == {("subject", "wording")}
    release(Releases(root), "1.1.0")


def test_a_released_version_that_was_changed_is_refused_by_name(root: Path) -> None:
    path = root / "1.0.0" / "camera.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("pans left", "pans to the left", 1), encoding="utf-8")
    with pytest.raises(
        SpecError, match=r"1\.0\.0/spec\.yaml:1: version 1\.0\.0 was changed after its release .*restore"
    ):
        Releases(root).load()


def test_comments_and_layout_are_no_change(root: Path) -> None:
    path = root / "1.0.0" / "camera.yaml"
    path.write_text("# a remark\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert Releases(root).load().version == "1.0.0"


def test_a_version_is_in_force_only_once_it_is_released(root: Path) -> None:
    begin(Releases(root), "1.1.0")
    assert Releases(root).newest == "1.0.0"
    with pytest.raises(SpecError, match=r"version 1\.1\.0 is not released - choose one of 1\.0\.0"):
        Releases(root).load("1.1.0")
    with pytest.raises(SpecError, match="changes nothing"):
        release(Releases(root), "1.1.0")


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("0.9.0", "does not come after 1.0.0.*never go backwards.*above 1.0.0"),
        ("1.0.0", "released already"),
        ("two", "is no version: write three numbers"),
    ],
)
def test_versions_go_upward_only(root: Path, version: str, says: str) -> None:
    for act in (begin, release):
        with pytest.raises(SpecError, match=says):
            act(Releases(root), version)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1.1.0 abc", "releases.lock:2: cannot read '1.1.0 abc'"),
        ("0.1.0 " + "a" * 64, "releases.lock:2: version 0.1.0 does not come after 1.0.0"),
    ],
)
def test_a_line_of_the_record_that_cannot_be_is_named(root: Path, line: str, says: str) -> None:
    with (root / LOCK).open("a", encoding="utf-8") as lock:
        lock.write(line + "\n")
    with pytest.raises(SpecError, match=says):
        Releases(root).load()


def test_a_folder_without_specifications_is_named_with_its_setting(tmp_path: Path) -> None:
    for call in (lambda r: r.newest, lambda r: r.written):
        with pytest.raises(SpecError, match=r"no version is released|set CHAI_SPECS"):
            call(Releases(tmp_path / "nowhere"))


def test_a_version_that_is_being_written_is_read_as_it_is_now(root: Path) -> None:
    releases = Releases(root)
    begin(releases, "1.1.0")
    before = releases.read("1.1.0").hash
    path = root / "1.1.0" / "camera.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("pans left", "pans to the left", 1), encoding="utf-8")
    assert releases.read("1.1.0").hash != before


def test_a_release_is_seen_by_a_process_that_runs_already(root: Path) -> None:
    assert releases_in(str(root)).newest == "1.0.0"
    rehearsal(root)
    release(Releases(root), "1.1.0")
    assert releases_in(str(root)).newest == "1.1.0"
