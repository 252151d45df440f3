"""The caption linter on real captions: it finds more in those that people found fault with."""

import pytest

from tests.corpus.measure_caption_lint import Measured, corpus, measure

FOLDER = corpus()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="CHAI_CORPUS does not name a folder with release_dev.tar.gz")


@pytest.fixture(scope="module")
def measured() -> Measured:
    assert FOLDER is not None
    return measure(FOLDER)


def test_drafts_that_contradict_their_labels_were_rated_lower(measured: Measured) -> None:
    below, perfect = (measured.share(perfect=perfect, kind="contradiction") for perfect in (False, True))
    assert below > 2 * perfect
    assert 0.03 < below < 0.2


def test_a_caption_that_people_were_content_with_is_seldom_said_to_contradict(measured: Measured) -> None:
    assert measured.share(perfect=True, kind="contradiction") < 0.04


def test_guesses_moods_and_first_person_are_flagged_in_few_captions(measured: Measured) -> None:
    for kind in ("hedge", "subjective", "first_person"):
        assert measured.share(perfect=True, kind=kind) < 0.06, kind


def test_a_draft_has_few_flags(measured: Measured) -> None:
    assert len(measured.records) > 500
    assert sum(map(len, measured.drafts)) < 1.5 * len(measured.records)
