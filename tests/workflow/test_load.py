"""Standings in a run: walked once for as long as the tables they rest on are what they were."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chai_assets.core.prompts import TEMPLATES
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.load import WALKED, load_records
from chai_assets.workflow.resource import Workflow
from chai_resources.media import Media
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    tables = Tables(root=str(tmp_path / "tables"))
    tables.append("clips", [{"batch": "b", "clip_id": "one"}])
    return Workflow(
        tables=tables,
        media=Media(root=str(tmp_path / "media")),
        release=SpecRelease(),
    )


def test_standings_are_walked_once_while_nothing_is_written(workflow: Workflow) -> None:
    first = workflow.standings("b")
    assert {item.clip_id for item in first} == {"one"}
    workflow.tables.append("tasks", [{"batch": "b", "entry_id": "1", "chai_key": "k"}])
    assert workflow.standings("b") is first
    assert workflow.standings("other") == []


@pytest.mark.parametrize("name", WALKED)
def test_standings_are_walked_again_after_an_append_whoever_made_it(workflow: Workflow, name: str) -> None:
    first = workflow.standings("b")
    someone_else = Tables(root=workflow.tables.root)
    someone_else.append(name, [{"batch": "b", TABLES[name].key: "two"}])
    second = workflow.standings("b")
    assert second is not first
    if name == "clips":
        assert {item.clip_id for item in second} == {"one", "two"}


def test_standings_are_walked_again_after_a_prompt_template_changed(
    workflow: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workflow.standings("b")
    changed = tmp_path / "draft.md"
    changed.write_text(TEMPLATES["draft"].read_text() + " ")
    monkeypatch.setitem(TEMPLATES, "draft", changed)
    assert workflow.standings("b") is not first


def test_every_table_that_is_walked_is_watched(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    read = Tables.read

    def noted(tables: Tables, name: str, *args: Any, **more: Any) -> pl.DataFrame:
        seen.append(name)
        return read(tables, name, *args, **more)

    monkeypatch.setattr(Tables, "read", noted)
    load_records(workflow.tables, "b")
    assert sorted(seen) == sorted(WALKED)
