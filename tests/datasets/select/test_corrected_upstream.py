"""Rows whose draft rests on a caption that was corrected later: marked, counted, or dropped."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chai_assets.datasets.select.export_inputs import ExportInputs
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.publish import build_dataset
from tests.datasets.factory import clip, frame
from tests.datasets.records import Story, export_stories


def scene_and_motion(number: int, corrected: bool, withdrawn: bool = False) -> list[Story]:
    """A clip whose motion was drafted with the scene in view; the scene may have been written anew after that."""
    of = clip(number, 1)
    scene = Story(of, "scene")
    draft = scene.draft(f"A street, {number}.")
    critique = scene.critique(draft, "change", 3, "ann", text="Say wide.")
    first = scene.revision(critique, f"A wide street, {number}.")
    motion = Story(of, "motion", minute=1_000)
    rests = motion.draft(f"Cars pass, {number}.")
    rests["upstream"] = [first["revision_id"]]
    change = motion.critique(rests, "change", 4, "ann", text="Say slowly.")
    motion.approved(rests, change, motion.revision(change, f"Cars pass slowly, {number}."), "rev")
    if withdrawn:
        return [scene, motion]
    if corrected:
        again = scene.critique(draft, "change", 3, "ann", cause=first["revision_id"], text="Say narrow.")
        scene.approved(draft, again, scene.revision(again, f"A narrow street, {number}."), "rev")
    else:
        scene.approved(draft, critique, first, "rev")
    return [scene, motion]


def whole(**changes: Any) -> ExportInputs:
    told = [*scene_and_motion(1, False), *scene_and_motion(2, True), *scene_and_motion(3, False, withdrawn=True)]
    return replace(export_stories(told), **changes)


def marks(folder: Path) -> dict[tuple[str, str], list[str]]:
    rows = pl.read_parquet(folder / "triples.parquet").to_dicts()
    return {(row["clip_id"], row["aspect"]): row["corrected_upstream"] for row in rows}


def test_a_row_names_the_aspects_it_rests_on_that_were_corrected_or_withdrawn_since(tmp_path: Path):
    manifest = build_dataset(whole(), tmp_path)
    first, second, third = (clip(number, 1)["clip_id"] for number in (1, 2, 3))
    assert marks(tmp_path) == {
        (first, "scene"): [],
        (first, "motion"): [],
        (second, "scene"): [],
        (second, "motion"): ["scene"],
        (third, "motion"): ["scene"],
    }
    assert manifest.corrected_upstream == 2
    assert any(note.startswith("2 row(s) rest on an upstream caption") for note in manifest.notes)
    tables = [pl.read_parquet(tmp_path / f"{side}/parquet/caption_generation.parquet") for side in ("train", "eval")]
    assert pl.concat(tables)["corrected_upstream"].list.len().sum() == 2, "trainers can leave them out, too"


def test_where_such_rows_are_dropped_they_are_left_out_and_counted(tmp_path: Path):
    manifest = build_dataset(whole(selection=Selection(stale="drop")), tmp_path)
    assert not any(marks(tmp_path).values())
    assert (manifest.corrected_upstream, manifest.counts.triples) == (0, 3)
    [left] = [entry for entry in manifest.left_out if "rests on an upstream caption" in entry.reason]
    assert (left.count, left.what) == (2, "triple")


def test_the_aspects_that_are_not_taken_count_as_corrected_all_the_same(tmp_path: Path):
    build_dataset(whole(selection=Selection(aspects=("motion",))), tmp_path)
    assert sorted(marks(tmp_path).values()) == [[], ["scene"], ["scene"]]


def test_a_caption_that_no_record_holds_says_nothing_of_the_rows_that_rest_on_it(tmp_path: Path):
    told = scene_and_motion(2, True)
    drafts = [row for story in told for row in story.tables["drafts"]]
    for row in drafts:
        row["upstream"] = ["rev_of_a_store_that_was_lost"]
    build_dataset(replace(export_stories(told), drafts=frame("drafts", drafts)), tmp_path)
    assert not any(marks(tmp_path).values())


@pytest.mark.parametrize("value", ["drop", "mark"])
def test_the_setting_reaches_the_nightly_export(value: str):
    from chai_assets.datasets.assets import DatasetStore
    from chai_resources.settings import Settings

    store = DatasetStore.of(Settings.from_env(CHAI_DATASET_STALE=value, CHAI_DATASET_PURPOSES="train"))
    assert (store.selection.stale, store.selection.purposes) == (value, ("train",))
