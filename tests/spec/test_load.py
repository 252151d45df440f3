"""A specification that is not sound is refused, with the file, the line and the remedy."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chai_assets.spec.loading.document import SpecError
from chai_assets.spec.loading.load import load_spec_from
from chai_assets.spec.versioning.releases import PACKAGED, load_spec

Mutate = Callable[[str, str, str], list[str]]


@pytest.fixture
def refusal(tmp_path: Path) -> Mutate:
    """Replaces a text in a file of a copy of the release and returns the lines of the refusal."""
    folder = tmp_path / "1.0.0"
    shutil.copytree(PACKAGED / "1.0.0", folder)

    def mutate(file: str, old: str, new: str) -> list[str]:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(SpecError) as refused:
            load_spec_from(folder)
        return str(refused.value).splitlines()

    return mutate


def text_of(file: str) -> str:
    """The text of a file of the release."""
    return (PACKAGED / "1.0.0" / file).read_text(encoding="utf-8")


def line_of(file: str, text: str, after: str = "") -> int:
    """Line of the first occurrence of a text in the release, behind another text."""
    content = text_of(file)
    return content[: content.index(text, content.index(after))].count("\n") + 1


def test_the_release_has_the_five_aspects_in_order_and_what_they_rest_on() -> None:
    spec = load_spec()
    assert spec == load_spec(spec.version) == load_spec_from(PACKAGED / spec.version)
    rests_on = {name: aspect.depends_on for name, aspect in spec.aspects.items()}
    assert list(rests_on) == ["subject", "scene", "motion", "spatial", "camera"]
    assert rests_on["motion"] == ("subject",)
    assert rests_on["spatial"] == ("subject", "scene")
    assert rests_on["subject"] == rests_on["scene"] == rests_on["camera"] == ()


def test_an_aspect_asks_a_person_fifteen_questions_at_most_and_its_instruction_gives_no_answer_away() -> None:
    for aspect in load_spec().aspects.values():
        assert 10 <= len(aspect.attributes) <= 15
        for primitive in aspect.primitives:
            assert not re.search(rf"\b{re.escape(primitive.term)}\b", aspect.instruction, re.IGNORECASE)


def test_the_hash_changes_with_any_word_and_with_the_order_of_aspects(tmp_path: Path) -> None:
    hashes = {load_spec().hash}
    for file, old, new in [
        ("camera.yaml", "The camera pans left.", "The camera pans to the left."),
        ("spec.yaml", "[subject, scene,", "[scene, subject,"),
    ]:
        folder = tmp_path / file
        shutil.copytree(PACKAGED / "1.0.0", folder)
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        hashes.add(load_spec_from(folder).hash)
    assert len(hashes) == 3


def test_a_version_that_is_not_released_is_named_with_those_that_are() -> None:
    with pytest.raises(SpecError, match=r"version 9\.9\.9 is not released - choose one of 1\.0\.0"):
        load_spec("9.9.9")


PAN_LEFT, PAN_RIGHT = "  - id: pan-left\n", "  - id: pan-right\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "remedy"),
    [
        ("camera.yaml", "    term: pan left\n", "    term: pan: left\n", "is not YAML", "quote"),
        (
            "camera.yaml",
            "    term: pan left\n",
            "    trem: pan left\n",
            "'trem' of primitives 'pan-left'",
            "'term'",
        ),
        (
            "camera.yaml",
            "    kind: several\n",
            "    kind: severl\n",
            "'kind' of attributes 'turns'",
            "several",
        ),
        (
            "camera.yaml",
            "    says: The camera pans left.\n",
            "    says: pans left\n",
            "'says' of primitives",
            "full stop",
        ),
        (
            "camera.yaml",
            "    given_by: {turns: [pan left]}\n",
            "    given_by: {turn: [pan left]}\n",
            "'turn'",
            "turns",
        ),
        ("camera.yaml", "    options:\n", "    optoins:\n", "'optoins' of attributes", "'options'"),
        ("camera.yaml", "{turns: [pan left]}", "{turns: [pan lft]}", "option 'pan lft'", "pan left"),
        (
            "camera.yaml",
            "{depth_of_field: [shallow, very shallow]}",
            "{dof: [shallow]}",
            "'dof'",
            "depth_of_field",
        ),
        (
            "camera.yaml",
            "{depth_of_field: [shallow, very shallow]}",
            "{depth_of_field: [soft]}",
            "'soft'",
            "deep",
        ),
        (
            "camera.yaml",
            "{depth_of_field: [shallow, very shallow]}",
            "{lens: [none]}",
            "not asked before",
            "move it",
        ),
        ("camera.yaml", "      - pan-left\n", "      - pan-lft\n", "excludes 'pan-lft'", "correct the id"),
        ("camera.yaml", "      - pan-left\n", "      - static-camera\n", "excludes itself", "remove it"),
        (
            "camera.yaml",
            "      - {id: constant, label: it",
            "      - {id: unsure, label: it",
            "'unsure'",
            "remove it",
        ),
        (
            "camera.yaml",
            "depends_on: []",
            "depends_on: [sound]",
            "'sound', which is no aspect",
            "name one of",
        ),
        ("camera.yaml", "sub_aspect: pace", "sub_aspect: paec", "sub-aspect 'paec'", "pace"),
        (
            "camera.yaml",
            "id: camera\n",
            "id: kamera\n",
            "id 'kamera' is not the file's name",
            "write 'camera'",
        ),
        (
            "subject.yaml",
            "says: The subject is {subject}.",
            "says: '{who}.'",
            "{who}, which is no text",
            "subject",
        ),
        (
            "subject.yaml",
            "says: The subject is {subject}.",
            "says: '{others}.'",
            "{others}, which may stay",
            "required",
        ),
        (
            "subject.yaml",
            "says: Visible details include {details}.",
            "says: See {others}.",
            "{others}",
            "{details}",
        ),
        ("spec.yaml", "version: 1.0.0", "version: one", "'version'", "three numbers"),
        ("spec.yaml", ", camera]", "]", "camera.yaml is not among the aspects", "list it"),
    ],
)
def test_a_fault_is_refused_with_its_file_line_and_remedy(
    refusal: Mutate, file: str, old: str, new: str, message: str, remedy: str
) -> None:
    lines = refusal(file, old, new)
    at = f"{file}:{line_of(file, old.lstrip())}: "
    assert any(
        line.startswith(at) and message in line.partition(" - ")[0] and remedy in line.partition(" - ")[2]
        for line in lines
    ), lines


@pytest.mark.parametrize("key", ["term", "definition", "rule", "given_by"])
def test_a_primitive_without_a_part_it_must_have_is_named(refusal: Mutate, key: str) -> None:
    at = line_of("spatial.yaml", "- id: extreme-wide-shot")
    first = next(line for line in text_of("spatial.yaml").splitlines()[at:] if line.strip().startswith(f"{key}: "))
    lines = refusal("spatial.yaml", f"{first}\n", "")
    assert lines == [f"spatial.yaml:{at}: '{key}' is missing of primitives 'extreme-wide-shot' - write it"]


def test_a_repeated_id_is_refused_with_both_lines(refusal: Mutate) -> None:
    first, second = line_of("camera.yaml", PAN_LEFT), line_of("camera.yaml", PAN_RIGHT)
    lines = refusal("camera.yaml", PAN_RIGHT, PAN_LEFT)
    wanted = f"camera.yaml:{second}: duplicate primitive id 'pan-left', first on line {first} - "
    assert any(line.startswith(wanted) for line in lines), lines


def test_an_id_that_two_aspects_share_is_refused_with_both_places(refusal: Mutate) -> None:
    first = line_of("spatial.yaml", "  - id: deep-staging\n")
    second = line_of("camera.yaml", PAN_LEFT)
    [line] = [x for x in refusal("camera.yaml", PAN_LEFT, "  - id: deep-staging\n") if "duplicate" in x]
    assert line.startswith(
        f"camera.yaml:{second}: duplicate primitive id 'deep-staging', first at spatial.yaml:{first}"
    )


def test_a_repeated_attribute_option_or_key_is_refused_with_both_lines(refusal: Mutate) -> None:
    zoom, lens = line_of("camera.yaml", "  - id: zoom\n"), line_of("camera.yaml", "  - id: lens\n")
    lines = refusal("camera.yaml", "  - id: lens\n", "  - id: zoom\n")
    assert any(x.startswith(f"camera.yaml:{lens}: duplicate attribute id 'zoom', first on line {zoom}") for x in lines)
    up, down = line_of("camera.yaml", "- tilt up\n"), line_of("camera.yaml", "- tilt down\n")
    lines = refusal("camera.yaml", "- tilt down\n", "- tilt up\n")
    assert any(x.startswith(f"camera.yaml:{down}: duplicate option id 'tilt up', first on line {up}") for x in lines)
    title = line_of("camera.yaml", "title: Camera\n")
    lines = refusal("camera.yaml", "title: Camera\n", "title: Camera\ntitle: Lens\n")
    assert lines[0].startswith(f"camera.yaml:{title + 1}: key 'title' stands twice, first on line {title}")


@pytest.mark.parametrize("given_by", ["{turns: [pan left]}", "{turns: [pan left], zoom: [in]}"])
def test_primitives_that_exclude_each_other_but_come_of_one_answer_are_refused(refusal: Mutate, given_by: str) -> None:
    new = f"given_by: {given_by}\n    excludes: [pan-left]"
    lines = refusal("camera.yaml", "given_by: {turns: [pan right]}", new)
    at = line_of("camera.yaml", "given_by: {turns: [pan right]}") + 1
    assert any(
        line.startswith(f"camera.yaml:{at}: primitives 'pan-right' and 'pan-left' exclude each other") for line in lines
    ), lines


def test_aspects_that_depend_on_each_other_are_refused(refusal: Mutate) -> None:
    [line] = refusal("subject.yaml", "depends_on: []", "depends_on: [motion]")
    assert "in a circle: " in line
    assert line.endswith("remove one of the dependencies")
    file, number, _ = line.split(":", 2)
    assert int(number) == line_of(file, "depends_on:")


def test_every_fault_of_every_file_is_told_at_once(refusal: Mutate, tmp_path: Path) -> None:
    motion = tmp_path / "1.0.0" / "motion.yaml"
    motion.write_text(motion.read_text(encoding="utf-8").replace("    rule: ", "    role: ", 1), encoding="utf-8")
    (tmp_path / "1.0.0" / "scene.yaml").unlink()
    lines = refusal("camera.yaml", "{turns: [pan left]}", "{turns: [pan lft]}")
    assert [line.partition(":")[0] for line in lines] == [
        "camera.yaml",
        "motion.yaml",
        "motion.yaml",
        "scene.yaml",
    ]
    assert lines[-1] == "scene.yaml:1: cannot be read: No such file or directory - add the file"
