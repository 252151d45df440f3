"""The handbook: everything in the specification is found in it once, every link leads somewhere, nothing is markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg
import pytest

from chai_assets.spec import assets
from chai_assets.spec.handbook import publish
from chai_assets.spec.handbook.pages import handbook, page_of
from chai_assets.spec.handbook.pictograms import PICTOGRAMS
from chai_assets.spec.loading.load import load_spec_from
from chai_assets.spec.models import Spec
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.releases import releases_in
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media

SMALL = load_spec_from(Path(__file__).with_name("small"))
GOLDEN = Path(__file__).with_name("small-handbook.html")
SPECS = [SMALL, *(releases_in().read(version) for version in releases_in().written)]
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reading(HTMLParser):
    """A page as a browser reads it: its ids, links and words; elements that are not closed are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raise AssertionError(f"<{tag}/> is not HTML")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def golden() -> str:
    """What an aspect's page says, a line an element, without what all pages share and how drawings are drawn."""
    page = handbook(SMALL)["camera.html"]
    main = re.sub(r"<svg .*?</svg>", "<svg></svg>", page[page.index("<main>") : page.index("</main>")])
    for tag in ("h1", "h2", "h3", "p", "ul", "ol", "li", "table", "tr", "section", "blockquote", "dl", "div"):
        main = main.replace(f"<{tag}>", f"\n<{tag}>").replace(f"<{tag} ", f"\n<{tag} ")
    return main + "\n"


def test_the_camera_page_of_a_small_specification_reads_as_its_golden_file() -> None:
    assert golden() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.version)
def test_every_term_has_its_anchor_once_and_every_link_leads_somewhere(spec: Spec) -> None:
    pages = {name: Reading(html) for name, html in handbook(spec).items()}
    assert list(pages) == ["index.html", *(page_of(aspect) for aspect in spec.aspects.values())]
    ids = [name for page in pages.values() for name in page.ids]
    for aspect in spec.aspects.values():
        page = pages[page_of(aspect)]
        assert len(page.ids) == len(set(page.ids))
        for primitive in aspect.primitives:
            assert ids.count(primitive.id) == 1
            assert primitive.id in page.ids
            for text in (primitive.term, primitive.definition, primitive.rule, *primitive.loose):
                assert text in page.words
        for attribute in aspect.attributes:
            assert attribute.question in page.words
    for name, page in pages.items():
        for link in page.links:
            file, _, anchor = link.partition("#")
            assert (file or name) in pages, f"{name} links to {link}"
            assert not anchor or anchor in pages[file or name].ids, f"{name} links to {link}"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.version)
def test_pages_stand_alone_and_run_nothing(spec: Spec) -> None:
    for html in handbook(spec).values():
        page = Reading(html)
        assert not page.tags & {"script", "link", "img", "iframe", "form"}
        assert not {name for name in page.attributes if name.startswith("on")} | page.attributes & {"src", "srcset"}
        assert "http" not in html
        assert "url(" not in html


def test_what_looks_like_markup_is_shown_as_it_was_written() -> None:
    page = Reading(handbook(SMALL)["subject.html"])
    assert "b" in page.tags  # the handbook's own
    assert "of" not in page.tags
    assert 'Many act as one mass <of people> & "others".' in page.words
    assert "The subject is a crowd of <b>fans</b>." in page.words


def test_a_pair_that_names_each_other_first_stands_once_in_the_table_and_pairs_may_cross_aspects() -> None:
    page = handbook(SMALL)["camera.html"]
    table = page[page.index("<table") : page.index("</table>")]
    assert table.count("<tr>") == 1
    assert "In a dolly near things grow faster" in table
    assert "A zoom shows no parallax, a dolly does." in page.replace(table, "")
    across = handbook(SMALL)["subject.html"]
    assert across[across.index("<table") : across.index("</table>")].count('href="camera.html#dolly-in"') == 1


def test_without_examples_and_confusions_the_page_shows_the_sentence_and_no_table() -> None:
    page = handbook(releases_in().load("1.0.0"))["subject.html"]
    assert "Tell them apart" not in page
    assert "<blockquote>The subject is ….</blockquote>" in page


def test_what_excludes_is_told_on_both_sides() -> None:
    page = handbook(SMALL)["camera.html"]
    for name, other in (("dolly-in", "dolly-zoom"), ("dolly-zoom", "dolly-in")):
        section = page[page.index(f'<section id="{name}"') :].partition("</section>")[0]
        facts = section[section.index("Cannot hold together with") :]
        assert f'href="#{other}"' in facts


def test_every_drawing_belongs_to_a_term() -> None:
    known = {p.id for spec in SPECS for aspect in spec.aspects.values() for p in aspect.primitives}
    assert PICTOGRAMS.keys() <= known


def test_publishing_writes_each_page_once_and_again_only_when_its_words_changed(tmp_path: Path) -> None:
    media = Media(root=str(tmp_path / "media"))
    written = publish.publish(SMALL, media)
    assert sorted(written) == media.list_keys("handbook/")
    assert {f"/{key}" for key in written} == {publish.address(SMALL, name) for name in handbook(SMALL)}
    assert publish.publish(SMALL, media) == []
    media.put_bytes(written[1], b"an older wording")
    assert publish.publish(SMALL, media) == [written[1]]
    assert media.get_bytes(written[1]).decode() == handbook(SMALL)[Path(written[1]).name]


def test_the_asset_publishes_the_handbook_and_says_where_it_is_read(tmp_path: Path) -> None:
    release = SpecRelease()
    resources = {
        "release": release,
        "media": Media(root=str(tmp_path / "media")),
        "label_studio": LabelStudio(url="http://127.0.0.1:1", token="t"),
    }
    written = []
    for _ in range(2):
        (made,) = dg.materialize([assets.spec], resources=resources).get_asset_materialization_events()
        metadata = made.materialization.metadata
        assert metadata["handbook"].value == f"http://127.0.0.1:1{publish.address(release.load())}"
        written.append(metadata["handbook_pages_written"].value)
    assert written == [1 + len(release.load().aspects), 0]
