"""Content-addressed ids: what a record is made of decides its id, so a chain of records can be checked.

Only hashing lives here. Times, Label Studio ids and row order never enter an id, so that the same work done
twice, on two machines or after a crash, gives the same ids.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_PREFIX = {
    "clip": "clp",
    "label": "lbl",
    "draft": "drf",
    "critique": "crt",
    "finding": "fnd",
    "revision": "rev",
}
_PREFIX |= {"candidate": "cnd", "review": "rvw", "feedback": "fbk", "triple": "tri", "merged": "mrg"}
_PREFIX |= {"request": "req", "event": "evt", "entry": "ent", "problem": "prb", "error": "err"}
_PREFIX |= {"dataset": "dst", "score": "scr", "adoption": "adp", "standing": "std", "source": "src"}
_PREFIX |= {"file": "fil", "call": "cll", "polished": "pol", "rights": "rgt", "decision": "dec"}
_PREFIX |= {"correction": "cor"}


# Made once: `json.dumps` makes an encoder at every call, and a batch has tens of thousands of ids.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """One text for one value: keys sorted, no spaces, UTF-8 kept; NaN is refused with ValueError."""
    return _ENCODER.encode(value)


def sha256_text(text: str) -> str:
    """Hex sha256 of the UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def record_id(record: str, /, **parts: Any) -> str:
    """Id of a record: a three-letter prefix and 32 hex digits (128 bits) of the sha256 of its parts.

    Raises KeyError for an unknown kind, TypeError for a part that is not JSON.
    """
    return f"{id_prefix(record)}{sha256_text(canonical_json([record, parts]))[:32]}"


def id_prefix(record: str) -> str:
    """How the ids of a kind of record begin."""
    return f"{_PREFIX[record]}_"


def label_id(row: Mapping[str, Any]) -> str:
    """Id of a `primitives` row: clip, aspect, spec, answers and author."""
    same = ("clip_id", "aspect", "spec_hash", "answers", "problem", "note", "author")
    return record_id("label", **{column: row[column] for column in same})


def _template(row: Mapping[str, Any]) -> dict[str, Any]:
    """The template as a part of an id: two of them can lead to one prompt, or one text. Unknown, it is no part."""
    known = row.get("template_hash")
    return {"template_hash": known} if known else {}


def draft_id(row: Mapping[str, Any]) -> str:
    """Id of a `drafts` row: all that made it (clip, labels, upstream captions, spec, prompt, model, text)."""
    same = (
        "clip_id",
        "aspect",
        "label_id",
        "upstream",
        "spec_hash",
        "prompt_hash",
        "model",
        "served_revision",
    )
    return record_id("draft", **{column: row[column] for column in (*same, "sampling", "text")}, **_template(row))


def critique_id(row: Mapping[str, Any]) -> str:
    """Id of a `critiques` row: the draft, what opened the round, the content and the author."""
    same = ("draft_id", "round", "cause", "verdict", "rating", "findings", "text", "author")
    return record_id("critique", **{column: row[column] for column in same}, **_said(row, "corrections"))


def _said(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    """What is said of labels, as parts of an id: no part where nothing is, as in rows from before that could be."""
    said = {column: row[column] for column in (*columns, "label_stands") if row.get(column)}
    return {"label_id": row["label_id"], **said} if "corrections" in said else said


def correction_id(critique: str, attribute: str) -> str:
    """Id of a `label_corrections` row: the critique, which holds what is corrected to what, and the question."""
    return record_id("correction", critique=critique, attribute=attribute)


def corrected_label_id(label: str, answers: Any) -> str:
    """Id of a label whose answers were corrected: the label as a person gave it, and the answers in force."""
    return record_id("label", corrects=label, answers=answers)


def revision_id(row: Mapping[str, Any]) -> str:
    """Id of a `revisions` row: exactly one draft and one critique, the model, its template and the text."""
    same = ("draft_id", "critique_id", "model", "served_revision", "text")
    return record_id("revision", **{column: row[column] for column in same}, **_template(row))


def review_id(row: Mapping[str, Any]) -> str:
    """Id of a `reviews` row: the candidate, the grade, the verdict with all its remarks, and the author."""
    same = ("candidate_id", "grade", "verdict", "ticks", "misses", "reasons", "note", "author")
    return record_id("review", **{column: row[column] for column in same}, **_said(row, "correction_ticks"))


def feedback_id(row: Mapping[str, Any]) -> str:
    """Id of a `feedback` row: the rejection, the answer and the author."""
    return record_id("feedback", **{column: row[column] for column in ("review_id", "answer", "reason", "author")})


def decision_id(row: Mapping[str, Any], number: int) -> str:
    """Id of a `lead_decisions` row; `number` is how many decisions about its item there were before."""
    same = ("kind", "clip_id", "aspect", "refers_to", "value", "triple_id", "reason", "author")
    return record_id("decision", **{column: row[column] for column in same}, number=number)
