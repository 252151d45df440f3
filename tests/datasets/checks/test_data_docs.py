"""Data Docs: a site that needs nothing from elsewhere, shows failing rows as texts, and is swapped as a whole."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from chai_assets.datasets.checks.docs import write_docs
from chai_assets.datasets.checks.run import Beside, Judgement, judge
from chai_assets.datasets.checks.suite import FRAMES, suite
from tests.datasets.factory import DATASET_SPEC, NOON, clip, frame, triples_of
from tests.datasets.tables import records_of


def judgement(*texts: str) -> Judgement:
    rows = triples_of([clip(number) for number in range(8)])
    for row, text in zip(rows, texts, strict=False):
        row["final"] = text
    return judge(frame("triples", rows), DATASET_SPEC, Beside(records_of(rows).read, None, NOON))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    made = judgement(*["<img/src=x/onerror=alert(1)> &"] * 7)
    return write_docs(made, home / "data_docs").parent


def pages(site: Path) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_there_is_a_page_for_each_frame_and_each_suite_and_one_that_lists_them(site: Path):
    names = [path.stem for path in pages(site)]
    assert sorted(names) == sorted(["index", *FRAMES, *FRAMES])


def test_every_check_stands_on_a_page_with_what_it_asks_and_what_follows(site: Path):
    text = "\n".join(pages(site).values())
    for check in suite():
        assert check.name in text or check.name == "a_clip_has_one_triple_an_aspect"
        assert f"{check.description} {'Stops the export.' if check.severity == 'error' else 'Warns.'}" in text


def test_no_page_has_a_script_or_an_address_outside_the_site(site: Path):
    for path, text in pages(site).items():
        assert not re.search(r"<script|https?:|//\w+\.", text), path
        for target in re.findall(r'(?:href|src)="([^"#]+)', text):
            assert target == "data:," or (path.parent / unquote(target)).is_file(), (path, target)


def test_of_many_failing_rows_the_first_five_are_shown_and_their_text_is_no_markup(site: Path):
    text = next(text for path, text in pages(site).items() if path.stem == "triples" and "validations" in path.parts)
    section = re.split(r'class="ge-section', text[text.index("captions_have_a_usual_length\n") :])[0]
    assert section.count("&lt;img/src=x/onerror=alert(1)&gt; &amp;") == 5
    assert "<img" not in text


def test_writing_again_replaces_the_site_and_leaves_nothing_beside_it(tmp_path: Path):
    write_docs(judgement("First."), tmp_path / "docs")
    write_docs(judgement("Second."), tmp_path / "docs")
    whole = "\n".join(pages(tmp_path / "docs").values())
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]
    assert "Second." in whole
    assert "First." not in whole


def test_a_folder_that_cannot_be_written_leaves_the_former_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_docs(judgement("First."), tmp_path / "docs")
    made = judgement("Second.")

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(made.context, "build_data_docs", full)
    with pytest.raises(OSError, match="No space left"):
        write_docs(made, tmp_path / "docs")
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]
    assert "First." in "\n".join(pages(tmp_path / "docs").values())
