"""primitives.parquet: the labels in force of everything that the dataset holds a caption of, one row a primitive."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_assets.core.pseudonyms import pseudonym
from chai_assets.datasets.read.verify import verify_dataset
from chai_assets.datasets.select import export_inputs
from chai_assets.datasets.select.primitive_rows import PRIMITIVES_SCHEMA
from chai_assets.datasets.write.publish import build_dataset, publish
from chai_assets.labeling.in_force import frame_in_force
from chai_assets.spec.compile import ABSENT, PRESENT, decisions
from chai_assets.spec.models import UNSURE, Aspect
from chai_assets.spec.versioning.releases import load_spec
from tests.datasets.factory import NOON, clip, export, frame, triples_of
from tests.datasets.labels import label
from tests.spec.answers import Answers, form_answers, walker

SPEC = load_spec()
CAMERA = SPEC.aspects["camera"]
HOUR = timedelta(hours=1)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / "primitives.parquet").to_pylist()


def drafts_from(triples: list[dict[str, Any]], labels: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of `drafts` that say from which of the labels each triple's draft was made."""
    of = {(row["clip_id"], row["aspect"]): row["label_id"] for row in labels}
    kept = ("draft_id", "batch", "clip_id", "aspect")
    rows = [{name: row[name] for name in kept} for row in triples if (row["clip_id"], row["aspect"]) in of]
    return frame("drafts", [row | {"label_id": of[row["clip_id"], row["aspect"]]} for row in rows])


def undecided_by_doubt(aspect: Aspect, answers: Answers, name: str) -> bool:
    """Whether a question has no answer since somebody was unsure of it, or of what it rests on."""
    attribute = aspect.attribute(name)
    if UNSURE in answers.get(name, ()):
        return True
    decided = decisions(aspect, answers)
    others = [
        decided[one] for one, options in attribute.applies_when.items() if not (decided[one] or set()) & set(options)
    ]
    return (
        bool(others)
        and all(one is None for one in others)
        and any(undecided_by_doubt(aspect, answers, one) for one in attribute.applies_when)
    )


def expected(aspect: Aspect, answers: Answers) -> list[tuple[str, str, str]]:
    """Primitive, state and answer by the rules, worked out one by one."""
    decided, found = decisions(aspect, answers), []
    for primitive in aspect.primitives:
        open_ = [name for name in primitive.given_by if decided[name] is None]
        holds = all((decided[name] or set()) & set(options) for name, options in primitive.given_by.items())
        state = PRESENT if holds else ABSENT
        if open_:
            doubted = all(undecided_by_doubt(aspect, answers, name) for name in open_)
            state = "unsure" if doubted else "not_applicable"
        given_ = " / ".join(", ".join(answers[name]) for name in primitive.given_by)
        found.append((primitive.id, state, given_))
    return found


@given(data=st.data(), aspect=st.sampled_from(list(SPEC.aspects.values())))
@settings(max_examples=10)
def test_every_primitive_has_its_state_with_the_question_and_the_answer_it_follows_from(
    data: st.DataObject, aspect: Aspect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, clips = tmp_path_factory.mktemp("dataset"), [clip(number) for number in range(12)]
    answers = {of["clip_id"]: data.draw(form_answers(aspect)) for of in clips}
    labels = [label(of, aspect, SPEC, answers[of["clip_id"]]) for of in clips]
    triples = triples_of(clips, (aspect.id,))
    build_dataset(export(clips, triples, primitives=frame("primitives", labels), specs=(SPEC,)), folder)
    found = pl.read_parquet(folder / "primitives.parquet")
    for of, row in zip(clips, labels, strict=True):
        mine = found.filter(pl.col("clip_id") == of["clip_id"])
        assert mine.select("primitive", "state", "answer").rows() == expected(aspect, answers[of["clip_id"]])
        assert set(mine["label_id"]) == {row["label_id"]}
        asked = [[aspect.attribute(name).question for name in one.given_by] for one in aspect.primitives]
        assert mine["question"].to_list() == [" / ".join(questions) for questions in asked]
        assert mine["term"].to_list() == [primitive.term for primitive in aspect.primitives]


def test_a_row_says_where_the_clip_lies_who_labeled_it_and_who_confirmed_it(tmp_path: Path) -> None:
    clips = [clip(number, clips_per_source=1) for number in range(8)]
    made = triples_of(clips, ("camera",))
    labels = [label(of, CAMERA, SPEC) for of in clips]
    later = label(clips[0], CAMERA, SPEC, walker()["camera"] | {"zoom": ["none"]}, NOON + HOUR)
    inputs = export(
        clips,
        made,
        primitives=frame("primitives", [*labels, later]),
        drafts=drafts_from(made, labels),
        specs=(SPEC,),
        people_key="key",
        eval_share=0.5,
    )
    manifest = publish(inputs, str(tmp_path)).manifest
    folder = tmp_path / manifest.dataset_id
    assert verify_dataset(folder) == []
    table = pq.read_table(folder / "primitives.parquet")
    assert table.schema.remove_metadata() == PRIMITIVES_SCHEMA.remove_metadata()
    assert all(field.metadata[b"comment"] for field in table.schema)
    [entry] = [entry for entry in manifest.files if entry.path == "primitives.parquet"]
    assert entry.rows == table.num_rows == len(clips) * len(CAMERA.primitives)
    triples = pl.read_parquet(folder / "triples.parquet")
    sides, [reviewer] = dict(triples.select("clip_id", "split").iter_rows()), triples["reviewer"].unique()
    assert set(sides.values()) == {"train", "eval"}
    for row in table.to_pylist():
        assert (row["video"], row["split"]) == (f"clips/{row['clip_id']}.mp4", sides[row["clip_id"]])
        assert (row["labeled_by"], row["spec_version"]) == (pseudonym("key", "ann-2"), SPEC.version)
        # The caption of the first clip was approved on labels that were changed since.
        assert row["confirmed_by"] == (None if row["clip_id"] == clips[0]["clip_id"] else reviewer)
    zooms = {row["clip_id"]: row["state"] for row in table.to_pylist() if row["primitive"] == "zoom-in"}
    assert [zooms[of["clip_id"]] for of in clips] == ["absent"] + ["present"] * 7


def test_only_what_the_dataset_holds_a_caption_of_has_rows_and_labels_of_no_version_of_ours_keep_their_names(
    tmp_path: Path,
) -> None:
    known, foreign, captionless, aside = (clip(number, clips_per_source=1) for number in range(4))
    imported = label(foreign, CAMERA, SPEC, spec_version="import-old", author=None)
    imported |= {"answers": [], "states": [{"primitive": "cam_motion.pan", "state": "present"}]}
    labels = [label(known, CAMERA, SPEC), imported, label(captionless, CAMERA, SPEC)]
    labels += [label(aside, CAMERA, SPEC, problem="unplayable") | {"states": [], "answers": []}]
    triples = triples_of([known, foreign, aside], ("camera",))
    clips = [known, foreign, captionless, aside]
    build_dataset(export(clips, triples, primitives=frame("primitives", labels), specs=(SPEC,)), tmp_path)
    found = rows_of(tmp_path)
    assert {row["clip_id"] for row in found} == {known["clip_id"], foreign["clip_id"]}
    [row] = [row for row in found if row["clip_id"] == foreign["clip_id"]]
    assert (row["primitive"], row["state"]) == ("cam_motion.pan", "present")
    assert {row[name] for name in ("term", "question", "answer", "labeled_by", "confirmed_by")} == {None}


@pytest.mark.parametrize("size", [1, 12, 1_000])
def test_the_bytes_do_not_depend_on_the_parts(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chai_assets.datasets.write.file_writers.ROW_GROUP", 70)
    clips = [clip(n, batch="b0" if n < 6 else "b1") for n in range(9)]
    labels = [label(of, aspect, SPEC) for of in clips for aspect in SPEC.aspects.values()]
    inputs = export(clips, primitives=frame("primitives", labels[::-1]), specs=(SPEC,))
    build_dataset(inputs, tmp_path / "whole")
    monkeypatch.setattr(export_inputs.chunks, "__defaults__", (size,))
    build_dataset(inputs, tmp_path / "parts")
    assert (tmp_path / "parts/primitives.parquet").read_bytes() == (tmp_path / "whole/primitives.parquet").read_bytes()
    assert len(rows_of(tmp_path / "whole")) == 9 * 269


def in_force(labels: list[dict[str, Any]], events: list[dict[str, Any]]) -> str | None:
    found = frame_in_force(frame("primitives", labels).lazy(), frame("annotation_events", events).lazy())
    ids = found.collect()["label_id"].to_list()
    assert len(ids) <= 1
    return ids[0] if ids else None


def submitted(
    row: dict[str, Any], annotation: int, epoch: str | None = None, what: str = "submitted"
) -> dict[str, Any]:
    event_id = row["event_id"] if what == "submitted" else f"{row['event_id']}-{what}"
    return {"event_id": event_id, "what": what, "annotation_id": annotation, "epoch": epoch, "batch": row["batch"]}


def test_in_force_is_the_latest_answer_to_the_newest_questions_that_was_not_deleted() -> None:
    of, old = clip(0), load_spec("1.0.0")
    first = label(of, CAMERA, SPEC, at=NOON, author="ann-1")
    edited = label(of, CAMERA, SPEC, at=NOON + HOUR, author="ann-2")
    before = label(of, old.aspects["camera"], old, {"movement": ["static"]}, NOON + 2 * HOUR)
    rows, said = [edited, before, first, first], [submitted(edited, 1), submitted(before, 2), submitted(first, 1)]
    assert in_force(rows, said) == edited["label_id"]
    # Of a newer version counts what was asked there, whenever an older page was edited again.
    assert in_force([before, first], said) == first["label_id"]
    gone = submitted(edited, 1, what="deleted")
    assert in_force(rows, [*said, gone]) == before["label_id"]
    # Label Studio's ids begin anew after a restore: another annotation of that number was deleted there.
    assert in_force(rows, [*said, gone | {"epoch": "later"}]) == edited["label_id"]
    assert in_force(rows, [*said, gone | {"what": "lost"}]) == edited["label_id"]
    assert in_force([first], [submitted(first, 1), gone]) is None
    # An imported corpus has labels without events.
    assert in_force([first | {"submitted_at": None}], []) == first["label_id"]
    # Version 1.10.0 comes after 1.9.0.
    ninth, tenth = (label(of, CAMERA, SPEC, chai_key=f"primitives:x:camera:1.{minor}.0") for minor in (9, 10))
    assert in_force([tenth, ninth], []) == tenth["label_id"]
