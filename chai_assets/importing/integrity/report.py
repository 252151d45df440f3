"""The integrity audit of a corpus as JSON: its files, its items by status, its reviewers, its figures. Pure.

Everything is counted from what the import read and from nothing else. The figures stand in `figures.py`;
how the report looks is in `page.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, get_args

from chai_assets.core.rows import NewRow
from chai_assets.importing.integrity.figures import figures
from chai_assets.importing.item_facts import ItemFacts, ItemStatus
from chai_assets.importing.layout import ASPECTS
from chai_assets.importing.reasons import REFUSALS, WARNINGS

EXAMPLES = 5
"""Paths that are shown for a reason."""
ENOUGH_REVIEWS = 30
"""Reviews below which the share somebody rejects says little of how strict they are."""


def integrity_report(
    batch: str, files: Sequence[NewRow], facts: Sequence[ItemFacts], rows: dict[str, int]
) -> dict[str, Any]:
    """The whole report as JSON. `files`: rows of the import's files; `facts`: its items; `rows`: records by table."""
    return {
        "batch": batch,
        "files": _files(files),
        "records": dict(sorted(rows.items())),
        "sources": len({item.source for item in facts}),
        "clips": len({item.clip for item in facts}),
        "status": _table(facts, lambda item: item.status, get_args(ItemStatus)),
        "triples": _table(facts, lambda item: "triples" if item.triple else None, ("triples",)),
        "ratings": _table(facts, lambda item: str(item.rating) if item.rating else None, tuple("54321")),
        "rejected": _rejected(facts),
        "reviewers": reviewers(facts),
        "shares": [asdict(figure) | {"share": figure.share} for figure in figures(files, facts)],
        "reasons": _reasons(files),
    }


def _files(files: Sequence[NewRow]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in files:
        found[row["kind"]]["files"] += 1
        found[row["kind"]]["records" if row["record_id"] else "report rows"] += 1
        found[row["kind"]]["remarked"] += bool(row["record_id"] and row["reason"])
    return {kind: dict(counts) for kind, counts in sorted(found.items())}


def _table(
    facts: Iterable[ItemFacts], of: Callable[[ItemFacts], str | None], columns: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Counts by aspect and by what is asked of each item; items of which the answer is None are not counted."""
    counts: dict[str, Counter[str]] = {aspect: Counter() for aspect in ASPECTS.values()}
    for item in facts:
        if (name := of(item)) is not None:
            counts[item.aspect][name] += 1
    return {aspect: {name: row[name] for name in columns} for aspect, row in counts.items()}


def _rejected(facts: Sequence[ItemFacts]) -> dict[str, dict[str, int]]:
    reviewed = _table(facts, lambda item: "reviewed" if item.reviewer else None, ("reviewed",))
    rejected = _table(facts, lambda item: "rejected" if item.reviewer and item.rejected else None, ("rejected",))
    return {aspect: reviewed[aspect] | rejected[aspect] for aspect in reviewed}


def reviewers(facts: Iterable[ItemFacts]) -> list[dict[str, Any]]:
    """Each reviewer with their reviews, how many of those reject, and the critiques they wrote; busiest first."""
    reviews, rejections, critiques = Counter[str](), Counter[str](), Counter[str]()
    for item in facts:
        if item.reviewer:
            reviews[item.reviewer] += 1
            rejections[item.reviewer] += item.rejected
        for author in {item.author, item.first_author} - {None}:
            critiques[str(author)] += 1
    return [
        {"person": who, "reviews": count, "rejected": rejections[who], "critiques": critiques[who]}
        for who, count in reviews.most_common()
    ]


def _reasons(files: Sequence[NewRow]) -> list[dict[str, Any]]:
    """Each reason that was found: on how many files of which kind, what it means, what to do, and the first paths."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    paths: dict[str, list[str]] = defaultdict(list)
    for row in sorted(files, key=lambda row: row["path"]):
        for reason in filter(None, (row["reason"] or "").split(", ")):
            kinds[reason][row["kind"]] += 1
            if len(paths[reason]) < EXAMPLES:
                paths[reason].append(row["path"])
    return [
        {
            "reason": reason,
            "refuses": reason in REFUSALS,
            "files": kinds[reason].total(),
            "kinds": dict(kinds[reason].most_common()),
            "means": meaning,
            "remedy": remedy,
            "examples": paths[reason],
        }
        for reason, (meaning, remedy) in (REFUSALS | WARNINGS).items()
        if reason in kinds
    ]
