"""What the pages show: configurations Label Studio accepts, and HTML in which no text of others is markup."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_studio_sdk.label_interface.interface import LabelInterface

from chai_assets.annotation import results as pages
from chai_assets.core import html
from tests.annotation.answers import EXCHANGES, PAGES, any_text, drafts

COMMON = {"title", "returned", "handbook", "video", "fps"}
OUR_TAGS = {"p", "b", "ul", "li", "del", "ins"}
every_page = pytest.mark.parametrize("name", PAGES)


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text by whether it was taken out, put in, or stayed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open = ""
        self.pieces: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(f"{tag} {attrs}" if attrs else tag)
        self.open = tag

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        self.pieces.append((self.open if self.open in ("del", "ins") else "", data))

    def handle_comment(self, data: str) -> None:
        self.tags.add("comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.add("declaration")

    def handle_pi(self, data: str) -> None:
        self.tags.add("instruction")

    def text(self, *kinds: str) -> str:
        """The text of these kinds, without blanks, which browsers do not tell apart."""
        return "".join("".join(text.split()) for kind, text in self.pieces if kind in kinds)


@every_page
def test_label_studio_accepts_the_page(name: str) -> None:
    LabelInterface(PAGES[name].config()).validate()


@every_page
@settings(max_examples=60)
@given(st.data())
def test_a_task_carries_everything_its_page_shows(name: str, data: st.DataObject) -> None:
    shown, _ = data.draw(EXCHANGES[name])
    asked = set(re.findall(r"\"\$(\w+)", PAGES[name].config()))
    assert asked <= set(shown) | COMMON


@every_page
@settings(max_examples=60)
@given(st.data())
def test_html_in_a_task_holds_no_tags_but_ours(name: str, data: st.DataObject) -> None:
    shown, _ = data.draw(EXCHANGES[name])
    for field in _html_fields(name, shown):
        assert Reader(field).tags <= OUR_TAGS


def _html_fields(name: str, shown: dict[str, Any]) -> Iterator[str]:
    for key in re.findall(r"<HyperText[^>]*value=\"\$(\w+)", PAGES[name].config()):
        if key not in COMMON:
            yield shown[key]


@pytest.mark.parametrize("attack", ["<script>x</script>", "<iframe srcdoc='x'>", "&lt;b&gt;", '"><img src=x>', "<!--"])
def test_an_attack_is_shown_as_the_text_it_is(attack: str) -> None:
    block = pages.html_block(attack, pages.html_list([attack]), pages.html_text(attack))
    block += pages.html_difference(attack, f"{attack} {attack}")
    reader = Reader(block)
    assert reader.tags <= OUR_TAGS
    assert reader.text("") == "".join(attack.split()) * 4
    assert attack in [text for _, text in reader.pieces]


def test_a_link_opens_beside_the_work_and_an_attack_in_it_stays_text() -> None:
    assert html.html_link("/a?b&c", '"><script>') == (
        '<p><a href="/a?b&amp;c" target="_blank" rel="noopener">&quot;&gt;&lt;script&gt;</a></p>'
    )


@settings(max_examples=60)
@given(drafts | any_text, drafts | any_text)
def test_a_difference_holds_both_texts_whole(before: str, after: str) -> None:
    reader = Reader(pages.html_difference(before, after))
    assert reader.text("", "del") == "".join(before.split())
    assert reader.text("", "ins") == "".join(after.split())


def test_a_difference_keeps_changed_words_together() -> None:
    assert pages.html_difference("the camera trucks left, slowly", "the camera dollies in, slowly") == (
        "<p>the camera <del>trucks left</del> <ins>dollies in</ins>, slowly</p>"
    )


def test_nothing_to_show_leaves_no_empty_block() -> None:
    assert pages.html_block("Remarks", pages.html_list([]), pages.html_text(None)) == ""
