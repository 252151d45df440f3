"""Adoption: a batch moves to a version once, never back, and one module alone writes the table of adoptions."""

from pathlib import Path

import pytest

from chai_assets.spec.versioning.adoption import AdoptionRefused, adopt, adopted_versions, settle, unsettled
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.tables import Tables

PACKAGES = [Path(__file__).parents[2] / name for name in ("chai_assets", "chai_resources")]


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(root=str(tmp_path / "tables"))


def test_a_batch_adopts_a_version_once_and_is_unsettled_until_a_run_ends_under_it(tables: Tables) -> None:
    spec = load_spec("1.0.0")
    assert adopt(tables, ["a", "b"], spec) == 2
    assert adopt(tables, ["a", "b"], spec) == 0
    assert adopted_versions(tables) == {"a": "1.0.0", "b": "1.0.0"}
    assert unsettled(tables) == ["a", "b"]
    assert settle(tables, ["a"], spec) == 1
    assert unsettled(tables) == ["b"]
    assert settle(tables, ["a"], spec) == 0


def test_settling_a_batch_that_adopted_nothing_records_both(tables: Tables) -> None:
    assert settle(tables, ["a"], load_spec("1.1.0")) == 2
    assert adopted_versions(tables) == {"a": "1.1.0"}
    assert unsettled(tables) == []
    assert settle(tables, [], load_spec("1.1.0")) == 0


def test_a_batch_never_goes_back_and_nothing_is_written_for_the_others(tables: Tables) -> None:
    settle(tables, ["a"], load_spec("1.1.0"))
    before = tables.version("spec_adoptions")
    with pytest.raises(AdoptionRefused, match=r"batch a is worked under specification 1\.1\.0, and 1\.0\.0 is older"):
        adopt(tables, ["b", "a"], load_spec("1.0.0"))
    assert tables.version("spec_adoptions") == before


def test_one_module_writes_the_table_of_adoptions() -> None:
    written = {
        path.name
        for package in PACKAGES
        for path in package.rglob("*.py")
        if any(f'{call}("spec_adoptions"' in path.read_text(encoding="utf-8") for call in ("append", "append_new"))
    }
    assert written == {"adoption.py"}
