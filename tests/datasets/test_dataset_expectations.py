"""The suite on triples: sound ones pass, and every planted defect is caught by its check and no other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from chai_assets.datasets import expectations
from chai_assets.datasets.expectations import CLIPS_WITH_ONE_CAPTION, Outcome, suite, validate
from chai_assets.triples.chain_hash import chain_hash
from tests.datasets.factory import COUNTED, clip, frame, triple, triples_of

Rows = list[dict[str, Any]]
BAD = 6
"""The row that is spoilt: rated 3, so that it has a critique and a revision."""


def sound() -> Rows:
    return triples_of([clip(number) for number in range(8)])


def judged(rows: Rows) -> dict[str, Outcome]:
    return {outcome.name: outcome for outcome in validate(frame("triples", rows), COUNTED)}


def changed(rows: Rows, **changes: Any) -> Rows:
    """The spoilt row changed, its chain hash made anew where its ids allow one."""
    row = rows[BAD] | changes
    ids = [row[f"{kind}_id"] for kind in ("draft", "critique", "revision", "review")]
    rows[BAD] = {**row, "chain_hash": chain_hash(*ids)} if "chain_hash" not in changes else row
    return rows


def _alike(rows: Rows) -> Rows:
    # One caption for six clips; each its own draft, so that only the repetition is wrong.
    for row in [row for row in rows if row["aspect"] == "camera"][: CLIPS_WITH_ONE_CAPTION + 1]:
        row |= {"final": "The camera holds still.", "draft": "The camera moves."}
        row |= {"rating": 4, "critique": "It holds still.", "revision_id": row["revision_id"] or "rev_1"}
        row["chain_hash"] = chain_hash(*[row[f"{k}_id"] for k in ("draft", "critique", "revision", "review")])
    return rows


DEFECTS: dict[str, list[Callable[[Rows], Rows]]] = {
    "every_triple_has_an_id": [lambda rows: changed(rows, triple_id=None)],
    "triple_ids_are_unique": [lambda rows: changed(rows, triple_id=rows[0]["triple_id"])],
    "a_clip_has_one_triple_an_aspect": [
        lambda rows: [*rows, triple(clip(3), "camera", triple_id="tri_again", rating=2)]
    ],
    "every_triple_has_a_draft": [lambda rows: changed(rows, draft_id=None)],
    "every_triple_has_a_critique": [lambda rows: changed(rows, critique_id=None)],
    "every_triple_has_a_review": [lambda rows: changed(rows, review_id=None)],
    "only_perfect_drafts_have_no_revision": [lambda rows: changed(rows, revision_id=None)],
    "chain_hashes_match": [
        lambda rows: changed(rows, chain_hash="0" * 64),
        lambda rows: changed(rows, revision_id="rev_other", chain_hash=rows[BAD]["chain_hash"]),
        lambda rows: changed(rows, chain_hash=None),
    ],
    "aspects_are_known": [
        lambda rows: changed(rows, aspect="sound"),
        lambda rows: changed(rows, aspect=None),
    ],
    "ratings_are_1_to_5": [
        lambda rows: changed(rows, rating=0),
        lambda rows: changed(rows, rating=6),
        lambda rows: changed(rows, rating=None),
    ],
    "reviewed_by_someone_else": [
        lambda rows: changed(rows, reviewer="ann-1"),
        lambda rows: changed(rows, reviewer=None),
        lambda rows: changed(rows, annotator=None),
    ],
    "one_specification": [
        lambda rows: changed(rows, spec_version="1.1.0"),
        lambda rows: changed(rows, spec_hash="6" * 64),
        lambda rows: changed(rows, spec_version=None),
    ],
    "every_caption_has_text": [
        lambda rows: changed(rows, final=""),
        lambda rows: changed(rows, final=" \n"),
        lambda rows: changed(rows, final=None),
    ],
    "critiques_are_empty_exactly_for_perfect_drafts": [
        lambda rows: changed(rows, critique=""),
        lambda rows: changed(rows, critique=None),
        lambda rows: changed(rows, rating=5),
    ],
    "a_change_that_was_asked_for_was_made": [lambda rows: changed(rows, final=rows[BAD]["draft"])],
    "no_media_placeholders_in_texts": [
        lambda rows: changed(rows, critique="Remove <video>."),
        lambda rows: changed(rows, final=rows[BAD]["final"] + " <image>"),
    ],
    "captions_have_a_usual_length": [
        lambda rows: changed(rows, final="Too short"),
        lambda rows: changed(rows, final="word " * 401),
    ],
    "captions_are_not_repeated": [_alike],
}


SEVERAL = {"triple_ids_are_unique": 2, "a_clip_has_one_triple_an_aspect": 2, "captions_are_not_repeated": 6}
"""Rows that one defect makes wrong, where it is more than one."""


def test_sound_triples_pass_every_check_and_each_looks_at_every_row():
    rows = sound()
    outcomes = judged(rows)
    assert list(outcomes) == [check.name for check in suite()]
    assert {name for name, outcome in outcomes.items() if not outcome.passed} == set()
    assert {outcome.evaluated for outcome in outcomes.values()} == {len(rows)}
    assert all(outcome.failing_rows == [] for outcome in outcomes.values())


def test_a_table_without_rows_passes_with_nothing_evaluated():
    outcomes = judged([])
    assert all(outcome.passed for outcome in outcomes.values())
    assert {outcome.evaluated for outcome in outcomes.values()} == {0}


def test_every_check_has_a_defect_that_it_is_proven_on():
    assert set(DEFECTS) == {check.name for check in suite()}
    assert len({check.name for check in suite()}) == len(suite())


@pytest.mark.parametrize(("name", "plant"), [(name, plant) for name, plants in DEFECTS.items() for plant in plants])
def test_a_planted_defect_is_caught_by_its_check_alone(name: str, plant: Callable[[Rows], Rows]):
    rows = sound()
    assert rows[BAD]["rating"] == 3
    outcomes = judged(plant(rows))
    assert [found for found, outcome in outcomes.items() if not outcome.passed] == [name]
    outcome = outcomes[name]
    assert outcome.unexpected_count == SEVERAL.get(name, 1)
    assert len(outcome.failing_rows) == min(outcome.unexpected_count, 5)
    assert {"triple_id", "clip_id", "aspect"} <= outcome.failing_rows[0].keys()
    assert outcome.severity == ("warn" if name.startswith(("captions_", "a_change")) else "error")


def test_failing_rows_show_what_is_wrong_with_them():
    outcome = judged(changed(sound(), reviewer="ann-1"))["reviewed_by_someone_else"]
    row = frame("triples", sound()).row(BAD, named=True)
    assert outcome.failing_rows == [
        {name: row[name] for name in ("triple_id", "clip_id", "aspect", "annotator")} | {"reviewer": "ann-1"}
    ]


def test_a_check_that_cannot_be_evaluated_is_an_error_and_never_a_pass(monkeypatch: pytest.MonkeyPatch):
    lengths = next(check for check in suite() if check.name == "captions_have_a_usual_length")
    senseless = replace(lengths, arguments=lengths.arguments | {"column": "draft"})
    monkeypatch.setattr(expectations, "suite", lambda: [senseless])
    with pytest.raises(RuntimeError, match="check captions_have_a_usual_length could not be evaluated"):
        validate(frame("triples", sound()), COUNTED)


def test_the_order_and_number_of_rows_do_not_matter_to_the_verdict():
    rows = frame("triples", changed(sound(), final=""))
    outcomes = validate(rows.filter(pl.col("final") == ""), COUNTED)
    assert [outcome.name for outcome in outcomes if not outcome.passed] == ["every_caption_has_text"]


def test_triples_that_all_lack_a_specification_do_not_pass_as_following_one():
    rows = [row | {"spec_version": None} for row in sound()]
    assert judged(rows)["one_specification"].unexpected_count == len(rows)
