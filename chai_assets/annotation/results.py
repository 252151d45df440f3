"""What the Label Studio pages share: reading a submitted result safely, writing one, HTML of escaped text.

Label Studio's API stores any JSON as a result, so nothing in one is believed: whatever a page cannot produce
raises `Malformed`, with a reason and a remedy for the person who looks at the quarantine.
What a page asks and what an answer means stands in the stages' own page modules; no database or HTTP here.
"""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from chai_assets.core.ids import sha256_text
from chai_assets.core.word_diff import word_changes

Control = tuple[str, str]
"""Result type (`choices`, `textarea` or `labels`) of a control, and the name of the object it belongs to."""

# A caption has about 100 words; what is longer than this was pasted by accident or on purpose.
LONGEST_TEXT = 4000
MOST_PARTS = 500

_STYLE = Path(__file__).with_name("page_style.xml")
_T = TypeVar("_T")


class Malformed(ValueError):
    """An annotation that cannot be read: `reason` says what is wrong with it, `remedy` what to do now."""

    def __init__(self, reason: str, remedy: str = "open the task again and submit the page anew") -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True)
class ResultPart:
    """One control's piece of a result: `region` joins the pieces that belong to one mark."""

    region: str
    control: str
    value: dict[str, Any]


@dataclass(frozen=True)
class FilledPage:
    """A result split by control; every part is known to name a control of its page, with the right type."""

    parts: tuple[ResultPart, ...]

    @classmethod
    def of(cls, result: object, controls: Mapping[str, Control]) -> "FilledPage":
        """What a page with these controls submitted. Raises Malformed for what it cannot have sent."""
        if not isinstance(result, list):
            raise Malformed(f"the result is {type(result).__name__}, not a list")
        if len(result) > MOST_PARTS:
            raise Malformed(f"the result has {len(result)} parts, more than {MOST_PARTS}")
        return cls(tuple(_part(item, controls) for item in result))

    def choice(self, control: str, allowed: Iterable[str]) -> str | None:
        """The one value chosen, or None. Raises Malformed for several, and for one that is not offered."""
        return _single(self.choices(control, allowed), control)

    def choices(self, control: str, allowed: Iterable[str]) -> list[str]:
        """The values chosen, in the order they are offered. Raises Malformed for one that is not offered."""
        offered = list(allowed)
        chosen = _strings(_only(self.named(control), control), "choices", control)
        for value in chosen:
            if value not in offered:
                raise Malformed(f"{control}: {value[:80]!r} is not among {', '.join(offered)}")
        return [value for value in offered if value in chosen]

    def text(self, control: str) -> str | None:
        """The one text typed, or None. Raises Malformed for several."""
        return _single(self.texts(control), control)

    def texts(self, control: str) -> list[str]:
        """The texts typed, trimmed; empty ones and repetitions are dropped."""
        return texts_of(_only(self.named(control), control), control)

    def named(self, control: str) -> list[ResultPart]:
        """Every part of the control."""
        return [part for part in self.parts if part.control == control]


def texts_of(part: ResultPart | None, control: str) -> list[str]:
    """The texts of a text area's part, trimmed, without empty ones and repetitions."""
    return list(dict.fromkeys(filter(None, (text.strip() for text in _strings(part, "text", control)))))


def required(value: _T | None, what: str) -> _T:
    """The value, or Malformed where it was left out."""
    if value is None:
        raise Malformed(f"{what} is missing")
    return value


def shown(data: object, key: str, kind: type[_T]) -> _T:
    """What the task showed under `key`. Raises Malformed where the task's data was changed from outside."""
    value = data.get(key) if isinstance(data, dict) else None
    if not isinstance(value, kind):
        raise Malformed(
            f"the task's data has no {key} that could be used",
            "the task was changed after it was pushed: delete it, and it is pushed again",
        )
    return value


def choices_part(control: str, to: str, values: Iterable[str]) -> list[dict[str, Any]]:
    """What Label Studio stores for chosen values; nothing where none was chosen."""
    return _written("choices", control, to, {"choices": list(values)})


def texts_part(control: str, to: str, texts: Iterable[str | None]) -> list[dict[str, Any]]:
    """What Label Studio stores for typed texts; nothing where none was typed."""
    return _written("textarea", control, to, {"text": [text for text in texts if text]})


def config(page: Path) -> str:
    """The page's XML with the style that all pages share in place of `<Style/>`."""
    return page.read_text(encoding="utf-8").replace("<Style/>", _STYLE.read_text(encoding="utf-8").strip())


def escape(text: str) -> str:
    """Text made safe to stand in HTML."""
    return html.escape(text)


def html_block(title: str, *pieces: str) -> str:
    """A titled block of built HTML; empty, so that the page hides it, where there is nothing to show."""
    body = "".join(pieces)
    return f"<p><b>{escape(title)}</b></p>{body}" if body else ""


def html_list(lines: Iterable[str]) -> str:
    """A list with one escaped line an item; empty where there are none."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def html_text(text: str | None) -> str:
    """An escaped paragraph; empty where there is no text."""
    return f"<p>{escape(text)}</p>" if text else ""


def html_difference(before: str, after: str) -> str:
    """Both texts in one paragraph, word by word: what went in <del>, what came in <ins>."""
    pieces = []
    for gone, come in word_changes(before, after):
        if gone == come:
            pieces.append(escape(gone))
            continue
        marks = [f"<del>{escape(gone)}</del>"] if gone else []
        marks += [f"<ins>{escape(come)}</ins>"] if come else []
        pieces.append(" ".join(marks))
    return f"<p>{''.join(pieces)}</p>"


def _part(item: object, controls: Mapping[str, Control]) -> ResultPart:
    if not isinstance(item, dict) or not isinstance(item.get("from_name"), str):
        raise Malformed("a part of the result names no control")
    control, value = item["from_name"], item.get("value")
    if control not in controls:
        raise Malformed(f"{control[:80]!r} is no control of this page")
    kind, _ = controls[control]
    if item.get("type") != kind or not isinstance(value, dict):
        raise Malformed(f"{control}: not a value of type {kind}")
    region = item.get("id")
    if not isinstance(region, str):
        raise Malformed(f"{control}: the part has no id")
    return ResultPart(region, control, value)


def _only(parts: list[ResultPart], control: str) -> ResultPart | None:
    if len(parts) > 1:
        raise Malformed(f"{control}: answered {len(parts)} times")
    return parts[0] if parts else None


def _single(values: list[str], control: str) -> str | None:
    if len(values) > 1:
        raise Malformed(f"{control}: {len(values)} values where one is asked for")
    return values[0] if values else None


def _strings(part: ResultPart | None, key: str, control: str) -> list[str]:
    if part is None:
        return []
    values = part.value.get(key)
    if not isinstance(values, list) or len(values) > MOST_PARTS:
        raise Malformed(f"{control}: not a list of texts")
    for value in values:
        if not isinstance(value, str) or not _storable(value):
            raise Malformed(f"{control}: not a text that can be stored")
        if len(value) > LONGEST_TEXT:
            raise Malformed(f"{control}: a text of {len(value)} characters; {LONGEST_TEXT} is the most")
    return values


def _storable(text: str) -> bool:
    """JSON can carry half a character (a lone surrogate), which no UTF-8 column can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _written(kind: str, control: str, to: str, value: dict[str, list[str]]) -> list[dict[str, Any]]:
    if not any(value.values()):
        return []
    part = {"from_name": control, "to_name": to, "type": kind, "origin": "manual", "value": value}
    return [{"id": sha256_text(f"{control} {value}")[:10], **part}]
