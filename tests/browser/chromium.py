"""A person at a Chromium window: logs in to Label Studio, opens a queue, works with mouse and keyboard.

A wait that gets stuck fails the test; a picture of what was on the screen then is kept.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STUCK_MS = 30_000  # ten times what a page takes on a busy machine with two cores

_WORDS = """(words) => {
  for (const root of document.querySelectorAll('.chai-text .lsf-htx-richtext')) {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const at = texts.currentNode.data.indexOf(words);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(texts.currentNode, at);
      range.setEnd(texts.currentNode, at + words.length);
      const box = range.getBoundingClientRect();
      return [box.left, box.right, (box.top + box.bottom) / 2];
    }
  }
  return null;
}"""

_ASK = """async ([method, path, body]) => {
  const options = {method, headers: {'Content-Type': 'application/json'}};
  if (body !== null) options.body = JSON.stringify(body);
  return (await fetch(path, options)).status;
}"""


class Window:
    """What a person does in the browser."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def log_in(self, email: str, password: str) -> None:
        """Through the form, as people do."""
        self.page.goto(f"{self.url}/user/login/")
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda address: "/user/login" not in address)

    def open_queue(self, project: int, tab: int) -> None:
        """The next task of a queue, up to where its clip can be played."""
        self.page.goto(f"{self.url}/projects/{project}/data?tab={tab}&labeling=1")
        self.page.wait_for_function("document.querySelector('video')?.readyState >= 3")

    def play(self) -> None:
        """Presses the play button and waits until the picture moves on."""
        self.page.locator(".lsf-timeline-controls button").nth(3).click()
        self.page.wait_for_function("document.querySelector('video').currentTime > 0.2")

    def mark(self, key: str, words: str) -> None:
        """Marks words of the draft with the mouse, after the key of a kind."""
        box = self.page.evaluate(_WORDS, words)
        assert box, f"{words!r} is not on the page"
        left, right, middle = box
        marks = self.marks.count()
        self.page.keyboard.press("Escape")  # lets go of a chosen mark, whose kind the key would change
        self.page.keyboard.press(key)
        self.page.mouse.move(left + 1, middle)
        self.page.mouse.down()
        self.page.mouse.move((left + right) / 2, middle, steps=4)
        self.page.mouse.move(right - 1, middle, steps=4)
        self.page.mouse.up()
        self.marks.nth(marks).wait_for()

    @property
    def marks(self) -> Locator:
        """The list of marked words."""
        return self.page.locator(".lsf-tree__node_type_richtextregion")

    def fix(self, words: str, text: str) -> None:
        """Types what marked words should be."""
        box = self.marks.filter(has_text=words).locator("input:visible")
        box.fill(text)
        box.press("Enter")

    def type(self, card: str, text: str) -> None:
        """Types a line into the card of that title and presses Enter."""
        box = self.page.locator(".chai-card").filter(has_text=card).locator("input[type=text]:visible").first
        box.fill(text)
        box.press("Enter")

    def choose(self, within: str, option: str) -> None:
        """Clicks an answer in the row or card that contains the text."""
        holder = self.page.locator(".chai-q, .chai-card:not(:has(.chai-q))").filter(has_text=within)
        holder.locator(".lsf-choice").filter(has_text=option).first.click()

    def press_submit(self) -> None:
        """Presses Submit, whatever comes of it."""
        self.page.click("button:has-text('Submit'):enabled")

    def dismiss(self, warning: str) -> None:
        """Waits for a warning and presses OK until it is gone: a click while it still opens is lost."""
        self.page.get_by_text(warning).wait_for()
        ok = self.page.get_by_role("button", name="OK")
        while ok.is_visible():
            ok.click()
            self.page.wait_for_timeout(500)

    def submit(self) -> None:
        """Presses Submit and waits until Label Studio has stored the answer."""
        with self.page.expect_response(_is_submission) as stored:
            self.press_submit()
        assert stored.value.status == 201, stored.value.text()

    def refusal(self) -> str:
        """Presses Submit and gives the words with which the answer is refused."""
        with self.page.expect_response(_is_submission) as refused:
            self.press_submit()
        assert refused.value.status == 403, refused.value.text()
        return refused.value.json()["detail"]

    def open_beside(self, link: str) -> Page:
        """Clicks a link that opens a page in a window of its own, and returns that page."""
        with self.page.expect_popup() as opened:
            self.page.get_by_role("link", name=link).click()
        opened.value.wait_for_load_state()
        return opened.value

    def ask(self, method: str, path: str, body: Any = None) -> int:
        """Status of a request made by the page itself, with the person's session."""
        return self.page.evaluate(_ASK, [method, path, body])


def _is_submission(response: Any) -> bool:
    path = response.url.partition("?")[0].rstrip("/")
    return response.request.method == "POST" and path.endswith("/annotations")


@contextmanager
def window(url: str, pictures: Path) -> Iterator[Window]:
    """A fresh browser window; `pictures` receives last.png, what was on the screen when the test was over."""
    if CHROMIUM is None:
        missing = "no Chromium: install the package `chromium`, or Google Chrome"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(STUCK_MS)
        try:
            yield Window(page, url)
        finally:
            page.screenshot(path=pictures / "last.png")
            print(f"The screen at the end: {pictures / 'last.png'}")  # shown by pytest if the test failed
            browser.close()
