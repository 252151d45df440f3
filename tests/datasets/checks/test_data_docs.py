"""Data Docs: a site that needs nothing from elsewhere, shows failing rows as texts, and is swapped as a whole."""

import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from chai_assets.datasets.checks import expectations
from chai_assets.datasets.checks.docs import write_docs
from chai_assets.datasets.checks.frames import FRAMES
from chai_assets.datasets.checks.suite import suite
from chai_assets.datasets.checks.validation import Evidence, Validation, validate
from tests.datasets.factory import DATASET_SPEC, NOON, clip, frame, triples_of
from tests.datasets.tables import records_of


def validation(*texts: str) -> Validation:
    rows = triples_of([clip(number) for number in range(8)])
    for row, text in zip(rows, texts, strict=False):
        row["final"] = text
    return validate(frame("triples", rows), DATASET_SPEC, Evidence(records_of(rows).read, None, NOON))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    made = validation(*["<img/src=x/onerror=alert(1)> &"] * 7)
    return write_docs(made, home / "data_docs").parent


def pages(site: Path) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def section_of(site: Path, check: str) -> str:
    """The section of a check's result, as markup."""
    results = [text for path, text in pages(site).items() if "validations" in path.parts]
    sections = [section for text in results for section in text.split('class="ge-section')]
    return next(section for section in sections if re.search(rf"<h5[^>]*>\s*(<span[^>]*>)?\s*{check}\s", section))


def words_of_section(site: Path, check: str) -> str:
    """The same as a reader sees it, but for spaces around what is marked."""
    return plain(unescape(re.sub(r"<[^>]+>", " ", section_of(site, check))))


def plain(text: str) -> str:
    return " ".join(text.split())


def test_there_is_a_page_for_each_frame_and_each_suite_and_one_that_lists_them(site: Path):
    names = [path.stem for path in pages(site)]
    assert sorted(names) == sorted(["index", *FRAMES, *FRAMES])


def test_every_check_stands_on_a_page_with_what_it_asks_and_what_follows(site: Path):
    text = "\n".join(pages(site).values())
    for check in suite():
        assert re.search(rf"{check.name}\s.*{check.expectation}", text)
        follows = "Stops the export." if check.severity == "error" else "Warns."
        assert escape(f"{check.description} {follows}", quote=False) in text


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("columns_are_as_declared", "Values in declared and found must always be equal."),
        ("triple_ids_are_unique", "triple_id values must be unique."),
        ("a_clip_has_one_triple_an_aspect", "must be unique together: clip_id , aspect"),
        ("every_triple_has_a_review", "If approved == True , then review_id values must never be null."),
        ("aspects_are_known", "aspect values must belong to this set: subject scene motion spatial camera ."),
        ("every_caption_has_text", "final values must always be greater than or equal to 1 characters long."),
        ("chain_hashes_match", "chain_hash must be the hash over draft_id , critique_id , revision_id and review_id ."),
        ("every_triple_in_force_is_a_candidate", "triple_id must be among the triples to be exported."),
    ],
)
def test_a_result_says_what_was_expected_of_which_columns(site: Path, check: str, expected: str):
    assert expected in words_of_section(site, check)


def test_every_rule_of_ours_is_put_into_words_on_the_page_of_its_results(site: Path):
    rules = [check for check in suite() if hasattr(expectations, check.expectation)]
    assert len({check.expectation for check in rules}) == len(rules) == 22
    for check in rules:
        rule = plain(getattr(expectations, check.expectation).__doc__.replace("`", " "))
        assert rule in words_of_section(site, check.name)


def test_no_page_has_a_script_or_an_address_outside_the_site(site: Path):
    for path, text in pages(site).items():
        assert not re.search(r"<script|https?:|//\w+\.", text), path
        for target in re.findall(r'(?:href|src)="([^"#]+)', text):
            assert target == "data:," or (path.parent / unquote(target)).is_file(), (path, target)


def test_of_many_failing_rows_the_first_five_are_shown_and_their_text_is_no_markup(site: Path):
    section = section_of(site, "captions_have_a_usual_length")
    assert section.count("&lt;img/src=x/onerror=alert(1)&gt; &amp;") == 5
    assert not any("<img" in text for text in pages(site).values())


def test_writing_again_replaces_the_site_and_leaves_nothing_beside_it(tmp_path: Path):
    write_docs(validation("First."), tmp_path / "docs")
    write_docs(validation("Second."), tmp_path / "docs")
    whole = "\n".join(pages(tmp_path / "docs").values())
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]
    assert "Second." in whole
    assert "First." not in whole


def test_a_folder_that_cannot_be_written_leaves_the_former_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_docs(validation("First."), tmp_path / "docs")
    made = validation("Second.")

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(made.context, "build_data_docs", full)
    with pytest.raises(OSError, match="No space left"):
        write_docs(made, tmp_path / "docs")
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]
    assert "First." in "\n".join(pages(tmp_path / "docs").values())
