"""The suite on triples: sound ones pass, and every planted defect is caught by its check and no other."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from chai_assets.datasets.checks import expectations, validation
from chai_assets.datasets.checks.facts import CLIPS_WITH_ONE_CAPTION
from chai_assets.datasets.checks.suite import suite
from chai_assets.datasets.checks.validation import Evidence, Outcome, frames, validate
from chai_assets.triples.chain_hash import chain_hash
from tests.datasets.factory import DATASET_SPEC, NOON, clip, frame, triple, triples_of
from tests.datasets.tables import Records, Rows, records_of

BAD = 6
"""The row that is spoilt: rated 3, so that it has a critique and a revision."""
STOOD = 2
"""A row rated 5: its draft stood."""


@dataclass
class World:
    """Triples and all they are held against. Records follow from the triples unless a test gives them."""

    rows: Rows
    records: Records | None = None
    before: Rows | None = None
    now: datetime = NOON
    as_frame: Callable[[pl.DataFrame], pl.DataFrame] = field(default=lambda table: table)
    contradicting: dict[str, list[str]] = field(default_factory=dict)

    def judged(self) -> dict[str, Outcome]:
        records = self.records or records_of(self.rows)
        before = None if self.before is None else exported(self.before)
        evidence = Evidence(records.read, before, self.now, self.contradicting)
        found = validate(self.as_frame(frame("triples", self.rows)), DATASET_SPEC, evidence)
        return {outcome.name: outcome for outcome in found.outcomes}


def exported(rows: Rows) -> pl.DataFrame:
    """The rows as the last export holds them."""
    words = pl.col("final").str.count_matches(r"\S+")
    return frame("triples", rows).select("triple_id", "aspect", "rating", words=words)


def sound(clips: int = 8) -> Rows:
    return triples_of([clip(number) for number in range(clips)])


def rehashed(row: dict[str, Any]) -> dict[str, Any]:
    ids = [row[f"{kind}_id"] for kind in ("draft", "critique", "revision", "review")]
    return row | {"chain_hash": chain_hash(*ids)}


def changed(at: int = BAD, **changes: Any) -> World:
    """One row changed, its chain hash made anew unless that is what is changed."""
    rows = sound()
    rows[at] = rehashed(rows[at] | changes) if "chain_hash" not in changes else rows[at] | changes
    return World(rows)


def said(text: str) -> World:
    """One caption that is this text."""
    return changed(final=text)


def swapped(table: str, **changes: Any) -> World:
    """Sound triples, and the record of the spoilt row changed behind their back; without changes it is gone."""
    rows = sound()
    records = records_of(rows)
    key = {"clips": "clip_id", "sources": "source_id"}.get(table, f"{table[:-1]}_id")
    stored = records.tables[table]
    at = next(number for number, row in enumerate(stored) if row[key] == rows[BAD][key])
    stored[at : at + 1] = [stored[at] | changes] if changes else []
    return World(rows, records)


def alike(clips: int, of: int) -> World:
    """One camera caption for so many clips; each its own draft, so that only the repetition is wrong."""
    rows = sound(of)
    for row in [row for row in rows if row["aspect"] == "camera"][:clips]:
        row |= {"final": "The camera holds still.", "draft": "The camera moves.", "findings": _finding("moves")}
        row |= {"rating": 4, "critique": "It holds still.", "revision_id": row["revision_id"] or "rev_1"}
        row |= rehashed(row)
    return World(rows)


def _finding(quote: str, start: int = 11) -> Rows:
    return [{"finding_id": "fnd_1", "kind": "wrong", "quote": quote, "start": start, "end": start + len(quote)}]


def since(**changes: Callable[[dict[str, Any]], Any]) -> World:
    """An export of 120 clips, and 120 more since with these columns changed in every row."""
    rows = sound(240)
    for row in rows[600:]:
        row |= {name: change(row) for name, change in changes.items()}
        row |= rehashed(row)
    return World(rows, before=rows[:600])


def withdrawn() -> World:
    rows = sound()
    records = records_of(rows)
    records.tables["triples"].append(rows[BAD] | {"entry_id": "ent_later", "standing": "withdrawn"})
    return World(rows, records)


def forgotten() -> World:
    rows = sound()
    return World(rows[:BAD] + rows[BAD + 1 :], records_of(rows))


def one_aspect_gone() -> World:
    rows = sound(120)
    return World([row for row in rows if row["aspect"] != "motion"], before=rows)


def twice() -> World:
    return World([*sound(), triple(clip(3), "camera", triple_id="tri_again", rating=2)])


def longer(row: dict[str, Any]) -> str:
    return row["final"] + " It goes on for quite some more words than it had." * (row["rating"] < 5)


def retyped() -> World:
    return World(sound(), as_frame=lambda table: table.with_columns(pl.col("rounds").cast(pl.Int64)))


def dropped() -> World:
    return World(sound(), as_frame=lambda table: table.drop("model"))


Plant = Callable[[], World]
SHORT, LONG = "Too short", "word " * 401
GERMAN = "Die Kamera schwenkt langsam nach links und zeigt einen alten Mann, der am Fenster steht."
REFUSED = "I'm sorry, but I cannot watch videos. Please provide a description of the scene."
ANNOUNCED = "Sure! Here is the revised caption for the video: a man walks past a red door."

DEFECTS: list[tuple[str, str, Plant]] = [
    ("columns_are_as_declared", "a column of another type", retyped),
    ("columns_are_as_declared", "a column missing", dropped),
    ("every_triple_has_an_id", "no id", lambda: changed(triple_id=None)),
    ("triple_ids_are_unique", "an id twice", lambda: changed(triple_id=sound()[0]["triple_id"])),
    ("a_clip_has_one_triple_an_aspect", "a second triple", twice),
    ("every_triple_has_a_draft", "no draft", lambda: changed(draft_id=None)),
    ("every_triple_has_a_critique", "no critique", lambda: changed(critique_id=None)),
    ("every_triple_has_a_review", "no review", lambda: changed(review_id=None)),
    ("aspects_are_known", "an aspect of no specification", lambda: changed(aspect="sound")),
    ("aspects_are_known", "no aspect", lambda: changed(aspect=None)),
    ("reviewed_by_someone_else", "own work approved", lambda: changed(reviewer="ann-1")),
    ("reviewed_by_someone_else", "no reviewer", lambda: changed(reviewer=None)),
    ("reviewed_by_someone_else", "no annotator", lambda: changed(annotator=None)),
    ("one_specification", "another version", lambda: changed(spec_version="1.1.0")),
    ("one_specification", "another hash", lambda: changed(spec_hash="6" * 64)),
    ("one_specification", "no version", lambda: changed(spec_version=None)),
    ("chain_hashes_match", "another hash", lambda: changed(chain_hash="0" * 64)),
    ("chain_hashes_match", "another revision", lambda: changed(revision_id="r", chain_hash=sound()[BAD]["chain_hash"])),
    ("chain_hashes_match", "no hash", lambda: changed(chain_hash=None)),
    ("drafts_are_as_recorded", "another text", lambda: swapped("drafts", text="A draft.")),
    ("drafts_are_as_recorded", "another clip", lambda: swapped("drafts", clip_id="clp_other")),
    ("drafts_are_as_recorded", "no such draft", lambda: swapped("drafts")),
    ("critiques_are_as_recorded", "another text", lambda: swapped("critiques", text="Say more.")),
    ("critiques_are_as_recorded", "another draft", lambda: swapped("critiques", draft_id="drf_other")),
    ("critiques_are_as_recorded", "another author", lambda: swapped("critiques", author="ann-9")),
    ("critiques_are_as_recorded", "no such critique", lambda: swapped("critiques")),
    ("revisions_are_as_recorded", "another text", lambda: swapped("revisions", text="Another caption.")),
    ("revisions_are_as_recorded", "another critique", lambda: swapped("revisions", critique_id="crt_other")),
    ("revisions_are_as_recorded", "no such revision", lambda: swapped("revisions")),
    ("reviews_are_as_recorded", "a rejection", lambda: swapped("reviews", verdict="reject")),
    ("reviews_are_as_recorded", "of another revision", lambda: swapped("reviews", revision_id="rev_other")),
    ("reviews_are_as_recorded", "by another", lambda: swapped("reviews", author="rev-9")),
    ("reviews_are_as_recorded", "no such review", lambda: swapped("reviews")),
    (
        "approvals_agree_with_their_review",
        "a remark ticked wrong",
        lambda: swapped("reviews", ticks=[{"finding_id": "f1", "right": True}, {"finding_id": "f2", "right": False}]),
    ),
    ("approvals_agree_with_their_review", "a miss", lambda: swapped("reviews", misses=["the oak is small"])),
    ("approvals_agree_with_their_review", "a reason", lambda: swapped("reviews", reasons=["critique_incomplete"])),
    ("clips_and_sources_are_as_recorded", "of another source", lambda: swapped("clips", source_id="0" * 64)),
    ("clips_and_sources_are_as_recorded", "no such clip", lambda: swapped("clips")),
    ("clips_and_sources_are_as_recorded", "no such source", lambda: swapped("sources")),
    ("findings_quote_their_draft", "other words", lambda: changed(findings=_finding("far away", 0))),
    ("findings_quote_their_draft", "beyond the draft", lambda: changed(findings=_finding("far away", 900))),
    ("findings_quote_their_draft", "before the draft", lambda: changed(findings=_finding("In clip", -3))),
    ("every_triple_in_force_is_a_candidate", "one forgotten", forgotten),
    ("every_candidate_is_in_force", "one withdrawn", withdrawn),
    ("ratings_are_1_to_5", "0", lambda: changed(rating=0)),
    ("ratings_are_1_to_5", "6", lambda: changed(rating=6)),
    ("ratings_are_1_to_5", "none", lambda: changed(rating=None)),
    ("only_perfect_drafts_have_no_revision", "rated 3", lambda: changed(revision_id=None)),
    ("a_draft_that_stood_is_the_caption", "another caption", lambda: changed(STOOD, final="A man walks past a door.")),
    ("critiques_are_empty_exactly_for_perfect_drafts", "empty", lambda: changed(critique="")),
    ("critiques_are_empty_exactly_for_perfect_drafts", "none", lambda: changed(critique=None)),
    ("critiques_are_empty_exactly_for_perfect_drafts", "praise", lambda: changed(STOOD, critique="Well said.")),
    ("ratings_agree_with_findings", "rated 5 with one", lambda: changed(STOOD, findings=_finding("far away", 34))),
    ("ratings_agree_with_findings", "rated 3 without", lambda: changed(findings=[])),
    ("ratings_agree_with_findings", "rated 3, null", lambda: changed(findings=None)),
    ("a_change_that_was_asked_for_was_made", "none made", lambda: said(sound()[BAD]["draft"])),
    ("every_caption_has_text", "empty", lambda: said("")),
    ("every_caption_has_text", "blank", lambda: said(" \n")),
    ("every_caption_has_text", "none", lambda: changed(final=None)),
    ("captions_are_no_refusals", "a refusal", lambda: said(REFUSED)),
    ("captions_are_no_refusals", "an announcement", lambda: said(ANNOUNCED)),
    ("captions_are_no_refusals", "a blank", lambda: said("N/A")),
    (
        "captions_agree_with_their_labels",
        "a denied term",
        lambda: World(sound(), contradicting={sound()[BAD]["triple_id"]: ["pan-left", "tilt-up"]}),
    ),
    ("no_media_placeholders_in_texts", "in a critique", lambda: changed(critique="Remove <video>.")),
    ("no_media_placeholders_in_texts", "in a caption", lambda: said("A man walks by. <image>")),
    ("captions_are_in_english", "German", lambda: said(GERMAN)),
    ("captions_are_in_english", "Chinese", lambda: said("镜头 缓慢 向左 移动")),
    ("captions_have_a_usual_length", "two words", lambda: said(SHORT)),
    ("captions_have_a_usual_length", "401 words", lambda: said(LONG)),
    ("captions_are_not_repeated", "six clips of eight", lambda: alike(CLIPS_WITH_ONE_CAPTION + 1, of=8)),
    ("captions_are_not_repeated", "six clips of sixty", lambda: alike(CLIPS_WITH_ONE_CAPTION + 1, of=60)),
    ("no_caption_stands_for_many_clips", "11 clips of 50", lambda: alike(11, of=50)),
    ("aspects_are_shared_as_before", "one aspect gone", one_aspect_gone),
    ("ratings_are_as_before", "all rated 1", lambda: since(rating=lambda row: 1 if row["revision_id"] else 5)),
    ("caption_lengths_are_as_before", "ten words more", lambda: since(final=longer)),
    ("triples_are_fresh", "eight days old", lambda: World(sound(), now=NOON + timedelta(days=8))),
]

SEVERAL = {"triple_ids_are_unique": 2, "a_clip_has_one_triple_an_aspect": 2, "captions_are_not_repeated": 6}
SEVERAL |= {"no_caption_stands_for_many_clips": 11, "ratings_are_as_before": 3, "caption_lengths_are_as_before": 4}
"""Rows that one defect makes wrong, where it is more than one."""
ALSO_WRONG = {"of another source": 5, "no such clip": 5, "no such source": 20}
"""The same for a single defect: a clip has five triples, a source four clips."""
WARN = {
    "no_media_placeholders_in_texts",
    "a_change_that_was_asked_for_was_made",
    "captions_are_in_english",
    "captions_have_a_usual_length",
}
WARN |= {"captions_are_not_repeated", "aspects_are_shared_as_before", "ratings_are_as_before"}
WARN |= {"caption_lengths_are_as_before", "triples_are_fresh"}


def test_sound_triples_pass_every_check_and_each_looks_at_every_row():
    world = World(sound())
    outcomes = world.judged()
    assert list(outcomes) == [check.name for check in suite()]
    assert {name: outcome.failing_rows for name, outcome in outcomes.items() if not outcome.passed} == {}
    on_triples = [outcome for outcome in outcomes.values() if outcome.check.frame in ("triples", "in_force")]
    assert {outcome.evaluated for outcome in on_triples} == {len(world.rows)}
    assert all(outcome.failing_rows == [] for outcome in outcomes.values())


def test_as_many_more_of_the_same_kind_as_the_last_export_are_no_drift():
    outcomes = since().judged()
    assert {name for name, outcome in outcomes.items() if not outcome.passed} == set()
    assert outcomes["ratings_are_as_before"].evaluated == 11  # the aspects as a whole; ratings and lengths of each


def test_without_an_earlier_export_nothing_is_compared_and_that_is_no_failure():
    outcome = World(sound()).judged()["ratings_are_as_before"]
    assert (outcome.passed, outcome.evaluated) == (True, 0)


def test_a_few_new_triples_are_no_drift_however_they_are_rated():
    rows = sound(130)
    for row in rows[600:]:
        row |= {"rating": 1 if row["revision_id"] else 5}
    outcomes = World(rows, before=rows[:600]).judged()
    assert {name for name, outcome in outcomes.items() if not outcome.passed} == set()


def test_a_table_without_rows_passes_with_nothing_evaluated():
    outcomes = World([]).judged()
    assert all(outcome.passed for outcome in outcomes.values())
    assert {outcome.evaluated for outcome in outcomes.values() if outcome.check.frame != "columns"} == {0}


def test_every_check_has_a_defect_that_it_is_proven_on():
    assert {name for name, _, _ in DEFECTS} == {check.name for check in suite()}
    assert len({check.name for check in suite()}) == len(suite())


@pytest.mark.parametrize(("name", "what", "plant"), DEFECTS, ids=[f"{name}: {what}" for name, what, _ in DEFECTS])
def test_a_planted_defect_is_caught_by_its_check_alone(name: str, what: str, plant: Plant):
    outcomes = plant().judged()
    assert [found for found, outcome in outcomes.items() if not outcome.passed] == [name]
    outcome = outcomes[name]
    assert outcome.unexpected_count == ALSO_WRONG.get(what, SEVERAL.get(name, 1))
    assert len(outcome.failing_rows) == min(outcome.unexpected_count, 5)
    if outcome.check.frame == "triples":
        assert {"triple_id", "clip_id", "aspect"} <= outcome.failing_rows[0].keys()
    assert outcome.severity == ("warn" if name in WARN else "error")


def test_failing_rows_show_what_is_wrong_with_them():
    outcome = changed(reviewer="ann-1").judged()["reviewed_by_someone_else"]
    row = frame("triples", sound()).row(BAD, named=True)
    assert outcome.failing_rows == [
        {name: row[name] for name in ("triple_id", "clip_id", "aspect", "annotator")} | {"reviewer": "ann-1"}
    ]


def test_a_distribution_that_moved_is_told_in_shares():
    row = one_aspect_gone().judged()["aspects_are_shared_as_before"].failing_rows[0]
    assert "motion: 20% → 0%" in row["change"]
    assert (row["before"], row["now"]) == (600, 480)


def test_a_check_that_cannot_be_evaluated_is_an_error_and_never_a_pass(monkeypatch: pytest.MonkeyPatch):
    lengths = next(check for check in suite() if check.name == "captions_have_a_usual_length")
    senseless = replace(lengths, arguments=lengths.arguments | {"column": "draft"})
    monkeypatch.setattr(validation, "suite", lambda *aspects: [senseless])
    with pytest.raises(RuntimeError, match="check captions_have_a_usual_length could not be evaluated"):
        World(sound()).judged()


def test_the_order_and_number_of_rows_do_not_matter_to_the_verdict():
    rows = said("").rows
    outcomes = World([row for row in rows if row["final"] == ""]).judged()
    assert [outcome.name for outcome in outcomes.values() if not outcome.passed] == ["every_caption_has_text"]


def test_triples_that_all_lack_a_specification_do_not_pass_as_following_one():
    rows = [row | {"spec_version": None} for row in sound()]
    assert World(rows).judged()["one_specification"].unexpected_count == len(rows)


def test_a_caption_that_a_person_wrote_over_need_not_be_the_revisions_text():
    world = swapped("revisions", text="The model's own words.")
    world.rows[BAD]["human_edited"] = True
    assert all(outcome.passed for outcome in world.judged().values())


def test_prose_of_an_import_needs_no_findings():
    assert all(outcome.passed for outcome in changed(batch="import-old", findings=[]).judged().values())


def test_below_the_level_approved_no_review_and_no_reviewer_is_asked_for():
    world = changed(reviewer=None, review_id=None)
    records = records_of(world.rows)
    records.tables["triples"].pop(BAD)
    level = ["unreviewed" if number == BAD else "approved" for number in range(len(world.rows))]
    world.records, world.as_frame = records, lambda table: table.with_columns(review=pl.Series(level))
    assert {name for name, outcome in world.judged().items() if not outcome.passed} == set()


def test_no_fact_is_ever_null_whatever_is_missing():
    rows = [dict.fromkeys(row) for row in sound()]
    evidence = Evidence(records_of(sound()).read, None, NOON)
    facts = frames(frame("triples", rows), DATASET_SPEC, evidence)["triples"]
    rules = [check for check in suite() if check.frame == "triples" and hasattr(expectations, check.expectation)]
    judged = [check.columns[0] for check in rules]
    assert facts.select(judged).null_count().row(0) == (0,) * len(judged)
