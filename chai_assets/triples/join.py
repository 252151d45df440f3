"""Joins approved candidates into triples, checking every link of the chain, and withdraws what lost approval. Pure.

The rows of the table `triples` are entries: a triple is in force when its latest entry says `verified`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chai_assets.core import ids
from chai_assets.core.ids import record_id
from chai_assets.core.rows import ClipRow, NewRow, ReviewRow, TripleRow
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.triples.chain_hash import chain_hash
from chai_assets.workflow.item_state import Candidate, Standing


def broken_links(candidate: Candidate, review: ReviewRow) -> list[str]:
    """What is wrong with a chain: ids that do not follow from their record, or records of another chain."""
    draft, critique, revision = candidate.draft, candidate.critique, candidate.revision
    wrong = []
    if draft["draft_id"] != ids.draft_id(draft):
        wrong.append(f"draft {draft['draft_id']} is not what its id was made from")
    if critique["critique_id"] != ids.critique_id(critique):
        wrong.append(f"critique {critique['critique_id']} is not what its id was made from")
    if critique["draft_id"] != draft["draft_id"]:
        wrong.append(f"critique {critique['critique_id']} is about draft {critique['draft_id']}")
    if revision is None and critique["verdict"] != "perfect":
        wrong.append(f"critique {critique['critique_id']} asks for a change and there is no revision")
    if revision is not None:
        if revision["revision_id"] != ids.revision_id(revision):
            wrong.append(f"revision {revision['revision_id']} is not what its id was made from")
        if (revision["draft_id"], revision["critique_id"]) != (draft["draft_id"], critique["critique_id"]):
            wrong.append(f"revision {revision['revision_id']} was made from another draft or critique")
    if review["review_id"] != ids.review_id(review):
        wrong.append(f"review {review['review_id']} is not what its id was made from")
    if review["candidate_id"] != candidate.candidate_id:
        wrong.append(f"review {review['review_id']} is about another candidate")
    if review["author"] in {critique["author"], candidate.acceptance["author"]}:
        wrong.append(f"review {review['review_id']} was written by the author of the critique")
    return wrong


@dataclass
class JoinResult:
    """New entries for the triples table, and the chains that do not hold, each with its faults."""

    entries: list[NewRow] = field(default_factory=list)
    broken: list[NewRow] = field(default_factory=list)


def join_triples(
    items: Iterable[Standing], clips: dict[str, ClipRow], entries: Iterable[TripleRow], lineage: Lineage
) -> JoinResult:
    """Entries that bring the table in line with the standings: approved chains enter, others are withdrawn.

    A triple that a later release asks nothing more of is entered again under that release.
    """
    known: dict[str, list[TripleRow]] = {}
    for entry in entries:
        known.setdefault(entry["triple_id"], []).append(entry)
    outcome, in_force = JoinResult(), set()
    for item in items:
        if item.candidate is None or item.approval is None:
            continue
        row = triple_row(clips[item.clip_id], item.aspect, item.candidate, item.approval, rounds=len(item.critiques))
        if faults := broken_links(item.candidate, item.approval):
            outcome.broken.append({"clip_id": item.clip_id, "aspect": item.aspect, "faults": "; ".join(faults)})
            continue
        in_force.add(row["triple_id"])
        history = known.get(row["triple_id"], [])
        last = history[-1] if history and history[-1]["standing"] == "verified" else None
        row |= _spec_counted_for(item, last or row, lineage)
        if last is None or last["spec_version"] != row["spec_version"]:
            outcome.entries.append(triple_entry(row, "verified", len(history)))
    for triple_id, history in known.items():
        if triple_id not in in_force and history[-1]["standing"] == "verified":
            outcome.entries.append(triple_entry({**history[-1], "recorded_at": None}, "withdrawn", len(history)))
    return outcome


def triple_row(clip: ClipRow, aspect: str, candidate: Candidate, review: ReviewRow, rounds: int) -> NewRow:
    """The triple of an approved candidate, without entry id and standing; `rounds` of critique it took."""
    draft, critique, revision = candidate.draft, candidate.critique, candidate.revision
    chain: dict[str, Any] = {
        "draft_id": draft["draft_id"],
        "critique_id": critique["critique_id"],
        "revision_id": revision["revision_id"] if revision else None,
        "review_id": review["review_id"],
    }
    return {
        **chain,
        "triple_id": record_id("triple", **chain),
        "chain_hash": chain_hash(**chain),
        "batch": clip["batch"],
        "clip_id": clip["clip_id"],
        "source_id": clip["source_id"],
        "aspect": aspect,
        "draft": draft["text"],
        "critique": critique["text"],
        "final": candidate.text,
        "rating": candidate.rating,
        "rounds": rounds,
        "findings": critique["findings"] if revision else [],
        "annotator": critique["author"],
        "reviewer": review["author"],
        "model": draft["model"],
        "spec_version": draft["spec_version"],
        "spec_hash": draft["spec_hash"],
    }


def _spec_counted_for(item: Standing, entry: Mapping[str, Any], lineage: Lineage) -> NewRow:
    """The version a triple counts for: its own as long as the aspect means the same, else the one it is confirmed by.

    While a release still asks something about the item, the triple stays with the version it had.
    """
    if item.asked_again or lineage.compatible(item.aspect, entry["spec_version"]):
        return {"spec_version": entry["spec_version"], "spec_hash": entry["spec_hash"]}
    return {"spec_version": lineage.spec.version, "spec_hash": lineage.spec.hash}


def triples_in_force(entries: pl.DataFrame) -> pl.DataFrame:
    """The triples whose latest entry says `verified`; `entries` in order of writing."""
    return entries.unique("triple_id", keep="last", maintain_order=True).filter(pl.col("standing") == "verified")


def triple_entry(row: NewRow, standing: str, number: int) -> NewRow:
    """The row of the table `triples`; `number` is how many entries the triple has so far."""
    entry = record_id("entry", triple=row["triple_id"], standing=standing, number=number)
    return {**row, "standing": standing, "entry_id": entry}
