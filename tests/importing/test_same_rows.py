"""The same corpus makes the same rows, whatever was done to make it in less time: ids, columns and order."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.critique.prose.extract_findings import findings_in
from chai_assets.importing import importer
from chai_assets.importing.corpus_files import FILES_A_STEP, files_of
from chai_assets.importing.importer import ORDER
from chai_assets.importing.layout import parse_json
from chai_assets.importing.reasons import FileIssue
from chai_resources.captioners.engines.edits import word_texts, words
from tests.importing.corpora import (
    BETTER,
    DRAFT,
    Files,
    approved,
    feedback,
    folder_of,
    generated,
    item,
    merged,
    packed,
    perfect,
    precaption,
    review,
    tar_of,
)
from tests.importing.imports import Place

QUOTED = 'Change "red kite" to "blue kite". The kite is in the background, not in the foreground. Remove "by the pier".'
KITE = "A red kite, in the foreground, is moored by the pier. The kite’s tail — “torn” — drifts."
PROMPT = f"Describe. Human-Written Caption: **{DRAFT}**"

# Rows and digest of each table, made by the import before any of this was done to its speed.
MADE = {
    "sources": (4, "5b4a694cc83481ec"),
    "clips": (6, "0d2f355c2a79acb8"),
    "annotation_events": (47, "cb25ee6c62614ae0"),
    "drafts": (23, "9353b2db2c26e8b0"),
    "critiques": (28, "f96dfd15fcc6df9a"),
    "revisions": (31, "76e31b05b7f9d6ed"),
    "reviews": (19, "926e5f394ba94ca1"),
    "triples": (12, "a139d8eac2220ec2"),
    "merged_captions": (1, "18e8697c5b1ecb6c"),
    "primitives": (0, "4f53cda18c2baa0c"),
    "import_files": (71, "cd34e488d246c40b"),
}


def odd() -> Files:
    """Items beside the many plain ones: edited, rejected, orphaned, copied, in other encodings, in no encoding."""
    first, second, third = "pier.0.3.mp4", "quay.1.mp4", "77.0.2.mp4"
    files = approved(first, pre_caption=KITE, final_feedback=QUOTED, final_caption=f"{BETTER} It sinks.")
    files |= item(first, "subject", feedback=feedback(first), feedback_prev=perfect(first), review=review(False))
    files |= item(first, "motion", precaption=precaption(first, pre_caption_prompt=PROMPT), feedback=perfect(first))
    files |= item(second, "spatial", precaption=precaption(second, pre_caption=KITE), review=review())
    quoting = feedback(second, pre_caption=KITE, final_feedback=QUOTED, gpt_feedback=QUOTED)
    files |= item(second, "scene", precaption=precaption(second, pre_caption=KITE), feedback=quoting, review=review())
    unfixed = feedback(second, user="Bo Lind")
    files |= item(second, "subject", feedback=unfixed, feedback_prev=unfixed, review=review(False))
    files |= item(third, precaption=precaption(third, pre_caption="kite \ud83d"), feedback=feedback(third, user=None))
    files |= {path: data.decode().encode("utf-16") for path, data in item(third, "scene", review=review()).items()}
    return files | {f"merged_captions/{first}.json": packed(merged(first, {"camera": BETTER})), "notes.txt": b"buy"}


def made(place: Place) -> dict[str, tuple[int, str]]:
    """Of each table how many rows there are, and a digest over them in order; columns that hold nothing count not."""
    found = {}
    for table in ORDER:
        rows = [{name: value for name, value in row.items() if value is not None} for row in place.rows(table)]
        text = json.dumps([{**row, "recorded_at": None} for row in rows], default=str, sort_keys=True)
        found[table] = (len(rows), hashlib.sha256(text.encode()).hexdigest()[:16])
    return found


@pytest.mark.parametrize("clips_at_once", [1, importer.CLIPS_AT_ONCE])
def test_a_corpus_makes_the_rows_it_always_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clips_at_once: int
) -> None:
    monkeypatch.setattr(importer, "CLIPS_AT_ONCE", clips_at_once)
    place = Place(tmp_path)
    place.take_from(tar_of(generated(3) | odd(), tmp_path / "corpus.tar.gz"))
    assert made(place) == MADE


@pytest.mark.parametrize("in_a_tar", [True, False])
def test_progress_is_told_in_few_steps_and_ends_at_the_whole(tmp_path: Path, in_a_tar: bool) -> None:
    files, shares = generated(12), list[float]()
    corpus = tar_of(files, tmp_path / "corpus.tar.gz") if in_a_tar else folder_of(files, tmp_path / "corpus")
    assert sum(1 for _ in files_of(corpus, shares.append)) == len(files) > FILES_A_STEP
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) == len(files) // FILES_A_STEP + 1


@given(st.text(st.sampled_from("aZß ’'-_.İΣς1é—")) | st.text())
def test_the_texts_of_words_are_those_of_the_words(text: str) -> None:
    assert word_texts(text) == [word.text for word in words(text)]
    assert all(word.end > word.start for word in words(text))


IN_PLACE = [("red kite", "blue kite"), ("in the foreground", "in the background"), ("by the pier", "")]


@pytest.mark.parametrize(
    ("critique", "found"),
    [
        (QUOTED, IN_PLACE),
        ('Change "RED kite’S" to "it".', []),
        ('Change "The Kite\'s Tail" to "it".', [("The kite’s tail", "it")]),
    ],
)
def test_quotations_are_found_by_their_words_at_their_places(critique: str, found: list[tuple[str, str]]) -> None:
    assert [(mark.quote, mark.fix) for mark in findings_in(critique, "drf_1", KITE)] == found


@pytest.mark.parametrize("escape", ["\\ud83d", "\\uDE00", "\\uD83D x", "\\ude00\\ud83d"])
def test_a_half_of_a_character_is_refused_however_it_is_spelled(escape: str) -> None:
    read = parse_json(f'{{"text": "{escape}"}}'.encode())
    assert isinstance(read, FileIssue)
    assert read.reason == "bad_characters"


@pytest.mark.parametrize("text", ["\\ud83d\\ude00", "\\u00e9", "\\\\ud83d", "\\u2019"])
def test_whole_characters_are_read_however_they_are_spelled(text: str) -> None:
    data = f'{{"text": "{text}"}}'
    assert parse_json(data.encode()) == (json.loads(data), None)
