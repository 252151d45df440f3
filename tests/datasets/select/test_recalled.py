"""What leads took back is in no dataset, and the manifest says which and why; where nothing was, it says nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.select.recalled import Recalled, recalled_triples
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.publish import publish
from tests.datasets.factory import NOON, clip, export, frame, triples_of

CLIPS = [clip(0), clip(6)]
TRIPLES = triples_of(CLIPS)


def decision(number: int, triple: dict[str, Any] | None, reason: str, **changes: Any) -> dict[str, Any]:
    row = {"batch": "b1", "decision_id": f"dec_{number}", "kind": "recall", "clip_id": "c", "aspect": "camera"}
    row |= {"triple_id": triple and triple["triple_id"], "reason": reason, "author": "lea"}
    return {**row, "recorded_at": NOON + timedelta(days=number), **changes}


def entry(triple: dict[str, Any], standing: str, day: int) -> dict[str, Any]:
    name = f"{triple['entry_id']}-{standing}-{day}"
    return {**triple, "standing": standing, "entry_id": name, "recorded_at": NOON + timedelta(days=day)}


def test_a_manifest_lists_what_was_taken_back_and_did_not_come_back_and_verifies(tmp_path: Path) -> None:
    gone, back = TRIPLES[4], TRIPLES[9]
    rows = [*TRIPLES, entry(gone, "withdrawn", 1), entry(back, "withdrawn", 2), entry(back, "verified", 4)]
    decisions = [decision(1, gone, "no bird"), decision(2, back, "licence"), decision(3, None, "on leave")]
    decisions += [decision(4, gone, "no bird, and dusk"), decision(5, TRIPLES[0], "elsewhere", batch="import-a")]
    published = publish(export(CLIPS, rows, lead_decisions=frame("lead_decisions", decisions)), str(tmp_path))
    manifest = published.manifest
    assert manifest.recalled == [Recalled(id=gone["triple_id"], reason="no bird, and dusk")]
    assert manifest.counts.triples == len(TRIPLES) - 1
    assert any("1 caption(s) that earlier datasets may hold were recalled" in note for note in manifest.notes)
    assert verify_dataset(published.uri) == []


def test_only_what_the_selection_takes_is_listed() -> None:
    rows = [*TRIPLES, entry(TRIPLES[4], "withdrawn", 1)]
    made = export(CLIPS, rows, lead_decisions=frame("lead_decisions", [decision(1, TRIPLES[4], "no bird")]))
    assert recalled_triples(made)
    other = export(CLIPS, rows, lead_decisions=made.lead_decisions, selection=Selection(aspects=("scene",)))
    assert recalled_triples(other) == []


def test_where_nothing_was_recalled_a_manifest_has_no_word_of_it(tmp_path: Path) -> None:
    plain = publish(export(CLIPS, TRIPLES), str(tmp_path))
    decided = frame("lead_decisions", [decision(1, None, "on leave", kind="reassign")])
    after = publish(export(CLIPS, TRIPLES, lead_decisions=decided), str(tmp_path))
    assert (after.manifest.dataset_id, after.new) == (plain.manifest.dataset_id, False)
    assert "recalled" not in plain.manifest.text()
