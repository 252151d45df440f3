"""The tree stays one that a stranger finds the way in: few modules a folder, and none of them long."""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("chai_assets", "chai_resources", "tests", "deploy")
MODULES = sorted(path.relative_to(ROOT) for place in PLACES for path in (ROOT / place).rglob("*.py"))
TOP = {"chai_assets", "chai_resources", "tests", "deploy", "pyproject.toml", "requirements.lock", "Makefile"}
TOP |= {"README.md", "LICENSE", "workspace.yaml", "dagster.yaml", ".ci", ".gitignore", ".dockerignore", ".git"}
MADE = {".chai", ".pytest_cache", ".ruff_cache", ".hypothesis", "chai.egg-info"}
"""What a checkout gains by working in it; `make clean` removes it."""
MOST_MODULES = 15
MOST_LINES = 400
LONG = {Path("chai_resources/schemas.py")}
"""One schema per table, in one place."""


def test_nothing_else_lies_at_the_top() -> None:
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith((".tmp_", "__"))}
    assert there - TOP - MADE == set()


def test_few_modules_stand_loose_above_the_rooms() -> None:
    assert len([path for path in MODULES if path.parent == Path("chai_assets")]) <= 3


def test_no_folder_holds_too_many_modules() -> None:
    assert {
        folder: count for folder, count in Counter(path.parent for path in MODULES).items() if count > MOST_MODULES
    } == {}


def test_no_module_is_too_long() -> None:
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in MODULES if path not in LONG}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}
