"""What an export takes: levels of review, captions people wrote over, aspects, imports, and both variants."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.select.canonical_rows import ExportRefused
from chai_assets.datasets.select.selection import Selection, parse_selection
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.datasets.write.publish import build_dataset, latest_manifest, publish
from chai_assets.triples.chain_hash import chain_hash
from tests.datasets.factory import clip, export, frame, triples_of
from tests.datasets.records import Story, export_stories

ALL = Selection(review="unreviewed", edited=True)


def rows_of(whole: Any, folder: Path) -> dict[str, dict[str, Any]]:
    """Canonical rows by clip id; one aspect each."""
    build_dataset(whole, folder)
    return {row["clip_id"]: row for row in pl.read_parquet(folder / "triples.parquet").to_dicts()}


def sent_back(number: int, **changes: Any) -> Story:
    """Approved in the second round: what the reviewer rejected first is kept."""
    told = Story(clip(number, 1, **changes))
    draft = told.draft(f"Draft {number}: the camera is far away.")
    first = told.critique(draft, "change", 2, "ann", text=f"Say near, {number}.")
    early = told.revision(first, f"Early {number}: the camera is near.")
    rejection = told.review(first, early, "reject", "rev")
    second = told.critique(draft, "change", 4, "ann", cause=rejection["review_id"], text=f"Say near and low, {number}.")
    late = told.revision(second, f"Late {number}: the camera is near and low.")
    told.approved(draft, second | {"rating": 2}, late, "rae")
    return told


def straight(number: int, **changes: Any) -> Story:
    """Approved at once."""
    told = Story(clip(number, 1, **changes))
    draft = told.draft(f"Draft {number}.")
    critique = told.critique(draft, "change", 3, "ann", text=f"Say more, {number}.")
    told.approved(draft, critique, told.revision(critique, f"Final {number}."), "rev")
    return told


def imported(number: int) -> Story:
    return Story(clip(number, 1, batch="import-old"))


OLD = DatasetSpec("1.0.0", "5" * 64)
"""What the records of these tests name, an import's among them."""


def test_both_variants_have_the_same_rows_in_the_same_splits_and_differ_where_a_reviewer_sent_one_back(tmp_path: Path):
    # Rows 26 and 27 are in eval; 27 was once what row 3 was in the end, and says so in both variants or in none.
    stories = [sent_back(n) if n % 2 else straight(n) for n in range(30)]
    echo = stories[27].tables["revisions"][0]
    echo["text"] = stories[3].tables["revisions"][1]["text"].upper()
    whole = export_stories(stories, selection=Selection())
    post = rows_of(whole, tmp_path / "post")
    pre = rows_of(replace(whole, selection=Selection(variant="pre_review")), tmp_path / "pre")
    same = ("id", "clip_id", "aspect", "split", "split_by", "review", "draft", "draft_id", "variant_differs")
    assert {c: [row[name] for name in same] for c, row in post.items()} == {
        c: [row[name] for name in same] for c, row in pre.items()
    }
    assert stories[27].clip["clip_id"] not in post
    assert {row["split"] for row in post.values()} == {"train", "eval"}
    for number, story in enumerate(stories):
        if number == 27:
            continue
        clip_id = story.clip["clip_id"]
        if number % 2 == 0:
            assert pre[clip_id] == post[clip_id]
            continue
        first, rejection = story.tables["critiques"][0], story.tables["reviews"][0]
        row = pre[clip_id]
        assert row["final"] == f"Early {number}: the camera is near."
        assert post[clip_id]["final"] == f"Late {number}: the camera is near and low."
        assert (row["critique"], row["rating"], row["findings"]) == (first["text"], 2, first["findings"])
        chain = [row[name] for name in ("draft_id", "critique_id", "revision_id", "review_id")]
        assert chain[1:] == [first["critique_id"], story.tables["revisions"][0]["revision_id"], rejection["review_id"]]
        assert row["chain_hash"] == chain_hash(*chain)
        assert row["reviewer"] == "rev"
    uri = publish(replace(whole, selection=Selection(variant="pre_review")), str(tmp_path / "root")).uri
    assert verify_dataset(uri) == []


def test_a_rejection_that_a_regrade_overturned_makes_no_difference(tmp_path: Path):
    told = Story(clip(0, 1))
    draft = told.draft("Draft.")
    critique = told.critique(draft, "change", 3, "ann", text="Say more.")
    revision = told.revision(critique, "Final.")
    told.review(critique, revision, "reject", "rev")
    told.approved(draft, critique, revision, "rae")
    whole = export_stories([told])
    post = rows_of(whole, tmp_path / "post")
    assert post == rows_of(replace(whole, selection=Selection(variant="pre_review")), tmp_path / "pre")
    assert not post[told.clip["clip_id"]]["variant_differs"]


def levels() -> dict[str, Story]:
    """A caption at each level, and of each kind that has none, all of one import."""
    made = {name: imported(n) for n, name in enumerate(("approved", "corrected", "unreviewed", "rejected", "redone"))}
    made |= {"perfect": imported(10), "edited": imported(11), "bare": imported(12)}
    for told in made.values():
        told.draft(f"Draft of {told.clip['clip_id']}.")
    for name in ("approved", "corrected", "unreviewed", "rejected", "redone", "edited"):
        told = made[name]
        draft = told.tables["drafts"][0]
        critique = told.critique(draft, "change", 3, "ann", text=f"Say more: {name}.")
        revision = told.revision(critique, f"Revised: {name}.")
        if name == "approved":
            told.approved(draft, critique, revision, "rev")
        if name in ("corrected", "rejected", "redone"):
            rejection = told.review(critique, revision, "reject", "rev")
            if name != "rejected":
                by = "rev" if name == "corrected" else "ann"
                again = told.critique(draft, "change", 2, by, cause=rejection["review_id"], text=f"Better: {name}.")
                told.revision(again, f"Corrected: {name}.")
        if name == "edited":
            told.revision(critique, "Written by hand.", model="person")
    made["perfect"].critique(made["perfect"].tables["drafts"][0], "perfect", 5, "ann")
    return made


def test_each_minimum_level_takes_just_the_captions_reviewed_so_far_and_counts_the_others(tmp_path: Path):
    made = levels()
    name_of = {told.clip["clip_id"]: name for name, told in made.items()}
    expected: dict[str, set[str]] = {"approved": {"approved"}}
    expected["corrected"] = expected["approved"] | {"corrected"}
    expected["unreviewed"] = expected["corrected"] | {"unreviewed", "redone", "perfect"}
    for review, names in expected.items():
        selection = Selection(review=review, imported="old")  # pyright: ignore[reportArgumentType]
        whole = export_stories(list(made.values()), dataset_spec=OLD, selection=selection)
        rows = rows_of(whole, tmp_path / review)
        assert {name_of[clip_id] for clip_id in rows} == names
        assert {row["review"] for row in rows.values()} <= set(expected)
        assert not any(r["human_edited"] for r in rows.values())
    by_name = {name_of[clip_id]: row for clip_id, row in rows.items()}
    corrected = by_name["corrected"]
    assert (corrected["final"], corrected["critique"], corrected["rating"]) == (
        "Corrected: corrected.",
        "Better: corrected.",
        2,
    )
    assert (corrected["annotator"], corrected["reviewer"], corrected["review_id"]) == ("rev", None, None)
    assert by_name["redone"]["review"] == "unreviewed"
    perfect = by_name["perfect"]
    assert (perfect["final"], perfect["findings"], perfect["revision_id"]) == (perfect["draft"], [], None)
    manifest = build_dataset(whole, tmp_path / "again")
    assert manifest.by_review == {"approved": 1, "corrected": 1, "unreviewed": 3}
    left = {entry.reason: entry.count for entry in manifest.left_out if entry.what != "critique and reward rows"}
    assert left == {
        "its last review is a rejection, and it was not changed since": 1,
        "a person wrote over the model's revision": 1,
    }


def test_captions_that_people_wrote_over_are_taken_when_asked_for_and_labeled(tmp_path: Path):
    made = levels()
    selection = Selection(review="unreviewed", imported="old", edited=True)
    whole = export_stories(list(made.values()), dataset_spec=OLD, selection=selection)
    rows = rows_of(whole, tmp_path)
    edited = [row for row in rows.values() if row["human_edited"]]
    assert [(row["clip_id"], row["final"]) for row in edited] == [(made["edited"].clip["clip_id"], "Written by hand.")]
    assert build_dataset(whole, tmp_path / "again").human_edited == 1


def test_in_the_loop_a_revision_counts_once_its_annotator_called_it_right(tmp_path: Path):
    waiting, accepted, deleted = Story(clip(0, 1)), Story(clip(1, 1)), Story(clip(2, 1))
    for told in (waiting, accepted, deleted):
        draft = told.draft(f"Draft of {told.clip['name']}.")
        critique = told.critique(draft, "change", 2, "ann", text="Say more.")
        revision = told.revision(critique, f"Revised {told.clip['name']}.")
        if told is not waiting:
            told.critique(draft, "accept", 5, "ann", cause=revision["revision_id"])
    said = deleted.tables["critiques"][1]["event_id"]
    deleted._add("annotation_events", event_id=said, what="submitted", annotation_id=7)
    deleted._add("annotation_events", event_id="gone", what="deleted", annotation_id=7)
    whole = export_stories([waiting, accepted, deleted], selection=ALL)
    rows = rows_of(whole, tmp_path)
    assert list(rows) == [accepted.clip["clip_id"]]
    row = rows[accepted.clip["clip_id"]]
    # The rating is that of the draft, not the one given to the revision.
    assert (row["final"], row["critique"], row["rating"]) == ("Revised clip 1.", "Say more.", 2)


def test_of_revisions_written_with_two_prompts_the_one_that_its_annotator_answered_counts(tmp_path: Path):
    told = Story(clip(0, 1))
    critique = told.critique(told.draft("Draft."), "change", 2, "ann", text="Say more.")
    told.revision(critique, "Revised with the old prompt.")
    second = told.revision(critique, "Revised with the new prompt.")
    told.critique(critique, "accept", 5, "ann", cause=second["revision_id"])
    [row] = rows_of(export_stories([told], selection=ALL), tmp_path).values()
    assert row["final"] == "Revised with the new prompt."


def test_an_export_takes_the_loop_or_one_import_and_never_mixes_them(tmp_path: Path):
    stories = [straight(0), straight(1, batch="import-old"), straight(2, batch="import-other")]
    loop = export_stories(stories)
    old = replace(loop, selection=Selection(imported="old"))
    assert list(rows_of(loop, tmp_path / "loop")) == [stories[0].clip["clip_id"]]
    assert list(rows_of(old, tmp_path / "old")) == [stories[1].clip["clip_id"]]
    with pytest.raises(ExportRefused, match="no caption was imported as lost"):
        build_dataset(replace(loop, selection=Selection(imported="lost")), tmp_path / "lost")


def test_aspects_that_are_not_selected_are_counted_and_may_be_of_any_specification(tmp_path: Path):
    triples = triples_of([clip(0)])
    triples[0] |= {"spec_version": "0.9.0"}
    manifest = build_dataset(export([clip(0)], triples, selection=Selection(aspects=("camera", "scene"))), tmp_path)
    assert manifest.counts.by_aspect == {"camera": 1, "scene": 1}
    assert next((entry.what, entry.count) for entry in manifest.left_out) == ("triple", 3)
    assert manifest.selection["aspects"] == ["camera", "scene"]


def test_merged_captions_stand_in_no_dataset_from_before_review(tmp_path: Path):
    told = sent_back(0)
    row = {"batch": "b1", "merged_id": "m", "clip_id": told.clip["clip_id"], "source_id": told.clip["source_id"]}
    row |= {"triple_ids": [told.triples[0]["triple_id"]], "text": "All of it.", "words": 3, "model": "m"}
    row |= {"spec_version": "1.0.0", "recorded_at": told.clip["recorded_at"]}
    whole = export_stories([told], merged_captions=frame("merged_captions", [row]))
    build_dataset(whole, tmp_path / "post")
    manifest = build_dataset(replace(whole, selection=Selection(variant="pre_review")), tmp_path / "pre")
    assert (tmp_path / "post/train/merged_captions.jsonl").stat().st_size > 0
    assert (tmp_path / "pre/train/merged_captions.jsonl").stat().st_size == 0
    assert [(e.what, e.count) for e in manifest.left_out] == [("merged caption", 1)]


def test_selections_are_published_side_by_side_and_none_takes_the_place_of_the_nightly_one(tmp_path: Path):
    root = str(tmp_path)
    whole = export_stories([sent_back(n) for n in range(4)])
    first = publish(whole, root).manifest
    special = replace(whole, selection=Selection(variant="pre_review"))
    other = publish(special, root, make_latest=False).manifest
    assert latest_manifest(root) == first
    assert first.dataset_id != other.dataset_id
    assert {first.dataset_id, other.dataset_id} <= {path.name for path in tmp_path.iterdir()}


def test_settings_and_options_make_the_selection_or_say_what_is_wrong(tmp_path: Path):
    pins = tmp_path / "eval.txt"
    pins.write_text("src_1  # the benchmark\n\nclp_2\n")
    made = parse_selection(aspects="scene, camera", review="corrected", pins=str(pins))
    assert made == Selection(aspects=("camera", "scene"), review="corrected", pins=("clp_2", "src_1"))
    with pytest.raises(ValueError, match="review 'good' is none of approved, corrected, unreviewed"):
        parse_selection(review="good")
    with pytest.raises(ValueError, match="CHAI_DATASET_PINS"):
        parse_selection(pins=str(tmp_path / "lost.txt"))
