"""What of a corpus is imported, however it is given: its folder alone, merged captions, corrections of other drafts."""

from pathlib import Path

import pytest

from chai_assets.datasets.select.unapproved import LoopRecords, triples_in_force, unapproved_captions
from chai_assets.importing.corpus_names import ImportRefused
from tests.importing.corpora import (
    BETTER,
    FOLDER,
    Files,
    approved,
    at,
    feedback,
    folder_of,
    generated,
    item,
    merged,
    packed,
    precaption,
    review,
    tar_of,
)
from tests.importing.imports import Place, accounted

CLIP = "pier.0.3.mp4"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_answers_of_exams_beside_the_corpus_are_named_and_not_mixed_into_it(place: Place) -> None:
    exams = {
        at(CLIP, "camera", "feedback", f"output_onboarding/new_{who}"): packed(feedback(CLIP, user=who)) for who in "ab"
    }
    experiment = {at("other.0.0.mp4", "scene", "review", "output_critiques/blind"): packed(review())}
    others = exams | experiment | {"output_onboarding/merged_captions/pier.0.0.mp4.json": packed({})}
    accounted(place.take(approved(CLIP) | others), 7)
    assert {path for path in place.files() if place.reasons(path) == {"other_corpus"}} == set(others)
    assert {row["author"] for row in place.rows("critiques")} == {"p-ada"}
    assert [row["name"] for row in place.rows("clips")] == [CLIP]


def test_where_it_cannot_be_told_which_folder_is_the_corpus_nothing_is_imported(place: Place) -> None:
    two = {at(CLIP, "camera", "review", f"{year}/output_captions"): packed(review()) for year in (2024, 2025)}
    with pytest.raises(ImportRefused, match=r"2 folders.*2024/output_captions \(1 files\), 2025/output_captions"):
        place.take(two)
    exams = {at(CLIP, "camera", "review", f"output_onboarding/{who}"): packed(review()) for who in "ab"}
    with pytest.raises(ImportRefused, match="none of them is called output_captions"):
        place.take_from(folder_of(exams, place.home / "exams"))
    assert set(place.versions().values()) == {-1}


@pytest.mark.parametrize("given", ["tar", "tar of the folder", "tar with ./", "the folder itself", "its parent"])
def test_however_the_same_corpus_is_given_it_is_the_same_import(tmp_path: Path, given: str) -> None:
    files = generated(3) | {"merged_captions/film0.0.0.mp4.json": packed(merged("film0.0.0.mp4", {}))}
    if given == "the folder itself":  # there is nothing beside it then
        files = generated(3)
    place = Place(tmp_path / "a")
    place.take(files)
    again = dict(reversed(files.items()))
    if given == "tar":
        path = tar_of(again, tmp_path / "c.tar.gz")
    elif given.startswith("tar"):
        top = "./" if given == "tar with ./" else "release/2025/"
        path = tar_of({f"{top}{name}": data for name, data in again.items()}, tmp_path / "c.tar")
    else:
        path = folder_of(again, tmp_path / "parent" / "release")
        path = path / "output_captions" if given == "the folder itself" else path.parent
    assert place.take_from(path).added.total() == 0


def test_a_corpus_that_was_imported_under_its_whole_paths_goes_on_under_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"release/{path}": data for path, data in generated(2).items()}
    with monkeypatch.context() as before:
        before.setattr("chai_assets.importing.clip_spool.corpus_path", lambda path, root: path)
        place.take(files)
    assert all(path.startswith("release/") for path in place.files())
    versions = place.versions()
    assert place.take(files).added.total() == 0
    assert place.versions() == versions


def test_merged_captions_are_kept_with_the_triples_that_they_are_made_of(place: Place) -> None:
    finals = {aspect: f"{BETTER} Seen by its {aspect}." for aspect in FOLDER}
    files: Files = {}
    for clip in ("whole.0.0.mp4", "stale.0.0.mp4"):
        for aspect, final in finals.items():
            files |= approved(clip, aspect, gpt_caption=final, final_caption=final)
    files["merged_captions/whole.0.0.mp4.json"] = packed(merged("whole.0.0.mp4", finals))
    stale = finals | {"scene": "A caption of an earlier day.", "camera": "Another one."}
    files["merged_captions/stale.0.0.mp4.json"] = packed(merged("stale.0.0.mp4", stale))
    files["merged_captions/broken.0.0.mp4.json"] = packed({"merged_caption": 3})
    accounted(place.take(files), len(files))
    triples = {(row["clip_id"], row["aspect"]): row["triple_id"] for row in place.rows("triples")}
    clips = {row["name"]: row["clip_id"] for row in place.rows("clips")}
    rows = {row["clip_id"]: row for row in place.rows("merged_captions")}
    whole, other = rows[clips["whole.0.0.mp4"]], rows[clips["stale.0.0.mp4"]]
    assert whole["triple_ids"] == [triples[whole["clip_id"], aspect] for aspect in FOLDER]
    assert (whole["text"], whole["words"], whole["model"]) == ("All of it, in one caption.", 6, "merger-3")
    assert [triple is None for triple in other["triple_ids"]] == [aspect in ("scene", "camera") for aspect in FOLDER]
    assert place.reasons("merged_captions/whole.0.0.mp4.json") == set()
    assert place.reasons("merged_captions/stale.0.0.mp4.json") == {"merged_of_other_captions"}
    assert place.reasons("merged_captions/broken.0.0.mp4.json") == {"missing_field"}
    assert "scene, camera" in place.files()["merged_captions/stale.0.0.mp4.json"]["detail"]


def test_a_reviewers_correction_of_another_draft_is_one_whatever_the_hashes_say(place: Place) -> None:
    # The draft was written anew between the rejection and the correction; which id is smaller is a matter of chance.
    files: Files = {}
    for number in range(24):
        clip, anew = f"film{number}.0.0.mp4", f"A new draft, number {number}, shows a red kite."
        mended = anew.replace("red", "blue")
        correction = feedback(clip, user="Bo Lind", pre_caption=anew, gpt_caption=mended, final_caption=mended)
        files |= item(
            clip,
            precaption=precaption(clip, pre_caption=anew),
            feedback_prev=feedback(clip, timestamp="2025-03-01T09:00:00"),
            feedback=correction,
            review=review(False),
        )
    place.take(files)
    drafts, critiques, revisions, reviews, triples = (
        place.tables.read(name).lazy() for name in ("drafts", "critiques", "revisions", "reviews", "triples")
    )
    records = LoopRecords(drafts, critiques, revisions, reviews)
    found = unapproved_captions(records, triples_in_force(triples)).collect()
    assert found["level"].to_list() == ["corrected"] * 24
    assert all(text.startswith("A new draft") and "blue" in text for text in found["revised"])
