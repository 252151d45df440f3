"""The linter over rows of captions: the lines that a page shows, and the counts that an asset reports.

Captions are read here with the states of their labels. The rules are in `caption_lint.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from chai_assets.core.asset_metadata import preview
from chai_assets.linting.caption_lint import FLAG_KINDS, Flag, FlagKind, PrimitiveStates, lint_caption
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.spec.models import Spec

LINES = 8
"""Most lines a page shows: a caption with more flags is better read again as a whole."""


def flag_lines(flags: Iterable[Flag]) -> list[str]:
    """One line for each flag, contradictions first; the same words are named once."""
    ordered = sorted(flags, key=lambda flag: FLAG_KINDS.index(flag.kind))
    lines = {(flag.kind, flag.quote.casefold()): str(flag) for flag in ordered}
    shown = list(lines.values())
    return shown if len(shown) <= LINES else [*shown[: LINES - 1], f"and {len(shown) - LINES + 1} more of the kind"]


class FlagRow(TypedDict):
    """What an asset shows of a flag: where it is, its kind, the words, and the message."""

    clip_id: str
    aspect: str
    kind: FlagKind
    words: str
    doubt: str


def find_flags(
    captions: Iterable[Mapping[str, Any]], states: Mapping[str, PrimitiveStates], spec: Spec
) -> list[FlagRow]:
    """One row for each flag: clip_id, aspect, kind, words, doubt (the message).

    Captions are rows with clip_id, aspect, text and label_id; without that label's states no caption contradicts
    it. Those of an aspect that the specification has not are left out.
    """
    return [
        FlagRow(clip_id=row["clip_id"], aspect=row["aspect"], kind=flag.kind, words=flag.quote, doubt=flag.message)
        for row in captions
        if row["aspect"] in spec.aspects and row["text"]
        for flag in lint_caption(row["text"], lexicon_of(spec, row["aspect"]), states.get(row["label_id"]))
    ]


def count_flags(doubts: Iterable[FlagRow]) -> dict[str, int]:
    """How many flags there are of each kind, zeros included."""
    kinds = [row["kind"] for row in doubts]
    return {kind: kinds.count(kind) for kind in FLAG_KINDS}


def flags_metadata(doubts: list[FlagRow]) -> dict[str, Any]:
    """The metadata of an asset: the number of flags of each kind, and the first five, contradictions first."""
    ordered = sorted(doubts, key=lambda row: FLAG_KINDS.index(row["kind"]))
    return {"doubts_by_kind": count_flags(doubts), "doubts": preview(ordered)}
