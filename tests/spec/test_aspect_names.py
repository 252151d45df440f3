"""Nothing but the specification's files names an aspect: any release may add, drop or rename some."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from chai_assets.auditing.aspect_coverage import mentions_aspect
from chai_assets.linting.lexicon import compile_lexicon
from chai_assets.spec.models import Aspect
from chai_assets.spec.versioning.releases import releases_in
from chai_resources.captioners.calls.unwrapping import unwrapped
from chai_resources.captioners.engines.offline import merge
from chai_resources.yaml_text import read_yaml

ROOT = Path(__file__).parents[2]
ASPECTS = frozenset(name for version in releases_in().locked for name in releases_in().load(version).aspects)
"""Those that come with the platform, whatever the release."""

FREE = {
    Path("chai_assets/demo"): "its practice clips are of the specification that comes with the platform",
    Path("chai_assets/importing"): "reads the files of the original project, which has these five",
}
SAID = {
    Path("chai_resources/schemas.py"): {"subject, scene, motion, spatial or camera"},  # stored with every table
    Path("chai_assets/linting/lexicon.py"): {"camera"},  # who does it in a sentence, in whatever aspect
    Path("chai_assets/linting/caption_lint.py"): {"camera"},
    Path("chai_assets/linting/phrase_patterns.py"): {"camera"},
    Path("chai_assets/linting/reading.py"): {"camera"},
    Path("chai_assets/linting/main_subject.py"): {"camera"},
    Path("chai_assets/linting/wordings/__init__.py"): {"camera"},
    Path("chai_assets/linting/wordings/camera_work.py"): {
        "camera",
        r"(?:picture|image|shot|view|scene|camera) (?:\w+ly )?comes? (?:\w+ly )?into focus",
        r"(?:picture|image|shot|view|scene|camera) (?:\w+ly )?goes? (?:\w+ly )?out of focus",
    },
}
"""Texts that are no name of an aspect, or enter stored bytes."""
SOURCES = sorted(
    path.relative_to(ROOT)
    for place in ("chai_assets", "chai_resources", "deploy")
    for path in (ROOT / place).rglob("*.*")
    if path.suffix in {".py", ".xml", ".html", ".js", ".css", ".j2", ".md", ".yaml", ".toml"}
)


def constants(path: Path) -> Iterator[str]:
    """The string constants of a module without its docstrings."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    documented = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


def listed(text: str) -> bool:
    """Whether a text is the name of an aspect, or names one beside another as lists and file names do."""
    words = r"|".join(sorted(ASPECTS))
    return (
        re.fullmatch(words, text) is not None
        or re.search(rf"\b({words})s?\b['\"]?(?:,|\||/| and| or)\s*['\"]?\b({words})s?\b", text) is not None
    )


def test_no_module_names_an_aspect() -> None:
    found = {
        (str(path), text)
        for path in SOURCES
        if path.suffix == ".py" and not any(path.is_relative_to(free) for free in FREE)
        for text in constants(path)
        if listed(text) and text not in SAID.get(path, ())
    }
    assert found == set()


def test_no_page_and_no_prompt_lists_the_aspects() -> None:
    words = Path("chai_assets/spec")
    texts = {
        path: (ROOT / path).read_text(encoding="utf-8")
        for path in SOURCES
        if path.suffix != ".py" and path.name != "README.md" and not path.is_relative_to(words)
        if not any(path.is_relative_to(free) for free in FREE)
    }
    assert {str(path) for path, text in texts.items() if listed(text)} == set()


def test_the_files_of_the_specification_are_all_that_names_them() -> None:
    assert {path.stem for path in (ROOT / "chai_assets").rglob("*.yaml") if path.stem in ASPECTS} == ASPECTS
    assert set(read_yaml(ROOT / "chai_assets/spec/everyday_words.yaml").value) <= ASPECTS


# What the rules do about an aspect that nobody has heard of


def aspect(*sentences: str) -> Aspect:
    """An aspect `sound` whose primitives say these sentences."""
    return Aspect.model_validate(
        {
            "id": "sound",
            "title": "Sound",
            "instruction": "Describe it.",
            "policy": ["Say what is heard."],
            "sub_aspects": ["kind"],
            "attributes": [
                {
                    "id": "kind",
                    "sub_aspect": "kind",
                    "question": "Of which kind is it?",
                    "kind": "choice",
                    "options": [f"{number}" for number, _ in enumerate(sentences)],
                }
            ],
            "primitives": [
                {
                    "id": f"kind-{'abcdefgh'[number]}",
                    "sub_aspect": "kind",
                    "term": f"{'abcdefgh'[number]}-weighted",
                    "definition": "It is so.",
                    "rule": "Most of the time it is so.",
                    "loose": [f"quite plain {'abcdefgh'[number]}"],
                    "given_by": {"kind": [f"{number}"]},
                    "says": sentence,
                }
                for number, sentence in enumerate(sentences)
            ],
        }
    )


def test_whether_loose_words_need_the_picture_follows_from_what_an_aspect_says() -> None:
    heard = compile_lexicon(aspect("A bell rings.", "A dog barks.", "The shot is silent."))
    seen = compile_lexicon(aspect("The frame is full.", "The shot is a long one.", "A bell rings."))
    assert {phrase.gate for phrase in heard.phrases if phrase.loose} == {"none"}
    assert {phrase.gate for phrase in seen.phrases if phrase.loose} == {"shown"}


def test_an_audit_knows_an_aspect_without_everyday_words_by_its_name_and_terms() -> None:
    lexicon = compile_lexicon(aspect("A bell rings.", "A dog barks."))
    assert mentions_aspect("There is a sound of rain.", lexicon)
    assert mentions_aspect("The noise is a-weighted.", lexicon)
    assert not mentions_aspect("A man walks.", lexicon)


def test_the_label_of_any_caption_is_taken_off_a_models_answer() -> None:
    for name in ("Sound", "Camera", "Light and shadow", "On-screen text"):
        last = name.split()[-1]
        assert unwrapped(f"**{last} caption:** A bell rings twice.") == "A bell rings twice."


def test_a_merged_caption_begins_with_whichever_tells_of_the_camera() -> None:
    captions = [("cast", "A man sings. The camera sees him."), ("work", "The camera pans left."), ("sound", "A bell.")]
    assert merge(captions) == "The camera pans left. A man sings. The camera sees him. A bell."
    assert merge([]) == ""
