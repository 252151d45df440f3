"""The viewer of a dataset in a real browser, from a file: filters, stepping, highlights, clips, hostile texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from chai_assets.critique.findings import Finding
from chai_assets.datasets.read.published import open_dataset
from chai_assets.datasets.read.viewer import write_viewer
from chai_assets.datasets.write.publish import publish
from tests.browser.chromium import STUCK_MS, window
from tests.datasets.factory import clip, export, triple, triples_of
from tests.ingestion import films

pytestmark = pytest.mark.browser

NASTY = """</script><script>window.hit=1</script><img src=x onerror="window.hit=1"> "'&lt; javascript:alert(1)"""
DRAFT = f"A rabbit \U0001f430 sleeps peacefully near a huge oak. {NASTY}"


def _mark(kind: Any, words: str, fix: str = "") -> dict[str, Any]:
    start = DRAFT.index(words)
    return vars(Finding.mark("drf_1", DRAFT, kind, start, start + len(words), fix))


FINDINGS = [
    _mark("wrong", "sleeps peacefully", "dozes \U0001f634"),
    _mark("subjective", "peacefully near"),  # overlaps the first
    _mark("imprecise", "onerror=", NASTY),
    vars(Finding.missing("drf_1", f"Grass sways. {NASTY}")),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The viewer's folder: of sixteen clips only the first has its film, and its camera triple is the hostile one."""
    home = tmp_path_factory.mktemp("viewer")
    clips = [clip(number) for number in range(16)]
    hostile = triple(
        clips[0],
        "camera",
        rating=3,
        triple_id="tri_hostile",
        draft=DRAFT,
        final=f"A rabbit dozes. {NASTY}",
        critique=f"Look \U0001f440: {NASTY}",
        findings=FINDINGS,
        annotator=NASTY,
        model="<b>model</b>",
    )
    rest = [row for row in triples_of(clips) if (row["clip_id"], row["aspect"]) != (clips[0]["clip_id"], "camera")]
    publish(export(clips, [hostile, *rest], eval_share=0.6), str(home / "datasets"))
    film = home / "media" / clips[0]["media_key"]
    film.parent.mkdir(parents=True)
    films.write(film, films.scene(1, frames=30), faststart=True)
    write_viewer(open_dataset("latest", str(home / "datasets")), home / "look", 200, str(home / "media"))
    return home / "look"


@pytest.fixture
def page(pages: Path, tmp_path: Path) -> Iterator[Page]:
    """The viewer in a window, opened as a file; the test fails on any error of its script."""
    with window("", tmp_path) as opened:
        errors: list[str] = []
        opened.page.on("pageerror", lambda error: errors.append(str(error)))
        opened.page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        opened.page.goto((pages / "index.html").as_uri())
        yield opened.page
    assert errors == []


def _until(page: Page, condition: str) -> None:
    """Waits for it to hold. (Playwright's own way evaluates strings, which the page's policy forbids.)"""
    for _ in range(STUCK_MS // 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}")


def _open(page: Page, triple_id: str) -> None:
    page.evaluate("id => { location.hash = id }", triple_id)
    _until(page, f"document.querySelector('#list a[aria-current]').dataset.id === '{triple_id}'")


def test_the_arrows_leaf_and_the_address_follows(page: Page) -> None:
    assert page.inner_text("#place") == "1 of 80"
    assert page.locator("#before").is_disabled()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#place") == "3 of 80"
    address = page.url
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#place") == "2 of 80"
    assert page.url != address
    page.click("#after")
    assert page.url == address
    assert page.locator("#list a[aria-current]").get_attribute("href") == "#" + address.partition("#")[2]


def test_a_deep_link_opens_its_triple_even_past_a_filter(page: Page) -> None:
    page.select_option("#aspect", "scene")
    assert page.inner_text("h1").lower() == "scene"
    _open(page, "tri_hostile")
    _until(page, "document.querySelector('h1').textContent === 'camera'")
    assert page.input_value("#aspect") == ""
    page.reload()
    assert page.inner_text("h1").lower() == "camera"
    assert page.locator("mark").count() == 4


def test_filters_narrow_the_list_together_and_are_taken_back(page: Page) -> None:
    page.select_option("#aspect", "motion")
    assert page.inner_text("#count") == "16 of 80 triples"
    page.select_option("#rating", "5")  # in the factory, each aspect has a rating of its own
    assert page.inner_text("#count") == "16 of 80 triples"
    page.select_option("#kind", "some")
    assert page.inner_text("#count") == "0 of 80 triples"
    assert "No triple of the sample fits" in page.inner_text("main")
    page.click("#clear")
    assert page.inner_text("#count") == "80 triples"
    page.select_option("#kind", "missing")
    assert page.inner_text("#count") == "1 of 80 triples"
    page.click("#clear")
    sizes = {}
    for split in ("train", "eval"):
        page.select_option("#split", split)
        assert page.locator("main .tag").first.inner_text() == split
        sizes[split] = page.locator("#list a").count()
    assert min(sizes.values()) > 0
    assert sum(sizes.values()) == 80


def test_slash_goes_to_the_search_and_arrows_stay_in_it(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("HUGE oak")
    assert page.inner_text("#count") == "1 of 80 triples"
    page.keyboard.press("ArrowLeft")
    assert page.input_value("#search") == "HUGE oak"
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("nowhere to be found")
    assert page.inner_text("#count") == "0 of 80 triples"


def test_highlights_are_the_quoted_words_behind_an_emoji_and_show_their_fix(page: Page) -> None:
    _open(page, "tri_hostile")
    marks = page.locator("mark")
    quoted = ["".join(marks.filter(has_text=part).all_inner_texts()) for part in ("sleeps", "peacefully")]
    assert [marks.nth(at).inner_text() for at in range(4)] == ["sleeps ", "peacefully", " near", "onerror="]
    assert "".join(quoted) + " near" == "sleeps peacefully near"
    for number, finding in enumerate(FINDINGS[:3]):
        words = page.locator(f"mark[data-findings~='{number}']").all_text_contents()
        assert "".join(words) == finding["quote"]
    assert page.locator("section.draft .text").inner_text() == DRAFT
    marks.nth(1).hover()
    assert page.inner_text("#tip").split("\n") == ["wrong: write “dozes \U0001f634”", "", "subjective: remove it"]
    assert page.locator("section.draft .findings li.lit").count() == 2
    remarks = page.locator(".findings li").all_inner_texts()
    assert remarks[3].split("\n") == ["missing", f"Add: {FINDINGS[3]['fix']}"]


def test_markup_in_a_text_is_shown_and_never_run(page: Page) -> None:
    _open(page, "tri_hostile")
    for part in ("section.draft .text", "section.critique", "section.changes", "section.final", ".findings"):
        assert "<script>window.hit=1</script>" in page.inner_text(part), part
    page.click("summary")
    assert NASTY in page.inner_text("details")
    for number in range(4):
        page.locator("mark").nth(number).hover()
    page.keyboard.press("ArrowRight")
    page.fill("#search", NASTY)
    assert page.inner_text("#count") == "1 of 80 triples"
    assert page.evaluate("window.hit") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2


def test_an_approved_caption_has_the_command_that_recalls_it(page: Page) -> None:
    _open(page, "tri_hostile")
    page.click(".recall summary")
    page.click(".recall button")
    chosen = page.evaluate("getSelection().toString()")
    assert chosen == 'chai recall tri_hostile --reason "what is wrong with it"'


def test_the_clip_plays_and_an_absent_one_says_where_it_is_expected(page: Page, pages: Path) -> None:
    _open(page, "tri_hostile")
    _until(page, "document.querySelector('video')?.readyState >= 2")
    page.evaluate("document.querySelector('video').play()")
    _until(page, "document.querySelector('video').currentTime > 0.1")
    page.fill("#search", clip(5)["clip_id"])
    assert page.locator("video").count() == 0
    assert f"{pages.parent}/media/clips/{clip(5)['clip_id']}.mp4" in page.inner_text(".absent")


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_and_texts_stand_out_in_light_and_dark(page: Page, width: int, scheme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    _open(page, "tri_hostile")
    page.click("summary")
    page.click(".recall summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in (".text", ".kind", "mark", "del", "ins", ".quiet", "dt", "summary", ".tag", "#list a b"):
        for contrast in page.evaluate(_CONTRAST, part):
            assert contrast >= 4.5, (part, contrast)


_CONTRAST = """(part) => {
  const parse = (text) => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (node) => {
    if (!node) return [255, 255, 255, 255];
    const [r, g, b, a] = parse(getComputedStyle(node).backgroundColor);
    if (a === 255) return [r, g, b];
    const under = behind(node.parentElement);
    return [r, g, b].map((value, at) => (value * a + under[at] * (255 - a)) / 255);
  };
  const light = (rgb) => {
    const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((value) => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll(part)].map((node) => {
    const pair = [light(parse(getComputedStyle(node).color).slice(0, 3)), light(behind(node))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
}"""
