"""HTML whose texts are always escaped: nothing that is shown can become markup."""

import xml.etree.ElementTree as ET
from html import escape

Node = ET.Element | str | None


def element(tag: str, *children: Node, **attributes: str | None) -> ET.Element:
    """An element; `class_` stands for the attribute class, what is None is left out."""
    element = ET.Element(tag, {name.rstrip("_"): value for name, value in attributes.items() if value is not None})
    last: ET.Element | None = None
    for child in children:
        if isinstance(child, ET.Element):
            element.append(child)
            last = child
        elif child is not None and last is not None:
            last.tail = (last.tail or "") + child
        elif child is not None:
            element.text = (element.text or "") + child
    return element


def html_link(address: str, text: str) -> str:
    """A paragraph that is a link and opens beside the work; HyperText needs `clickableLinks` for it."""
    return f'<p><a href="{escape(address)}" target="_blank" rel="noopener">{escape(text)}</a></p>'
