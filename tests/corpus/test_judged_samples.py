"""The hand-judged samples: what manuals quote of them follows from the sheets, and the sheets hold no text."""

import re
from pathlib import Path

import pytest

from tests.corpus.measure_caption_lint import corpus, error_id, flag_id, held_out, measure
from tests.corpus.sheets import (
    CONTRADICTIONS,
    DENIED,
    FINDINGS,
    FLAGS,
    Judgement,
    Tally,
    drawn,
    finding_scores,
    flag_scores,
    read_sheet,
    score,
)

ROOT = Path(__file__).parents[2]
FOLDER = corpus()
needs_corpus = pytest.mark.skipif(FOLDER is None, reason="CHAI_CORPUS names no folder with release_dev.tar.gz")


def manuals() -> str:
    """The text of every manual, white space as single blanks."""
    pages = [page for page in ROOT.rglob("README.md") if not set(page.relative_to(ROOT).parts) & {".chai", ".git"}]
    return " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in pages)


@pytest.mark.parametrize("sheet", [FLAGS, FINDINGS, CONTRADICTIONS, DENIED], ids=lambda sheet: sheet.stem)
def test_a_sheet_names_each_place_once_and_holds_no_sentence(sheet: Path) -> None:
    rows = read_sheet(sheet)
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{16}", row.id)
        assert len(row.reason.split()) <= 3


def test_manuals_quote_the_figures_that_the_sheets_come_to() -> None:
    text = manuals()
    flags, findings = read_sheet(FLAGS), read_sheet(FINDINGS)
    assert (len(drawn(flags)), len(findings)) == (120, 100)
    for name, tally in [*flag_scores(flags), *finding_scores(findings)]:
        assert str(tally) in text, name
    for sheet in (CONTRADICTIONS, DENIED):
        assert str(score(read_sheet(sheet))) in text, sheet
    dropped = sum(row.kind == "contradiction" and row.reason == "dropped" for row in flags)
    assert f"people had taken the words out of {dropped}" in text


@needs_corpus
def test_every_judged_flag_is_found_again_in_the_corpus() -> None:
    assert FOLDER is not None
    measured = measure(FOLDER)
    present = {
        flag_id(record, flag) for record, flags in zip(measured.records, measured.drafts, strict=True) for flag in flags
    }
    assert {row.id for row in read_sheet(FLAGS)} <= present


@needs_corpus
def test_what_was_judged_on_held_out_sources_is_found_there_again() -> None:
    assert FOLDER is not None
    measured = measure(FOLDER)
    found = [
        (record, flag)
        for record, flags in zip(measured.records, measured.drafts, strict=True)
        for flag in flags
        if flag.kind == "contradiction" and held_out(record.clip)
    ]
    flagged = {flag_id(record, flag) for record, flag in found}
    errors = {error_id(record, flag.primitive or "") for record, flag in found}
    assert {row.id for row in read_sheet(CONTRADICTIONS) if row.verdict == "right"} <= flagged
    assert {row.id for row in read_sheet(DENIED) if row.verdict == "right"} <= errors


@needs_corpus
def test_every_judged_finding_is_found_again_in_the_corpus() -> None:
    findings = pytest.importorskip("tests.corpus.measure_findings", reason="sacrebleu is not installed")
    measured = findings.measure(findings.read(FOLDER, "held-out"))
    present = {
        findings.finding_id(record, finding)
        for record, found in zip(measured.records, measured.findings, strict=True)
        for finding in found
    }
    assert {row.id for row in read_sheet(FINDINGS)} <= present


def test_a_share_has_its_wilson_interval() -> None:
    assert str(Tally(116, 120)) == "116 of 120 (92 to 99 %)"
    assert Tally(10, 10).interval == pytest.approx((72.25, 100), abs=0.01)


def test_a_sheet_with_an_empty_verdict_is_not_scored() -> None:
    with pytest.raises(ValueError, match="1 rows have no verdict, b first"):
        score([Judgement("a", "meta", "1", "right"), Judgement("b", "meta", "1")])
