"""The sensor of leads' decisions, ticked by hand over a table that leads write by clocks that differ."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from chai_assets.core.partitions import batches
from chai_assets.orchestration.decisions_watch import CLOCKS_DIFFER, build_decisions_watch
from chai_resources.tables import Tables

BATCH = "watched"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
Tick = Callable[[], list[str]]


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(root=str(tmp_path / "tables"))


@pytest.fixture
def tick(tables: Tables) -> Tick:
    """A look of the sensor, which keeps its cursor: the keys of the runs that were not asked for before."""
    asked: list[str] = []
    cursors: list[str | None] = [None]
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(str(batches.name), [BATCH, "other"])
    sensor = build_decisions_watch(30)

    def look() -> list[str]:
        with dg.build_sensor_context(instance, cursors[-1], resources={"tables": tables}) as context:
            result: Any = sensor(context)
        if isinstance(result, dg.SkipReason):
            return []
        cursors.append(result.cursor)
        new = [run.run_key for run in result.run_requests if run.run_key not in asked]
        asked.extend(new)
        return new

    return look


def decide(tables: Tables, at: datetime, decision: str, batch: str = BATCH) -> None:
    row = {"decision_id": decision, "batch": batch, "kind": "set_aside", "clip_id": "c", "aspect": "camera"}
    row |= {"reason": "dark", "author": "lea"}
    tables.append("lead_decisions", [{**row, "recorded_at": at}])


@pytest.mark.parametrize("behind", [timedelta(seconds=20), CLOCKS_DIFFER - timedelta(seconds=1)])
def test_a_decision_by_a_clock_that_is_behind_asks_for_a_run_though_it_is_the_earlier(
    tables: Tables, tick: Tick, behind: timedelta
) -> None:
    decide(tables, NOON, "dec_a")
    [first] = tick()
    assert tick() == []
    decide(tables, NOON - behind, "dec_b")
    [second] = tick()
    assert first != second
    assert tick() == []


def test_a_clock_that_is_days_ahead_hides_no_decision_of_others(tables: Tables, tick: Tick) -> None:
    decide(tables, datetime.now(UTC) + timedelta(days=3), "dec_a")
    assert len(tick()) == 1
    for number, batch in enumerate((BATCH, "other", BATCH)):
        decide(tables, datetime.now(UTC), f"dec_{number}", batch)
        assert len(tick()) == 1
    assert tick() == []


def test_a_decision_asks_for_its_own_batch_only(tables: Tables, tick: Tick) -> None:
    decide(tables, NOON, "dec_a")
    decide(tables, NOON, "dec_b", "other")
    decide(tables, NOON, "dec_c", "unknown")
    assert tick() == ["decided:other:1", "decided:watched:1"]
    decide(tables, NOON + timedelta(hours=5), "dec_d", "other")
    assert tick() == ["decided:other:2"]
