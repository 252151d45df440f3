"""The preview in a real browser: a person switches it on, marks, types and sees what a model makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from chai_resources.services.secrets import password_of
from tests.browser.chromium import STUCK_MS, window
from tests.preview.previewing import BATCH, Studio, previewing

pytestmark = pytest.mark.browser

ANN = "ann@example.com"
expect.set_options(timeout=STUCK_MS)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with previewing(tmp_path_factory.mktemp("preview")) as studio:
        yield studio


def test_a_person_sees_a_preview_after_each_finding_and_submits_an_answer_without_it(
    studio: Studio, tmp_path: Path
) -> None:
    task, before = studio.tasks()[0], studio.book.charged.total()
    with window(studio.world.server.url, tmp_path) as desk:
        desk.log_in(ANN, password_of(studio.world.home, ANN))
        desk.open_queue(studio.project, studio.world.label_studio.ensure_queue_tab(studio.project, "ann to do", ""))
        card = desk.page.locator(".chai-preview")
        shown = card.get_by_test_id("textarea-region")
        expect(card).to_contain_text("not part of your answer")
        desk.play()
        desk.page.get_by_test_id("bottombar-auto-annotation-toggle").click(force=True)
        desk.page.evaluate("document.activeElement.blur()")  # or keys go to the switch
        desk.mark("w", "pans left")
        expect(shown).to_contain_text(["Not complete yet"])
        desk.fix("pans left", "tilts up")
        expect(shown.first).to_contain_text("Made of 1 finding:")
        desk.type("Missing from the draft", "A red kite crosses the sky.")
        expect(shown.first).to_contain_text("Made of 2 findings:")
        expect(shown.last).to_contain_text("NOT done: Add: A red kite crosses the sky.")
        assert card.locator("input:visible, textarea:visible").count() == 0, "nothing to type into"
        assert studio.book.charged.total() == before + 2
        desk.choose("How good is the draft?", "3")
        desk.submit()
    studio.world.advance(BATCH)
    [critique] = studio.world.tables.rows("critiques", BATCH)
    assert critique["draft_id"] == task["data"]["draft_id"]
    assert critique["text"] == 'Replace "pans left" with "tilts up". Add: A red kite crosses the sky.'
    assert studio.world.tables.rows("quarantine", BATCH) == []
    assert len(studio.world.tables.rows("revisions", BATCH)) == 1
    assert studio.book.charged.total() == before + 2, "the revision was paid for with the preview"


def test_without_previews_the_page_says_nothing_of_them(studio: Studio, tmp_path: Path) -> None:
    studio.provision("")
    with window(studio.world.server.url, tmp_path) as desk:
        desk.log_in(ANN, password_of(studio.world.home, ANN))
        desk.open_queue(studio.project, studio.world.label_studio.ensure_queue_tab(studio.project, "ann to do", ""))
        expect(desk.page.locator(".chai-preview")).to_be_hidden()
        expect(desk.page.get_by_test_id("bottombar-auto-annotation-toggle")).to_have_count(0)
