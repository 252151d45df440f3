"""What becomes of a corpus's files, on real tables: each claim is about a small corpus in our own words."""

import json
import multiprocessing
import os
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest

from chai_assets.core import ids as records
from chai_assets.core.ids import record_id
from chai_assets.importing.corpus_names import ImportRefused
from chai_assets.importing.importer import ImportOutcome
from chai_assets.importing.labels import read_labels
from chai_assets.importing.layout import source_name
from chai_assets.triples.chain_hash import chain_hash
from chai_assets.triples.join import broken_links
from chai_assets.workflow.item_state import Candidate
from tests.importing.corpora import (
    BETTER,
    DRAFT,
    approved,
    at,
    feedback,
    generated,
    item,
    packed,
    perfect,
    precaption,
    review,
    tar_of,
)
from tests.importing.imports import BATCH, Place, accounted

CLIP = "pier.0.3.mp4"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def by_key(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_an_approved_item_becomes_draft_critique_revision_review_and_a_triple_whose_chain_holds(place: Place) -> None:
    accounted(place.take(approved(CLIP)), 3)
    (draft,), (critique,), (revision,), (verdict,), (triple,) = (
        place.rows(name) for name in ("drafts", "critiques", "revisions", "reviews", "triples")
    )
    assert (draft["text"], draft["model"], draft["prompt"]) == (DRAFT, "sketcher-1", "Say what is seen.")
    assert (critique["verdict"], critique["rating"], critique["round"]) == ("change", 4, 1)
    assert (critique["cause"], critique["text"]) == (draft["draft_id"], 'Change "red kite" to "blue kite".')
    assert [(f["quote"], f["fix"]) for f in critique["findings"]] == [("red kite", "blue kite")]
    assert (revision["model"], revision["text"]) == ("writer-2", BETTER)
    assert (verdict["verdict"], verdict["author"], critique["author"]) == ("approve", "p-bo", "p-ada")
    assert broken_links(Candidate(draft, critique, revision, critique, 4), verdict) == []
    ids = [draft["draft_id"], critique["critique_id"], revision["revision_id"], verdict["review_id"]]
    assert triple["chain_hash"] == chain_hash(*ids)
    assert (triple["final"], triple["rounds"], triple["human_edited"]) == (BETTER, 1, False)
    assert triple["spec_version"] == BATCH
    assert triple["spec_hash"] == records.sha256_text(BATCH)
    assert {row["reason"] for row in place.rows("import_files")} == {None}


def test_a_perfect_draft_needs_no_revision_and_is_its_own_final(place: Place) -> None:
    place.take(item(CLIP, precaption=precaption(CLIP), feedback=perfect(CLIP), review=review()))
    (triple,) = place.rows("triples")
    assert (triple["final"], triple["revision_id"], triple["rating"], triple["critique"]) == (DRAFT, None, 5, "")
    assert place.rows("critiques")[0]["verdict"] == "perfect"


def test_what_a_person_wrote_is_archived_whole_with_people_by_their_ids(place: Place) -> None:
    place.take(approved(CLIP))
    archived = [json.loads(row["annotation"]) for row in place.rows("annotation_events")]
    assert {row.get("initial_feedback") for row in archived} == {"kite is blue", None}
    assert not any(name in json.dumps(archived) for name in ("Ada Vogel", "Bo Lind"))


def test_a_caption_edited_by_hand_is_a_second_revision_by_that_person_and_marks_the_triple(place: Place) -> None:
    place.take(approved(CLIP, final_caption=f"{BETTER} It sinks."))
    by_model, by_person = sorted(place.rows("revisions"), key=lambda row: len(row["text"]))
    assert (by_person["model"], by_person["served_revision"]) == ("person", "p-ada")
    assert by_person["critique_id"] == by_model["critique_id"]
    (triple,) = place.rows("triples")
    assert triple["revision_id"] == by_person["revision_id"]
    assert triple["human_edited"] is True
    assert place.reasons(at(CLIP, "camera", "feedback")) == {"hand_edited"}


EDITED = {"final_feedback": "The kite is blue, and it is torn."}


def test_a_critique_edited_after_the_model_worded_it_makes_no_triple(place: Place) -> None:
    place.take(approved(CLIP, **EDITED))
    first, later = sorted(place.rows("critiques"), key=lambda row: row["round"])
    (revision,) = place.rows("revisions")
    assert revision["critique_id"] == first["critique_id"]
    assert (later["round"], later["cause"], later["text"]) == (2, revision["revision_id"], EDITED["final_feedback"])
    assert place.rows("triples") == []
    assert place.reasons(at(CLIP, "camera", "feedback")) == {"critique_not_regenerated"}


def test_the_prompt_as_it_was_sent_tells_that_the_caption_was_made_from_the_edited_critique(place: Place) -> None:
    place.take(approved(CLIP, **EDITED, gpt_caption_prompt=f"Improve: {DRAFT} by: {EDITED['final_feedback']}"))
    assert len(place.rows("critiques")) == len(place.rows("triples")) == 1


def test_an_edited_critique_counts_where_a_person_wrote_the_caption(place: Place) -> None:
    place.take(approved(CLIP, **EDITED, final_caption="A torn blue kite hangs over the harbour wall."))
    (triple,) = place.rows("triples")
    assert (triple["critique"], triple["rounds"], triple["human_edited"]) == (EDITED["final_feedback"], 2, True)


def test_a_rejected_version_is_kept_with_its_rejection_and_the_reviewers_own_correction_is_no_triple(
    place: Place,
) -> None:
    kinds = {"precaption": precaption(CLIP), "feedback_prev": perfect(CLIP), "review": review(False)}
    place.take(item(CLIP, **kinds, feedback=feedback(CLIP, user="Bo Lind")))
    first, second = sorted(place.rows("critiques"), key=lambda row: row["round"])
    (verdict,) = place.rows("reviews")
    assert (verdict["verdict"], verdict["reasons"]) == ("reject", ["corrected by the reviewer"])
    assert verdict["critique_id"] == first["critique_id"]
    assert (second["round"], second["cause"]) == (2, verdict["review_id"])
    assert place.rows("triples") == []
    assert place.reasons(at(CLIP, "camera", "feedback")) == {"corrected_by_reviewer"}
    assert place.reasons(at(CLIP, "camera", "feedback_prev")) == set()


def test_a_version_rejected_and_not_fixed_is_one_critique_in_two_files(place: Place) -> None:
    same = feedback(CLIP)
    kinds = {"precaption": precaption(CLIP), "feedback_prev": same, "feedback": same, "review": review(False)}
    accounted(place.take(item(CLIP, **kinds)), 4)
    assert len(place.rows("critiques")) == len(place.rows("reviews")) == 1
    assert place.reasons(at(CLIP, "camera", "feedback")) == {"rejected_unfixed"}
    assert place.reasons(at(CLIP, "camera", "feedback_prev")) == {"duplicate"}


@pytest.mark.parametrize(
    ("files", "kind", "reason"),
    [
        (item(CLIP, precaption=precaption(CLIP)), "precaption", "orphan_draft"),
        (item(CLIP, precaption=precaption(CLIP), feedback=feedback(CLIP)), "feedback", "unreviewed"),
        (item(CLIP, feedback=feedback(CLIP), review=review()), "feedback", "no_draft_file"),
        (approved(CLIP, pre_caption="A red kite is moored."), "feedback", "draft_changed"),
        (approved(CLIP, pre_caption_prompt="Say less."), "feedback", "draft_provenance_differs"),
        (approved(CLIP, user=" "), "feedback", "no_author"),
        (approved(CLIP, user="Bo Lind"), "feedback", "self_review"),
        (approved(CLIP, initial_caption_rating_score=5), "feedback", "rating_contradicts"),
        (approved(CLIP, video_id="quay.0.1.mp4"), "feedback", "clip_name_differs"),
        (item(CLIP, review=review()), "review", "review_without_feedback"),
        (item(CLIP, feedback_prev=feedback(CLIP)), "feedback_prev", "no_current_version"),
        (item(CLIP, feedback=perfect(CLIP, final_caption=BETTER), review=review()), "feedback", "perfect_but_changed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_odd_about_a_file_is_said(place: Place, files: dict[str, bytes], kind: str, reason: str) -> None:
    accounted(place.take(files), len(files))
    assert reason in place.reasons(at(CLIP, "camera", kind))
    row = place.files()[at(CLIP, "camera", kind)]
    assert (row["record_id"] is None) == (reason == "review_without_feedback")
    assert ": " in row["detail"]
    trusted = {"no_draft_file", "draft_changed", "draft_provenance_differs", "clip_name_differs"}
    assert bool(place.rows("triples")) == (reason in trusted)


def test_a_draft_written_from_a_caption_that_was_corrected_later_is_stale_by_its_own_prompt(place: Place) -> None:
    old, new = "A kite that somebody called red.", "A kite that is blue, and torn."
    quoting = "Describe. Human-Written Caption: **{}**".format
    subject = approved(CLIP, "subject", gpt_caption=new, final_caption=new)
    # The copy beside the critique was rebuilt later and quotes the corrected one: it must not hide the old one.
    motion = item(
        CLIP,
        "motion",
        precaption=precaption(CLIP, pre_caption_prompt=quoting(old)),
        feedback=feedback(CLIP, pre_caption_prompt=quoting(new)),
    )
    fresh = item(CLIP, "spatial", precaption=precaption(CLIP, pre_caption_prompt=f"Scenery. {new}"))
    done = place.take(subject | motion | fresh)
    assert place.reasons(at(CLIP, "motion", "precaption")) == {"stale_upstream"}
    assert {facts.aspect: facts.upstream for facts in done.facts} == {
        "subject": {},
        "motion": {"subject": "corrected"},
        "spatial": {"subject": "current"},
    }


BAD: dict[str, tuple[str, bytes]] = {
    "unreadable_json": (at("b.0.0.mp4", "camera", "feedback"), packed(feedback("b.0.0.mp4"))[:-40]),
    "missing_field": (at("b.0.1.mp4", "camera", "feedback"), packed({"user": "Ada Vogel"})),
    "caption_too_long": (at("b.0.2.mp4", "camera", "precaption"), packed(precaption("b", pre_caption="sea " * 25_000))),
    "unknown_encoding": (at("b.0.3.mp4", "camera", "review"), '{"reviewer_name": "波"}'.encode("gb18030")),
    "bad_characters": (at("b.0.4.mp4", "camera", "precaption"), packed(precaption("b", pre_caption="kite \ud83d"))),
    "not_a_caption_file": ("output_captions/notes.txt", b"buy string"),
    "unknown_task": ("output_captions/smell_description/b.0.5.mp4_review.json", packed(review())),
    "too_large": (at("b.0.6.mp4", "camera", "review"), b" " * 1_000_001),
}


def test_bad_files_are_named_each_with_its_reason_and_the_rest_goes_on(place: Place) -> None:
    done = place.take(approved(CLIP) | dict(BAD.values()))
    assert accounted(done, 3 + len(BAD)) == {"record": 3, "report row": len(BAD)}
    assert {reason: place.reasons(path) for reason, (path, _) in BAD.items()} == {reason: {reason} for reason in BAD}
    assert len(place.rows("triples")) == len(place.rows("clips")) == 1


def test_a_list_a_number_and_nests_without_end_are_no_captions(place: Place) -> None:
    kinds = {"1": b"[]", "2": b"7", "3": b"[" * 100_000, "4": b"", "5": b"\x00"}
    files = {at(f"b.{number}.mp4", "camera", "feedback"): data for number, data in kinds.items()}
    assert accounted(place.take(files), 5) == {"report row": 5}


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [("utf-8-sig", "utf8_with_mark"), ("utf-16", "utf16"), ("utf-16-le", "utf16"), ("cp1252", "cp1252")],
)
def test_a_file_in_another_encoding_is_read_where_that_is_certain_and_it_is_said(
    place: Place, encoding: str, reason: str
) -> None:
    text = "A café’s kite, 20° to the left — “blue”."
    value = json.dumps(precaption(CLIP, pre_caption=text), ensure_ascii=False)
    place.take({at(CLIP, "camera", "precaption"): value.encode(encoding)})
    assert reason in place.reasons(at(CLIP, "camera", "precaption"))
    assert place.rows("drafts")[0]["text"] == text


def test_of_two_files_for_one_record_the_first_is_taken_and_a_mere_copy_is_no_contradiction(place: Place) -> None:
    copy = (tarfile.TarInfo(at(CLIP, "camera", "feedback")), packed(feedback(CLIP)))
    other = (tarfile.TarInfo(at(CLIP, "camera", "review")), packed(review(False)))
    accounted(place.take_from(tar_of(approved(CLIP), place.home / "c.tar", copy, other)), 5)
    assert place.reasons(f"{at(CLIP, 'camera', 'feedback')}#2") == {"duplicate"}
    assert place.reasons(f"{at(CLIP, 'camera', 'review')}#2") == {"two_files_for_one_record"}
    assert place.files()[f"{at(CLIP, 'camera', 'review')}#2"]["record_id"] is None
    assert len(place.rows("triples")) == 1


def test_a_tar_that_leads_out_of_its_folder_is_read_and_nothing_is_written_outside(place: Place) -> None:
    link, device = tarfile.TarInfo(at("l.0.0.mp4", "camera", "review")), tarfile.TarInfo("output_captions/null")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    up, absolute = f"../../{at('u.0.0.mp4', 'camera', 'review')}", f"/tmp/{at('a.0.0.mp4', 'camera', 'review')}"
    members = [(tarfile.TarInfo(up), packed(review())), (tarfile.TarInfo(absolute), packed(review()))]
    before = set(place.home.parent.rglob("*.json"))
    archive = tar_of(approved(CLIP), place.home / "c.tar.gz", *members, (link, b""), (device, b""))
    done = place.take_from(archive)
    assert accounted(done, 7) == {"record": 3, "report row": 4}
    assert place.reasons(up) == place.reasons(absolute) == {"path_escapes"}
    assert place.reasons(link.name) == place.reasons(device.name) == {"not_a_plain_file"}
    left = {path for path in set(place.home.parent.rglob("*.json")) - before if "_delta_log" not in path.parts}
    assert left == {place.home / "imports" / "small" / "corpus.json"}


def test_a_member_that_comes_twice_in_a_tar_is_accounted_for_twice(place: Place) -> None:
    again = (tarfile.TarInfo(at(CLIP, "camera", "review")), packed(review(False)))
    done = place.take_from(tar_of(approved(CLIP), place.home / "c.tar", again))
    assert accounted(done, 4)["report row"] == 1
    assert place.reasons(f"{at(CLIP, 'camera', 'review')}#2") == {"two_files_for_one_record"}


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.xz"])
@pytest.mark.parametrize("left", [0.3, 0.7, 0.98])
def test_an_archive_that_breaks_off_is_refused_and_nothing_of_it_is_imported(
    place: Place, suffix: str, left: float
) -> None:
    whole = tar_of(generated(4), place.home / f"whole{suffix}").read_bytes()
    broken = place.home / f"broken{suffix}"
    # Cut between two files, where the header of the next would begin: that looks like an end.
    broken.write_bytes(whole[: int(len(whole) * left) // 512 * 512])
    with pytest.raises(ImportRefused, match="get the archive again"):
        place.take_from(broken)
    assert set(place.versions().values()) == {-1}


def test_folder_and_tar_of_the_same_corpus_make_the_same_rows(tmp_path: Path) -> None:
    files = generated(3)
    one, other = Place(tmp_path / "a"), Place(tmp_path / "b")
    one.take(files)
    other.take_from(tar_of(dict(reversed(files.items())), tmp_path / "c.tar.gz"))
    for table in ("drafts", "critiques", "revisions", "reviews", "triples", "import_files"):
        left, right = (
            {json.dumps({**row, "recorded_at": None}, default=str) for row in each.rows(table)} for each in (one, other)
        )
        assert left == right


def test_importing_again_writes_no_new_version_of_any_table(place: Place) -> None:
    files = generated(5) | dict(BAD.values())
    first = place.take(files)
    versions = place.versions()
    again = place.take(files)
    assert place.versions() == versions
    assert again.added.total() == 0
    assert (again.rows, again.facts, again.files) == (first.rows, first.facts, first.files)


def test_another_corpus_under_a_name_that_is_taken_is_refused(place: Place) -> None:
    place.take(approved(CLIP))
    versions = place.versions()
    with pytest.raises(ImportRefused, match="under another name"):
        place.take(approved("quay.0.1.mp4"))
    assert place.versions() == versions


def test_a_corpus_whose_critiques_are_read_otherwise_by_now_is_not_mixed_with_itself(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.take(approved(CLIP))
    versions = place.versions()
    monkeypatch.setattr("chai_assets.importing.records.findings_in", lambda *_: ())
    with pytest.raises(ImportRefused, match="import it under another name"):
        place.take(approved(CLIP))
    assert place.versions() == versions


def _import_and_die(home: Path, files: dict[str, bytes], fatal: int) -> None:
    from chai_resources.tables import Tables

    commits, commit = [0], Tables._commit

    def counted(self: Tables, *args: Any) -> None:
        commit(self, *args)
        commits[0] += 1
        if commits[0] == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    Tables._commit = counted  # pyright: ignore
    Place(home).take(files)


@pytest.mark.parametrize("fatal", [1, 4, 7])
def test_an_import_that_was_killed_is_finished_by_running_it_again(
    tmp_path: Path, fatal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, spooled = generated(4), tmp_path / "spooled"
    spooled.mkdir()
    for variable in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(variable, str(spooled))
    killed, whole = Place(tmp_path / "killed"), Place(tmp_path / "whole")
    child = multiprocessing.get_context("spawn").Process(target=_import_and_die, args=(killed.home, files, fatal))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    assert killed.rows("import_files") == []
    assert list(spooled.iterdir()) == []
    killed.take(files)
    whole.take(files)
    for table in ("clips", "drafts", "critiques", "revisions", "reviews", "triples", "import_files"):
        key = {row["clip_id"] + str(row.get("triple_id") or row.get("file_id")) for row in whole.rows(table)}
        assert {row["clip_id"] + str(row.get("triple_id") or row.get("file_id")) for row in killed.rows(table)} == key
        assert len(killed.rows(table)) == len(whole.rows(table))


def test_the_source_of_a_clip_is_its_name_without_shot_part_and_suffix() -> None:
    named = {"pier.0.3.mp4": "pier", "pier.7.mp4": "pier", "77.0.2.mp4": "77", "a.b_0010.mp4": "a.b_0010"}
    assert {clip: source_name(clip) for clip in named} == named


def test_a_source_is_the_same_in_two_imports_and_its_clips_are_told_apart() -> None:
    from chai_assets.importing.records import Corpus

    one, other = (Corpus(f"import-{name}", str).clip_row(CLIP) for name in "ab")
    assert one["source_id"] == other["source_id"] == record_id("source", name="pier")
    assert one["clip_id"] != other["clip_id"]


def _labels(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_labels_become_a_row_a_clip_and_clips_nobody_knows_are_named(place: Place) -> None:
    pan = {"primitive": "moves.pan_left", "present": [CLIP], "absent": ["quay.0.1.mp4", "ghost.0.0.mp4"]}
    zoom = {"primitive": "moves.zoom_in", "present": [], "absent": [CLIP]}
    path = _labels(place.home / "labels.jsonl", pan, zoom, "{broken", {"primitive": "x", "present": 3, "absent": []})
    files = approved(CLIP) | approved("quay.0.1.mp4")
    done: ImportOutcome = place.take(files, read_labels(path))
    accounted(done, 6 + 1 + 2 + 1)
    rows = by_key(place.rows("primitives"), "clip_id")
    clips = {row["name"]: row["clip_id"] for row in place.rows("clips")}
    states = {state["primitive"]: state["state"] for state in rows[clips[CLIP]]["states"]}
    assert states == {"moves.pan_left": "present", "moves.zoom_in": "absent"}
    assert {row["aspect"] for row in rows.values()} == {"camera"}
    assert set(rows) == set(clips.values())
    assert place.reasons("labels.jsonl#ghost.0.0.mp4") == {"unknown_clip"}
    assert place.reasons("labels.jsonl#3") == place.reasons("labels.jsonl#4") == {"missing_field"}
    versions = place.versions()
    place.take(files, read_labels(path))
    assert place.versions() == versions
