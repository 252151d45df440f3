"""Labels in force as tables hold them: the states that checks go by, what a lead sees, and what stops an export."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from chai_assets.datasets.checks.label_agreement import contradicting_triples
from chai_assets.labeling.in_force import corrected_labels, frame_in_force
from chai_assets.review.label_doubts import _contradicted, batch_doubts  # pyright: ignore[reportPrivateUsage]
from chai_assets.review.lead.decide import Lead, NothingToDecide
from chai_assets.review.lead.find import ItemName
from chai_assets.review.lead.waiting import Waiting, add_waiting
from chai_assets.spec.compile import derive
from chai_assets.spec.models import NOT_APPLICABLE
from chai_assets.spec.resource import SpecRelease
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import labels_by_id, load_standings, states_in_force
from chai_resources.people import Person
from chai_resources.schemas import TABLES
from chai_resources.tables import Tables
from tests.labels.loop import TEAM, Loop
from tests.labels.test_labels_follow_the_critique import LEFT, RIGHT, critique, labeled, review, until_review
from tests.world import plain_answers

LEA = Person(id="lea", name="Lea", email="lea@example.com", roles=("lead",))
ITEM = ItemName("b", "clp_1", "camera")
HOUR = timedelta(hours=1)


def camera(tables: Tables, loop: Loop) -> Standing:
    return next(item for item in load_standings(tables, loop.lineage, "b") if item.aspect == "camera")


def unsure(tables: Tables, loop: Loop) -> set[str]:
    """The questions that wait for a lead."""
    found = Waiting()
    add_waiting(found, tables, "b", load_standings(tables, loop.lineage, "b"))
    return {doubt.question for doubt in found.unsure}


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return labeled(tmp_path)


def stored(loop: Loop, root: Path) -> Tables:
    """The loop's rows in real tables."""
    tables, held = Tables(root=str(root)), loop.records
    rows = {"clips": held.clips, "primitives": held.labels, "drafts": held.drafts, "critiques": held.critiques}
    rows |= {"revisions": held.revisions, "reviews": held.reviews, "annotation_events": held.events}
    rows |= {"label_corrections": held.corrections, "lead_decisions": held.decisions}
    for name, given in rows.items():
        known = set(TABLES[name].schema.names)
        tables.append(name, [{**{k: v for k, v in row.items() if k in known}, "batch": "b"} for row in given])
    return tables


def test_a_corrected_label_is_found_by_either_id_and_both_answers_are_told(loop: Loop, tmp_path: Path) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    given, in_force = loop.records.labels[0]["label_id"], (loop.item.label or {})["label_id"]
    tables = stored(loop, tmp_path / "tables")
    states = states_in_force(tables, loop.releases)
    assert [states[label]["pan-left"] for label in (given, in_force)] == ["present", "present"]
    assert set(labels_by_id(tables, "b")) == {given, in_force}
    items = load_standings(tables, loop.lineage, "b")
    assert [item.label["label_id"] for item in items if item.label] == [in_force]
    assert batch_doubts(tables, "b", items, loop.spec) == []


def test_the_frame_of_labels_in_force_is_what_the_walk_goes_by(loop: Loop, tmp_path: Path) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    tables = stored(loop, tmp_path / "tables")
    label = loop.item.label
    assert label is not None
    labels, events = (tables.read(name).lazy() for name in ("primitives", "annotation_events"))
    [row] = frame_in_force(labels, events, corrected_labels(tables, SpecRelease())).collect().to_dicts()
    assert row["label_id"] == label["label_id"]
    assert row["given_label_id"] == loop.records.labels[0]["label_id"] != row["label_id"]
    assert {state["primitive"]: state["state"] for state in row["states"]} == loop.states
    assert {"attribute": "turns", "values": LEFT} in row["answers"]
    [as_given] = frame_in_force(labels, events).collect().to_dicts()
    assert {"attribute": "turns", "values": RIGHT} in as_given["answers"]


def test_a_lead_who_approves_calls_the_corrections_right_that_the_review_called_wrong(
    loop: Loop, tmp_path: Path
) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("reject", right=False))
    tables = stored(loop, tmp_path / "tables")
    assert camera(tables, loop).answers["turns"] == RIGHT
    Lead(tables, SpecRelease(), TEAM, LEA).change_verdict(ITEM, "approve", "It pans left, and so I say.")
    item = camera(tables, loop)
    assert (item.stage, item.answers["turns"]) == ("approved", LEFT)
    assert (item.approval or {})["contradicts"] == []
    assert batch_doubts(tables, "b", load_standings(tables, loop.lineage, "b"), loop.spec) == []


def test_a_lead_does_not_approve_what_its_label_denies_without_saying_why(loop: Loop, tmp_path: Path) -> None:
    until_review(loop, {}, "It pans both ways.")
    loop.submit(review("reject"))
    tables = stored(loop, tmp_path / "tables")
    lead = Lead(tables, SpecRelease(), TEAM, LEA)
    with pytest.raises(NothingToDecide, match=r"contradicts its label .*--label-stands"):
        lead.change_verdict(ITEM, "approve", "It is right.")
    assert camera(tables, loop).stage == "feedback"
    assert tables.read("lead_decisions").is_empty()
    lead.change_verdict(ITEM, "approve", "It is right.", "First right, then left.")
    approval = camera(tables, loop).approval or {}
    assert (approval["contradicts"], approval["label_stands"]) == (["pan-left"], "First right, then left.")


def test_what_a_lead_answers_counts_for_a_caption_that_was_drafted_before(tmp_path: Path) -> None:
    loop = labeled(tmp_path, ["unsure"])
    loop.submit(critique({}, rating=5))
    loop.submit(review("approve"))
    tables = stored(loop, tmp_path / "tables")
    given = loop.records.labels[0]["label_id"]
    assert states_in_force(tables, loop.releases)[given]["pan-left"] != "present"
    Lead(tables, SpecRelease(), TEAM, LEA).answer(ITEM, {"turns": LEFT}, "The wall moves right: it pans left.")
    completed = (camera(tables, loop).label or {})["label_id"]
    states = states_in_force(tables, loop.releases)
    assert completed != given
    assert [states[label]["pan-left"] for label in (given, completed)] == ["present", "present"]


def test_a_question_that_a_lead_settled_or_answered_waits_no_more_and_is_no_disagreement(tmp_path: Path) -> None:
    loop = labeled(tmp_path, ["unsure"], travel=["unsure"])
    tables = stored(loop, tmp_path / "tables")
    lead = Lead(tables, SpecRelease(), TEAM, LEA)
    assert unsure(tables, loop) == {"turns", "travel"}
    lead.answer(ITEM, {"turns": ["unsure"]}, "Nobody can tell.")
    lead.answer(ITEM, {"travel": ["none"]}, "It stands.")
    assert unsure(tables, loop) == set()
    assert batch_doubts(tables, "b", load_standings(tables, loop.lineage, "b"), loop.spec) == []


def test_an_answer_of_a_lead_that_was_cut_off_before_its_decision_counts_nowhere(loop: Loop, tmp_path: Path) -> None:
    tables = stored(loop, tmp_path / "tables")
    [given] = tables.rows("primitives")
    later = {"event_id": "dec_cut_off", "label_id": "lbl_cut_off", "submitted_at": given["submitted_at"] + HOUR}
    tables.append("primitives", [given | later])
    labels, events = (tables.read(name).lazy() for name in ("primitives", "annotation_events"))
    assert frame_in_force(labels, events).collect()["label_id"].to_list() == [given["label_id"]]
    assert (camera(tables, loop).label or {})["label_id"] == given["label_id"]


def test_what_a_lead_said_of_a_review_falls_with_the_review(loop: Loop, tmp_path: Path) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("reject", right=False))
    tables = stored(loop, tmp_path / "tables")
    Lead(tables, SpecRelease(), TEAM, LEA).change_verdict(ITEM, "approve", "It pans left, and so I say.")
    assert camera(tables, loop).answers["turns"] == LEFT
    [rejection] = [row for row in tables.rows("reviews") if row["author"] != "lea"]
    again = rejection | {"event_id": "evt_again", "review_id": "rvw_again", "note": "I looked again."}
    tables.append("reviews", [again])
    event = next(row for row in tables.rows("annotation_events") if row["event_id"] == rejection["event_id"])
    tables.append("annotation_events", [event | {"event_id": "evt_again", "updated_at": event["updated_at"] + HOUR}])
    item = camera(tables, loop)
    assert (item.stage, item.answers["turns"]) == ("feedback", RIGHT)


def test_a_decision_about_an_imported_caption_stops_no_export(loop: Loop, tmp_path: Path) -> None:
    tables = stored(loop, tmp_path / "tables")
    foreign = {"batch": "import-old", "clip_id": "clp_2"}
    tables.append("primitives", [tables.rows("primitives")[0] | foreign | {"spec_version": "import-old"}])
    recall = {"decision_id": "dec_1", "kind": "recall", "aspect": "camera", "reason": "Wrong.", "author": "lea"}
    tables.append("lead_decisions", [foreign | recall | {"refers_to": "rvw_1"}])
    assert corrected_labels(tables, SpecRelease()).is_empty()
    assert states_in_force(tables, loop.releases)


def test_what_is_explained_of_one_primitive_hides_no_other(loop: Loop, tmp_path: Path) -> None:
    until_review(loop, {"turns": LEFT})
    loop.submit(review("approve"))
    approval = loop.records.reviews[-1]
    approval |= {"contradicts": ["tilt-up"], "label_stands": "It tilts in the mirror."}
    revision = loop.records.revisions[-1]
    revision["text"] = revision["text"].replace("left", "right")
    [doubt] = list(_contradicted(loop.items, loop.spec))
    assert (doubt["kind"], "pans right" in doubt["what"] or "pan" in doubt["what"]) == ("contradicted", True)
    approval["contradicts"] = ["tilt-up", "pan-right"]
    assert list(_contradicted(loop.items, loop.spec)) == []


def test_what_a_person_says_of_caption_and_label_is_listed_for_the_lead(loop: Loop, tmp_path: Path) -> None:
    until_review(loop, {}, "It pans both ways.")
    loop.submit(review("approve"))
    tables = stored(loop, tmp_path / "tables")
    [doubt] = batch_doubts(tables, "b", load_standings(tables, loop.lineage, "b"), loop.spec)
    assert (doubt["kind"], doubt["what"], doubt["aspect"]) == ("both_right", "It pans both ways.", "camera")


@pytest.mark.parametrize(
    ("contradicts", "stands", "stopped"),
    [
        ([], None, True),
        (["pan-left"], None, True),
        (["pan-left"], "I see both.", False),
        (["tilt-up"], "I see both.", True),
        (None, None, False),
    ],
)
def test_a_caption_that_its_label_denies_stops_the_export_unless_explained_or_of_before(
    loop: Loop, contradicts: list[str] | None, stands: str | None, stopped: bool
) -> None:
    camera = loop.spec.aspects["camera"]
    asked = plain_answers(camera) | {"movement": ["slow"], "turns": RIGHT}
    given = {attribute.id: asked.get(attribute.id) or [NOT_APPLICABLE] for attribute in camera.attributes}
    ids = {"triple_id": "tri_1", "draft_id": "drf_1", "review_id": "rvw_1"}
    triples = pl.DataFrame([{**ids, "aspect": "camera", "final": "The camera pans left."}])
    reviews = [{"review_id": "rvw_1", "contradicts": contradicts, "label_stands": stands}]
    schema = {"review_id": pl.String, "contradicts": pl.List(pl.String), "label_stands": pl.String}
    frames = {
        "reviews": pl.DataFrame(reviews, schema=schema),
        "drafts": pl.DataFrame([{"draft_id": "drf_1", "label_id": "lbl_1"}]),
    }

    def read(table: str, columns: Sequence[str]) -> pl.DataFrame:
        return frames[table].select(columns)

    found = contradicting_triples(triples, read, lambda: {"lbl_1": derive(camera, given)}, loop.spec)
    assert found == ({"tri_1": ["pan-left"]} if stopped else {})
