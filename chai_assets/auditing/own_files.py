"""What a file of one of our own datasets holds, told from its rows: captions, critiques, or answers of yes and no.

Conversations of all three look alike but for what they ask, and an audit of the wrong ones would count nonsense.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from chai_assets.auditing.jsonl import MESSAGES, AuditRefused, question_at, text_at

Held = Literal["captions", "critiques", "verdicts"]

_CAPTION = re.compile(r"\n\nA caption written for this task:\n(.*)\n\n[^\n]*\Z", re.DOTALL)
"""How a prompt of a dataset's file shows the caption that is asked about."""
_INSTEAD = {
    "captions": "`chai audit captions` reads it",
    "critiques": "`chai audit critiques` reads it",
    "verdicts": "no audit applies; its captions are in caption_generation.jsonl, its critiques in triples.jsonl",
}


def refuse_others(rows: Sequence[dict[str, Any]], wanted: Held) -> None:
    """Raises AuditRefused where the rows are of our own datasets and hold something else, saying what reads that."""
    found = {held_by(row) for row in rows}
    if len(found) == 1 and (held := found.pop()) not in (None, wanted):
        what = "answers of yes and no" if held == "verdicts" else held
        raise AuditRefused(f"not applicable: this file of a dataset holds {what}, no {wanted}: {_INSTEAD[held]}")


def held_by(row: dict[str, Any]) -> Held | None:
    """What a conversation of our own datasets holds; None for any other row, and for rows of several things."""
    if not str(row.get("id", "")).startswith("tri_"):
        return None
    if "chosen" in row or "rejected_response" in row:
        return "captions"
    field = next((name for name in MESSAGES if name in row), "")
    if not field:
        return None
    if caption_asked_about(row) is None:
        return "captions"
    return "verdicts" if text_at(row, field) in {"Yes", "No"} else "critiques"


def caption_asked_about(row: dict[str, Any]) -> str | None:
    """The caption that a conversation of our own datasets asks about; None where it asks about none."""
    for field in MESSAGES:
        if shown := _CAPTION.search(question_at(row, field)):
            return shown[1]
    return None
