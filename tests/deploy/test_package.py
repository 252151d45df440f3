"""What an image installs is what a checkout has."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["chai_assets", "chai_resources"])
def test_files_that_are_no_sources_are_installed_with_their_package(package: str):
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    taken = {path for pattern in told.get(package, ()) for path in (ROOT / package).glob(pattern)}
    there = {path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in there if path.suffix != ".py"} <= taken
