"""Scores: histories whose counts were worked out by hand, and what no history can do."""

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.cli.main import main
from chai_assets.people.assets import scorecards
from chai_assets.people.load import all_scores
from chai_assets.people.scores import Score, add, figures, new_score_rows, scores
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.resource import Workflow
from chai_resources.media import Media
from chai_resources.tables import Tables
from tests.people.histories import History, mark, missing

A, B, C, D, E = (mark(place) for place in range(5))


def given_at_once(story: History) -> None:
    story.draft()
    story.critique("ann", A, B, C, D, E)
    story.review("rae", "approve")


def held_back(story: History) -> None:
    story.draft()
    story.critique("ann", A, B, C, D)
    story.review("rae", "reject", misses=["the fifth"])
    story.reply("ann", "understood")
    story.critique("ann", A, B, C, D, E)
    story.review("rae", "approve")


def rejected_again_and_again(story: History) -> None:
    story.draft()
    for _ in range(3):
        story.critique("ann", A, B)
        story.review("rae", "reject", misses=["The sky, it is red."])
        story.reply("ann", "understood")
    story.critique("ann", A, missing("the sky is red"))
    story.review("ray", "approve", misses=["the sky: it is red"])


def called_right_in_the_end(story: History) -> None:
    story.draft()
    story.critique("ann", A, B)
    story.review("rae", "reject", wrong=[A, B])
    story.reply("ann", "understood")
    story.critique("ann", A)
    story.review("ray", "approve")


def reworded_after_a_rejection(story: History) -> None:
    story.draft()
    story.critique("ann", A, missing("a red car parks on the left"))
    story.review("rae", "reject", wrong=[A])
    story.reply("ann", "understood")
    story.critique("ann", mark(0, "y"), missing("on the left, a red car parks"), B, C)
    story.review("rae", "approve", wrong=[C])


def overturned(story: History) -> None:
    story.draft()
    story.critique("ann", A, B)
    story.review("rae", "reject", wrong=[A, B], misses=["a dog"])
    story.reply("ann", "request_regrade")
    story.review("ray", "approve", wrong=[B], grade=2)


def upheld(story: History) -> None:
    story.draft()
    story.critique("ann", A)
    story.review("rae", "reject", misses=["A dog.", "a cat"])
    story.reply("ann", "request_regrade")
    story.review("ray", "reject", misses=["a dog", "a bird"], grade=2)


def waiting_for_the_regrade(story: History) -> None:
    story.draft()
    story.critique("ann", A)
    story.review("rae", "reject", wrong=[A])
    story.reply("ann", "request_regrade")


def given_in_before_the_regrade(story: History) -> None:
    waiting_for_the_regrade(story)
    story.review("ray", "approve", grade=2)
    story.reply("ann", "understood", to=0, annotation=3)


def left_behind_by_a_release(story: History) -> None:
    story.draft()
    story.critique("ann", A, B)
    story.review("rae", "reject", wrong=[B], misses=["a dog"])
    story.draft("d2")
    story.critique("ann", A)
    story.review("rae", "approve")


def drafted_again_with_equal_words(story: History) -> None:
    story.draft("d1", "the same words")
    story.critique("ann", A)
    story.review("rae", "approve")
    story.draft("d2", "the same words")
    story.critique("ann", A)
    story.review("rae", "approve")


def edited_after_the_review(story: History) -> None:
    story.draft()
    story.critique("ann", A)
    story.review("rae", "reject", misses=["the second"])
    story.reopen()
    story.critique("ann", A, B, annotation=1)
    story.review("rae", "approve")


def deleted(story: History) -> None:
    story.draft()
    story.critique("ann", A)
    story.delete("b1-e1")
    story.critique("ann", B)
    story.review("rae", "reject")
    story.delete("b1-e4")


def carried_on_by_another(story: History) -> None:
    story.draft()
    story.critique("ann", A, B)
    story.review("rob", "reject", misses=["the third"])
    story.reply("ann", "understood")
    story.critique("bea", A, B, C, D)
    story.review("rob", "approve", wrong=[B])


def called_perfect(story: History) -> None:
    story.draft()
    story.critique("ann")
    story.review("rae", "reject", misses=["a dog"])


GOLDEN: dict[Callable[[History], None], dict[str, Score]] = {
    given_at_once: {
        "ann": Score(critiques=1, reviewed=1, approved=1, right=5, seconds=60),
        "rae": Score(reviews=1, seconds=60),
    },
    held_back: {
        "ann": Score(critiques=2, reviewed=2, approved=1, right=4, missed=1, seconds=180),
        "rae": Score(reviews=2, rejections=1, rejections_stood=1, catches=1, seconds=120),
    },
    rejected_again_and_again: {
        "ann": Score(critiques=4, reviewed=4, approved=1, right=2, missed=1, seconds=420),
        "rae": Score(reviews=3, rejections=3, rejections_stood=3, catches=1, seconds=180),
        "ray": Score(reviews=1, seconds=60),
    },
    called_right_in_the_end: {
        "ann": Score(critiques=2, reviewed=2, approved=1, right=1, wrong=1, seconds=180),
        "rae": Score(reviews=1, rejections=1, rejections_stood=1, seconds=60),
        "ray": Score(reviews=1, seconds=60),
    },
    reworded_after_a_rejection: {
        "ann": Score(critiques=2, reviewed=2, approved=1, right=2, wrong=2, seconds=180),
        "rae": Score(reviews=2, rejections=1, rejections_stood=1, seconds=120),
    },
    overturned: {
        "ann": Score(critiques=1, reviewed=1, approved=1, right=1, wrong=1, seconds=120),
        "rae": Score(reviews=1, rejections=1, overturned=1, seconds=60),
        "ray": Score(reviews=1, seconds=60),
    },
    upheld: {
        "ann": Score(critiques=1, reviewed=1, right=1, missed=2, seconds=120),
        "rae": Score(reviews=1, rejections=1, rejections_stood=1, catches=1, seconds=60),
        "ray": Score(reviews=1, rejections=1, rejections_stood=1, catches=1, seconds=60),
    },
    waiting_for_the_regrade: {
        "ann": Score(critiques=1, reviewed=1, wrong=1, seconds=120),
        "rae": Score(reviews=1, rejections=1, seconds=60),
    },
    given_in_before_the_regrade: {
        "ann": Score(critiques=1, reviewed=1, wrong=1, seconds=120),
        "rae": Score(reviews=1, rejections=1, rejections_stood=1, seconds=60),
        "ray": Score(reviews=1, seconds=60),
    },
    left_behind_by_a_release: {
        "ann": Score(critiques=2, reviewed=2, approved=1, right=2, wrong=1, missed=1, seconds=120),
        "rae": Score(reviews=2, rejections=1, rejections_stood=1, catches=1, seconds=120),
    },
    drafted_again_with_equal_words: {
        "ann": Score(critiques=2, reviewed=2, approved=2, right=1, seconds=120),
        "rae": Score(reviews=2, seconds=120),
    },
    edited_after_the_review: {
        "ann": Score(critiques=1, reviewed=2, approved=1, right=1, missed=1, seconds=60),
        "rae": Score(reviews=2, rejections=1, rejections_stood=1, catches=1, seconds=120),
    },
    deleted: {"ann": Score(critiques=1, seconds=60)},
    carried_on_by_another: {
        "ann": Score(critiques=1, reviewed=1, right=1, wrong=1, missed=1, seconds=120),
        "bea": Score(critiques=1, reviewed=1, approved=1, right=1, seconds=60),
        "rob": Score(reviews=2, rejections=1, rejections_stood=1, catches=1, seconds=120),
    },
    called_perfect: {
        "ann": Score(critiques=1, reviewed=1, missed=1, seconds=60),
        "rae": Score(reviews=1, rejections=1, rejections_stood=1, catches=1, seconds=60),
    },
}


@pytest.mark.parametrize("happens", GOLDEN, ids=lambda happens: happens.__name__)
def test_a_history_has_the_counts_that_were_worked_out_by_hand(happens: Callable[[History], None]) -> None:
    story = History()
    happens(story)
    assert scores(story.records) == GOLDEN[happens]


def net(story: History) -> int:
    return scores(story.records)["ann"].right_minus_wrong_and_missed or 0


@given(st.data())
def test_holding_a_finding_back_never_counts_for_more_than_giving_it_at_once(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 6), "errors in the draft")
    finds = [missing(f"thing{n} number{n}") if n % 3 == 2 else mark(n) for n in range(size)]
    false_alarms = [mark(20 + n) for n in range(data.draw(st.integers(0, 2)))]
    rounds = data.draw(st.integers(1, 4), "rounds")
    at = [data.draw(st.integers(0, rounds), f"round of {n}") for n in range(size)]
    reworded = data.draw(st.booleans())
    at_once, held = History(), History()
    at_once.draft()
    at_once.critique("ann", *finds, *false_alarms)
    at_once.review("rae", "approve", wrong=false_alarms)
    held.draft()
    for number in range(rounds):
        given_now = [find for find, when in zip(finds, at, strict=True) if when <= number]
        if reworded and number:
            given_now = [
                {**find, "finding_id": f"{find['finding_id']}{number}", "fix": f"{find['fix']} again"}  # type: ignore[misc]
                for find in given_now
            ]
        held.critique("ann", *given_now, *false_alarms)
        unseen = [n for n, when in enumerate(at) if when > number]
        noticed = data.draw(st.sets(st.sampled_from(unseen)) if unseen else st.just(set()), "noticed")
        misses = [f"error {n}" for n in sorted(noticed)]
        held.review("rae", "approve" if number == rounds - 1 else "reject", wrong=false_alarms, misses=misses)
        held.reply("ann", "understood")
    assert net(held) <= net(at_once)
    assert scores(held.records)["ann"].right <= size


@given(st.permutations(list(GOLDEN)), st.randoms())
def test_neither_the_order_of_batches_nor_of_rows_nor_rows_read_twice_change_a_count(
    order: list[Callable[[History], None]], draw: random.Random
) -> None:
    expected: dict[str, Score] = {}
    for happens in GOLDEN:
        add(expected, GOLDEN[happens])
    found: dict[str, Score] = {}
    for happens in order:
        story = History()
        happens(story)
        for rows in (story.records.critiques, story.records.reviews, story.records.feedback, story.records.events):
            rows += draw.sample(rows, draw.randrange(len(rows) + 1))  # type: ignore[arg-type]
            draw.shuffle(rows)
        add(found, scores(story.records))
    assert found == expected


def written(tables: Tables) -> dict[str, Score]:
    """Every golden history in a batch of its own, and the sums."""
    expected: dict[str, Score] = {}
    for number, happens in enumerate(GOLDEN):
        if happens not in (edited_after_the_review, deleted):  # they name rows of the batch b1
            story = History(f"b{number + 2}")
            happens(story)
            story.write(tables)
            add(expected, GOLDEN[happens])
    return dict(sorted(expected.items()))


def test_the_scores_of_real_tables_are_printed_stored_and_shown_whole(tmp_path: Path, monkeypatch, capsys) -> None:
    tables = Tables(root=str(tmp_path / "tables"))
    expected = written(tables)
    assert all_scores(tables) == expected
    old = {"row_id": "old", "person": "ann", "critiques": 1, "reward": 8.0}
    tables.append("scorecards", [old])

    team = "".join(f"- {{id: p{n}, name: P, email: p{n}@example.com, roles: [annotator]}}\n" for n in range(9))
    (tmp_path / "people.yaml").write_text(team)
    monkeypatch.setenv("CHAI_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")

    def chai(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["chai", "people", "scores", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    said = chai()
    assert "cannot be compared" in said
    for person in [*expected, *(f"p{n}" for n in range(9)), "together"]:
        assert said.count(f" {person} ") == 2
    read: dict[str, Any] = json.loads(chai("--json"))
    assert [row["person"] for row in read["people"]] == sorted([*expected, *(f"p{n}" for n in range(9))])
    assert {row["person"]: row for row in read["people"]}["ann"] == {"person": "ann", **figures(expected["ann"])}
    assert read["total"]["right"] == sum(score.right for score in expected.values())

    workflow = Workflow(tables=tables, media=Media(root=str(tmp_path / "media")), release=SpecRelease())
    shown = [dg.materialize([scorecards], resources={"workflow": workflow}) for _ in range(2)]
    [first, second] = [done.asset_materializations_for_node("scorecards")[0].metadata for done in shown]
    assert (first["added"].value, second["added"].value) == (len(expected), 0)
    table: Any = first["scorecards"]
    assert [record.data["person"] for record in table.records] == [*expected, "together"]
    rows = [row for row in tables.rows("scorecards") if row["person"] == "ann"]
    assert [row["reward"] for row in rows] == [8.0, None]
    assert rows[1]["right_minus_wrong_and_missed"] == expected["ann"].right_minus_wrong_and_missed


def test_figures_that_come_back_are_a_new_row_and_equal_ones_are_none() -> None:
    once, twice = Score(critiques=1), Score(critiques=2)
    known: list[dict[str, Any]] = []
    for score in (once, once, twice, once, once):
        known += new_score_rows({"ann": score}, known)
    assert [row["critiques"] for row in known] == [1, 2, 1]
    assert len({row["row_id"] for row in known}) == 3


def test_a_person_of_whom_nothing_was_judged_has_no_balance() -> None:
    assert figures(Score(reviews=3, rejections=1))["right_minus_wrong_and_missed"] is None
