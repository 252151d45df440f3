"""Findings recovered from real critiques bring their drafts closer to the captions that people kept."""

import pytest

from tests.corpus.measure_ablations import measure as measure_ablations
from tests.corpus.measure_caption_lint import corpus
from tests.corpus.measure_findings import Measured, measure, read

FOLDER = corpus()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="CHAI_CORPUS does not name a folder with release_dev.tar.gz")


@pytest.fixture(scope="module")
def held_out() -> Measured:
    assert FOLDER is not None
    return measure(read(FOLDER, "held-out"))


def test_a_quarter_of_the_critiques_has_a_finding_on_words_of_the_draft(held_out: Measured) -> None:
    assert len(held_out.records) > 1000
    assert held_out.share() > 0.24
    assert all(held_out.share(aspect) > 0.15 for aspect in {record.aspect for record in held_out.records})


def test_revisions_by_the_findings_are_closer_to_the_kept_captions(held_out: Measured) -> None:
    figures = held_out.closeness(with_findings=True)
    assert figures["revised BLEU-4"] > figures["draft BLEU-4"] + 5
    assert figures["revised exact"] > 0.2
    moved = held_out.moved()
    assert moved["closer"] > 9 * moved["farther"]


def test_degraded_critiques_are_about_as_long_as_those_of_the_study() -> None:
    assert FOLDER is not None
    for variant, figures in measure_ablations(FOLDER, most=150).items():
        study, rule = (figures[who]["length ratio"] for who in ("study", "rule"))
        assert 0.5 < rule / study < 1.3, variant
