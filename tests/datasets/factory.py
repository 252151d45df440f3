"""Synthetic triples, clips and merged captions with the columns of their tables, for these tests."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import polars as pl

from chai_assets.datasets.select.export_inputs import ExportInputs
from chai_assets.datasets.select.spec_compatibility import DatasetSpec
from chai_assets.triples.chain_hash import chain_hash
from chai_resources.schemas import TABLES

ASPECTS = ("subject", "scene", "motion", "spatial", "camera")
INSTRUCTIONS = {aspect: f"Describe the {aspect} of this video." for aspect in ASPECTS}
SPEC = {"spec_version": "1.0.0", "spec_hash": "5" * 64}
DATASET_SPEC = DatasetSpec(SPEC["spec_version"], SPEC["spec_hash"], aspects=ASPECTS)
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
# Stands wherever a draft prompt would: it must never be seen in a dataset.
DRAFT_PROMPT = "GROUND TRUTH: the camera zooms in"


def _name(kind: str, *parts: object) -> str:
    return f"{kind}_{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"


def source_id(number: int) -> str:
    return hashlib.sha256(f"source {number}".encode()).hexdigest()


def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows with all columns of the table, null where a row says nothing."""
    schema = TABLES[table].schema
    whole = [{name: row.get(name) for name in schema.names} for row in rows]
    empty = pl.from_arrow(schema.empty_table())
    assert isinstance(empty, pl.DataFrame)
    return pl.DataFrame(whole, schema=empty.schema)


def look(number: int) -> str:
    """The signature of a shot: another number looks like nothing else."""
    frames = [hashlib.sha256(f"look {number} {at}".encode()).hexdigest() + f"{number % 200:02x}8080" for at in range(3)]
    return "-".join(frames)


def clip(number: int, clips_per_source: int = 4, **changes: Any) -> dict[str, Any]:
    clip_id = _name("clp", number)
    row = {"batch": "b1", "clip_id": clip_id, "source_id": source_id(number // clips_per_source)}
    row |= {"media_key": f"clips/{clip_id}.mp4", "name": f"clip {number}", "same_as": None}
    return row | {"licence": "CC-BY-4.0", "rights": "Ada Film", "recorded_at": NOON} | changes


def triple(of: dict[str, Any], aspect: str = "camera", rating: int = 4, **changes: Any) -> dict[str, Any]:
    """A sound triple of the clip; its chain hash follows from the ids, changed ones included."""
    perfect = rating == 5
    key = (of["clip_id"], aspect)
    draft = f"In {of['name']} the {aspect} is seen from far away, and a “slow” dolly follows in naïve light."
    finding = {"finding_id": _name("fnd", key), "kind": "wrong", "quote": "far away"}
    finding |= {"start": draft.index("far away"), "end": draft.index("far away") + len("far away")}
    row = {
        "batch": of["batch"],
        "entry_id": _name("ent", key),
        "triple_id": _name("tri", key),
        "standing": "verified",
        "clip_id": of["clip_id"],
        "source_id": of["source_id"],
        "aspect": aspect,
        "draft_id": _name("drf", key),
        "critique_id": _name("crt", key),
        "revision_id": None if perfect else _name("rev", key),
        "review_id": _name("rvw", key),
        "draft": draft,
        "critique": "" if perfect else "Change “far away” to “close by”.",
        "final": draft if perfect else draft.replace("far away", "close by"),
        "rating": rating,
        "rounds": 1,
        "findings": [] if perfect else [finding | {"fix": "close by"}],
        "annotator": "ann-1",
        "reviewer": "rev-1",
        "model": "offline-1",
        "recorded_at": NOON,
    } | SPEC
    row |= changes
    ids = [row[f"{kind}_id"] for kind in ("draft", "critique", "revision", "review")]
    return {"chain_hash": chain_hash(*ids)} | row


def triples_of(clips: list[dict[str, Any]], aspects: tuple[str, ...] = ASPECTS) -> list[dict[str, Any]]:
    """Every aspect of every clip, with ratings 1 to 5 in turn."""
    pairs = [(of, aspect) for of in clips for aspect in aspects]
    return [triple(of, aspect, rating=number * 7 % 5 + 1) for number, (of, aspect) in enumerate(pairs)]


def merged(of: dict[str, Any], parts: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    text = " ".join(part["final"] for part in parts)
    row = {"batch": of["batch"], "merged_id": _name("mrg", of["clip_id"]), "clip_id": of["clip_id"]}
    row |= {"source_id": of["source_id"], "triple_ids": [part["triple_id"] for part in parts]}
    row |= {"text": text, "words": len(text.split()), "spec_version": SPEC["spec_version"]}
    return row | {"model": "offline-1", "prompt": DRAFT_PROMPT, "recorded_at": NOON} | changes


def export(clips: list[dict[str, Any]], triples: list[dict[str, Any]] | None = None, **changes: Any) -> ExportInputs:
    """An export of these clips; without `triples`, of all their aspects with a merged caption each."""
    rows = triples_of(clips) if triples is None else triples
    whole = [merged(of, [row for row in rows if row["clip_id"] == of["clip_id"]]) for of in clips]
    arguments: dict[str, Any] = {
        "triples": frame("triples", rows),
        "clips": frame("clips", clips),
        "merged_captions": frame("merged_captions", [row for row in whole if row["triple_ids"]]),
        "instructions": INSTRUCTIONS,
        "instructions_from": {"version": SPEC["spec_version"], "hash": SPEC["spec_hash"]},
        "table_versions": {"triples": 3, "clips": 1, "merged_captions": 2},
        "dataset_spec": DATASET_SPEC,
        "code_version": "0.1.0",
    }
    return ExportInputs(**(arguments | changes))


def many(count: int, clips_per_source: int = 4, **changes: Any) -> ExportInputs:
    """An export of so many clips with all their aspects."""
    return export([clip(number, clips_per_source) for number in range(count)], **changes)
