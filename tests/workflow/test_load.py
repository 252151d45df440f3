"""Standings in a run: walked once for as long as the tables they rest on are what they were."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chai_assets.annotation.desk import Desk
from chai_assets.core.prompts import TEMPLATES
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.load import WALKED, load_records
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.people import PeopleFile
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    tables = Tables(root=str(tmp_path / "tables"))
    tables.append("clips", [{"batch": "b", "clip_id": "one"}])
    return Desk(
        tables=tables,
        media=Media(root=str(tmp_path / "media")),
        label_studio=LabelStudio(url="http://127.0.0.1:9", token=""),
        people_file=PeopleFile(path=str(tmp_path / "people.yaml")),
        release=SpecRelease(),
    )


def test_standings_are_walked_once_while_nothing_is_written(desk: Desk) -> None:
    first = desk.standings("b")
    assert {item.clip_id for item in first} == {"one"}
    desk.tables.append("tasks", [{"batch": "b", "entry_id": "1", "chai_key": "k"}])
    assert desk.standings("b") is first
    assert desk.standings("other") == []


@pytest.mark.parametrize("name", WALKED)
def test_standings_are_walked_again_after_an_append_whoever_made_it(desk: Desk, name: str) -> None:
    first = desk.standings("b")
    someone_else = Tables(root=desk.tables.root)
    someone_else.append(name, [{"batch": "b", TABLES[name].key: "two"}])
    second = desk.standings("b")
    assert second is not first
    if name == "clips":
        assert {item.clip_id for item in second} == {"one", "two"}


def test_standings_are_walked_again_after_a_prompt_template_changed(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = desk.standings("b")
    changed = tmp_path / "draft.md"
    changed.write_text(TEMPLATES["draft"].read_text() + " ")
    monkeypatch.setitem(TEMPLATES, "draft", changed)
    assert desk.standings("b") is not first


def test_every_table_that_is_walked_is_watched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    read = Tables.read

    def noted(tables: Tables, name: str, *args: Any, **more: Any) -> pl.DataFrame:
        seen.append(name)
        return read(tables, name, *args, **more)

    monkeypatch.setattr(Tables, "read", noted)
    load_records(desk.tables, "b")
    assert sorted(seen) == sorted(WALKED)
