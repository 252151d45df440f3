"""What the manuals name is there: links, headings, pictures, files, tests and make targets of every README.md."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MOST_LINES = 170
"""A screen and a half: the rest stands in the folders that it describes."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<(?:img|a)\s[^>]*?(?:src|href)=\"([^\"]+)\"")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?<![\w/.<-])(?:chai_assets|chai_resources|tests|deploy|\.ci)/[\w./*-]*\w(?:::\w+)?")
_MODULE = re.compile(r"(?<![\w./-])(?:\w+/)*\w+\.py(?:::\w+)?\b")
_TEST = re.compile(r"\btest_\w+\b(?!\.py)")
_MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")


def _found(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.rglob(pattern) if not {".chai", ".git"} & set(path.relative_to(ROOT).parts)]


MANUALS = sorted(_found(ROOT, "README.md"))
SOURCES = sorted(
    path for place in ("chai_assets", "chai_resources", "tests", "deploy") for path in _found(ROOT / place, "*.py")
)


@cache
def _headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ +(.*?) *#*$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug, number = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-"), 0
        while (anchor := f"{slug}-{number}" if number else slug) in anchors:
            number += 1
        anchors.add(anchor)
    return anchors


@cache
def _tests() -> set[str]:
    """Names of all tests, and of the modules they stand in."""
    modules = _found(ROOT / "tests", "test_*.py")
    named = {name for path in modules for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
    return named | {path.stem for path in modules}


@cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _code(text: str) -> str:
    """What stands in code: fenced blocks, and words between backticks."""
    return "\n".join([*(block[0] for block in _FENCE.finditer(text)), *_CODE.findall(_FENCE.sub("", text))])


def lost_links(page: Path, text: str) -> list[str]:
    """Links and pictures whose file, or whose heading in it, is not there; addresses of other sites are not asked."""
    lost = []
    for link in (plain or html for plain, html in _LINK.findall(_FENCE.sub("", text))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        headings = _headings(target) if anchor and target.suffix == ".md" and target.exists() else {anchor}
        if not target.exists() or not target.is_relative_to(ROOT) or anchor not in headings:
            lost.append(link)
    return lost


def lost_paths(page: Path, text: str) -> list[str]:
    """Paths and modules named in the text that are not there, seen from the root, from the page or by their end."""
    lost = []
    for name in {*_PATH.findall(text), *_MODULE.findall(_code(text))}:
        path, _, test = name.partition("::")
        there = [*ROOT.glob(path), *page.parent.glob(path)]
        there += [source for source in SOURCES if path.endswith(".py") and f"/{source}".endswith(f"/{path}")]
        if not any(not test or f"def {test}(" in file.read_text(encoding="utf-8") for file in there):
            lost.append(name)
    return lost


def lost_commands(text: str) -> list[str]:
    """Tests and make targets named in code that are not there."""
    code = _code(text)
    lost = sorted({*_TEST.findall(code)} - _tests())
    return lost + [f"make {target}" for target in sorted({*_MAKE.findall(code)} - _targets())]


@pytest.mark.parametrize("page", MANUALS, ids=lambda page: str(page.relative_to(ROOT)))
def test_everything_a_manual_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [*lost_links(page, text), *lost_paths(page, text), *lost_commands(text)] == []


def test_what_leads_nowhere_is_noticed() -> None:
    text = """See [below](#nothing), [the code](chai_assets/nothing.py), [a heading](README.md#nothing), ![](no.png) and
[one](https://example.com/x#y) that is not asked, [a folder](tests/) and tests/test_nothing.py.

Run `make nothing`, `make test`, `nothing.py`, `spec/models.py`, `tests/test_manuals.py::test_nothing`,
`test_nothing_at_all` and `test_what_leads_nowhere_is_noticed`.
"""
    assert lost_links(README, text) == ["#nothing", "chai_assets/nothing.py", "README.md#nothing", "no.png"]
    assert set(lost_paths(README, text)) == {
        "chai_assets/nothing.py",
        "tests/test_nothing.py",
        "nothing.py",
        "tests/test_manuals.py::test_nothing",
    }
    assert lost_commands(text) == ["test_nothing", "test_nothing_at_all", "make nothing"]


def test_the_first_page_is_a_screen_and_a_half() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
