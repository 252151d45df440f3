"""The annotators' handbook: the specification as pages to read, look things up in and print.

Every page stands alone (style and drawings inside, no script) and links to the others beside it by name. Elements
are built as a tree and never as text, so that nothing in the specification can become markup. Where the pages are
published is the business of `publish.py`.
"""

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from chai_assets.core.html import Node as _Node
from chai_assets.core.html import element as _el
from chai_assets.spec.compile import labeling_rows
from chai_assets.spec.handbook.pictograms import PICTOGRAMS
from chai_assets.spec.models import SLOT, UNSURE, Aspect, Attribute, Primitive, Spec

INDEX = "index.html"

_STYLE = Path(__file__).with_name("handbook.css")


def handbook(spec: Spec) -> dict[str, str]:
    """The pages by file name: the index, and one for each aspect."""
    return {INDEX: _index(spec)} | {
        page_of(aspect): _AspectPage(spec, aspect).html() for aspect in spec.aspects.values()
    }


def page_of(aspect: Aspect) -> str:
    """File name of an aspect's page."""
    return f"{aspect.id}.html"


def _index(spec: Spec) -> str:
    cards = _el("div", class_="cards")
    for aspect in spec.aspects.values():
        count = f"{len(aspect.attributes)} questions, {len(aspect.primitives)} terms"
        card = _el("a", _el("b", aspect.title), _el("span", ", ".join(aspect.sub_aspects)), _el("small", count))
        card.attrib |= {"class": "card", "href": page_of(aspect)}
        cards.append(card)
    by_term: dict[str, list[_Node]] = {}
    by_loose: dict[str, list[ET.Element]] = defaultdict(list)
    for aspect in spec.aspects.values():
        for primitive in aspect.primitives:
            note = _el("small", f" {aspect.title.lower()}")
            by_term[f"{primitive.term} {primitive.id}"] = [_link(primitive, page_of(aspect)), note]
            for loose in primitive.loose:
                by_loose[loose].append(_link(primitive, page_of(aspect)))
    loose_words = [
        _el("li", _el("i", loose), " → ", *_listed(by_loose[loose])) for loose in sorted(by_loose, key=str.casefold)
    ]
    terms = [_el("li", *by_term[term]) for term in sorted(by_term, key=str.casefold)]
    body = [
        _el("h1", "Handbook"),
        _el("p", "What each caption says, what is asked for it, and what every term means.", class_="lead"),
        cards,
        _el("h2", "All terms"),
        _el("ul", *terms, class_="columns"),
        _el("h2", "What people say, and what it may be"),
        _el("p", "A loose word may stand for several things: read how to tell them apart.", class_="quiet"),
        _el("ul", *loose_words, class_="columns"),
    ]
    return _page(spec, "Handbook", INDEX, body if loose_words else body[:5])


class _AspectPage:
    """One aspect's page, and what it must know of the others to link to them."""

    def __init__(self, spec: Spec, aspect: Aspect) -> None:
        self.spec = spec
        self.aspect = aspect
        self.home = {p.id: (p, page_of(other)) for other in spec.aspects.values() for p in other.primitives}
        self.excluded: dict[str, dict[str, None]] = defaultdict(dict)
        for primitive in aspect.primitives:
            for name in primitive.excludes:
                self.excluded[primitive.id][name] = None
                self.excluded[name][primitive.id] = None

    def html(self) -> str:
        """The whole page."""
        aspect = self.aspect
        confusions = self.confusions()
        body = [
            _el("h1", aspect.title),
            _el("p", aspect.instruction, class_="lead"),
            _el("ul", *(_el("li", rule) for rule in aspect.policy)),
            *([_el("h2", "Tell them apart", id="apart"), self.apart(confusions)] if confusions else []),
            _el("h2", "The questions", id="questions"),
            _el("p", f"In the order in which they are asked. “{UNSURE}” is always an answer.", class_="quiet"),
            _el("ol", *self.questions(), class_="questions"),
        ]
        for part in aspect.sub_aspects:
            primitives = [self.primitive(p) for p in aspect.primitives if p.sub_aspect == part]
            body += [_el("h2", _capital(part), id=_part_id(part)), *primitives] if primitives else []
        return _page(self.spec, aspect.title, page_of(aspect), body, self.contents(bool(confusions)))

    def contents(self, confusions: bool) -> ET.Element:
        """The list beside the page: its parts, and the terms in each."""
        parts = [_el("a", "Tell them apart", href="#apart", class_="part")] if confusions else []
        parts.append(_el("a", "The questions", href="#questions", class_="part"))
        for part in self.aspect.sub_aspects:
            terms = [_el("a", p.term, href=f"#{p.id}") for p in self.aspect.primitives if p.sub_aspect == part]
            parts += [_el("a", _capital(part), href=f"#{_part_id(part)}", class_="part"), *terms] if terms else []
        return _el("nav", *parts, class_="contents")

    def confusions(self) -> dict[str, list[tuple[str, str]]]:
        """The pairs most often taken for one another, by what tells them apart.

        Each of the two names the other before all else; where no two do so, a term and the first it names. The
        rest of what a term is confused with stands beside it.
        """
        first = {p.id: name for p in self.aspect.primitives for name in [*self.known(p)][:1]}
        mutual = {one: name for one, name in first.items() if [*self.known(self.home[name][0])][:1] == [one]}
        pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
        seen: set[frozenset[str]] = set()
        for one, name in (mutual or first).items():
            if {one, name} not in seen:
                seen.add(frozenset({one, name}))
                pairs[self.home[one][0].confused_with[name]].append((one, name))
        return pairs

    def known(self, primitive: Primitive) -> dict[str, str]:
        """What it is confused with, where that is a term; the others are for the lint to find."""
        return {name: apart for name, apart in primitive.confused_with.items() if name in self.home}

    def apart(self, confusions: dict[str, list[tuple[str, str]]]) -> ET.Element:
        """The table of those pairs; two of them, as left and right, may be told apart in the same words."""
        rows = [
            _el(
                "tr",
                *(_el("th", *map(self.pictured, names), scope="row") for names in zip(*pairs, strict=True)),
                _el("td", apart),
            )
            for apart, pairs in confusions.items()
        ]
        return _el("table", _el("tbody", *rows), class_="apart")

    def pictured(self, name: str) -> ET.Element:
        """A link to a term under its drawing."""
        return _el("div", _picture(name), self.link(name))

    def questions(self) -> Iterator[ET.Element]:
        """Every question in the words and order of the labeling page, its answers, and the terms they lead to."""
        for row in (row for group in labeling_rows(self.aspect).values() for row in group):
            attribute = self.aspect.attribute(row["key"])
            yield _el(
                "li",
                _el("b", row["q"]),
                _el("p", attribute.help, class_="quiet") if attribute.help else None,
                _el("ul", *self.answers(attribute), class_="answers") if attribute.options else None,
                id=_question_id(attribute.id),
            )

    def answers(self, attribute: Attribute) -> Iterator[ET.Element]:
        """What can be answered, what that means, and the terms it gives."""
        for option in attribute.options:
            given = [
                self.link(primitive.id)
                for primitive in self.aspect.primitives
                if option.id in primitive.given_by.get(attribute.id, ())
            ]
            label = f" {option.label}" if option.label else None
            yield _el("li", _el("kbd", option.id), label, *([" → ", *_listed(given)] if given else []))

    def primitive(self, primitive: Primitive) -> ET.Element:
        """All about one term."""
        facts: list[tuple[str, list[_Node]]] = [
            ("When it holds", [primitive.rule]),
            ("Given by", self.given(primitive)),
        ]
        if confused := self.known(primitive):
            terms = [_el("li", self.link(name), f": {apart}") for name, apart in confused.items()]
            facts.append(("Often confused with", [_el("ul", *terms)]))
        if primitive.loose:
            facts.append(("Do not say", _listed([_el("s", loose) for loose in primitive.loose])))
        if excluded := self.excluded[primitive.id]:
            facts.append(("Cannot hold together with", _listed([self.link(name) for name in excluded])))
        # Where no example was written yet, the sentence itself, with a gap for what the annotator types.
        example = primitive.example or SLOT.sub("…", primitive.says or "")
        return _el(
            "section",
            _picture(primitive.id),
            _el("h3", _el("a", primitive.term, href=f"#{primitive.id}")),
            _el("p", primitive.definition, class_="definition"),
            _el("blockquote", example),
            _el("dl", *(_el("div", _el("dt", name), _el("dd", *nodes)) for name, nodes in facts)),
            id=primitive.id,
        )

    def given(self, primitive: Primitive) -> list[_Node]:
        """The answers that give the term, in words."""
        nodes: list[_Node] = []
        for name, options in primitive.given_by.items():
            answers = _listed([_el("kbd", option) for option in options], last=" or ")
            question = _el("a", self.aspect.attribute(name).question, href=f"#{_question_id(name)}")
            nodes += [" and " if nodes else None, *answers, " to ", question]
        return nodes

    def link(self, name: str) -> ET.Element:
        """A link to a term, on this page or another."""
        primitive, page = self.home[name]
        return _link(primitive, "" if page == page_of(self.aspect) else page)


def _page(spec: Spec, title: str, file: str, body: list[ET.Element], contents: ET.Element | None = None) -> str:
    pages = {INDEX: "Handbook"} | {page_of(aspect): aspect.title for aspect in spec.aspects.values()}
    tabs = [_el("a", name, href=page, class_="here" if page == file else None) for page, name in pages.items()]
    version = f"Caption specification {spec.version}, {spec.hash[:12]}"
    whole = _el(
        "html",
        _el(
            "head",
            _el("meta", charset="utf-8"),
            _el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            _el("title", title if title == "Handbook" else f"{title} - Handbook"),
            _el("style", _STYLE.read_text(encoding="utf-8")),
        ),
        _el(
            "body",
            _el("header", _el("nav", *tabs), _el("small", version)),
            _el("div", contents, _el("main", *body), class_="sheet"),
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{ET.tostring(whole, encoding='unicode', method='html')}\n"


def _listed(nodes: Iterable[ET.Element], last: str = ", ") -> list[_Node]:
    """The nodes with commas between them, and another word before the last one."""
    nodes = list(nodes)
    listed: list[_Node] = []
    for number, node in enumerate(nodes):
        listed += [(last if number == len(nodes) - 1 else ", ") if number else None, node]
    return listed


def _link(primitive: Primitive, page: str) -> ET.Element:
    return _el("a", primitive.term, href=f"{page}#{primitive.id}")


def _picture(name: str) -> ET.Element | None:
    return ET.fromstring(PICTOGRAMS[name]) if name in PICTOGRAMS else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# Ids of primitives have no underscore, so these can be none of theirs.
def _question_id(attribute_id: str) -> str:
    return f"q_{attribute_id}"


def _part_id(sub_aspect: str) -> str:
    return "part_" + re.sub(r"\W+", "_", sub_aspect)
