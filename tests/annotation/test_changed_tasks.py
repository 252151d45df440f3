"""Tasks whose data was changed from outside: an answer in one costs its own row, whatever the data became."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chai_assets.annotation.collect import _read_pending
from chai_assets.review import page as review
from chai_assets.review.tasks import review_reader
from chai_resources.people import load_people
from chai_resources.tables import Tables
from tests.world import PEOPLE

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DATA: dict[str, Any] = review.task_data(
    candidate_id="cnd_1",
    draft_id="drf_1",
    draft="A dog sleeps.",
    critique_id="crt_1",
    findings=[],
    revision_id=None,
    revision=None,
    grade=1,
) | {"chai_key": "review:cnd_1:1", "clip_id": "clp_1", "aspect": "subject", "spec_version": "1.0.0"}
RESULT = review.write(DATA, review.ReviewAnswer("approve", (), (), (), None))
SPOILT: list[Any] = [None, 7, "\ud83d", [], {}, [[]], {"a": 1}, 10**30, float("inf"), "x" * 100_000, True]


@pytest.mark.parametrize("key", sorted({*DATA} - {"chai_key", "draft", "final", "final_title", "difference", "appeal"}))
def test_an_answer_in_a_task_that_was_changed_costs_no_other(tmp_path: Path, key: str) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    people = load_people(tmp_path / "people.yaml")
    [reviewer] = [person for person in people.reviewers if person.id == "rev"]
    tables = Tables(root=str(tmp_path / "tables"))
    sound = DATA | {"assignee": reviewer.account_key, "excluded": []}
    without = {name: value for name, value in sound.items() if name != key}
    shown = [sound, without, *(sound | {key: value} for value in SPOILT)]
    event = {"batch": "b", "kind": "review", "what": "submitted", "chai_key": "k", "task_id": 1, "updated_at": NOON}
    event |= {"account": "rev@example.com", "annotation": json.dumps({"result": RESULT})}
    tables.append(
        "annotation_events",
        [event | {"event_id": f"e{number:02}", "task_data": json.dumps(data)} for number, data in enumerate(shown)],
    )
    rows, bad = _read_pending("review", "reviews", "b", tables, review_reader(), people)
    assert "e00" in {row["event_id"] for row in rows}
    assert sorted(row["event_id"] for row in rows + bad) == [f"e{number:02}" for number in range(len(shown))]
    assert tables.append("reviews", rows) + tables.append("quarantine", bad) == len(shown)
    again, told_again = _read_pending("review", "reviews", "b", tables, review_reader(), people)
    assert (again, told_again) == ([], [])
