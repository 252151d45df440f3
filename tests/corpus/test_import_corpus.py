"""The released corpus, imported: every file accounted for, nothing twice, every chain sound."""

import os
from collections import Counter
from pathlib import Path

import pytest

from chai_assets.importing.importer import ImportOutcome
from chai_assets.importing.integrity.report import integrity_report
from chai_assets.importing.labels import read_labels
from chai_assets.triples.chain_hash import chain_hash
from chai_assets.triples.join import broken_links
from chai_assets.workflow.item_state import Candidate
from tests.importing.imports import Place, accounted

FOLDER = os.environ.get("CHAI_CORPUS", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="CHAI_CORPUS names no folder with the reference corpus")

FILES = {"feedback": 3101, "precaption": 3117, "review": 3025, "feedback_prev": 1121, "labels": 1}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, ImportOutcome]:
    place = Place(tmp_path_factory.mktemp("corpus"))
    return place, take(place)


def take(place: Place) -> ImportOutcome:
    return place.take_from(Path(FOLDER) / "release_dev.tar.gz", read_labels(Path(FOLDER) / "primitives_dev.jsonl.gz"))


def test_all_files_are_accounted_for_and_the_clips_are_of_their_sources(
    imported: tuple[Place, ImportOutcome],
) -> None:
    place, done = imported
    accounted(done, sum(FILES.values()))
    assert Counter(row["kind"] for row in done.files) == FILES
    assert len(place.rows("import_files")) == sum(FILES.values())
    assert (len(place.rows("clips")), len(place.rows("sources")), len(place.rows("primitives"))) == (636, 148, 635)


def test_statuses_and_edits_are_those_counted_by_hand(imported: tuple[Place, ImportOutcome]) -> None:
    place, done = imported
    assert Counter(item.status for item in done.facts) == {
        "approved": 1904,
        "corrected": 1090,
        "unreviewed": 76,
        "reworked": 30,
        "no critique": 16,
        "rejected": 1,
    }
    report = integrity_report(place.corpus.batch, done.files, done.facts, done.rows)
    shares = {share["id"]: share for share in report["shares"]}
    counted = {"hand_edited": (244, 2208), "critique_edited": (133, 2208), "self_review": (0, 1904)}
    counted |= {"stale_motion": (174, 470), "stale_spatial": (287, 620), "orphans": (16, 3117)}
    assert {name: (shares[name]["count"], shares[name]["of"]) for name in counted} == counted


def test_importing_again_writes_no_new_version_of_any_table(imported: tuple[Place, ImportOutcome]) -> None:
    place, _ = imported
    versions = place.versions()
    assert take(place).added.total() == 0
    assert place.versions() == versions


def test_every_triple_follows_link_by_link_from_its_records(imported: tuple[Place, ImportOutcome]) -> None:
    place, _ = imported
    drafts, critiques, revisions = (
        {row[f"{name}_id"]: row for row in place.rows(f"{name}s")} for name in ("draft", "critique", "revision")
    )
    reviews = {row["review_id"]: row for row in place.rows("reviews")}
    triples = place.rows("triples")
    assert triples
    for row in triples:
        draft, critique, review = drafts[row["draft_id"]], critiques[row["critique_id"]], reviews[row["review_id"]]
        revision = revisions[row["revision_id"]] if row["revision_id"] else None
        assert broken_links(Candidate(draft, critique, revision, critique, row["rating"]), review) == []
        assert review["verdict"] == "approve"
        ids = (row["draft_id"], row["critique_id"], row["revision_id"], row["review_id"])
        assert row["chain_hash"] == chain_hash(*ids)
        assert (row["draft"], row["final"]) == (draft["text"], revision["text"] if revision else draft["text"])
