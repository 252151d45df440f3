"""Each inconsistency that loads is found, on the line where it stands; what is sound is left in peace."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chai_assets.spec.authoring.lint import lint_spec
from chai_assets.spec.loading.load import load_spec_from
from chai_assets.spec.versioning.releases import PACKAGED, load_spec

SMALL = Path(__file__).with_name("small")

NEAR_FOCUS = "given_by: {plane: [near]}"
ZOOM_IN = "term: zoom in\n"

PLANTED = {
    # what is wrong: (file, old, new, text on the line reported, message)
    "two questions that one choice cannot both open": (
        "camera.yaml",
        "    applies_when: {depth: [shallow]}\n    options: [near, far]",
        "    applies_when: {depth: [shallow]}\n    options: [near, far]\n"
        "  - {id: haze, sub_aspect: focus, question: Is there haze?, kind: choice, options: ['yes', 'no'],\n"
        "     applies_when: {depth: [deep], plane: [near]}}",
        "applies_when: {depth: [deep], plane: [near]}",
        "no answers make the question 'haze' apply",
    ),
    "a primitive that two options of one choice would have to give": (
        "camera.yaml",
        NEAR_FOCUS,
        "given_by: {depth: [deep], plane: [near]}",
        "given_by: {depth: [deep], plane: [near]}",
        "no answers can give primitive 'near-focus'",
    ),
    "a primitive beside an answer that stands alone": (
        "camera.yaml",
        "  - id: zoom\n    sub_aspect: movement\n",
        "  - id: zoom\n    sub_aspect: movement\n    applies_when: {travel: [none]}\n",
        "given_by: {zoom: [in with dolly out], travel: [dolly out]}",
        "no answers can give primitive 'dolly-zoom'",
    ),
    "a primitive that excludes what it needs": (
        "camera.yaml",
        f"    {NEAR_FOCUS}",
        f"    excludes: [shallow-focus]\n    {NEAR_FOCUS}",
        NEAR_FOCUS,
        "'near-focus' can only hold where 'near-focus' and 'shallow-focus' do, which exclude each other",
    ),
    "a primitive that is excluded by what it needs": (
        "camera.yaml",
        "    given_by: {depth: [shallow]}",
        "    excludes: [near-focus]\n    given_by: {depth: [shallow]}",
        NEAR_FOCUS,
        "'near-focus' can only hold where 'shallow-focus' and 'near-focus' do",
    ),
    "a primitive whose answers force two others that exclude each other": (
        "camera.yaml",
        "    given_by: {depth: [shallow]}",
        "    given_by: {depth: [shallow], turns: [pan right]}\n"
        "    says: The depth is shallow.\n"
        "  - id: pan-right\n    sub_aspect: movement\n    term: pan right\n    definition: It turns right.\n"
        "    rule: Near and far slide to the left.\n    example: It pans right.\n    excludes: [shallow-focus]\n"
        "    given_by: {turns: [pan right], zoom: [out]}\n"
        "    says: The camera pans right.\n"
        "  - id: all-at-once\n    sub_aspect: movement\n    term: all at once\n    definition: All of it.\n"
        "    rule: Everything at the same time.\n    example: All happens at once.\n"
        "    given_by: {turns: [pan right], zoom: [out], plane: [far]}",
        "given_by: {turns: [pan right], zoom: [out], plane: [far]}",
        "'all-at-once' can only hold where 'pan-right' and 'shallow-focus' do, which exclude each other",
    ),
    "two primitives given by the same answers": (
        "camera.yaml",
        "given_by: {zoom: [in, in with dolly out]}",
        "given_by: {travel: [dolly in]}",
        "given_by: {travel: [dolly in]}\n    says: The camera zooms in.",
        "'dolly-in' and 'zoom-in' are given by exactly the same answers",
    ),
    "two primitives given by the same answers in other words": (
        "camera.yaml",
        NEAR_FOCUS,
        f"{NEAR_FOCUS}\n    says: It is near.\n  - id: focus-near\n    sub_aspect: focus\n    term: nearness\n"
        "    definition: The near is sharp.\n    rule: Only where it is shallow.\n    example: It is near.\n"
        "    given_by: {plane: [near], depth: [shallow, deep]}",
        "given_by: {plane: [near], depth: [shallow, deep]}",
        "'near-focus' and 'focus-near' are given by exactly the same answers",
    ),
    "one term for two primitives": (
        "camera.yaml",
        ZOOM_IN,
        "term: Dollying-in\n",
        "term: Dollying-in",
        "the term 'Dollying-in' of primitive 'zoom-in' is also that of 'dolly-in', at camera.yaml:57",
    ),
    "one term in two aspects": (
        "camera.yaml",
        ZOOM_IN,
        "term: Single subjects\n",
        "term: Single subjects",
        "is also that of 'single-subject', at subject.yaml:31",
    ),
    "a loose word that is the term of another primitive": (
        "camera.yaml",
        "loose: [moves in, gets closer]",
        "loose: [moves in,\n      Zooms in]",
        "Zooms in]",
        "the loose word 'Zooms in' of primitive 'dolly-in' is the term of 'zoom-in', at camera.yaml:69",
    ),
    "a loose word that is a term of another aspect, inflected": (
        "subject.yaml",
        "loose: [gets bigger]",
        "loose: [panning left]",
        "loose: [panning left]",
        "is the term of 'pan-left', at camera.yaml:",
    ),
    "a loose word that is its own term": (
        "camera.yaml",
        "loose: [turns left]",
        "loose: [pans left]",
        "loose: [pans left]",
        "the loose word 'pans left' of primitive 'pan-left' is its own term",
    ),
    "no example": (
        "camera.yaml",
        "    example: The camera pans left along the wall.\n",
        "",
        "- id: pan-left",
        "primitive 'pan-left' has no example",
    ),
    "a rule that is only a mark": (
        "camera.yaml",
        "rule: Near and far slide to the right together.",
        "rule: to do",
        "rule: to do",
        "the rule of primitive 'pan-left' says no more",
    ),
    "a rule that repeats the definition": (
        "camera.yaml",
        "rule: Near and far slide to the right together.",
        "rule: The camera turns to its left, without leaving its place",
        "rule: The camera turns to its left, w",
        "the rule of primitive 'pan-left' says no more",
    ),
    "a confusion with nothing": (
        "camera.yaml",
        "      zoom-in: In a dolly",
        "      zooom-in: In a dolly",
        "zooom-in:",
        "primitive 'dolly-in' is confused with 'zooom-in', which is no primitive",
    ),
    "a confusion with itself": (
        "camera.yaml",
        "      zoom-in: In a dolly",
        "      dolly-in: In a dolly",
        "dolly-in: In a dolly",
        "primitive 'dolly-in' is confused with itself",
    ),
    "a split whose whole is still here": (
        "camera.yaml",
        "split_from: vertigo-shot",
        "split_from: crowd",
        "split_from: crowd",
        "primitive 'dolly-zoom' was split from 'crowd', which is still here",
    ),
}


def linted(folder: Path) -> list[str]:
    return [str(problem) for problem in lint_spec(load_spec_from(folder), folder)]


@pytest.fixture
def plant(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Replaces a text that stands once in a file of the small specification; returns the folder of the copy."""
    folder = tmp_path / "small"
    shutil.copytree(SMALL, folder)

    def replace(file: str, old: str, new: str) -> Path:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        return folder

    return replace


def test_a_sound_specification_gives_nothing() -> None:
    assert linted(SMALL) == []


@pytest.mark.parametrize(("file", "old", "new", "at", "message"), PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found_on_its_line_and_nothing_else(
    plant: Callable[[str, str, str], Path], file: str, old: str, new: str, at: str, message: str
) -> None:
    folder = plant(file, old, new)
    text = (folder / file).read_text(encoding="utf-8")
    line = text[: text.index(at)].count("\n") + 1
    (found,) = linted(folder)
    assert found.startswith(f"{file}:{line}: ")
    assert message in found
    assert " - " in found


def test_the_first_release_lacks_examples_and_calls_ten_confusions_loose_words() -> None:
    found = lint_spec(load_spec("1.0.0"), PACKAGED / "1.0.0")
    primitives = sum(len(aspect.primitives) for aspect in load_spec("1.0.0").aspects.values())
    assert sum("has no example" in problem.message for problem in found) == primitives
    others = [problem.message for problem in found if "has no example" not in problem.message]
    assert len(others) == 10
    assert all(message.startswith("the loose word ") for message in others)
