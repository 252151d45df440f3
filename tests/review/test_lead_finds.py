"""An item is found by whatever id is printed of it, and its history says which of its records count."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chai_assets.review.lead.decide import Lead
from chai_assets.review.lead.find import ItemName, UnknownItem, find_item
from chai_assets.review.lead.history import history_of
from chai_assets.spec.resource import SpecRelease
from chai_resources.people import Person
from chai_resources.tables import Tables
from tests.labels.loop import TEAM, Loop
from tests.labels.test_labels_follow_the_critique import LEFT, RIGHT, labeled, review, until_review
from tests.labels.test_labels_in_tables import stored

LEA = Person(id="lea", name="Lea", email="lea@example.com", roles=("lead",))
ITEM = ItemName("b", "clp_1", "camera")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    """A label that is corrected through a critique, and approved."""
    loop = labeled(tmp_path)
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    return loop


@pytest.fixture
def tables(loop: Loop, tmp_path: Path) -> Tables:
    return stored(loop, tmp_path / "tables")


def test_an_item_is_found_by_every_id_that_its_history_prints(tables: Tables) -> None:
    tables.append("tasks", [{"batch": "b", "entry_id": "e", "chai_key": "k", "clip_id": "clp_1", "aspect": "camera"}])
    lost = {"event_id": "evt_0123abcd", "batch": "b", "what": "deleted", "chai_key": "k"}
    tables.append("annotation_events", [{**lost, "updated_at": NOW}])
    entries = history_of(tables, SpecRelease(), ITEM).entries
    assert {entry.what for entry in entries} >= {"label", "draft", "critique", "correction", "review", "deleted answer"}
    for entry in entries:
        assert find_item(tables, SpecRelease(), entry.id) == ITEM, entry.what
        assert find_item(tables, SpecRelease(), entry.id[:12]) == ITEM, entry.what


def test_an_item_is_found_by_its_corrected_label_which_stands_in_no_table(loop: Loop, tables: Tables) -> None:
    corrected = (loop.item.label or {})["label_id"]
    assert corrected not in set(tables.read("primitives")["label_id"])
    assert find_item(tables, SpecRelease(), corrected) == find_item(tables, SpecRelease(), corrected[:12]) == ITEM
    with pytest.raises(UnknownItem, match=r"no record lbl_[0-9a-f]+ is known"):
        find_item(tables, SpecRelease(), f"lbl_{'0' * 32}")


def test_a_label_that_a_lead_completed_counts_after_it_was_corrected(tmp_path: Path) -> None:
    loop = labeled(tmp_path, ["unsure"])
    tables = stored(loop, tmp_path / "before")
    Lead(tables, SpecRelease(), TEAM, LEA).answer(ITEM, {"turns": RIGHT}, "The wall moves left.")
    loop.records.labels.append(tables.rows("primitives", "b")[-1])
    loop.records.decisions.append(tables.rows("lead_decisions", "b")[-1])
    loop.write()
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    entries = history_of(stored(loop, tmp_path / "after"), SpecRelease(), ITEM).entries
    assert [(entry.by, entry.counts) for entry in entries if entry.what == "label"] == [("ann", True), ("lea", True)]
